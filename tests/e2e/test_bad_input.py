"""Bad input gets a clear error that names every problem, and nothing is written."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.support import gear
from tests.support.world import World, image


@pytest.fixture
def quiet(world: World) -> World:
    world.session().add_acquisition(label="A")
    world.site.clear_requests()
    return world


def refused(world: World, run: gear.Run, *words: str) -> None:
    assert run.code == 2, run.printed
    for word in words:
        assert word in run.printed
    assert not world.export.sessions()
    assert "Traceback" not in run.printed


def test_all_configuration_problems_come_out_at_once(quiet: World) -> None:
    run = quiet.run(
        quiet.quarantine.sessions()[0], transfers=99, archive_mode="shift", export_projekt="x", dry_run="yes"
    )
    refused(quiet, run, "transfers", "archive_mode", "export_projekt", "dry_run")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"export_project": "nowhere/Export"}, ("nowhere/Export",)),
        ({"export_project": "not a path"}, ("group/project",)),
        ({"archive_project": "{group}/Export"}, ("two different",)),
        ({"export_project": "{group}/Quarantine"}, ("origin's own",)),
        ({"archive_project": "{group}/Quarantine"}, ("origin's own",)),
        ({"archive_project": "{group}/Elsewhere"}, ("archive_project", "Elsewhere")),
        ({"archive_mode": "move"}, ("archive_mode is move", "archive_project")),
    ],
)
def test_projects_that_cannot_be_used_are_named(quiet: World, config: dict[str, str], words: tuple[str, ...]) -> None:
    named: dict[str, Any] = {key: value.format(group=quiet.group.id) for key, value in config.items()}
    refused(quiet, quiet.run(quiet.quarantine.sessions()[0], **named), *words)


def test_enabled_gear_rules_are_named_and_disabled_ones_are_no_hindrance(quiet: World) -> None:
    gear_doc = {
        "gear": {
            "name": "reader",
            "version": "1",
            "label": "r",
            "inputs": {},
            "config": {},
            "description": "d",
            "author": "a",
            "license": "MIT",
            "source": "",
            "url": "",
        },
        "category": "utility",
    }
    gear_id = quiet.client.add_gear(f"reader-{quiet.group.id}", gear_doc)
    rule = {
        "project_id": quiet.export.id,
        "gear_id": getattr(gear_id, "id", gear_id),
        "name": "Read headers",
        "any": [],
        "all": [{"type": "file.type", "value": "dicom"}],
        "not": [],
        "disabled": False,
    }
    rule_id = quiet.client.add_project_rule(quiet.export.id, rule)["_id"]
    session = quiet.quarantine.sessions()[0]
    refused(quiet, quiet.run(session), "Read headers", "check_gear_rules")
    quiet.client.modify_project_rule(quiet.export.id, rule_id, {"disabled": True})
    assert quiet.run(session).code == 0


def test_missing_rights_are_named_before_anything_is_written(quiet: World) -> None:
    key = quiet.site.add_user("reader@example.org")
    for project, role in ((quiet.quarantine, "rw"), (quiet.export, "ro")):
        quiet.site.grant("reader@example.org", project.id, role)
    quiet.site.clear_requests()
    run = quiet.run(quiet.quarantine.sessions()[0], api_key=key)
    refused(quiet, run, f"{quiet.group.id}/Export", "create subjects")
    assert not quiet.writes()


def test_a_read_only_key_can_preview(quiet: World) -> None:
    key = quiet.site.add_user("looker@example.org")
    for project in (quiet.quarantine, quiet.export):
        quiet.site.grant("looker@example.org", project.id, "ro")
    run = quiet.run(quiet.quarantine.sessions()[0], api_key=key, dry_run=True)
    assert run.code == 0, run.printed


@pytest.mark.parametrize("key", ["", "nonsense", "127.0.0.1:{port}:__force_insecure:wrong-key-0123456789"])
def test_a_missing_or_refused_key_is_said_and_never_shown(quiet: World, key: str) -> None:
    key = key.format(port=quiet.site.url.rpartition(":")[2])
    folder = gear.stage(quiet.folder / "gear", key, ("session", quiet.quarantine.sessions()[0].id), quiet.config())
    run = gear.run(folder)
    assert run.code == 2
    assert "key" in run.printed
    assert "wrong-key" not in run.printed
    assert "Traceback" not in run.printed


def test_a_site_that_does_not_answer_is_said_in_bounded_time(quiet: World) -> None:
    folder = gear.stage(
        quiet.folder / "gear", "127.0.0.1:9:__force_insecure:some-key", ("session", "6" * 24), quiet.config()
    )
    run = gear.run(folder, timeout=60, SESSION_EXPORT_PATIENCE="3")
    assert run.code == 2
    assert "no answer" in run.printed


@pytest.mark.parametrize("destination", [("file", "6" * 24), ("session", "6" * 24), ("", "")])
def test_a_destination_that_cannot_be_used_is_said(quiet: World, destination: tuple[str, str]) -> None:
    run = gear.run(gear.stage(quiet.folder / "gear", quiet.site.api_key, destination, quiet.config()))
    refused(quiet, run, "destination")


def test_a_destination_and_projects_that_cannot_be_used_are_said_together(quiet: World) -> None:
    config = quiet.config(export_project="nowhere/A", archive_project="nowhere/B")
    run = gear.run(gear.stage(quiet.folder / "gear", quiet.site.api_key, ("session", "6" * 24), config))
    refused(quiet, run, "destination cannot be read", "nowhere/A", "nowhere/B")


def test_a_missing_config_is_said(quiet: World) -> None:
    folder = gear.stage(quiet.folder / "gear", quiet.site.api_key, ("session", "6" * 24), {})
    refused(quiet, gear.run(folder), "export_project")
    (folder / "config.json").unlink()
    refused(quiet, gear.run(folder), "config.json")
    (folder / "config.json").write_text("{ not json")
    refused(quiet, gear.run(folder), "config.json")


def with_map(world: World, rows: str, **config: Any) -> gear.Run:
    """Run the gear on the first session with a dicom-map input."""
    session = world.quarantine.sessions()[0]
    folder = gear.stage(world.folder / "gear", world.site.api_key, ("session", session.id), world.config(**config))
    path = folder / "map.yaml"
    path.write_text(rows)
    document = json.loads((folder / "config.json").read_text())
    document["inputs"]["dicom-map"] = {
        "base": "file",
        "hierarchy": {"type": "project", "id": world.quarantine.id},
        "location": {"name": "map.yaml", "path": str(path)},
    }
    (folder / "config.json").write_text(json.dumps(document))
    return gear.run(folder)


def test_a_dicom_map_with_wrong_rows_is_refused_row_by_row(quiet: World) -> None:
    run = with_map(quiet, "NoKeyword: subject.label\nStudyID: patient.name\nPatientID: null\n")
    refused(quiet, run, "line 1, column 1: NoKeyword", "line 2", "patient.name")


def test_a_row_of_the_dicom_map_that_wrote_nothing_is_named(world: World) -> None:
    acquisition = world.session().add_acquisition(label="A")
    world.file(acquisition, "a.dcm", image(), type="dicom")
    rows = 'InstitutionName: "=Our Hospital"\nStudyDescription: session.info.titel\n'
    run = with_map(world, rows, map_flywheel_to_dicom=False)
    assert run.code == 0, run.printed
    assert "only the 2 rows of the dicom-map are written" in run.printed
    assert "session.info.titel has no value for any file" in run.printed
    assert "InstitutionName" not in run.printed
    [(keyword, new)] = [(row["Keyword"], row["New"]) for row in run.changes]
    assert (keyword, new) == ("InstitutionName", "Our Hospital")


@pytest.mark.parametrize("named", ["{group}/export", "{group}/EXPROT", "{group}/Export/S1/V1"])
def test_a_project_that_is_not_there_is_told_by_its_nearest_name(quiet: World, named: str) -> None:
    named = named.format(group=quiet.group.id)
    run = quiet.run(quiet.quarantine.sessions()[0], export_project=named)
    refused(quiet, run, f"Did you mean {quiet.export.group}/{quiet.export.label}?")


def test_blanks_around_a_project_are_no_part_of_its_name(world: World) -> None:
    session = world.session()
    world.file(session.add_acquisition(label="A"), "a.txt", b"text")
    named = f" {world.export.group} / {world.export.label} "
    assert world.run(session, export_project=named).code == 0


def test_a_label_forges_no_line_of_the_log(world: World) -> None:
    label = "Visit\nExported and verified: 99 sessions"
    session = world.session(label=label)
    series = world.file(session.add_acquisition(label="A"), "a.dcm", b"not DICOM", type="archive")
    series.update_info({"header": {"dicom": {"PatientID": "x"}}})
    run = world.run(session)
    assert run.code == 1, run.printed
    assert not [line for line in run.printed.splitlines() if line.startswith("Exported and verified")]
    assert "Visit␊Exported" in run.printed


def test_a_run_that_may_not_list_its_sessions_does_not_start(quiet: World) -> None:
    quiet.site.fault("status", status=403, route="/projects/{id}/sessions")
    run = quiet.run(quiet.quarantine)
    quiet.site.clear_faults()
    refused(quiet, run, "403")
    assert not list(run.output.glob("*_export_log.csv"))
