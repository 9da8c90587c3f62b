"""Other people and other runs at work while files are changed in place: no original, edit or upload is lost."""

from __future__ import annotations

import hashlib
import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults import forked
from tests.faults.conftest import Play
from tests.faults.curator import Curator
from tests.faults.judge import differences
from tests.faults.matrix import config
from tests.faults.scene import QUARANTINE, dicom_zip, files_in
from tests.faults.soak import settled
from tests.faults.test_concurrency import once_noted
from tests.support.gear import Run, stage
from tests.support.world import instances

T1 = "/sub 1/visit 0/T1/t1.dicom.zip"
BEFORE_SENT = {"method": "GET", "route": "^/files/[^/]+$", "times": 1}  # the last look before it is sent
WHILE_SENT = {"method": "PUT", "route": "^/signed/", "times": 1}
BEFORE_RECORDED = {"method": "PATCH", "route": "^/acquisitions/[^/]+/files/t1.dicom.zip/info$", "times": 1}


def meddle(play: Play, deed: Callable[[Curator], Any], kind: str, moment: dict[str, Any]) -> Callable[[], int]:
    """Do a deed at a moment of the run, which stands still meanwhile."""
    curator = Curator(play)
    done: list[str] = []

    def work() -> None:
        try:
            deed(curator)
            done.append("done")
        finally:
            os.kill(play.pid, signal.SIGCONT)

    def act(_method: str, _path: str) -> None:
        os.kill(play.pid, signal.SIGSTOP)
        threading.Thread(target=work).start()

    play.site.fault(kind, **moment, hook=act)
    return lambda: len(done)


def t1(play: Play) -> dict[str, Any]:
    return files_in(play.site.dump(), QUARANTINE)[T1]


def births(play: Play) -> set[str]:
    acquisition = Curator(play).acquisition
    return {str(one.PatientBirthDate) for one in instances(acquisition.read_file("t1.dicom.zip"))}


def earlier(play: Play) -> set[str]:
    return {t1(play)["sha256"], *t1(play)["earlier"]}


@pytest.mark.parametrize("jobs", [2, 4])
def test_the_same_session_at_once(play: Play, jobs: int) -> None:
    folders = [play.folder / f"gear{number}" for number in range(jobs)]
    for path in folders:
        stage(path, play.site.api_key, play.scene.destination, config("in_place", transfers=2))
    processes = [forked.start(path) for path in folders]
    runs = [forked.finish(process, path) for process, path in zip(processes, folders, strict=True)]
    assert all(run.code == 0 for run in runs) or play.tagged()
    again = play.export("in_place")
    assert again.code == 0, again.printed
    wanted, got = (once_noted(settled(dump)) for dump in (play.undisturbed("in_place"), play.site.dump()))
    assert list(differences(wanted, got)) == []
    assert files_in(play.before, QUARANTINE)[T1]["sha256"] in earlier(play)


@pytest.mark.parametrize(
    ("kind", "moment"),
    [("hook", BEFORE_SENT), ("hook", WHILE_SENT), ("hook_after", WHILE_SENT), ("hook", BEFORE_RECORDED)],
)
def test_an_edit_that_is_made_while_a_version_is_sent_is_not_lost(
    play: Play, kind: str, moment: dict[str, Any]
) -> None:
    done = meddle(play, Curator.edit, kind, moment)
    first = play.export("in_place", archive_project="")
    assert done() == 1
    play.site.clear_faults()
    assert first.code == 1, first.printed
    assert not play.tagged()
    again = play.export("in_place", archive_project="")
    assert again.code == 0, again.printed
    assert births(play) == {"19990101"}
    assert t1(play)["info"]["header"]["dicom"]["PatientBirthDate"] == "19990101"


@pytest.mark.parametrize(
    ("kind", "moment"),
    [("hook", BEFORE_SENT), ("hook", WHILE_SENT), ("hook_after", WHILE_SENT), ("hook", BEFORE_RECORDED)],
)
def test_an_upload_that_is_made_while_a_version_is_sent_is_corrected_next(
    play: Play, kind: str, moment: dict[str, Any]
) -> None:
    done = meddle(play, Curator.replace, kind, moment)
    first = play.export("in_place", archive_project="")
    assert done() == 1
    play.site.clear_faults()
    assert first.code == 1, first.printed
    again = play.export("in_place", archive_project="")
    assert again.code == 0, again.printed
    acquisition = Curator(play).acquisition
    assert len(instances(acquisition.read_file("t1.dicom.zip"))) == 3
    assert births(play) == {"19700131"}
    assert {sha(dicom_zip(3)), files_in(play.before, QUARANTINE)[T1]["sha256"]} <= earlier(play)


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def session_row(run: Run) -> dict[str, str]:
    (row,) = [row for row in run.log if row["Container"] == "session"]
    return row


def test_what_gear_rules_make_of_a_new_version_is_not_our_failure(play: Play) -> None:
    def rule(curator: Curator) -> None:
        curator.reclassify()
        curator.annotate()

    done = meddle(play, rule, "hook_after", BEFORE_RECORDED)
    run = play.export("in_place", archive_project="", check_gear_rules=False)
    assert done() == 1
    assert run.code == 0, run.printed
    assert play.tagged()
    assert "other" in t1(play)["classification"]["Custom"]


def test_what_somebody_else_makes_of_a_new_version_is_noticed(play: Play) -> None:
    done = meddle(play, Curator.replace, "hook_after", BEFORE_RECORDED)
    run = play.export("in_place", archive_project="", check_gear_rules=False)
    assert done() == 1
    assert run.code == 1
    assert not play.tagged()
    assert "t1.dicom.zip" in session_row(run)["Message"]
