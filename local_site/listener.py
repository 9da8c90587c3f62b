"""One port for HTTP and for TLS: the first byte of a connection tells which."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import socket
import ssl
from collections.abc import Callable, Coroutine
from typing import Any

HANDSHAKE = b"\x16"  # the first byte of a TLS connection (RFC 8446 §5.1), and of no HTTP request
BACKLOG = 1024
SILENCE = 300.0  # seconds that a connection may say nothing at all
MOST_OPEN = 1 << 16  # file descriptors that a serving process asks for
RESERVE = 64  # file descriptors that connections leave to files and the database


class Listener:
    """Takes connections and hands them on, with TLS where the client speaks it.

    Parameters
    ----------
    serve
        Makes the protocol that answers on a connection.
    context
        Called once, when the first client speaks TLS.
    """

    def __init__(self, serve: Callable[[], asyncio.BaseProtocol], context: Callable[[], ssl.SSLContext]) -> None:
        self._serve = serve
        self._context = context
        self._sockets: list[socket.socket] = []
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        loop = asyncio.get_running_loop()
        for family, kind, protocol, _, address in await loop.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            listening = socket.socket(family, kind, protocol)
            self._sockets.append(listening)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            listening.settimeout(0)
            try:
                listening.bind((address[0], port, *address[2:]))
            except OSError as error:
                raise OSError(error.errno, f"{address[0]} port {port}: {error.strerror}") from error
            listening.listen(BACKLOG)
            port = listening.getsockname()[1]
            self._keep(self._accept(listening))
        return port

    def stop(self) -> None:
        """Take no more connections."""
        for task in list(self._tasks):
            task.cancel()
        for listening in self._sockets:
            listening.close()

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _accept(self, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            if _scarce(listening):  # whoever comes now waits in line
                await asyncio.sleep(0.1)
                continue
            try:
                connection, _ = await loop.sock_accept(listening)
            except OSError:  # out of file descriptors, or the client is gone already
                await asyncio.sleep(0.1)
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._keep(self._hand_on(connection))

    async def _hand_on(self, connection: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        try:
            first = await asyncio.wait_for(_first_byte(connection), SILENCE)
            context = self._context() if first == HANDSHAKE else None
            await loop.connect_accepted_socket(self._serve, connection, ssl=context)
        except (OSError, TimeoutError, ssl.SSLError):
            connection.close()
        except asyncio.CancelledError:
            connection.close()
            raise


def allow_connections() -> None:
    """Let this process have more of them open at once than the system gives it unasked, which may be 256."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_OPEN if hard == resource.RLIM_INFINITY else min(hard, MOST_OPEN)
    if resource.RLIM_INFINITY != soft < wanted:
        with contextlib.suppress(ValueError, OSError):  # some systems grant less than they say
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _scarce(listening: socket.socket) -> bool:
    """Tell whether hardly any file descriptor is left: the next one is always the lowest that is free."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        free = os.dup(listening.fileno())
    except OSError:
        return True
    os.close(free)
    return limit != resource.RLIM_INFINITY and free >= limit - RESERVE


async def _first_byte(connection: socket.socket) -> bytes:
    """Look at the first byte without taking it."""
    loop = asyncio.get_running_loop()
    ready = loop.create_future()

    def readable() -> None:
        if not ready.done():
            ready.set_result(None)

    loop.add_reader(connection, readable)
    try:
        await ready
    finally:
        loop.remove_reader(connection)
    with contextlib.suppress(BlockingIOError):
        return connection.recv(1, socket.MSG_PEEK)
    return b""
