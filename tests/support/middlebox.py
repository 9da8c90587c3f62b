"""A proxy before a site that does to chosen calls what networks and middleboxes do."""

from __future__ import annotations

import http.client
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "host"}


@dataclass
class Reply:
    """What the site answered, or what is answered in its place."""

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


@dataclass
class Act:
    """One misbehaviour: which calls it strikes, how often, and what it does.

    Attributes
    ----------
    answer
        Given instead of the site's answer.
    forward
        Whether the site gets the call all the same.
    how
        Does something else with the connection; gets the handler and the site's reply.
    """

    method: str
    route: str
    answer: Reply | None = None
    forward: bool = False
    how: Callable[[Handler, Reply], None] | None = None
    times: int = 10**9
    after: int = 0  # calls that are let pass first
    struck: int = 0
    seen: int = 0

    def strikes(self, method: str, path: str) -> bool:
        if not re.fullmatch(self.method, method) or not re.search(self.route, path) or self.struck >= self.times:
            return False
        self.seen += 1
        if self.seen <= self.after:
            return False
        self.struck += 1
        return True


class Middlebox(ThreadingHTTPServer):
    """Listens on a port of its own and passes calls on to the site behind an API key."""

    daemon_threads = True

    def __init__(self, api_key: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        host, port, *_ = api_key.split(":")
        self.behind = (host, int(port))
        self.api_key = api_key.replace(f":{port}:", f":{self.server_port}:", 1)
        self.acts: list[Act] = []
        self.calls: list[str] = []  # method and path, without the query
        self.lock = threading.Lock()
        self.over = threading.Event()

    def act(self, method: str, route: str, **details: object) -> Act:
        act = Act(method, route, **details)  # type: ignore[arg-type]  # named as its fields
        self.acts.append(act)
        return act

    def handle_error(self, request: object, client_address: object) -> None:
        """Keep quiet of clients that hang up."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Middlebox
    body: bytes  # of the call

    def do(self) -> None:
        self.body = body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = self.path.partition("?")[0].removeprefix("/api")
        with self.server.lock:
            self.server.calls.append(f"{self.command} {path}")
            act = next((act for act in self.server.acts if act.strikes(self.command, path)), None)
        if act is None:
            return self.send(self.forward(body))
        reply = self.forward(body) if act.forward else Reply(200)
        if act.how:
            return act.how(self, reply)
        return self.send(act.answer or reply)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do  # noqa: N815 - names of the library

    def forward(self, body: bytes) -> Reply:
        connection = http.client.HTTPConnection(*self.server.behind, timeout=60)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        host = f"127.0.0.1:{self.server.server_port}"
        connection.request(self.command, self.path, body, {**headers, "Host": host, "Content-Length": str(len(body))})
        response = connection.getresponse()
        content = response.read()
        connection.close()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in HOP]
        return Reply(response.status, kept, content)

    def send(self, reply: Reply) -> None:
        self.start(reply)
        if reply.status not in (204, 304):
            self.wfile.write(reply.body)

    def start(self, reply: Reply, length: int | None = None) -> None:
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body) if length is None else length))
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - name of the library
        """Keep quiet."""


def html(text: str = "<html>Please sign in</html>", status: int = 200) -> Reply:
    return Reply(status, [("Content-Type", "text/html; charset=utf-8")], text.encode())


def json(text: str, status: int = 200) -> Reply:
    return Reply(status, [("Content-Type", "application/json")], text.encode())


def reset(handler: Handler, _: Reply) -> None:
    """Close the connection with a reset."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.close_connection = True
    handler.rfile.close()
    handler.wfile.close()
    handler.connection.close()


def stall(handler: Handler, _: Reply) -> None:
    """Say nothing until the proxy ends."""
    handler.close_connection = True
    handler.server.over.wait(300)


def trickle(handler: Handler, reply: Reply) -> None:
    """Send the answer byte by byte."""
    handler.close_connection = True
    handler.start(reply, length=max(len(reply.body), 10_000))
    for byte in reply.body.ljust(10_000):
        if handler.server.over.is_set():
            return
        handler.wfile.write(bytes([byte]))
        time.sleep(0.1)


def trickle_headers(handler: Handler, _: Reply) -> None:
    """Send a header without end, byte by byte."""
    handler.close_connection = True
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Padding: ")
    while not handler.server.over.is_set():
        handler.wfile.write(b"x")
        time.sleep(0.1)


@contextmanager
def middlebox(api_key: str) -> Iterator[Middlebox]:
    """A proxy that runs while the block lasts."""
    box = Middlebox(api_key)
    thread = threading.Thread(target=box.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield box
    finally:
        box.over.set()
        box.shutdown()
        box.server_close()
