"""One play: a seed draws a scene, victims and faults; the gear runs under fire, is run again, and is judged."""

from __future__ import annotations

import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from local_site import LocalSite
from tests.faults import forked
from tests.faults.judge import WRITING
from tests.faults.proxy import promises
from tests.faults.proxy.promises import Played, differences
from tests.faults.proxy.said import p17
from tests.faults.proxy.scenes import CASES, Rehearsed, staged
from tests.faults.proxy.server import Proxy, Strike
from tests.faults.proxy.sites import done_to, in_scope, plural, unverified
from tests.faults.proxy.trouble import KINDS
from tests.faults.proxy.wire import Request
from tests.faults.scene import ARCHIVE_PATH, Scene
from tests.support.gear import Run

PROMISES: dict[str, Callable[[Played], Iterator[str]]] = {
    "P1": promises.p1,
    "P2": promises.p2,
    "P3": promises.p3,
    "P9": promises.p9,
    "P10": promises.p10,
    "P12": promises.p12,
    "P13": promises.p13,
    "P15": promises.p15,
    "P17": p17,
    "P18": promises.p18,
    "P19": promises.p19,
    "P20": promises.p20,
}
UNDER_FIRE = forked.Haste(first_wait=0.002, patience=6.0, answer=1.5)
# A run that is told to end must not need the end of a silence for it.
TO_BE_ENDED = forked.Haste(first_wait=0.002, patience=20.0, answer=20.0)
MUCH_TOO_LONG = 120.0  # seconds: a disturbed run that has not ended by then never does
LONGEST = 600.0  # seconds that an undisturbed run may take on a busy machine
HOW_MANY = (1, 1, 1, 1, 2, 2, 3)  # faults of a run
HOW_OFTEN = (1, 1, 1, 1, 1, 2, 3, 10_000)  # calls that one fault strikes, one after the other
HARD = frozenset({"stalls", "trickles"})  # each costs what a run waits for an answer: never more than a few


@dataclass(frozen=True)
class Violation:
    """A promise that was broken, and in which run of a play."""

    promise: str
    text: str
    when: str


@dataclass(frozen=True)
class Verdict:
    """What became of a play."""

    seed: int
    scene: str
    strikes: tuple[Strike, ...]  # that met a call
    code: int  # of the disturbed run
    violations: tuple[Violation, ...]
    missed: bool = False  # no fault met a call


def draw(seed: int, rehearsed: Rehearsed) -> list[Strike]:
    """Draw victims and faults: first the kind, so that each comes as often, then a route, then one of its calls."""
    chance = random.Random(f"strikes {seed}")
    strikes = []
    for _ in range(chance.choice(HOW_MANY)):
        kind = KINDS[chance.choice(sorted(KINDS))]
        fitting = [call for call in rehearsed.calls if kind.concerns(call[0], call[1])]
        if not fitting:
            continue
        method, route, times = chance.choice(fitting)
        often = 1 if kind.name in HARD or kind.name.startswith("SIG") else chance.choice(HOW_OFTEN)
        strikes.append(Strike(kind.name, method, route, chance.randint(1, times), often, chance.randrange(1 << 30)))
    return strikes


def scene_of(seed: int, names: Sequence[str] = tuple(CASES)) -> str:
    """Draw a scene."""
    return random.Random(f"scene {seed}").choice(names)


def play(seed: int, rehearsed: Rehearsed, strikes: Sequence[Strike] | None = None) -> Verdict:
    """Disturb a run, judge; run undisturbed, judge; run once more with nothing to do, judge."""
    with tempfile.TemporaryDirectory(prefix="proxy-") as folder:
        root = shutil.copytree(rehearsed.seeded, Path(folder, "site"))
        with LocalSite(root, **rehearsed.case.switches) as site:
            game = Game(rehearsed, site, Scene.load(root), Path(folder))
            return game.play(seed, draw(seed, rehearsed) if strikes is None else list(strikes))


@dataclass
class Game:
    """A site, and the runs of the gear that are played on it."""

    rehearsed: Rehearsed
    site: LocalSite
    scene: Scene
    folder: Path
    early: list[str] = field(default_factory=list)

    def play(self, seed: int, strikes: Sequence[Strike]) -> Verdict:
        first = self.disturbed(strikes)
        violations = [*judged(first, "disturbed run")]
        later = [] if first.run.code == 0 and not any(differences(first)) else list(self.mended(first))
        for played in later:
            violations += judged(played, "next run")
        if all(played.run.code == 0 for played in later):
            third = self.undisturbed("third", force_export=True)
            violations += judged(replace(third, disturbed=False, idle=True), "run after it")
        met = tuple(strike for strike in strikes if strike.struck)
        return Verdict(seed, self.rehearsed.name, met, first.run.code, tuple(violations), missed=not met)

    def mended(self, first: Played) -> Iterator[Played]:
        """Run the gear undisturbed; the last run is held against what an undisturbed one leaves."""
        if first.run.code or first.preview:
            second = self.undisturbed("second")
            twins = first.repeated and second.run.code == 0 and any(differences(second))
            yield replace(second, disturbed=twins, repeated=twins)
            if not twins:
                return
        # What says that it is done is looked at again by a forced run alone: on the sessions, wherever they are now.
        moved = self.rehearsed.case.config.get("archive_mode") == "move"
        sessions = list(zip(self.scene.sessions, self.paths("project"), strict=True)) if moved else [("", "")]
        for number, (session, path) in enumerate(sessions):
            on: dict[str, Any] = {"destination": ("session", session), "paths": (path,)} if session else {}
            played = self.undisturbed(f"second{number}", force_export=True, **on)
            last = number + 1 == len(sessions)
            yield replace(played, disturbed=not last, repeated=not last)

    def disturbed(self, strikes: Sequence[Strike]) -> Played:
        """Run the gear through the proxy."""
        case = self.rehearsed.case
        with Proxy(int(self.site.url.rpartition(":")[2]), strikes, watch=self.watch, page=case.page) as proxy:
            key = proxy.key(self.site.api_key)
            folder = staged(case, self.scene, key, self.folder / "first")
            before = self.site.dump()
            self.site.clear_requests()
            began = time.monotonic()
            ending = any(strike.kind.startswith("SIG") for strike in strikes)
            haste = TO_BE_ENDED if ending else UNDER_FIRE
            process = forked.start(folder, haste)
            proxy.pid = process.pid or 0
            stuck = False
            try:
                run = forked.finish(process, folder, MUCH_TOO_LONG + 10 * self.rehearsed.seconds)
            except TimeoutError:
                stuck, run = True, Run(-9, (folder / "printed.txt").read_text(errors="replace"), folder)
            proxy.pid = 0  # no signal that is still to come may hit another process of that number
            ended = float("inf") if stuck else time.monotonic()
            proxy.settle()
            met = [KINDS[strike.kind] for strike in strikes if strike.struck]
            return self.played(
                run,
                key,
                before,
                wrong_form=any(kind.wrong_form for kind in met),
                repeated=any(kind.repeats for kind in met),
                killed=proxy.killed or stuck,
                cancelled=int(proxy.cancelled or 0),
                ending=ended - proxy.signalled.get(int(proxy.cancelled or 0), ended),
                seconds=ended - began,
                patience=haste.patience,
                early=tuple(dict.fromkeys(self.early)),
                preview=bool(case.config.get("dry_run")),
            )

    def undisturbed(
        self, name: str, *, destination: tuple[str, str] | None = None, paths: tuple[str, ...] = (), **more: Any
    ) -> Played:
        """Run the gear straight on the site, for real."""
        before = self.site.dump()
        self.site.clear_requests()
        key, case = self.site.api_key, self.rehearsed.case
        folder = staged(case, self.scene, key, self.folder / name, destination=destination, dry_run=False, **more)
        run = forked.finish(forked.start(folder), folder, LONGEST)
        if not destination:
            return self.played(run, key, before)
        return replace(self.played(run, key, before), paths=paths, finds_moved=True)

    def paths(self, level: str) -> tuple[str, ...]:
        """Return the paths of the sessions that a run on a level works on."""
        return tuple(in_scope(self.rehearsed.undisturbed.before, level))

    def played(self, run: Run, key: str, before: dict[str, Any], **more: Any) -> Played:
        """Put together what the judge may know of a run that has just ended."""
        case = self.rehearsed.case
        writing = (call for call in self.site.requests if call.method in WRITING and call.route != "/lookup")
        return Played(
            run,
            key,
            self.rehearsed.undisturbed,
            before,
            self.site.dump(),
            archive=case.config.get("archive_project", "there") is not None,
            paths=self.paths(case.level),
            finds_moved=case.level == "session",
            writes=tuple(f"{call.method} {call.route}" for call in writing),
            calm=self.rehearsed.seconds,
            **more,
        )

    def watch(self, request: Request) -> None:
        """Look, at the moment when a session is about to be archived, moved or tagged, whether it may be."""
        if not (deed := self._deed(request)):
            return
        what, session = deed
        dump = self.site.dump()
        for path in self.paths(self.rehearsed.case.level):
            if path == session and what not in done_to(dump, path):
                missing = unverified(dump, path, self.rehearsed.undisturbed)
                if missing:
                    self.early.append(f"about to be {what} though {plural(missing, 'file')} of it not verified")

    def _deed(self, request: Request) -> tuple[str, str] | None:
        store = self.site.site.store
        if request.route == "/sessions" and request.method == "POST":
            subject = self._named(request, "subject")
            found = store.get("subject", str(subject.get("_id"))) if isinstance(subject, dict) else None
            project = store.get("project", found["project"]) if found else None
            if found and project and f"{project['group']}/{project['label']}" == ARCHIVE_PATH:
                return "archived", f"/{found['label']}/{self._named(request, 'label')}"
            return None
        parts = request.path.split("/")
        if len(parts) < 3 or parts[1] != "sessions" or parts[2] not in self.scene.sessions:
            return None
        doc = store.get("session", parts[2])
        owner = store.get("subject", doc["subject"]) if doc else None
        if doc is None or owner is None:
            return None
        path = f"/{owner['label']}/{doc['label']}"
        if request.method == "PATCH" and request.route == "/sessions/{id}/tags" and b"EXPORTED" in request.body:
            return "tagged", path
        if request.method == "PUT" and request.route == "/sessions/{id}" and self._named(request, "subject"):
            return "moved", path
        return None

    @staticmethod
    def _named(request: Request, key: str) -> Any:
        try:
            body = json.loads(request.body)
        except ValueError:
            return None
        return body.get(key) if isinstance(body, dict) else None


def judged(played: Played, when: str) -> Iterator[Violation]:
    """Hold a run against every promise."""
    for number, promise in PROMISES.items():
        for text in dict.fromkeys(promise(played)):
            yield Violation(number, text, when)
