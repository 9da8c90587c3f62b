"""An upload whose bytes did not arrive is repeated as a whole, with a new ticket, and its own error is told.

One whose bytes are there is only completed again, with the ticket that it has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import pytest

from export_session.errors import AccessDenied, Unreachable
from export_session.site import Patience, PatientSite, connect
from export_session.site.model import Acquisition
from local_site import LocalSite
from tests.site.calls import Stage
from tests.support.middlebox import Handler, Middlebox, Reply, html, json, middlebox, reset

PUT = "/signed/upload/"
CONTENT = b"\x00\x01 all of these bytes " * 40_000


def half(handler: Handler, _: Reply) -> None:
    """Take all, but pass only half of it on."""
    handler.body = handler.body[: len(handler.body) // 2]
    handler.send(handler.forward(handler.body))


def cut(handler: Handler, _: Reply) -> None:
    """Close the connection in the middle of an answer."""
    handler.start(Reply(200), length=100)
    handler.wfile.write(b"OK")
    reset(handler, Reply(200))


BAD: dict[str, dict[str, Any]] = {
    "reset": {"how": reset},
    "500": {"answer": html("<html>Doe</html>", 500)},
    "503": {"answer": Reply(503, [("Retry-After", "0")])},
    "403": {"answer": Reply(403, [("Content-Type", "application/xml")], b"<Error>ExpiredToken</Error>")},
    "400": {"answer": Reply(400)},
    "a page": {"answer": html()},
    "half the bytes": {"how": half},
    "done and reset": {"how": reset, "forward": True},
    "done and cut": {"how": cut, "forward": True},
}


@pytest.fixture
def box(stage: Stage) -> Iterator[Middlebox]:
    with middlebox(stage.world.site.api_key) as running:
        yield running


def patient(key: str, seconds: float = 60.0) -> PatientSite:
    return PatientSite(connect(key), Patience(seconds), sleep=lambda _: None)


def store(site: Any, stage: Stage) -> Any:
    return site.store("acquisition", stage.acquisition, stage.content(CONTENT), {"name": "new.txt"})


@pytest.mark.parametrize("bad", BAD)
@pytest.mark.parametrize("times", [1, 3])
def test_an_upload_that_storage_did_not_take_is_repeated(bad: str, times: int, stage: Stage, box: Middlebox) -> None:
    box.act("PUT", PUT, **BAD[bad], times=times)
    stored = store(patient(box.api_key), stage)
    assert (stored.version, stored.size) == (1, len(CONTENT))
    assert stored.hash == "v0-sha384-" + hashlib.sha384(CONTENT).hexdigest()
    urls = [call for call in box.calls if PUT in call]
    assert len(urls) == len(set(urls)) == times + 1, "every attempt has a ticket of its own"


@pytest.mark.parametrize("bad", ["reset", "500", "503", "403"])
def test_the_error_that_is_told_is_the_uploads_own(bad: str, stage: Stage, box: Middlebox) -> None:
    box.act("PUT", PUT, **BAD[bad])
    with pytest.raises(
        Unreachable, match=r"upload new.txt: .*(no answer from the site|answered (500|503|403))"
    ) as caught:
        store(patient(box.api_key, 5.0), stage)
    assert "no patience left" in str(caught.value)
    assert "Doe" not in str(caught.value)
    assert not any("?ticket=" in call for call in box.calls)
    assert len([call for call in box.calls if PUT in call]) > 1
    plain = connect(stage.world.site.api_key)
    assert [file.name for file in plain.read(Acquisition, stage.acquisition).files] == ["notes.txt"]


@pytest.mark.parametrize("forward", [True, False])
@pytest.mark.parametrize(
    "answer", [json("[]"), json("null"), html(), Reply(500), Reply(404), Reply(400), json('{"a": 1}')]
)
def test_a_completion_that_went_wrong_makes_one_version(
    forward: bool, answer: Reply, stage: Stage, box: Middlebox
) -> None:
    box.act("POST", "/files$", answer=answer, forward=forward, times=1, after=1)
    stored = store(patient(box.api_key), stage)
    assert stored.version == 1
    assert stored.hash == "v0-sha384-" + hashlib.sha384(CONTENT).hexdigest()


def test_a_completion_that_was_held_up_makes_no_second_version(stage: Stage, box: Middlebox) -> None:
    """It is carried out when the gear has long given it up and asked again."""
    held: list[Handler] = []

    def hold(handler: Handler, reply: Reply) -> None:
        held.append(handler)
        reset(handler, reply)

    box.act("POST", "/files$", how=hold, times=2, after=1)
    stored = store(patient(box.api_key), stage)
    assert [handler.forward(handler.body).status for handler in held] == [404, 404]
    (file,) = (one for one in connect(box.api_key).read(Acquisition, stage.acquisition).files if one.name == "new.txt")
    assert (file.uuid, file.version) == (stored.uuid, 1)
    assert len([call for call in box.calls if PUT in call]) == 1, "the bytes are not sent again"


def test_a_ticket_that_the_site_knows_no_more_is_given_up(stage: Stage, box: Middlebox) -> None:
    box.act("POST", "/files$", how=reset, times=1, after=1)
    box.act("POST", "/files$", answer=Reply(404), times=1, after=1)
    stored = store(patient(box.api_key), stage)
    assert stored.version == 1
    assert len([call for call in box.calls if PUT in call]) == 2


def test_a_right_that_is_lost_before_the_completion_is_told(stage: Stage, box: Middlebox) -> None:
    box.act("POST", "/files$", answer=json('{"message": "no"}', 403), after=1)
    with pytest.raises(AccessDenied):
        store(patient(box.api_key), stage)


def test_a_site_that_takes_uploads_itself_is_served_as_well(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import flywheel

    from tests.support.world import World

    with LocalSite(tmp_path / "unsigned", signed_url=False) as site, middlebox(site.api_key) as box:
        world = World(site, flywheel.Client(site.api_key), tmp_path)
        acquisition = world.session().add_acquisition(label="T1")
        path = tmp_path / "content"
        path.write_bytes(CONTENT)
        box.act("POST", "/files$", how=reset, times=1)
        box.act("POST", "/files$", answer=html(), forward=True, times=1, after=0)
        metadata = {"name": "new ü.txt", "type": "text", "info": {"a": 1}, "tags": ["x"]}
        stored = patient(box.api_key).store("acquisition", acquisition.id, path, metadata)
        assert (stored.name, stored.version, stored.size, stored.type) == ("new ü.txt", 1, len(CONTENT), "text")
        assert not [call for call in box.calls if PUT in call]


def test_storage_may_take_longer_than_the_librarys_five_seconds(stage: Stage, box: Middlebox) -> None:
    import time

    def slow(handler: Handler, reply: Reply) -> None:
        time.sleep(6.0)
        handler.send(reply)

    box.act("PUT", PUT, how=slow, forward=True)
    assert store(connect(box.api_key), stage).version == 1
    assert len([call for call in box.calls if PUT in call]) == 1
