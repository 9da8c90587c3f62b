"""How the judge reads a dump of the site: what is where, what was verified, what was done to a session."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from typing import Any

from tests.faults.judge import Undisturbed
from tests.faults.scene import ARCHIVE, EXPORT, GROUP, QUARANTINE, walk

Dump = dict[str, Any]


def in_scope(before: Dump, level: str) -> Iterator[str]:
    """Give the paths of the sessions that a run on the first of a level works on."""
    paths = sorted(path for path, item in walk(before, QUARANTINE) if item["type"] == "session")
    first = paths[0]
    for path in paths:
        if level == "project" or path == first or (level == "subject" and parent_of(path) == parent_of(first)):
            yield path


def by_path(dump: Dump, project: str, kind: str = "file") -> dict[str, list[Dump]]:
    """Return all that is there of a kind by its path below a project, twins side by side."""
    found = defaultdict(list)
    for path, item in walk(dump, project):
        if item["type"] == kind:
            found[path].append(item)
    return dict(found)


def unverified(dump: Dump, session: str, undisturbed: Undisturbed) -> set[str]:
    """Return the files of a session and its subject of which the export project holds no verified copy."""
    expected, there = by_path(undisturbed.after, EXPORT), by_path(dump, EXPORT)
    wanted = of_session(expected, session, subject=True)
    return {
        path
        for path in wanted
        if not any(recorded(file) and file["sha256"] == expected[path][0]["sha256"] for file in there.get(path, ()))
    }


def done_to(dump: Dump, session: str) -> set[str]:
    """Return which of the deeds that must come last were done to a session."""
    here = by_path(dump, QUARANTINE, "session").get(session, [])
    kept = by_path(dump, ARCHIVE, "session").get(session, [])
    deeds = {"moved"} if not here else set()
    deeds |= {"archived"} if kept else set()
    origin = here or kept
    deeds |= {"tagged"} if any("EXPORTED" in one["tags"] for one in origin) else set()
    return deeds


def recorded(file: Dump) -> bool:
    """Tell whether a file says of itself that it was verified."""
    record = (file.get("info") or {}).get("export")
    return isinstance(record, dict) and "sha384" in record


def anonymous(text: str) -> str:
    """Leave out of a difference what is particular to one scene, so that like is counted with like."""
    text = re.sub(r"/children/[^/:]+", "/*", text)
    text = re.sub(r"/files/[^/:]+", "/files/*", text)
    text = re.sub(r"'[0-9a-f]{40,}'", "one digest", text)
    text = re.sub(r"\bsub \d|visit \d|series \d+|\d+\.dcm", "*", text)
    return text if len(text) < 200 else text[:197] + "…"


def plural(things: Collection[Any], noun: str) -> str:
    """Return whether one or several, which is what kinds of violations are told apart by."""
    return f"a {noun}" if len(things) == 1 else f"several {noun}s"


def originals(before: Dump) -> dict[str, list[Dump]]:
    return by_path(before, QUARANTINE)


def of_session(files: Iterable[str], session: str, *, subject: bool) -> set[str]:
    """Return the paths of the files of a session, and of those on its subject."""
    own = {path for path in files if path.startswith(f"{session}/")}
    return own | {path for path in files if subject and parent_of(path) == parent_of(session)}


def parent_of(path: str) -> str:
    return path.rpartition("/")[0]


def below_project(path: str) -> str:
    """Return an origin path without group and project."""
    for project in (QUARANTINE, EXPORT, ARCHIVE):
        if path.startswith(f"{GROUP}/{project}/"):
            return path.removeprefix(f"{GROUP}/{project}")
    return f"/{path}"  # a session that failed before its project was known


def last_line(printed: str) -> str:
    lines = [line for line in printed.strip().splitlines() if line.strip()]
    return re.sub(r"[0-9a-f]{24}|^.*?(ERROR|INFO|WARNING)\s*", "", lines[-1])[-120:] if lines else "nothing printed"
