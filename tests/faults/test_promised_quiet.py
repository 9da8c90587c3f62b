"""A dry run writes nothing and tells what a run would do; no run calls the site more often than is stated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local_site import LocalSite
from tests.faults.conftest import Play
from tests.faults.curator import Curator
from tests.faults.judge import differences
from tests.faults.scene import Shape, seed
from tests.support.gear import Run

SHAPES = {
    "one file": Shape(acquisitions=1, files=1),
    "many acquisitions": Shape(acquisitions=12, files=1),
    "many files": Shape(acquisitions=2, files=9),
    "nothing but attachments": Shape(acquisitions=0, files=0),
}


def told(run: Run) -> list[tuple[str, ...]]:
    """What the export log says of every container and file, but for what only a finished run can know."""
    columns = ("Container", "Name", "Status", "Origin Path", "Export Path", "Size", "Instances", "Changes", "Refused")
    return [tuple(row[column] for column in columns) for row in run.log]


@pytest.mark.parametrize("mode", ["copy", "move", "in_place"])
def test_a_dry_run_writes_nothing_and_predicts_the_run(play: Play, mode: str) -> None:
    preview = play.export(mode, dry_run=True)
    assert preview.code == 0
    assert play.writes() == []
    assert list(differences(play.before, play.site.dump())) == []
    done = play.export(mode)
    assert told(preview) == told(done)
    assert [{**row, "Run": ""} for row in preview.changes] == [{**row, "Run": ""} for row in done.changes]
    assert done.changes


def test_a_dry_run_predicts_that_nothing_is_to_do(play: Play) -> None:
    play.export()
    play.site.clear_requests()
    preview = play.export(dry_run=True, force_export=True)
    assert play.writes() == []
    assert {row["Status"] for row in preview.log} == {"unchanged"}


def _retag(curator: Curator) -> None:
    curator.file.add_tag("late")


def _rename_session(curator: Curator) -> None:
    curator.session.update({"label": "visit renamed"})


def _add_note(curator: Curator) -> None:
    curator.session.add_note("late")


def _reclassify(curator: Curator) -> None:
    curator.file.update_classification({"Custom": ["other"]})


CHANGES: dict[str, Callable[[Curator], None]] = {
    "edit": Curator.edit,
    "replace": Curator.replace,
    "add": Curator.add,
    "add acquisition": Curator.add_acquisition,
    "delete": Curator.delete,
    "correct sex": Curator.correct_sex,
    "rename session": _rename_session,
    "tag": _retag,
    "note": _add_note,
    "classification": _reclassify,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_dry_run_predicts_what_a_change_at_the_origin_leads_to(play: Play, change: Callable[[Curator], None]) -> None:
    play.export()
    change(Curator(play))
    before = play.site.dump()
    preview = play.export(dry_run=True, force_export=True)
    assert list(differences(before, play.site.dump())) == []
    done = play.export(force_export=True)
    assert done.code == 0
    assert told(preview) == told(done)
    play.site.clear_requests()
    again = play.export(force_export=True)
    assert play.writes() == []
    assert {row["Status"] for row in again.log} == {"unchanged"}


@pytest.mark.parametrize("archive", [None, "copy"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_a_run_calls_the_site_no_more_often_than_stated(tmp_path: Path, shape: Shape, archive: str | None) -> None:
    scene = seed(tmp_path / "site", shape=shape)
    files, acquisitions = shape.acquisitions * shape.files + 2, shape.acquisitions
    with LocalSite(scene.root) as site:
        play = Play(site, scene, tmp_path, Path(scene.root))
        options: dict[str, Any] = {} if archive else {"archive_project": None}
        assert play.export(**options).code == 0
        copies = 2 if archive else 1
        more = 2  # may the key tag the origin, too; and the session is read at its turn, as in a run on a project
        assert len(site.requests) <= copies * (6 * files + 6 * acquisitions + 25) + more
        site.clear_requests()
        assert play.export(force_export=True, **options).code == 0
        assert len(site.requests) <= copies * (2 * acquisitions + 15) + more
        assert [call for call in play.calls() if call.endswith("/files/{name}") or "signed" in call] == []
