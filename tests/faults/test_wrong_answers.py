"""A run through a middlebox that often answers in the site's place, or after it: nothing is lost, doubled or believed."""

from __future__ import annotations

import random

import pytest

from tests.faults.conftest import Play
from tests.faults.judge import differences
from tests.support.middlebox import Handler, Reply, html, json, middlebox, reset

WRONG = [
    Reply(200, [("Content-Type", "application/json")]),
    Reply(204),
    json("null"),
    json("[]"),
    json("{}"),
    html(),
    html(status=502),
    Reply(302, [("Location", "/page")]),
    json('{"_id": "6'),
]


@pytest.mark.parametrize("mode", ["copy", "move"])
@pytest.mark.parametrize("seed", range(3))
def test_a_run_through_a_lying_middlebox_ends_as_any_other(mode: str, seed: int, play: Play) -> None:
    dice = random.Random(f"{mode} {seed}")
    lies: list[str] = []

    def sometimes(handler: Handler, _: Reply) -> None:
        lie = dice.random() < 0.15
        reply = handler.forward(handler.body) if not lie or dice.random() < 0.5 else Reply(200)
        if not lie:
            return handler.send(reply)
        lies.append(handler.path)
        return reset(handler, reply) if dice.random() < 0.2 else handler.send(dice.choice(WRONG))

    with middlebox(play.site.api_key) as box:
        box.act("GET", "^/page$", answer=html())
        box.act(".*", "", how=sometimes)
        run = play.export(mode, api_key=box.api_key)
    assert len(lies) > 5
    assert run.code == 0, run.printed
    assert list(differences(play.undisturbed(mode), play.site.dump())) == []
