"""The proxy: a TCP server of its own between the gear and a site, which knows requests well enough to pick a victim."""

from __future__ import annotations

import asyncio
import random
import signal as signals
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from os import kill
from typing import Any, Self

from tests.faults.proxy.trouble import HTML, KINDS, SORRY
from tests.faults.proxy.wire import Request, Response, read_request, read_response

LONGEST_SETTLING = 10.0  # seconds
Watch = Callable[[Request], None]


@dataclass
class Strike:
    """One fault and its victim: the nth call (from 1) of a method and route, or of all; and those after it."""

    kind: str
    method: str  # "" is any
    route: str  # "" is any
    nth: int
    times: int = 1
    seed: int = 0
    matched: int = field(default=0, init=False, compare=False)
    struck: int = field(default=0, init=False, compare=False)

    def strikes(self, request: Request) -> bool:
        """Count a request, and tell whether it is a victim."""
        if self.method and (self.method, self.route) != (request.method, request.route):
            return False
        self.matched += 1
        hit = self.nth <= self.matched < self.nth + self.times and KINDS[self.kind].concerns(
            request.method, request.route
        )
        self.struck += hit
        return hit

    def __str__(self) -> str:
        where = f"{self.method} {self.route}" if self.method else "any call"
        return f"{self.kind} at {where} ({self.nth}{f', {self.times} times' if self.times > 1 else ''})"


class Proxy:
    """A proxy on loopback while the ``with`` block lasts.

    Parameters
    ----------
    site
        The port of the site.
    strikes
        What is done to whom.
    watch
        Told of each request before the site is.
    page
        Rows that a listing gives at most; 0: as many as are asked for.
    """

    def __init__(self, site: int, strikes: Iterable[Strike] = (), *, watch: Watch | None = None, page: int = 0) -> None:
        self.calls: list[tuple[str, str]] = []
        self.pid = 0  # of the gear
        self.signalled: dict[int, float] = {}  # by number, when
        self.strikes = list(strikes)
        self._site, self._watch, self._page = site, watch, page
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = self._await(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    def __exit__(self, *failure: object) -> None:
        self._loop.call_soon_threadsafe(self._server.close)
        self._await(self._end())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def key(self, bare: str) -> str:
        """Return a key in the form the SDK takes, for the site by way of this proxy."""
        return f"127.0.0.1:{self.port}:__force_insecure:{bare.rpartition(':')[2]}"

    def settle(self) -> None:
        """Wait until nothing is on its way to the site any more."""
        self._await(self._settled())

    async def _settled(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=LONGEST_SETTLING)

    async def _end(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _await(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something beside all else."""
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.start(self._exchange(reader, writer))

    async def _exchange(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve the one request of a connection."""
        try:
            request = await read_request(reader)
            if request is None:
                return
            exchange = _Exchange(self, self._paged(request), reader, writer)
            if request.target == SORRY:
                await exchange.give(Response.of(200, HTML, "text/html"))
                return
            self.calls.append((request.method, request.route))
            struck = [strike for strike in self.strikes if strike.strikes(request)]
            if struck:
                await KINDS[struck[0].kind].deed(exchange, random.Random(f"{struck[0].seed} {struck[0].struck}"))
            else:
                await exchange.give(await exchange.ask())
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client or the site went away: as good as any other fault
        finally:
            writer.close()

    def _paged(self, request: Request) -> Request:
        if not self._page:
            return request
        target = request.target.replace("limit=250", f"limit={self._page}")
        return Request(request.method, target, request.headers, request.body)

    async def ask(self, request: Request) -> Response:
        """Send the site a request, and return its answer."""
        if self._watch:
            self._watch(request)
        reader, writer = await asyncio.open_connection("127.0.0.1", self._site)
        try:
            writer.write(request.to_bytes())
            await writer.drain()
            return await read_response(reader)
        finally:
            writer.close()

    async def repeat(self, request: Request, seconds: float) -> None:
        """Send the site a request later, when nobody waits for an answer."""
        await asyncio.sleep(seconds)
        try:
            await self.ask(request)
        except (OSError, asyncio.IncompleteReadError):
            return

    def signal(self, number: int) -> None:
        """Send the gear a signal, the first one of its number alone, unless it has ended."""
        if self.pid and number not in self.signalled:
            kill(self.pid, number)
            self.signalled[number] = time.monotonic()

    async def signal_later(self, number: int, seconds: float) -> None:
        """Send the gear a signal after a while."""
        await asyncio.sleep(seconds)
        try:
            self.signal(number)
        except ProcessLookupError:
            return

    @property
    def cancelled(self) -> signals.Signals | None:
        """The signal that asked the run to end, if one did."""
        asked = [number for number in self.signalled if number != signals.SIGKILL]
        return signals.Signals(asked[0]) if asked else None

    @property
    def killed(self) -> bool:
        """Whether the run was killed."""
        return signals.SIGKILL in self.signalled


class _Exchange:
    """One call on its way through a proxy."""

    def __init__(
        self, proxy: Proxy, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.request = request
        self._proxy, self._reader, self._writer = proxy, reader, writer

    async def ask(self) -> Response:
        return await self._proxy.ask(self.request)

    async def give(self, response: Response) -> None:
        await self.send(response.to_bytes())

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def gone(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._reader.read(), seconds)
        except TimeoutError:
            return

    def reset(self) -> None:
        # Without lingering, closing sends RST instead of a polite end.
        own: socket.socket = self._writer.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    def again(self, seconds: float) -> None:
        self._proxy.start(self._proxy.repeat(self.request, seconds))

    def signal(self, number: int, seconds: float = 0.0) -> None:
        if seconds:
            self._proxy.start(self._proxy.signal_later(number, seconds))
        else:
            self._proxy.signal(number)
