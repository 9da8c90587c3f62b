"""HTTP messages as the proxy needs them: read whole, changed at will, and written again."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Self
from urllib.parse import parse_qs

HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})  # the proxy's own to say
ID = re.compile(r"(?<=/)[0-9a-f]{24}(?=/|$)")
NAME = re.compile(r"(?<=/files/)(?!\{id\})[^/]+")
Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Request:
    """One request of the gear."""

    method: str
    target: str
    headers: Headers
    body: bytes

    @property
    def path(self) -> str:
        """The path below ``/api``."""
        return self.target.partition("?")[0].removeprefix("/api")

    @property
    def route(self) -> str:
        """The path with placeholders for ids and names, and the step of an upload told apart by its ticket."""
        route = NAME.sub("{name}", ID.sub("{id}", self.path))
        ticket = parse_qs(self.target.partition("?")[2], keep_blank_values=True).get("ticket")
        if ticket is None or self.method != "POST":
            return route
        return f"{route}?ticket={'{ticket}' if ticket[0] else ''}"

    def to_bytes(self) -> bytes:
        """Return the request as it is sent on, on a connection of its own."""
        return _message(f"{self.method} {self.target} HTTP/1.1", self.headers, self.body)


@dataclass(frozen=True)
class Response:
    """One answer."""

    status: int
    headers: Headers = ()
    body: bytes = b""

    @classmethod
    def of(cls, status: int, body: str | bytes = b"", kind: str = "application/json", **headers: str) -> Self:
        """Make an answer; underscores in the names of headers stand for hyphens."""
        named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        return cls(status, (("Content-Type", kind), *named), body.encode() if isinstance(body, str) else body)

    def with_body(self, body: bytes) -> Response:
        """Return the same answer with another body."""
        return replace(self, body=body)

    def head(self, length: int | None = None) -> bytes:
        """Return the head alone, announcing `length` bytes, or those that there are."""
        reason = HTTPStatus(self.status).phrase
        return _head(f"HTTP/1.1 {self.status} {reason}", self.headers, len(self.body) if length is None else length)

    def to_bytes(self) -> bytes:
        """Return the answer as it is given."""
        return self.head() + self.body


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Read a request, None where the client sends no further one."""
    try:
        first, headers = await _read_head(reader)
    except asyncio.IncompleteReadError:
        return None
    method, target, _ = first.split(" ", 2)
    return Request(method, target, headers, await _read_body(reader, headers, until_end=False))


async def read_response(reader: asyncio.StreamReader) -> Response:
    """Read an answer."""
    first, headers = await _read_head(reader)
    return Response(int(first.split(" ")[1]), headers, await _read_body(reader, headers, until_end=True))


async def _read_head(reader: asyncio.StreamReader) -> tuple[str, Headers]:
    first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").strip("\r\n").split("\r\n")
    pairs = (line.split(":", 1) for line in lines)
    return first, tuple((name, value.strip()) for name, value in pairs)


async def _read_body(reader: asyncio.StreamReader, headers: Headers, *, until_end: bool) -> bytes:
    named = {name.lower(): value for name, value in headers}
    if "chunked" in named.get("transfer-encoding", ""):
        return await _read_chunks(reader)
    if "content-length" in named:
        return await reader.readexactly(int(named["content-length"]))
    return await reader.read() if until_end else b""


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
        body += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return body


def _message(first: str, headers: Headers, body: bytes) -> bytes:
    return _head(first, headers, len(body)) + body


def _head(first: str, headers: Headers, length: int) -> bytes:
    kept = [f"{name}: {value}" for name, value in headers if name.lower() not in HOP]
    lines = [first, *kept, f"Content-Length: {length}", "Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
