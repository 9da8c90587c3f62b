"""No API key anywhere, and no patient's data but where it was asked for."""

from __future__ import annotations

import base64
import os
import zipfile
from pathlib import Path
from typing import Any

import flywheel
import pytest

from tests.faults.conftest import Play
from tests.faults.matrix import config
from tests.support.gear import Run, run, stage

NEW, OLD = "Canarynew^Nadja", "CompressedSamples^MR1"  # what the curator typed, and what is in the file
FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "forbidden": {"kind": "status", "status": 403, "method": "POST", "route": "^/acquisitions$"},
    "broken page": {"kind": "status", "status": 500, "body": f"<html>{NEW}</html>", "method": "PATCH", "times": 9},
    "not JSON": {"kind": "status", "status": 200, "body": f"{NEW} {{", "method": "GET", "route": "/acquisitions"},
    "wrong shape": {"kind": "status", "status": 200, "body": [NEW], "method": "POST", "route": "^/subjects$"},
    "schema": {
        "kind": "status",
        "status": 422,
        "body": {"detail": [{"loc": ["body", "sex"], "msg": "not allowed", "input": NEW}]},
        "method": "POST",
        "route": "^/subjects$",
    },
    "damaged": {"kind": "corrupt", "method": "PUT", "route": "^/signed/upload/"},
}


def edit(play: Play) -> None:
    client = flywheel.Client(play.site.api_key)
    for acquisition in client.get_session(play.scene.sessions[0]).acquisitions():
        for file in acquisition.reload().files:
            if header := file.info.get("header"):
                file.update_info({"header": {**header, "dicom": {**header["dicom"], "PatientName": NEW}}})


def traces(folder: Path, needle: str) -> list[str]:
    """Name the files below a folder that hold a text, plain or in base64."""
    forms = [needle.encode(), base64.b64encode(needle.encode()).rstrip(b"=")[:-1]]
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != "config.json")
    found = [str(path.relative_to(folder)) for path in files if any(form in content(path) for form in forms)]
    return sorted(found)


def content(path: Path) -> bytes:
    """What is in a file; a workbook is zipped."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as parts:
        return b"".join(map(parts.read, parts.namelist()))


def leaks(play: Play, done: Run, needle: str) -> list[str]:
    """Name every place where a text is that the gear wrote: outputs, work, what it printed, metadata on the site."""
    found = traces(done.folder, needle)
    if needle in done.printed:
        found.append("printed")
    return found


def gear(play: Play, **options: Any) -> Run:
    """Run the gear as a program, as the engine does; key and temporary files in places that are searched."""
    temporary = play.folder / "gear" / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    folder = stage(play.folder / "gear", play.site.api_key, play.scene.destination, config("copy", **options))
    return run(folder, TMPDIR=str(temporary), PYTHONPATH=os.environ.get("PYTHONPATH", ""))


@pytest.mark.parametrize("log_values", ["full", "hash", "none"])
def test_values_are_only_where_they_were_asked_for(play: Play, log_values: str) -> None:
    edit(play)
    done = gear(play, log_values=log_values, debug=True)
    assert done.code == 0, done.printed
    wanted = {"_dicom_changes.csv", "_export.xlsx", "_report.html", "_evidence.zip"} if log_values == "full" else set()
    for value in (NEW, OLD):
        places = leaks(play, done, value)
        assert all(any(place.endswith(ending) for ending in wanted) for place in places), places
        assert bool(places) == bool(wanted)
    assert leaks(play, done, play.site.api_key.rpartition(":")[2]) == []


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("log_values", ["full", "none"])
def test_failures_reveal_neither_key_nor_values(play: Play, fault: str, log_values: str) -> None:
    edit(play)
    if FAULTS[fault]:
        play.site.fault(**FAULTS[fault])
    done = play.export(debug=True, log_values=log_values)
    assert leaks(play, done, play.site.api_key.rpartition(":")[2]) == []
    assert "printed" not in leaks(play, done, NEW)
    assert "printed" not in leaks(play, done, OLD)
    assert not list((done.folder / "work").rglob("*"))
    if log_values == "none":
        assert leaks(play, done, NEW) == leaks(play, done, OLD) == []


def test_no_key_is_left_on_the_site(play: Play) -> None:
    play.export()
    key = play.site.api_key.rpartition(":")[2]
    assert key not in str(play.site.dump())


@pytest.mark.parametrize("log_values", ["full", "none"])
def test_refused_values_are_kept_out_of_messages(play: Play, log_values: str) -> None:
    """A value that cannot be written fails its file; the message says which element, not which value."""
    client = flywheel.Client(play.site.api_key)
    (file,) = [
        file
        for acquisition in client.get_session(play.scene.sessions[0]).acquisitions()
        for file in acquisition.reload().files
        if file.name == "localizer.dcm"
    ]
    header = file.info["header"]
    values = {**header["dicom"], "PatientBirthDate": "canary-31.12.1970", "PatientWeight": "canary-heavy"}
    file.update_info({"header": {**header, "dicom": values}})
    for policy, code in (("fail", 1), ("skip", 0)):
        done = play.export(on_invalid_edit=policy, log_values=log_values, debug=True, force_export=True)
        assert done.code == code, done.printed
        assert "canary-" not in done.printed
        if log_values == "none":
            assert leaks(play, done, "canary-") == []


def test_work_is_for_the_owner_only_and_empty_afterwards(play: Play) -> None:
    seen: list[tuple[str, int]] = []

    def look(_method: str, _path: str) -> None:
        work = play.folder / "run1" / "work"
        seen.extend((path.name, path.stat().st_mode & 0o077) for path in work.iterdir())

    play.site.fault("hook", method="GET", route="/files/[^/]+$", hook=look)
    done = play.export()
    assert seen
    assert {mode for _, mode in seen} == {0}
    assert not list((done.folder / "work").rglob("*"))
