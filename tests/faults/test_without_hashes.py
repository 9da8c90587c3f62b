"""A site that states no hashes: what was damaged on its way here is not taken for the origin."""

from __future__ import annotations

import re

import pytest

from tests.faults.conftest import Play
from tests.faults.scene import files_in
from tests.support.middlebox import Handler, Middlebox, Reply, middlebox

FILES = "/files/[^/]+$"


def hide_hashes(box: Middlebox) -> None:
    def hide(handler: Handler, reply: Reply) -> None:
        handler.send(Reply(reply.status, reply.headers, re.sub(rb'"hash": ?"[^"]*"', b'"hash": ""', reply.body)))

    box.act("GET|POST", "^/(subjects|sessions|acquisitions)/[^/]+(/files)?$", how=hide, forward=True)


def flip(handler: Handler, reply: Reply) -> None:
    """Pass a file on with another byte in its middle."""
    middle = len(reply.body) // 2
    flipped = bytes([reply.body[middle] ^ 0xFF])
    handler.send(Reply(reply.status, reply.headers, reply.body[:middle] + flipped + reply.body[middle + 1 :]))


@pytest.mark.parametrize("verify", ["auto", "readback"])
@pytest.mark.parametrize("name", ["t1.dicom.zip", "localizer.dcm", "notes.txt", "protocol.txt", "consent.txt"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_download_that_was_damaged_once_is_done_again(name: str, after: int, verify: str, play: Play) -> None:
    with middlebox(play.site.api_key) as box:
        act = box.act("GET", f"/files/{name}$", how=flip, forward=True, times=1, after=after)
        hide_hashes(box)
        run = play.export(api_key=box.api_key, verify=verify, archive_project=None)
    assert act.struck == 1
    assert run.code == 0, run.printed
    right = files_in(play.undisturbed("copy"), "Export")
    assert {path: file["sha256"] for path, file in play.exported.items()} == {
        path: file["sha256"] for path, file in right.items()
    }


def test_one_that_is_another_each_time_is_refused(play: Play) -> None:
    def vary(handler: Handler, reply: Reply) -> None:
        box.acts[0].seen += 1
        handler.send(Reply(reply.status, reply.headers, box.acts[0].seen.to_bytes(2, "big") + reply.body[2:]))

    with middlebox(play.site.api_key) as box:
        box.act("GET", "/files/notes.txt$", how=vary, forward=True)
        hide_hashes(box)
        run = play.export(api_key=box.api_key)
    assert run.code == 1
    (row,) = (row for row in run.log if row["Name"] == "notes.txt")
    assert "is another each time, after 3 attempts" in row["Message"]
    assert not play.tagged()
    assert not [path for path in play.exported if path.endswith("notes.txt")]


def test_where_there_are_hashes_nothing_is_fetched_twice(play: Play) -> None:
    assert play.export(archive_project=None).code == 0
    fetched = [call for call in play.calls("GET") if "/files/" in call]
    assert len(fetched) == 5
