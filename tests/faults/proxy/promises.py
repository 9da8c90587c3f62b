"""The promises, each a function of what one run was given and what it left: what it yields is a violation.

The judge reads the site by its canonical dump alone and the run by its outputs; it shares nothing with the gear.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.faults import judge
from tests.faults.judge import Undisturbed
from tests.faults.scene import ARCHIVE, EXPORT, GROUP, QUARANTINE, walk
from tests.faults.soak import settled
from tests.support.gear import Run

STAY = frozenset({"created", "updated", "unchanged"})  # statuses that say the export project holds it
WELL = STAY | {"skipped"}
LONGEST_CANCEL = 10.0  # seconds
LONGEST_RUN = 40.0  # seconds, with the patience of a hasty run

Dump = dict[str, Any]
Files = Mapping[str, Sequence[Dump]]


@dataclass(frozen=True)
class Played:
    """A run that was played, and all that the judge may know of it."""

    run: Run
    key: str  # that it was given
    undisturbed: Undisturbed
    before: Dump  # the site
    after: Dump
    preview: bool = False
    archive: bool = True
    level: str = "session"  # it was started on, always the first of its level
    disturbed: bool = True
    wrong_form: bool = False  # whether an answer was none
    repeated: bool = False  # whether the site may have seen a request twice
    killed: bool = False
    cancelled: int = 0  # the signal that asked it to end
    ending: float = 0.0  # seconds from there to its end
    seconds: float = 0.0  # it took
    early: tuple[str, ...] = ()  # what was not in place at the moment of archiving, moving or tagging
    writes: tuple[str, ...] = ()  # calls that write
    idle: bool = False  # whether nothing was left to do
    paths: tuple[str, ...] = field(init=False)  # of the sessions in its scope, below the project

    def __post_init__(self) -> None:
        object.__setattr__(self, "paths", tuple(in_scope(self.undisturbed.before, self.level)))

    @property
    def due(self) -> set[str]:
        """The sessions that it must give account of: not those that an earlier run moved out of reach and tagged."""
        gone = {path for path in self.paths if done_to(self.before, path) >= {"moved", "tagged"}}
        return set(self.paths) - (gone if self.level != "session" else set())

    @property
    def logged(self) -> bool:
        """Whether there is an export log."""
        return bool(list(self.run.output.glob("*_export_log.csv")))

    @property
    def log(self) -> list[dict[str, str]]:
        """The rows of the export log, none where there is none."""
        return self.run.log if self.logged else []

    def rows(self, container: str) -> list[dict[str, str]]:
        """The rows of one kind of container, or of files."""
        return [row for row in self.log if row["Container"] == container]


def p1(played: Played) -> Iterator[str]:
    """Never archived, moved or tagged unless all files of a session and of its subject are verified in export."""
    yield from played.early
    for path in played.paths:
        deeds = done_to(played.after, path) - done_to(played.before, path)
        if deeds and (missing := unverified(played.after, path, played.undisturbed)):
            yield f"{' and '.join(sorted(deeds))} though {plural(missing, 'file')} of it not verified in export"
    for path, files in _originals(played.undisturbed.before).items():
        there = [*by_path(played.after, QUARANTINE).get(path, ()), *by_path(played.after, ARCHIVE).get(path, ())]
        if not any(file["sha256"] == files[0]["sha256"] for file in there):
            yield "an original is lost"


def p2(played: Played) -> Iterator[str]:
    """An undisturbed run after a disturbed one leaves what an undisturbed run leaves, and nothing twice."""
    if played.disturbed:
        return
    if played.run.code:
        yield f"the next, undisturbed run ended with {played.run.code}: {_last(played.run.printed)}"
    for difference in judge.differences(settled(played.undisturbed.after), settled(played.after)):
        yield f"the site differs after the next run: {anonymous(difference)}"


def p3(played: Played) -> Iterator[str]:
    """What is recorded as verified, and what is archived, has the right bytes."""
    expected = by_path(played.undisturbed.after, EXPORT)
    for path, files in by_path(played.after, EXPORT).items():
        right = {file["sha256"] for file in expected.get(path, ())}
        right |= {file["sha256"] for file in by_path(played.undisturbed.before, EXPORT).get(path, ())}
        if any(recorded(file) and file["sha256"] not in right for file in files):
            yield "a file that is recorded as verified has other bytes"
    originals = _originals(played.undisturbed.before)
    for path, files in by_path(played.after, ARCHIVE).items():
        for file in files:
            if recorded(file) and file["sha256"] != originals[path][0]["sha256"]:
                yield "an archived file that is recorded as verified has other bytes"


def p9(played: Played) -> Iterator[str]:
    """A preview writes nothing."""
    if played.preview:
        yield from (f"a preview changed the site: {text}" for text in judge.differences(played.before, played.after))
        yield from (f"a preview sent {call}" for call in played.writes)


def p10(played: Played) -> Iterator[str]:
    """A run that finds nothing to do writes nothing."""
    if played.idle:
        yield from (f"nothing was to do, yet it sent {call}" for call in played.writes)
        yield from map(anonymous, judge.differences(played.before, played.after))


def p12(played: Played) -> Iterator[str]:
    """Each file in exactly one row, and exit code 0 only if all succeeded."""
    rows = played.rows("file")
    for times in Counter(row["Origin Path"] for row in rows).values():
        if times != 1:
            yield f"a file has {times} rows"
    told = {below_project(row["Origin Path"]) for row in rows}
    for session in played.rows("session"):
        own = _of_session(_originals(played.undisturbed.before), below_project(session["Origin Path"]), subject=False)
        if (told & own or session["Status"] in STAY) and (missing := own - told):
            yield f"a session that is {session['Status']} has no row for {plural(missing, 'file')} of it"
    if played.run.code == 0:
        if bad := sorted({row["Status"] for row in played.log if row["Status"] not in WELL}):
            yield f"exit code 0 with rows that are {', '.join(bad)}"
        sessions = {below_project(row["Origin Path"]) for row in played.rows("session")}
        if missing := played.due - sessions:
            yield f"exit code 0 without a row for {plural(missing, 'session')}"
        skipped = {below_project(row["Origin Path"]) for row in played.rows("session") if row["Status"] == "skipped"}
        if lacking := set(_files_of(played, played.due - skipped)) - told:
            yield f"exit code 0 without a row for {plural(lacking, 'file')}"


def p13(played: Played) -> Iterator[str]:
    """No key in what is printed, in the outputs or on the site; no traceback."""
    bare = played.key.rpartition(":")[2]
    if bare in played.run.printed:
        yield "the API key was printed"
    for path in played.run.folder.rglob("*"):
        if path.is_file() and path.name != "config.json" and bare.encode() in path.read_bytes():
            yield f"the API key is in {path.parent.name}/"
    if bare in str(played.after):
        yield "the API key is on the site"
    if "Traceback (most recent call last)" in played.run.printed:
        yield f"a traceback was printed: {_last(played.run.printed)}"


def p15(played: Played) -> Iterator[str]:
    """A run ends in bounded time, whatever the site does."""
    if played.seconds > LONGEST_RUN:
        yield f"took more than {LONGEST_RUN:.0f} s with a patience that is far less"


def p18(played: Played) -> Iterator[str]:
    """A cancelled run ends within 10 s, leaves work/ empty, says what is left, and prints no traceback."""
    if not played.killed and list((played.run.folder / "work").rglob("*")):
        yield "left something in work/"
    if not played.cancelled or played.killed:
        return
    if played.ending > LONGEST_CANCEL:
        yield f"a cancelled run did not end within {LONGEST_CANCEL:.0f} s"
    if played.run.code == 0:
        return  # it was done; all that exit code 0 promises holds for it, too
    if played.run.code != 128 + played.cancelled:
        yield f"a run cancelled by signal {played.cancelled} ended with {played.run.code}"
    if not re.search(r"cancelled.*(run again|left|go on)", played.run.printed, re.IGNORECASE | re.DOTALL):
        yield "a cancelled run does not say what is left to do"


def p19(played: Played) -> Iterator[str]:
    """An answer of the wrong form is never taken for one, nor does it end in an error that nobody foresaw."""
    said = played.run.printed + " ".join(row["Message"] for row in played.log)
    if found := re.search(r"unexpected (\w+)", said):
        yield f"ended in an error that nobody foresaw: {found[0]}"
    if played.wrong_form and played.run.code == 0:
        yield from (f"exit code 0 after an answer that was none, but {text}" for text in not_done(played))


def p20(played: Played) -> Iterator[str]:
    """Every session that a run tagged has its rows in the outputs of that run, whatever ended it."""
    told = {below_project(row["Origin Path"]) for row in played.rows("file")}
    listed = {below_project(row["Origin Path"]) for row in played.rows("session")}
    for path in played.paths:
        if "tagged" not in done_to(played.after, path) - done_to(played.before, path):
            continue
        own = _of_session(_originals(played.undisturbed.before), path, subject=False)
        if path not in listed or own - told:
            how = "killed" if played.killed else f"exit code {played.run.code}"
            yield f"a session was tagged, but its rows are not in the outputs ({how})"


def not_done(played: Played) -> Iterator[str]:
    """Tell what is missing of all that exit code 0 says is done."""
    if played.preview:
        listed = {below_project(row["Origin Path"]) for row in played.rows("file")}
        if missing := set(_files_of(played, played.paths)) - listed:
            yield f"a preview passes over {plural(missing, 'file')}"
        return
    for path in played.paths:
        if unverified(played.after, path, played.undisturbed):
            yield "not all files are exported and verified"
        if "tagged" not in done_to(played.after, path):
            yield "a session is not tagged"
    if not played.repeated:
        for difference in judge.differences(settled(played.undisturbed.after), settled(played.after)):
            yield f"the site differs: {anonymous(difference)}"


def in_scope(before: Dump, level: str) -> Iterator[str]:
    """Give the paths of the sessions that a run on the first of a level works on."""
    paths = sorted(path for path, item in walk(before, QUARANTINE) if item["type"] == "session")
    first = paths[0]
    for path in paths:
        if level == "project" or path == first or (level == "subject" and _parent(path) == _parent(first)):
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
    wanted = _of_session(expected, session, subject=True)
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
    text = re.sub(r"\bsub \d|visit \d|series \d+|\d+\.dcm", "*", text)
    return text if len(text) < 200 else text[:197] + "…"


def plural(things: Sequence[Any] | set[str], noun: str) -> str:
    """Return whether one or several, which is what kinds of violations are told apart by."""
    return f"a {noun}" if len(things) == 1 else f"several {noun}s"


def _originals(before: Dump) -> dict[str, list[Dump]]:
    return by_path(before, QUARANTINE)


def _files_of(played: Played, sessions: Iterable[str]) -> Iterator[str]:
    for path in sessions:
        yield from _of_session(_originals(played.undisturbed.before), path, subject=True)


def _of_session(files: Files, session: str, *, subject: bool) -> set[str]:
    """Return the paths of the files of a session, and of those on its subject."""
    own = {path for path in files if path.startswith(f"{session}/")}
    return own | {path for path in files if subject and _parent(path) == _parent(session)}


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def below_project(path: str) -> str:
    """Return an origin path without group and project."""
    for project in (QUARANTINE, EXPORT, ARCHIVE):
        if path.startswith(f"{GROUP}/{project}/"):
            return path.removeprefix(f"{GROUP}/{project}")
    return f"/{path}"  # a session that failed before its project was known


def _last(printed: str) -> str:
    lines = [line for line in printed.strip().splitlines() if line.strip()]
    return re.sub(r"[0-9a-f]{24}|^.*?(ERROR|INFO|WARNING)\s*", "", lines[-1])[-120:] if lines else "nothing printed"
