"""Promise P17: what a run says, in its rows, its verdict, its exit code and ``info.qc``, is so on the site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from tests.faults import judge
from tests.faults.proxy.promises import STAY, Played, not_done
from tests.faults.proxy.sites import Dump, anonymous, below_project, by_path, done_to, plural, recorded, unverified
from tests.faults.scene import ARCHIVE, EXPORT, EXPORT_PATH, QUARANTINE

FAILED = re.compile(r"\d+ of \d+ sessions? failed.*")
NOTHING_DONE = re.compile(r"nothing (of (it|them) )?was archived or tagged")  # not: of the others
STOPPED = "The run stopped early"
DONE = re.compile(r"\b\d+ exported\b|\bExported( and verified)?:")
NOTHING_TO_DO = re.compile(r"Nothing to do")
ARCHIVED = re.compile(r"originals of (\d+) sessions? (?:was|were) (?:copied|moved) to the archive")
EXPORTED = re.compile(r"Exported( and verified)?: (\d+) sessions?, (\d+) files?")


def p17(played: Played) -> Iterator[str]:
    """What a run says is so."""
    yield from _exit_code(played)
    if played.preview and DONE.search(played.run.printed):
        yield "a preview says that something is exported"
    if not played.preview:
        yield from _rows(played)
        yield from _verdict(played)
        yield from _qc(played)
    if played.run.code == 0 and not played.wrong_form:
        yield from (f"exit code 0, but {text}" for text in not_done(played))


def _exit_code(played: Played) -> Iterator[str]:
    if played.killed or played.cancelled:
        return
    failed = any(row["Status"] == "failed" for row in played.log) or STOPPED in played.run.printed
    if played.logged and failed == (played.run.code == 0):
        yield f"exit code {played.run.code}, though {'it is said' if failed else 'nothing says'} that something failed"
    if not played.logged and played.run.code != 2:
        yield f"exit code {played.run.code} without an export log"


def _rows(played: Played) -> Iterator[str]:
    expected, there = by_path(played.undisturbed.after, EXPORT), by_path(played.after, EXPORT)
    for row in played.rows("file"):
        path = row["Export Path"].removeprefix(EXPORT_PATH)
        right = {file["sha256"] for file in expected.get(path, ())}
        if row["Status"] in STAY and not any(
            recorded(file) and file["sha256"] in right for file in there.get(path, ())
        ):
            yield f"a file is said to be {row['Status']}, but export holds no verified copy of it"
    for row in played.rows("session"):
        if row["Status"] not in STAY or played.killed or played.cancelled:
            continue
        path = below_project(row["Origin Path"])
        deeds = done_to(played.after, path)
        if missing := unverified(played.after, path, played.undisturbed):
            yield f"a session is said to be {row['Status']}, but {plural(missing, 'file')} of it not in export"
        if "tagged" not in deeds:
            yield f"a session is said to be {row['Status']}, but it is not tagged"
        if played.archive and "archived" not in deeds:
            yield f"a session is said to be {row['Status']}, but it is not archived"


def _verdict(played: Played) -> Iterator[str]:
    said = played.run.printed
    sentence = FAILED.search(said)
    for row in (row for row in played.rows("session") if row["Status"] == "failed"):
        path = below_project(row["Origin Path"])
        deeds = done_to(played.after, path) - done_to(played.before, path)
        if deeds and NOTHING_DONE.search((sentence[0] if sentence else "") + row["Message"]):
            yield f"says that nothing of a failed session was archived or tagged, but it was {', '.join(sorted(deeds))}"
    if NOTHING_TO_DO.search(said) and not played.repeated:
        for difference in judge.differences(played.before, played.after):
            yield f"says that nothing was to do, but the site changed: {anonymous(difference)}"
            break
    newly = [path for path in played.paths if "archived" in done_to(played.after, path) - done_to(played.before, path)]
    if played.run.code == 0 and len(newly) > sum(map(int, ARCHIVED.findall(said))):
        yield "the verdict does not speak of every session that was archived"
    if found := EXPORTED.search(said):
        well = [row for row in played.rows("session") if row["Status"] in STAY]
        files = [row for row in played.rows("file") if row["Status"] in STAY]
        if int(found[2]) != len(well) or int(found[3]) != len(files):
            yield "the verdict counts otherwise than the rows"
        if found[1] and any(unverified(played.after, path, played.undisturbed) for path in played.paths):
            yield "the verdict is that all is verified, and it is not"


def _qc(played: Played) -> Iterator[str]:
    refused = {
        below_project(row["Origin Path"]).rsplit("/", 2)[0] for row in played.rows("file") if int(row["Refused"] or 0)
    }
    passed_before = {path for path in played.paths if _passed(played.before, path)}
    for path in played.paths:
        for project in (QUARANTINE, EXPORT, ARCHIVE):
            for session in by_path(played.after, project, "session").get(path, ()):
                if _state(session) != "PASS":
                    continue
                # A result of an earlier run may be out of date since; one that this run wrote may not.
                stale = path in passed_before and unverified(played.before, path, played.undisturbed)
                if unverified(played.after, path, played.undisturbed) and not stale:
                    yield f"info.qc of a session in {project} is PASS, but not all files are verified"
                if path in refused:
                    yield f"info.qc of a session in {project} is PASS, but edits of it were refused"
        failed = [below_project(row["Origin Path"]) for row in played.rows("session") if row["Status"] == "failed"]
        origin = by_path(played.after, QUARANTINE, "session").get(path, ())
        if (
            path in failed
            and any(_state(one) == "PASS" for one in origin)
            and "could not note" not in played.run.printed
        ):
            yield "a session failed, but info.qc of it is PASS"


def _passed(dump: Dump, path: str) -> bool:
    """Tell whether info.qc of a session, its copy or its archived original is PASS."""
    projects = (QUARANTINE, EXPORT, ARCHIVE)
    sessions = (one for project in projects for one in by_path(dump, project, "session").get(path, ()))
    return any(_state(session) == "PASS" for session in sessions)


def _state(session: Dump) -> Any:
    """Return what info.qc says, whatever shape it has."""
    found: Any = session.get("info")
    for key in ("qc", "session-export", "export", "state"):
        found = found.get(key) if isinstance(found, dict) else None
    return found
