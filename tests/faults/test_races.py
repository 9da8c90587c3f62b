"""Other people work on the site while the gear runs: nothing is tagged or archived that was not exported as it is."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.faults.conftest import Play
from tests.faults.curator import Curator
from tests.faults.judge import differences
from tests.faults.scene import ARCHIVE, EXPORT, files_in, sessions_in

LAST_UPLOAD = {"method": "PATCH", "route": "^/acquisitions/[^/]+/files/notes.txt/info$", "times": 1}
FIRST_ARCHIVED = {"method": "POST", "route": "^/acquisitions$", "nth": 6}  # three were for the export project
FIRST_DOWNLOAD = {"method": "GET", "route": "/files/[^/]+$", "times": 1}


FIELDS = ("rename_subject", "correct_sex", "correct_weight")
DEEDS = (*FIELDS, "replace", "edit", "add", "add_acquisition", "delete", "delete_acquisition", "delete_session", "move")


def meddle(play: Play, deed: str, moment: dict[str, Any]) -> Callable[[], int]:
    """Do a deed at a moment of the run; the returned function tells how often it was done."""
    curator = Curator(play)
    done: list[str] = []

    def work() -> None:
        try:
            getattr(curator, deed)()
            done.append(deed)
        finally:
            os.kill(play.pid, signal.SIGCONT)

    def act(_method: str, _path: str) -> None:
        # The gear waits for this very answer; it stands still until the deed is done, while the site goes on.
        os.kill(play.pid, signal.SIGSTOP)
        threading.Thread(target=work).start()

    play.site.fault("hook_after", **moment, hook=act)
    return lambda: len(done)


@pytest.mark.parametrize(
    ("mode", "deed"),
    [*(("copy", deed) for deed in DEEDS), *(("move", deed) for deed in ("replace", "edit", "add", "delete", "move"))],
)
def test_a_session_that_changes_after_its_last_file_is_neither_tagged_nor_archived(
    play: Play, mode: str, deed: str
) -> None:
    done = meddle(play, deed, LAST_UPLOAD)
    run = play.export(mode)
    assert done() == 1
    assert run.code == 1
    dump = play.site.dump()
    for project in (EXPORT, ARCHIVE):
        assert not any("EXPORTED" in session["tags"] for session in sessions_in(dump, project).values())
    assert not sessions_in(dump, ARCHIVE)
    assert not play.tagged()
    (row,) = [row for row in run.log if row["Container"] == "session"]
    assert row["Status"] == "failed"
    assert "during the export" in row["Message"]


@pytest.mark.parametrize("deed", ["replace", "edit", "add", "add_acquisition", "delete", "delete_acquisition", *FIELDS])
def test_the_next_run_exports_what_there_is_now(play: Play, deed: str) -> None:
    done = meddle(play, deed, LAST_UPLOAD)
    assert play.export().code == 1
    assert done() == 1
    play.site.clear_faults()
    run = play.export()
    assert run.code == 0
    assert play.tagged()
    dump = play.site.dump()
    names = set(files_in(dump, "Quarantine"))
    assert names <= set(files_in(dump, EXPORT))
    assert names <= set(files_in(dump, ARCHIVE))
    if deed in FIELDS:
        assert {row["Change"] for row in run.changes}, "the correction is in the DICOM files, too"
    before = dump
    assert play.export(force_export=True).code == 0
    assert list(differences(before, play.site.dump())) == []


@pytest.mark.parametrize("deed", ["replace", "edit", "add", "correct_weight", "delete_session"])
def test_a_session_that_changes_while_it_is_archived_is_not_tagged(play: Play, deed: str) -> None:
    done = meddle(play, deed, FIRST_ARCHIVED)
    run = play.export("copy")
    assert done() == 1
    assert run.code == 1
    assert not play.tagged()


@pytest.mark.parametrize("deed", ["replace", "edit", "delete", "delete_session", "move"])
def test_a_session_that_changes_before_its_first_file_is_fetched_is_not_tagged(play: Play, deed: str) -> None:
    done = meddle(play, deed, FIRST_DOWNLOAD)
    run = play.export()
    assert done() == 1
    assert run.code == 1
    assert not play.tagged()
    assert not sessions_in(play.site.dump(), ARCHIVE)


def test_what_was_exported_of_a_replaced_file_is_one_version_or_the_other(play: Play) -> None:
    """The file is replaced between two downloads of a run: the version that was read is the version that is fetched."""
    meddle(play, "replace", FIRST_DOWNLOAD)
    play.export()
    record = next(file for path, file in play.exported.items() if path.endswith("t1.dicom.zip"))["info"]["export"]
    assert record["origin_version"] == 1
