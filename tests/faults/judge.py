"""What must hold of the site and of the reports after any run, whatever happened in it.

The judge knows the outcome of the undisturbed run only as a canonical dump of the site; it shares nothing with the
gear.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_site.site.journal import Entry
from tests.faults.scene import ARCHIVE, EXPORT, GROUP, QUARANTINE, files_in, sessions_in
from tests.support.gear import Run

WRITING = {"POST", "PUT", "PATCH", "DELETE"}
STAY = {"created", "updated", "unchanged"}  # statuses that say the export project holds the file


@dataclass(frozen=True)
class Undisturbed:
    """The site before and after a run that nothing disturbed."""

    before: dict[str, Any]
    after: dict[str, Any]
    holds: str = EXPORT  # the project that holds the corrected files


def interrupted(site: dict[str, Any], undisturbed: Undisturbed) -> Iterator[str]:
    """Tell what must not be after a run that was cut short at any moment."""
    exported, expected = (files_in(dump, undisturbed.holds) for dump in (site, undisturbed.after))
    yield from _originals_lost(site, undisturbed)
    for path, session in sessions_in(undisturbed.before, QUARANTINE).items():
        there, here = sessions_in(site, QUARANTINE).get(path), sessions_in(site, ARCHIVE).get(path)
        moved = there is None
        tagged = any(found and "EXPORTED" in found["tags"] for found in (there, here))
        if "EXPORTED" in session["tags"] or not (moved or tagged):
            continue
        for name in _of_session(expected, path, undisturbed):
            if not _right(exported.get(name), expected[name]):
                yield f"{path} was {'moved' if moved else 'tagged'} before {name} was verified in {undisturbed.holds}"
        if tagged:
            archived, due = files_in(site, ARCHIVE), files_in(undisturbed.after, ARCHIVE)
            for name in _of_session(due, path, undisturbed):
                if name not in archived or archived[name]["sha256"] != due[name]["sha256"]:
                    yield f"{path} was tagged before {name} was in the archive"
    for name, file in exported.items():
        if _recorded(file) and (name not in expected or file["sha256"] != expected[name]["sha256"]):
            yield f"{name} is recorded as verified but holds other bytes"


def repeated(site: dict[str, Any], undisturbed: Undisturbed) -> Iterator[str]:
    """Tell how the site differs from what an undisturbed run leaves."""
    yield from differences(undisturbed.after, site)


def sent_again(
    before: dict[str, Any], after: dict[str, Any], calls: Sequence[Entry], holds: str = EXPORT
) -> Iterator[str]:
    """Tell whether a run sent a file that was already there, verified and recorded."""
    missing = 0
    for project in (holds, ARCHIVE):
        there = files_in(before, project)
        missing += sum(
            not _recorded(there.get(name, {})) for name, file in files_in(after, project).items() if _recorded(file)
        )
    sent = sum(call.method == "PUT" and call.path.startswith("/signed/") for call in calls)
    if sent > missing:
        yield f"{sent} uploads, though only {missing} files were not yet verified"


def rows(run: Run, site: dict[str, Any], undisturbed: Undisturbed) -> Iterator[str]:
    """Tell where the export log and the exit code say something else than the site."""
    if not list(run.output.glob("*_export_log.csv")):
        if run.code == 0:
            yield "exit code 0 without an export log"
        return
    files = [row for row in run.log if row["Container"] == "file"]
    for path, times in Counter(row["Origin Path"] for row in files).items():
        if times != 1:
            yield f"{path} has {times} rows"
    yield from _without_row(run, files, undisturbed)
    exported, expected = (files_in(dump, undisturbed.holds) for dump in (site, undisturbed.after))
    for row in files:
        name = row["Export Path"].removeprefix(f"{GROUP}/{undisturbed.holds}")
        if row["Status"].lower() in STAY and not _right(exported.get(name), expected.get(name, {})):
            yield f"{row['Origin Path']} is reported as {row['Status']}, but {undisturbed.holds} does not hold it"
    failed = any(row["Status"].lower() == "failed" for row in run.log)
    stopped = "the run stops" in run.printed  # between two sessions
    if run.code in {0, 1} and (failed or stopped) == (run.code == 0):  # killed or cancelled: no word on the whole
        yield f"exit code {run.code}, though {'a row' if failed else 'no row'} says that something failed"


def _without_row(run: Run, files: list[dict[str, str]], undisturbed: Undisturbed) -> Iterator[str]:
    """Tell which files of a session have no row though others have; where it could not be read, none has."""
    told = {row["Origin Path"] for row in files}
    for session in (row for row in run.log if row["Container"] == "session"):
        path = session["Origin Path"]
        own = {name for name in files_in(undisturbed.before, QUARANTINE) if name.startswith(f"{_below_project(path)}/")}
        wanted = {path.removesuffix(_below_project(path)) + name for name in own}
        if wanted & told and not wanted <= told:
            yield f"no row for {', '.join(sorted(wanted - told))}"
        if session["Status"] in STAY and not wanted <= told:
            yield f"{path} is {session['Status']}, but has no row for {', '.join(sorted(wanted - told))}"


def _below_project(path: str) -> str:
    """Return the part of an origin path behind group and project, such as ``/subject/session``."""
    return "/" + path.split("/", 2)[2]


def left_behind(run: Run) -> Iterator[str]:
    """Tell what a run that ended by itself left in its work directory."""
    if run.code >= 0:
        yield from (f"left {path.relative_to(run.folder)} behind" for path in (run.folder / "work").rglob("*"))


def differences(wanted: Any, got: Any, path: str = "") -> Iterator[str]:
    """Tell where two dumps differ."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        for key in sorted({*wanted, *got}):
            if key not in got or key not in wanted:
                yield f"{path}/{key} is {'missing' if key in wanted else 'too much'}"
            else:
                yield from differences(wanted[key], got[key], f"{path}/{key}")
    elif isinstance(wanted, list) and isinstance(got, list) and len(wanted) == len(got):
        for index, (one, other) in enumerate(zip(wanted, got, strict=True)):
            label = one.get("label") or one.get("name") if isinstance(one, dict) else None
            yield from differences(one, other, f"{path}/{label or index}")
    elif wanted != got:
        short = f"{len(got)} instead of {len(wanted)} items" if isinstance(wanted, list) else f"{got!r}, not {wanted!r}"
        yield f"{path}: {short}"


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _originals_lost(site: dict[str, Any], undisturbed: Undisturbed) -> Iterator[str]:
    there = files_in(site, QUARANTINE)
    archived = files_in(site, ARCHIVE)
    for name, file in files_in(undisturbed.before, QUARANTINE).items():
        held = (held.get(name, {}) for held in (there, archived))
        if not any(file["sha256"] in (one.get("sha256"), *one.get("earlier", ())) for one in held):
            yield f"the original {name} is lost"


def _of_session(files: dict[str, dict[str, Any]], session: str, undisturbed: Undisturbed) -> Iterator[str]:
    """Give the paths of a session's files, and of those on its subject where the subject has no other session."""
    subject = session.rpartition("/")[0]
    alone = sum(path.startswith(f"{subject}/") for path in sessions_in(undisturbed.before, QUARANTINE)) == 1
    for path in files:
        if path.startswith(f"{session}/") or (alone and path.rpartition("/")[0] == subject):
            yield path


def _right(file: dict[str, Any] | None, expected: dict[str, Any]) -> bool:
    """Tell whether a file is what it is to be; one that needed nothing in place has no record."""
    return file is not None and file["sha256"] == expected.get("sha256") and _recorded(file) >= _recorded(expected)


def _recorded(file: dict[str, Any]) -> bool:
    said = file.get("info", {}).get("export") or {}
    return "sha384" in said and not said.get("pending")
