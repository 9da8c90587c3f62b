"""Every call of the port once, and what it is tried on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from export_session.site import JobRequest, ReadSite, Site, connect
from export_session.site.model import Acquisition, File, Project, Session
from tests.support.world import World

ABSENT = "6" * 24
OWN = {"info": {"export": {"origin_id": "0" * 64}}}  # every create of the gear says of what it makes a copy
NEW = {"info": {"export": {"origin_id": "1" * 64}}}  # the same, of what has no copy yet


@dataclass
class Stage:
    """What there is on the site, by its ids, and a path for content."""

    world: World
    folder: Path
    project: str
    subject: str
    session: str
    acquisition: str
    analysis: str
    gear: str
    note: str
    file: File

    @property
    def request(self) -> JobRequest:
        return JobRequest(self.gear, "Export (tag)", f"tag-{self.session}", {}, {})

    def content(self, text: bytes = b"bytes") -> Path:
        path = self.folder / "content"
        path.write_bytes(text)
        return path

    def absent(self) -> Stage:
        """The same with ids of nothing."""
        nothing = File("", "", 1, "x.txt", 0, "", None, None, {}, {}, (), "acquisition", ABSENT)
        absent = Stage(self.world, self.folder, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, ABSENT, nothing)
        absent.file = File(**{**nothing.__dict__, "file_id": ABSENT})
        return absent


READS: dict[str, Callable[[ReadSite, Stage], Any]] = {
    "identity": lambda site, _: site.identity(),
    "signs_uploads": lambda site, _: site.signs_uploads(),
    "find_project": lambda site, stage: site.find_project(
        stage.world.group.id if stage.project != ABSENT else "nowhere", "Quarantine"
    ),
    "read": lambda site, stage: site.read(Session, stage.session),
    "children": lambda site, stage: list(site.children("session", stage.session, Acquisition)),
    "actions": lambda site, stage: site.actions(site.read(Project, stage.project), stage.world.site.owner),
    "gear_rules": lambda site, stage: site.gear_rules(stage.project),
    "classification_schema": lambda site, _: site.classification_schema("MR"),
    "gear_of": lambda site, stage: site.gear_of(next(site.jobs(stage.request.tag)).id if stage.gear != ABSENT else ABSENT),
    "jobs": lambda site, stage: list(site.jobs(stage.request.tag)),
    "rule_jobs": lambda site, stage: site.rule_jobs(stage.session),
    "read_file": lambda site, stage: site.read_file(stage.file, 1),
    "fetch": lambda site, stage: site.fetch(stage.file, stage.folder / "fetched"),
}  # fmt: skip
WRITES: dict[str, Callable[[Site, Stage], Any]] = {
    "create": lambda site, stage: site.create("acquisition", stage.session, {"label": "new", **NEW}),
    "modify": lambda site, stage: site.modify("session", stage.session, {"weight": 70.5}),
    "set_info": lambda site, stage: site.set_info("session", stage.session, {"a": 1}),
    "add_tags": lambda site, stage: site.add_tags("session", stage.session, ["one", "two"]),
    "remove_tags": lambda site, stage: site.remove_tags("session", stage.session, ["one", "two"]),
    "delete_info": lambda site, stage: site.delete_info("session", stage.session, ["a", "b"]),
    "add_note": lambda site, stage: site.add_note("session", stage.session, "a note"),
    "delete_note": lambda site, stage: site.delete_note("session", stage.session, stage.note),
    "delete": lambda site, stage: site.delete("acquisition", stage.acquisition),
    "store": lambda site, stage: site.store("acquisition", stage.acquisition, stage.content(), {"name": "new.txt"}),
    "modify_file": lambda site, stage: site.modify_file(stage.file, {"modality": "MR"}),
    "set_file_info": lambda site, stage: site.set_file_info(stage.file, {"b": 2}),
    "set_file_classification": lambda site, stage: site.set_file_classification(stage.file, {"Custom": ["mine"]}),
    "add_file_tags": lambda site, stage: site.add_file_tags(stage.file, ["three"]),
    "replace_file_info": lambda site, stage: site.replace_file_info(stage.file, {"c": 3}),
    "set_file_tags": lambda site, stage: site.set_file_tags(stage.file, ["four"]),
    "restore": lambda site, stage: site.restore(stage.file, stage.file),
    "move_session": lambda site, stage: site.move_session(stage.session, stage.subject),
    "start_job": lambda site, stage: site.start_job(stage.session, stage.request),
}


@pytest.fixture
def stage(world: World, tmp_path: Path) -> Stage:
    session = world.session(timestamp="2024-02-01T10:00:00.000+00:00", weight=61.5)
    acquisition = session.add_acquisition(label="T1", **OWN)
    file = world.file(acquisition, "notes.txt", b"first", type="text", info={"kept": True})
    session.add_note("an old note")
    note = session.reload().notes[0].id
    analysis = session.add_analysis(label="Export", inputs=[])
    manifest = {
        **dict.fromkeys(("label", "description", "author", "license", "source", "url"), "x"),
        "name": f"gear-{world.group.id}",
        "version": "1",
        "inputs": {},
        "config": {},
    }
    gear = world.client.add_gear(f"gear-{world.group.id}", {"category": "analysis", "gear": manifest})
    found = connect(world.site.api_key).read(Acquisition, acquisition.id).files[0]
    assert found.name == file.name
    world.site.clear_requests()
    return Stage(
        world,
        tmp_path,
        world.quarantine.id,
        session.subject.id,
        session.id,
        acquisition.id,
        getattr(analysis, "id", analysis),
        str(getattr(gear, "id", gear)),
        note,
        found,
    )


def method_of(name: str) -> str:
    if name in {"create", "add_note", "store", "start_job", "restore"}:
        return "POST"
    if name in {"modify", "modify_file", "move_session", "set_file_tags"}:
        return "PUT"
    return "DELETE" if name in {"delete", "delete_note", "remove_tags"} else "PATCH"
