"""What a kind of fault is, and which calls can suffer it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from tests.faults.proxy.wire import Request, Response


class Exchange(Protocol):
    """One call on its way through the proxy."""

    request: Request

    async def ask(self) -> Response:
        """Pass the request on, and return what the site answers."""

    async def give(self, response: Response) -> None:
        """Answer the client."""

    async def send(self, data: bytes) -> None:
        """Send the client bytes that need be no answer."""

    async def gone(self, seconds: float) -> None:
        """Wait until the client has gone."""

    def reset(self) -> None:
        """Break the connection off."""

    def again(self, seconds: float) -> None:
        """Send the site the same request once more after that time."""

    def signal(self, number: int, seconds: float = 0.0) -> None:
        """Send the gear a signal, at once or after that time."""


Deed = Callable[[Exchange, random.Random], Awaitable[None]]


@dataclass(frozen=True)
class Kind:
    """A kind of fault and the calls that can suffer it."""

    name: str
    deed: Deed
    concerns: Callable[[str, str], bool]  # method and route
    wrong_form: bool = False  # an answer that is none: promise P19
    repeats: bool = False  # the site may see the request twice


def any_call(_method: str, _route: str) -> bool:
    """Every call."""
    return True


def writes(method: str, _route: str) -> bool:
    """All but those that read."""
    return method != "GET"


def uploads(method: str, route: str) -> bool:
    """The bytes of a file on their way to the site."""
    return method == "PUT" and route.startswith("/signed/upload/")


def downloads(method: str, route: str) -> bool:
    """The bytes of a file on their way from the site."""
    return method == "GET" and (route.endswith("/files/{name}") or route.startswith("/signed/download/"))


def speaks_json(method: str, route: str) -> bool:
    """All that is answered with JSON."""
    return not uploads(method, route) and not downloads(method, route)


def lists(method: str, route: str) -> bool:
    """What is answered page by page."""
    return method == "GET" and route.endswith(("/subjects", "/sessions", "/acquisitions"))


def creates(method: str, route: str) -> bool:
    """What leaves something twice when it is done twice."""
    return (method == "POST" and route != "/lookup") or uploads(method, route)
