"""A call lasts as long as it stays in motion: silence and trickling end, a large file does not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from export_session.errors import Unreachable
from export_session.site import Patience, PatientSite, connect
from export_session.site import pace as pace_module
from export_session.site import patience as patience_module
from export_session.site import sdk as sdk_module
from export_session.site.model import Acquisition, Session
from export_session.site.pace import Meter
from tests.site.calls import READS, WRITES, Stage
from tests.support.middlebox import Handler, Middlebox, Reply, middlebox, stall, trickle, trickle_headers

HOW: dict[str, Callable[[Handler, Reply], None]] = {
    "stalls": stall,
    "trickles": trickle,
    "trickles headers": trickle_headers,
}


@pytest.fixture
def box(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Iterator[Middlebox]:
    monkeypatch.setattr(patience_module, "LEAST_SILENCE", 0.5)
    with middlebox(stage.world.site.api_key) as running:
        yield running


def timed(call: Callable[[], Any]) -> float:
    began = time.monotonic()
    with pytest.raises(Unreachable):
        call()
    return time.monotonic() - began


@pytest.mark.parametrize("how", HOW)
def test_patience_is_all_that_a_listing_costs(how: str, stage: Stage, box: Middlebox) -> None:
    box.act("GET", "/acquisitions$", how=HOW[how], forward=True)
    site = PatientSite(connect(box.api_key), Patience(3.0))
    assert 2.5 < timed(lambda: list(site.children("session", stage.session, Acquisition))) < 6.0


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_patience_is_all_that_a_call_costs(name: str, stage: Stage, box: Middlebox) -> None:
    connect(stage.world.site.api_key).start_job(stage.session, stage.request)
    box.act(".*", "", how=stall)
    site = PatientSite(connect(box.api_key), Patience(0.6))
    assert timed(lambda: {**READS, **WRITES}[name](site, stage)) < 4.0


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("call", ["fetch", "store"])
def test_the_bytes_of_a_file_are_not_waited_for_longer(call: str, how: str, stage: Stage, box: Middlebox) -> None:
    box.act("GET" if call == "fetch" else "PUT", "/files/|/signed/upload/", how=HOW[how], forward=True)
    site = PatientSite(connect(box.api_key), Patience(2.0))
    assert timed(lambda: {**READS, **WRITES}[call](site, stage)) < 6.0


def test_a_call_is_cut_at_its_own_limit_where_there_is_more_patience(
    stage: Stage, box: Middlebox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk_module, "ANSWER_SECONDS", 1.0)
    box.act("GET", "^/sessions/", how=stall, times=2)
    site = PatientSite(connect(box.api_key), Patience(60.0))
    began = time.monotonic()
    assert site.read(Session, stage.session).id == stage.session
    assert 2.0 < time.monotonic() - began < 8.0


def test_a_receiver_that_takes_byte_by_byte_is_given_up(
    stage: Stage, box: Middlebox, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sip(handler: Handler) -> None:
        while not handler.server.over.is_set() and handler.rfile.read(1):
            time.sleep(0.05)

    monkeypatch.setattr(Handler, "do_PUT", sip)
    path = stage.folder / "large"
    path.write_bytes(bytes(30_000_000))
    site = PatientSite(connect(box.api_key), Patience(2.0))
    assert timed(lambda: site.store("acquisition", stage.acquisition, path, {"name": "large"})) < 8.0


def test_a_download_that_takes_longer_than_any_silence_goes_on(
    stage: Stage, box: Middlebox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sdk_module, "ANSWER_SECONDS", 1.0)
    monkeypatch.setattr(pace_module, "SLOWEST", 1.0)

    def steady(handler: Handler, reply: Reply) -> None:
        handler.start(reply)
        for byte in reply.body:
            time.sleep(0.5)
            handler.wfile.write(bytes([byte]))

    box.act("GET", "/files/", how=steady, forward=True)
    began = time.monotonic()
    stored = PatientSite(connect(box.api_key), Patience(1.0)).fetch(stage.file, stage.folder / "fetched")
    assert stored.size == 5
    assert time.monotonic() - began > 2.4


def test_motion_in_the_past_buys_no_more_than_one_silence() -> None:
    meter = Meter(0.2)
    meter.moved(10**9)
    assert meter.left() <= 0.2
    time.sleep(0.25)
    with pytest.raises(TimeoutError):
        meter.left()
