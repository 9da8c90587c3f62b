"""What a hostile middlebox does to one call: each kind a few lines, over what an exchange lets it do."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Callable
from typing import Any

from tests.faults.proxy.kinds import (
    Deed,
    Exchange,
    Kind,
    any_call,
    creates,
    downloads,
    lists,
    speaks_json,
    uploads,
    writes,
)
from tests.faults.proxy.wire import Request, Response

HTML = "<!DOCTYPE html><html><head><title>Sign in</title></head><body>Please sign in to go on.</body></html>"
SORRY = "/sorry.html"  # where redirects lead: a page that is 200 and no answer
NEITHER = ('"ok"', "7", "true", '"<html>"')  # JSON that is neither object nor list
RETRY_AFTER = (
    "0",
    "1",
    "-5",
    "1.5",
    "",
    "soon",
    "\u00b2",  # a digit to some, a number to none
    "1e3",
    "nan",
    "9" * 400,
    "86400",
    "Wed, 21 Oct 2015 07:28:00 GMT",
    "Wed, 21 Oct 2065 07:28:00 GMT",
)
SLOW, LATE = 0.4, 2.5  # seconds; the first is within what a hasty run waits for an answer, the second is not
TRICKLE = 0.3  # seconds between bytes: each in time, all together never
LONGEST_TRICKLE = 60.0
SOON = 0.5  # seconds after a call at most: a signal may come when no call is under way
REPEATS = (0.02, 0.2, 1.0)  # seconds after the answer that a request comes again


KINDS: dict[str, Kind] = {}


def _kind(
    name: str, concerns: Callable[[str, str], bool] = any_call, *, wrong_form: bool = False, repeats: bool = False
) -> Callable[[Deed], Deed]:
    def add(deed: Deed) -> Deed:
        KINDS[name] = Kind(name, deed, concerns, wrong_form, repeats)
        return deed

    return add


def _instead(
    name: str, form: Callable[[random.Random], Response], concerns: Callable[[str, str], bool] = any_call
) -> None:
    """Add a fault that answers in the site's place: once without asking the site, once having asked it."""

    @_kind(name, concerns, wrong_form=True)
    async def _without(exchange: Exchange, chance: random.Random) -> None:
        await exchange.give(form(chance))

    @_kind(f"{name}, done", lambda method, route: writes(method, route) and concerns(method, route), wrong_form=True)
    async def _done(exchange: Exchange, chance: random.Random) -> None:
        await exchange.ask()
        await exchange.give(form(chance))


_instead("empty 200", lambda _: Response.of(200))
_instead("204", lambda _: Response(204))
_instead("HTML 200", lambda _: Response.of(200, HTML, "text/html"))
_instead("null", lambda _: Response.of(200, "null"), speaks_json)
_instead("scalar", lambda chance: Response.of(200, chance.choice(NEITHER)), speaks_json)
_instead("302 to a page", lambda _: Response.of(302, HTML, "text/html", Location=SORRY))
_instead("307 to a page", lambda _: Response.of(307, HTML, "text/html", Location=SORRY))


def _said(answer: Response) -> Any:
    """Return the JSON of an answer, None where it has none."""
    try:
        return json.loads(answer.body)
    except ValueError:
        return None


@_kind("list for object", speaks_json, wrong_form=True)
async def _other_kind(exchange: Exchange, chance: random.Random) -> None:
    answer = await exchange.ask()
    said = _said(answer)
    other = chance.choice(["[]", "[{}]", "[null]"]) if isinstance(said, dict) else chance.choice(["{}", '{"_id": 1}'])
    await exchange.give(Response.of(200, other))


@_kind("empty page", lists, wrong_form=True)
async def _empty_page(exchange: Exchange, chance: random.Random) -> None:
    """A page of a listing in the form that it must have, but without its rows."""
    answer = await exchange.ask()
    said = _said(answer)
    if isinstance(said, dict) and "results" in said:
        answer = answer.with_body(json.dumps({**said, "count": 0, "results": []}).encode())
    await exchange.give(answer)


@_kind("cut off")
async def _cut(exchange: Exchange, chance: random.Random) -> None:
    answer = await exchange.ask()
    await exchange.send(answer.head() + answer.body[: int(len(answer.body) * chance.random())])
    exchange.reset()


@_kind("shortened", lambda method, route: not uploads(method, route), wrong_form=True)
async def _shortened(exchange: Exchange, chance: random.Random) -> None:
    answer = await exchange.ask()
    await exchange.give(answer.with_body(answer.body[: int(len(answer.body) * chance.random())]))


@_kind("reset before")
async def _reset_before(exchange: Exchange, chance: random.Random) -> None:
    exchange.reset()


@_kind("reply lost")
async def _reset_after(exchange: Exchange, chance: random.Random) -> None:
    await exchange.ask()
    exchange.reset()


def _refusing(status: int) -> None:
    @_kind(str(status))
    async def _refuse(exchange: Exchange, chance: random.Random) -> None:
        headers = {"Retry_After": chance.choice(RETRY_AFTER)} if status in (429, 502, 503) else {}
        if chance.random() < 0.5:
            await exchange.give(Response.of(status, HTML, "text/html", **headers))
        else:
            body = json.dumps({"message": "Not now", "detail": "Not now", "status_code": status})
            await exchange.give(Response.of(status, body, **headers))


for _status in (403, 429, 500, 502, 503):
    _refusing(_status)


@_kind("500, done", writes)
async def _failed_after(exchange: Exchange, chance: random.Random) -> None:
    await exchange.ask()
    await exchange.give(Response.of(500, '{"message": "log not written", "status_code": 500}'))


@_kind("comes again", creates, repeats=True)
async def _again(exchange: Exchange, chance: random.Random) -> None:
    await exchange.give(await exchange.ask())
    exchange.again(chance.choice(REPEATS))


@_kind("sent twice", creates, repeats=True)
async def _twice(exchange: Exchange, chance: random.Random) -> None:
    await exchange.ask()
    await exchange.give(await exchange.ask())


@_kind("stalls")
async def _stall(exchange: Exchange, chance: random.Random) -> None:
    answer = await exchange.ask()
    await exchange.send((answer.head() + answer.body)[: chance.choice([0, 40, len(answer.head()) + 1])])
    await exchange.gone(LONGEST_TRICKLE)


@_kind("trickles")
async def _trickle(exchange: Exchange, chance: random.Random) -> None:
    answer = await exchange.ask()
    began = asyncio.get_running_loop().time()
    data = answer.to_bytes()
    for at in range(len(data)):
        if asyncio.get_running_loop().time() - began > LONGEST_TRICKLE:
            await exchange.send(data[at:])
            return
        await exchange.send(data[at : at + 1])
        await asyncio.sleep(TRICKLE)


@_kind("slow")
async def _slow(exchange: Exchange, chance: random.Random) -> None:
    await asyncio.sleep(SLOW)
    await exchange.give(await exchange.ask())


@_kind("late, done")
async def _late(exchange: Exchange, chance: random.Random) -> None:
    answer = await exchange.ask()
    await asyncio.sleep(LATE)
    await exchange.give(answer)


@_kind("late, then done", repeats=True)
async def _done_late(exchange: Exchange, chance: random.Random) -> None:
    """The client has given up and asked again before the site hears of the request at all."""
    await asyncio.sleep(LATE)
    await exchange.give(await exchange.ask())


@_kind("byte flipped down", downloads)
async def _flip_down(exchange: Exchange, chance: random.Random) -> None:
    answer = await exchange.ask()
    await exchange.give(answer.with_body(flipped(answer.body, chance)) if answer.status == 200 else answer)


@_kind("byte flipped up", uploads)
async def _flip_up(exchange: Exchange, chance: random.Random) -> None:
    sent = exchange.request
    exchange.request = Request(sent.method, sent.target, sent.headers, flipped(sent.body, chance))
    await exchange.give(await exchange.ask())


def _signalling(number: signal.Signals) -> None:
    @_kind(number.name)
    async def _before(exchange: Exchange, chance: random.Random) -> None:
        exchange.signal(number)
        await exchange.give(await exchange.ask())

    @_kind(f"{number.name}, done")
    async def _after(exchange: Exchange, chance: random.Random) -> None:
        answer = await exchange.ask()
        exchange.signal(number)
        await exchange.give(answer)

    @_kind(f"{number.name} soon")
    async def _soon(exchange: Exchange, chance: random.Random) -> None:
        exchange.signal(number, chance.uniform(0, SOON))
        await exchange.give(await exchange.ask())

    @_kind(f"{number.name}, then silence")
    async def _silence(exchange: Exchange, chance: random.Random) -> None:
        exchange.signal(number, chance.uniform(0, SOON))
        await exchange.gone(LONGEST_TRICKLE)


for _number in (signal.SIGTERM, signal.SIGINT, signal.SIGKILL):
    _signalling(_number)


def flipped(body: bytes, chance: random.Random) -> bytes:
    """Return a body with one byte changed."""
    if not body:
        return body
    at = chance.randrange(len(body))
    return body[:at] + bytes([body[at] ^ (1 << chance.randrange(8))]) + body[at + 1 :]
