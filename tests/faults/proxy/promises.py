"""The promises, each a function of what one run was given and what it left: what it yields is a violation.

The judge reads the site by its canonical dump alone and the run by its outputs; it shares nothing with the gear.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.faults import judge
from tests.faults.judge import Undisturbed
from tests.faults.proxy.sites import (
    Dump,
    anonymous,
    below_project,
    by_path,
    done_to,
    last_line,
    of_session,
    originals,
    plural,
    recorded,
    unverified,
)
from tests.faults.scene import ARCHIVE, EXPORT, QUARANTINE
from tests.faults.soak import settled
from tests.support.gear import Run

STAY = frozenset({"created", "updated", "unchanged"})  # statuses that say the export project holds it
WELL = STAY | {"skipped"}
LONGEST_CANCEL = 10.0  # seconds
LONGEST_RUN = 34.0  # seconds, and the patience of the run


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
    paths: tuple[str, ...] = ()  # of the sessions in its scope, below the project
    finds_moved: bool = False  # whether a session that was moved away is still in its scope
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
    calm: float = 0.0  # seconds that it takes undisturbed
    patience: float = 0.0  # seconds that it may lose

    @property
    def due(self) -> set[str]:
        """The sessions that it must give account of: not those that an earlier run moved out of reach and tagged."""
        gone = {path for path in self.paths if done_to(self.before, path) >= {"moved", "tagged"}}
        return set(self.paths) - (set() if self.finds_moved else gone)

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
    for path, files in originals(played.undisturbed.before).items():
        there = [*by_path(played.after, QUARANTINE).get(path, ()), *by_path(played.after, ARCHIVE).get(path, ())]
        if not any(file["sha256"] == files[0]["sha256"] for file in there):
            yield "an original is lost"


def p2(played: Played) -> Iterator[str]:
    """An undisturbed run after a disturbed one leaves what an undisturbed run leaves, and nothing twice."""
    if played.disturbed:
        return
    if played.run.code:
        yield f"the next, undisturbed run ended with {played.run.code}: {last_line(played.run.printed)}"
    for difference in differences(played):
        yield f"the site differs after the next run: {difference}"


def p3(played: Played) -> Iterator[str]:
    """What is recorded as verified, and what is archived, has the right bytes."""
    expected = by_path(played.undisturbed.after, EXPORT)
    for path, files in by_path(played.after, EXPORT).items():
        right = {file["sha256"] for file in expected.get(path, ())}
        right |= {file["sha256"] for file in by_path(played.undisturbed.before, EXPORT).get(path, ())}
        if any(recorded(file) and file["sha256"] not in right for file in files):
            yield "a file that is recorded as verified has other bytes"
    kept = originals(played.undisturbed.before)
    for path, files in by_path(played.after, ARCHIVE).items():
        for file in files:
            if recorded(file) and file["sha256"] != kept[path][0]["sha256"]:
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
        own = of_session(originals(played.undisturbed.before), below_project(session["Origin Path"]), subject=False)
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
        yield f"a traceback was printed: {last_line(played.run.printed)}"


def p15(played: Played) -> Iterator[str]:
    """A run ends in bounded time, whatever the site does."""
    if played.seconds > LONGEST_RUN + played.patience + 5 * played.calm:  # the machine may be busier than it was
        yield f"took more than {LONGEST_RUN:.0f} s above its patience"


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
        own = of_session(originals(played.undisturbed.before), path, subject=False)
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
        yield from (f"the site differs: {difference}" for difference in differences(played))


def differences(played: Played) -> Iterator[str]:
    """Tell how the site differs from what an undisturbed run leaves."""
    return map(anonymous, judge.differences(settled(played.undisturbed.after), settled(played.after)))


def _files_of(played: Played, sessions: Iterable[str]) -> Iterator[str]:
    for path in sessions:
        yield from of_session(originals(played.undisturbed.before), path, subject=True)
