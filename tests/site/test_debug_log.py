"""``debug`` tells of every call that was made, and nothing of whom it was about."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator

import pytest

from export_session.site import Patience, PatientSite, connect, equals
from export_session.site.model import Acquisition, Session
from tests.site.calls import READS, WRITES, Stage
from tests.support.middlebox import Middlebox, Reply, middlebox, reset

SECRETS = ("notes.txt", "new.txt", "Quarantine", "Visit 1", "sub-001", "T1", "a note", "three", "tag-", "signature")
LINE = re.compile(r"[A-Z]+ (/[a-z/{}0-9_]+|to the signed URL): (\d{3}|done|no answer), \d+\.\d\d s, attempt \d+")


@pytest.fixture
def box(stage: Stage) -> Iterator[Middlebox]:
    with middlebox(stage.world.site.api_key) as running:
        yield running


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG, "export_session")
    return caplog


def test_every_call_is_told_and_no_value(stage: Stage, box: Middlebox, lines: pytest.LogCaptureFixture) -> None:
    site = connect(box.api_key)
    site.start_job(stage.session, stage.request)
    list(site.children("session", stage.session, Acquisition, equals("label", "T1")))
    for name, call in sorted({**READS, **WRITES}.items(), key=lambda item: item[0] == "delete"):  # that last
        call(site, stage) if name != "gear_of" else site.gear_of(next(site.jobs(stage.request.tag)).id)
    told = [record.getMessage() for record in lines.records if record.name.startswith("export_session")]
    assert len(told) == len(box.calls)
    for line in told:
        assert LINE.fullmatch(line), line
        assert not any(secret in line for secret in (*SECRETS, box.api_key.rpartition(":")[2]))
    assert any(line.startswith(f"GET /sessions/{stage.session}: 200, ") for line in told)
    assert any(line.startswith(f"GET /acquisitions/{stage.acquisition}/files/{{name}}: 200, ") for line in told)


def test_attempts_are_counted(stage: Stage, box: Middlebox, lines: pytest.LogCaptureFixture) -> None:
    box.act("GET", "^/sessions/", answer=Reply(503), times=1)
    box.act("GET", "^/sessions/", how=reset, times=1)
    PatientSite(connect(box.api_key), Patience(60.0), sleep=lambda _: None).read(Session, stage.session)
    told = [record.getMessage() for record in lines.records if record.levelno == logging.DEBUG]
    said = [(line.split(": ")[1].split(",")[0], line[-1]) for line in told]
    assert said == [("503", "1"), ("no answer", "2"), ("200", "3")]
