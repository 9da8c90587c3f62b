"""Patience: what is tried again, what is found to have happened, and when it ends."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from export_session.errors import AccessDenied, Conflict, Unreachable
from export_session.site.model import Session
from export_session.site.patience import RESERVE, Patience
from export_session.site.port import Condition, Identity, ReadSite, Site
from export_session.site.retry import PatientSite
from export_session.site.rows import container_of

BODY = {"label": "S", "info": {"export": {"origin_id": "abc"}}}


def session(identifier: str) -> Session:
    return container_of(Session, {"_id": identifier})


class Clock:
    """Time that passes only in sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Scripted:
    """A site whose calls answer or raise in turn; a create that raises may have happened."""

    def __init__(self, *answers: Any, happens: bool = False) -> None:
        self.answers = list(answers)
        self.calls = 0
        self.happens = happens
        self.made: list[Session] = []

    def _next(self) -> Any:
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    def identity(self) -> Any:
        return self._next()

    def create(self, level: str, parent_id: str, body: Any) -> str:
        if self.happens:
            self.made.append(session("made"))
        return str(self._next())

    def children(self, *_: Any, with_info: bool = False) -> Iterator[Session]:
        yield from self.made


def patient(site: Any, seconds: float = 60.0) -> tuple[PatientSite, Clock]:
    clock = Clock()
    return PatientSite(site, Patience(seconds), clock=clock, sleep=clock.sleep), clock


def test_passing_trouble_is_outlasted() -> None:
    me = Identity("user", "me")
    site = Scripted(Unreachable("reset"), Unreachable("500", 500), me)
    assert patient(site)[0].identity() == me
    assert site.calls == 3


@pytest.mark.parametrize("error", [AccessDenied("no", 403), Conflict("taken", 409)])
def test_a_refusal_is_not_repeated(error: Exception) -> None:
    site = Scripted(error)
    with pytest.raises(type(error)):
        patient(site)[0].identity()
    assert site.calls == 1


def test_retry_after_is_honoured() -> None:
    site = Scripted(Unreachable("busy", 429, retry_after=17.0), "me")
    one, clock = patient(site)
    one.identity()
    assert clock.now == 17.0


@pytest.mark.parametrize("seconds", [1.0, 10.0, 300.0])
def test_patience_ends_in_bounded_time_and_says_so(seconds: float) -> None:
    one, clock = patient(Scripted(Unreachable("no answer")), seconds)
    with pytest.raises(Unreachable, match="no patience left"):
        one.identity()
    assert clock.now <= seconds


def test_what_one_file_loses_the_run_loses() -> None:
    one, clock = patient(Scripted(Unreachable("no answer")), 20.0)
    for _ in range(10):
        with pytest.raises(Unreachable):
            one.with_patience(5.0).identity()
    assert clock.now <= 20.0


def test_a_create_whose_answer_was_lost_is_found_and_not_repeated() -> None:
    site = Scripted(Unreachable("reset"), "second", happens=True)
    assert patient(site)[0].create("session", "subject-id", BODY) == "made"
    assert site.calls == 1


def test_a_create_that_did_not_happen_is_repeated() -> None:
    site = Scripted(Unreachable("reset"), "second")
    assert patient(site)[0].create("session", "subject-id", BODY) == "second"
    assert site.calls == 2


def test_a_listing_that_breaks_goes_on_without_repeating_rows() -> None:
    rows = [session(str(number)) for number in range(6)]

    class Breaking:
        attempts = 0

        def children(self, *_: Any, with_info: bool = False) -> Iterator[Session]:
            Breaking.attempts += 1
            for row in rows:
                if Breaking.attempts == 1 and row.id == "3":
                    raise Unreachable("cut")
                yield row

    assert list(patient(Breaking())[0].children("project", "p", Session)) == rows
    assert Breaking.attempts == 2


@pytest.mark.parametrize(
    ("condition", "text"),
    [
        (Condition("label", "1001"), 'label="1001"'),
        (Condition("label", "a,b"), 'label="a\\,b"'),
        (Condition("parents.project", "6" * 24), "parents.project=" + "6" * 24),
    ],
)
def test_conditions_are_quoted_as_flywheel_reads_them(condition: Condition, text: str) -> None:
    assert str(condition) == text


def test_every_call_of_the_port_goes_through_patience() -> None:
    def names(kind: type) -> set[str]:
        return {name for name, value in vars(kind).items() if isinstance(value, Callable) and not name.startswith("_")}  # type: ignore[arg-type]  # an ABC

    assert names(ReadSite) | names(Site) <= names(PatientSite)


@pytest.mark.parametrize("header", [1e400, 0.0, 10_000.0, None])
def test_no_wait_that_a_site_asks_for_outlasts_patience(header: float | None) -> None:
    site = Scripted(Unreachable("busy", 503, retry_after=header))
    one, clock = patient(site, 30.0)
    with pytest.raises(Unreachable, match="no patience left"):
        one.identity()
    assert clock.now <= 30.0
    assert 2 <= site.calls <= 130, "neither given up at once nor asked without a pause"


class Lengthy(Scripted):
    """A site whose failing calls take long."""

    def __init__(self, clock: Clock, seconds: float) -> None:
        super().__init__(Unreachable("cut"))
        self.clock = clock
        self.seconds = seconds

    def _next(self) -> Any:
        self.clock.sleep(self.seconds)
        return super()._next()

    def children(self, *_: Any, with_info: bool = False) -> Iterator[Session]:
        yield self._next()


@pytest.mark.parametrize("call", ["identity", "listing"])
def test_time_that_is_lost_in_calls_counts(call: str) -> None:
    clock = Clock()
    one = PatientSite(Lengthy(clock, 8.0), Patience(20.0), clock=clock, sleep=clock.sleep)  # type: ignore[arg-type]  # what is needed of it
    with pytest.raises(Unreachable, match="no patience left"):
        one.identity() if call == "identity" else list(one.children("project", "p", Session))
    assert clock.now <= 28.0, "the last attempt began while there was patience"


def test_a_transfer_that_is_cut_late_is_tried_again() -> None:
    clock = Clock()
    site = Lengthy(clock, 3000.0)
    with pytest.raises(Unreachable):
        PatientSite(site, Patience(1800.0), clock=clock, sleep=clock.sleep).with_patience(600.0).identity()  # type: ignore[arg-type]  # what is needed of it
    assert 1 < site.calls <= 3


def test_time_that_calls_lose_at_once_is_lost_once() -> None:
    run = Patience(100.0)
    for file in (Patience(50.0, run), Patience(50.0, run), Patience(50.0, run)):
        file.lose(1000.0, 1030.0)
        assert file.left == 20.0
    assert run.left == 70.0


def test_a_run_whose_patience_and_reserve_are_lost_begins_nothing_more() -> None:
    clock = Clock()
    run = PatientSite(Lengthy(clock, 5.0), Patience(20.0), clock=clock, sleep=clock.sleep)  # type: ignore[arg-type]  # what is needed of it
    begun = 0

    def begin() -> None:
        nonlocal begun
        one = run.with_patience(600.0)
        one.assert_patience("f.dcm")
        begun += 1
        one.identity()

    for _ in range(1000):
        with pytest.raises(Unreachable, match="no patience"):
            begin()
    assert clock.now <= 20.0 + RESERVE + 5.0
    assert begun > 1, "one dead file is not the end of all others"


def test_what_is_waited_for_is_told_at_a_human_pace(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    one, clock = patient(Scripted(Unreachable("read sessions: no answer from the site")), 120.0)
    with pytest.raises(Unreachable):
        one.identity()
    assert clock.now > 100.0
    assert 4 <= len(caplog.messages) <= 9
    assert caplog.messages[0] == "read sessions: no answer from the site; trying again, for up to 2 min 00 s"
