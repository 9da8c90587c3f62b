"""HTTP: from a request to a handler and back, with record and faults on the way."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import secrets
import signal
import time
from functools import cache, partial
from typing import Any

from aiohttp import web

from local_site.console import admin, pages
from local_site.errors import ApiError, BadRequestError, ForbiddenError, NotFoundError
from local_site.hierarchy import changes
from local_site.hierarchy.fields import SchemaError
from local_site.listener import Listener
from local_site.listing.query import Query
from local_site.routes import (
    analyses,
    containers,
    copies,
    dataviews,
    downloads,
    files,
    jobs,
    lookup,
    not_here,
    rules,
    sitewide,
    uploads,
)
from local_site.routes import annotations as annotation_routes
from local_site.routes import changes as change_routes
from local_site.routing.call import Call
from local_site.routing.table import ANYTHING, Route, Routes, tell
from local_site.site import auth, certificate
from local_site.site.auth import Identity
from local_site.site.faults import Fault
from local_site.site.journal import Entry
from local_site.site.state import Site
from local_site.storage.store import encode

log = logging.getLogger(__name__)

TABLES = (
    sitewide, lookup, containers, annotation_routes, files, uploads, downloads, rules, analyses, copies, jobs,
    change_routes, dataviews, not_here,
)  # fmt: skip
SIGNED = Routes()
SIGNED.add("PUT", "/signed/upload/{upload_id}", public=True, streams=True)(uploads.put_signed)
SIGNED.add("GET", "/signed/download/{ticket_id}", public=True, streams=True)(downloads.download_signed)
LARGEST_JSON = 16 * 1024**2  # what one document of a real site's database can hold
UNFIT: dict[type[Exception], tuple[int, str]] = {
    web.HTTPRequestEntityTooLarge: (413, f"A body of JSON has at most {LARGEST_JSON} bytes"),
    RecursionError: (400, "The body is nested too deeply"),
    UnicodeEncodeError: (400, "The request holds text that is not valid Unicode"),
}
IDLE_SECONDS = 300  # clients keep sockets; closing one they reuse costs them an unretried POST
NOBODY = Identity(key_id="", user_id=None)
READING_POSTS = (
    "/lookup",
    "/resolve",
    "/download",
    "/download/targets",
    "/uids",
    "/views/data",
    "/views/queue",
    "/views/{view_id}/queue",
)
WRITING = ("POST", "PUT", "PATCH", "DELETE")


class Server:
    """The HTTP side of a site.

    Parameters
    ----------
    site
        What is served.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._runner: web.AppRunner | None = None
        self._listener: Listener | None = None

    async def start(self, host: str, port: int) -> int:
        """Listen, and return the port."""
        app = web.Application(client_max_size=LARGEST_JSON)
        app[uploads.FINISHING] = asyncio.Semaphore(uploads.FINISHED_AT_ONCE)
        self._add_routes(app.router)
        self._runner = web.AppRunner(app, access_log=None, keepalive_timeout=IDLE_SECONDS, shutdown_timeout=2)
        await self._runner.setup()
        server = self._runner.server
        assert server is not None
        self._listener = Listener(server, cache(partial(certificate.server_context, self._site.root, host)))
        bound = await self._listener.start(host, port)
        self._site.url = f"http://{f'[{host}]' if ':' in host else host}:{bound}"
        return bound

    async def stop(self) -> None:
        """Stop listening."""
        if self._listener:
            self._listener.stop()
        if self._runner:
            await self._runner.cleanup()

    def _add_routes(self, router: web.UrlDispatcher) -> None:
        tell(router, "/api", (route for module in TABLES for route in module.routes), self._serve)
        tell(router, "", SIGNED, self._serve)
        for prefix in ("/api", "/signed"):  # what no route is for is recorded and refused as the API does
            router.add_route("*", prefix + ANYTHING, partial(self._serve, None))
        router.add_route("*", "/__admin__" + ANYTHING, self._administer)
        router.add_route("*", ANYTHING, partial(pages.serve, self._site))

    async def _administer(self, request: web.Request) -> web.StreamResponse:
        return await _answered(admin.serve(self._site, request))

    async def _serve(self, route: Route | None, request: web.Request) -> web.StreamResponse:
        """Serve a request to the API (or to a signed URL), recording it; no route means that none is for it."""
        path, _, query = request.raw_path.partition("?")
        params = route.params(request) if route else {}
        shown = route.shown(params) if route else ""
        entry = Entry(request.method, path.removeprefix("/api"), query, shown, time.time())
        self._site.journal.add(entry)
        struck = self._site.faults.striking(entry.method, entry.path, entry.route, entry.query)
        entry.fault = tuple(fault.kind for fault in struck)
        if path.startswith("/signed/"):
            entry.query = ""  # its signature is as good as a key
        call = Call(self._site, request, params, Query.parse(query), NOBODY)
        call.faults = {fault.kind: fault for fault in struck}
        try:
            response = await before(call, struck)
            if response is None:
                response = await _answered(self._handle(call, route, entry))
                response = await after(call, struck, response)
            entry.status = 0 if _gone(request) and not response.prepared else response.status
            entry.bytes_out = response.body_length if response.prepared else len(response.body or b"")  # type: ignore[attr-defined]  # unprepared ones are ours, with a body
        finally:
            entry.seconds = time.time() - entry.time
            entry.bytes_in = request.content.total_bytes
        return response

    async def _handle(self, call: Call, route: Route | None, entry: Entry) -> Any:
        if route is None:
            raise NotFoundError(f"The site has no route {entry.method} {entry.path}")
        header = call.request.headers.get("Authorization")
        if header or not route.public:
            call.who = auth.authenticate(self._site.store, header)
            entry.key_id = call.who.key_id
        changes.by(call.who)
        if call.who.read_only and entry.method in WRITING and route.template not in READING_POSTS:
            raise ForbiddenError("This key only reads")
        if route.streams:
            return await route.handler(call)
        call.body = await _json_body(call.request)
        with self._site.store.transaction():
            return route.handler(call)


async def before(call: Call, struck: list[Fault]) -> web.StreamResponse | None:
    """Misbehave before anything is done; return the answer if that is all."""
    for fault in struck:
        if fault.kind == "slow":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "hook" and fault.hook:
            fault.hook(call.request.method, call.request.raw_path)
        elif fault.kind == "kill" and fault.pid:
            os.kill(fault.pid, signal.SIGKILL)
        elif fault.kind == "status":
            async for _ in call.request.content.iter_any():
                pass  # a client that is still sending would see a reset instead of the answer
            return _fault_reply(fault)
        elif fault.kind == "reset_before":
            return _reset(call.request)
    return None


async def after(call: Call, struck: list[Fault], response: web.StreamResponse) -> web.StreamResponse:
    """Misbehave when the request has been carried out; return the answer."""
    for fault in struck:
        if fault.kind == "late":
            await asyncio.sleep(fault.seconds)
        elif fault.kind == "hook_after" and fault.hook:
            fault.hook(call.request.method, call.request.raw_path)
        elif fault.kind == "kill_after" and fault.pid:
            os.kill(fault.pid, signal.SIGKILL)
        elif fault.kind == "status_after":
            response = _fault_reply(fault)
        elif fault.kind == "reset_after":
            response = _reset(call.request)
    return response


async def _answered(handling: Any) -> web.StreamResponse:
    """Turn what a handler returns or raises into a response."""
    try:
        result = await handling
    except (ApiError, web.HTTPException, RecursionError, UnicodeEncodeError, ConnectionError) as error:
        return _refusal(error)
    except Exception:  # a defect of the site's own reaches the client as a 500, and the log whole
        log.exception("a handler failed")
        return _json(_error_body(500, "Internal server error"), 500)
    return result if isinstance(result, web.StreamResponse) else _json(result)


def _refusal(error: Exception) -> web.Response:
    match error:
        case SchemaError():
            body = {"detail": error.problems, "status_code": error.status, "request_id": secrets.token_hex(8)}
            return _json(body, error.status)
        case ApiError():
            return _json(_error_body(error.status, error.message, **error.extra), error.status)
        case web.HTTPRequestEntityTooLarge() | RecursionError() | UnicodeEncodeError():
            status, message = UNFIT[type(error)]
            return _json(_error_body(status, message), status)
        case web.HTTPException():
            return web.Response(status=error.status, headers=error.headers, text=error.text)
        case _:
            return web.Response(status=499)  # the client is gone: nobody reads it


def _error_body(status: int, message: str, **extra: Any) -> dict[str, Any]:
    body = {"message": message, "detail": message, "status_code": status, "request_id": secrets.token_hex(8)}
    return {**body, **extra}


def _json(value: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, text=encode(value), content_type="application/json")


def _fault_reply(fault: Fault) -> web.Response:
    body = fault.body if fault.body is not None else _error_body(fault.status, "Fault injected")
    text = body if isinstance(body, str) else encode(body)
    headers = {"Content-Type": "application/json", **fault.headers}
    return web.Response(status=fault.status, text=text, headers=headers)


def _reset(request: web.Request) -> web.Response:
    """Close the connection without an answer."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


async def _json_body(request: web.Request) -> Any:
    """Return the JSON body; an empty one counts as missing, whatever its content type says."""
    raw = await request.read()
    if not raw.strip():
        return None
    try:
        return json.loads(raw, parse_constant=lambda _: None)  # NaN and infinities are stored as null
    except ValueError as error:
        raise BadRequestError("The body is not JSON") from error
