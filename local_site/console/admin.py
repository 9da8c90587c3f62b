"""The admin route, outside of ``/api``: faults, the record of requests, options, the dump, users.

Every call needs the key of a site administrator, in the same header as the API's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

from aiohttp import web

from local_site.console import dump
from local_site.errors import BadRequestError, NotFoundError
from local_site.hierarchy import access, regulated
from local_site.site import auth
from local_site.site.faults import Fault
from local_site.site.state import Site

SETTABLE = {item.name for item in dataclasses.fields(Fault) if item.init} - {"hook"}


async def serve(site: Site, request: web.Request) -> Any:
    """Answer a request below ``/__admin__/``.

    Raises
    ------
    ApiError
        The key is not an administrator's, or the request not understood.
    """
    access.require_admin(auth.authenticate(site.store, request.headers.get("Authorization")))
    topic = request.path.removeprefix("/__admin__/").strip("/")
    body = await request.json() if request.can_read_body else None
    answers: dict[tuple[str, str], Callable[[], Any]] = {
        ("GET", "faults"): lambda: [_shown(fault) for fault in site.faults.all()],
        ("POST", "faults"): lambda: _shown(site.faults.add(_fault(body))),
        ("DELETE", "faults"): site.faults.clear,
        ("GET", "requests"): lambda: [dataclasses.asdict(entry) for entry in site.journal.entries()],
        ("DELETE", "requests"): site.journal.clear,
        ("GET", "options"): lambda: dataclasses.asdict(site.options),
        ("PUT", "options"): lambda: _set_options(site, body),
        ("POST", "users"): lambda: _add_user(site, body),
        ("POST", "keys"): lambda: _add_key(site, body),
        ("PUT", "locks"): lambda: _lock(site, body),
        ("POST", "findings"): lambda: _flag(site, body),
        ("GET", "dump"): lambda: dump.dump(site),
    }
    answer = answers.get((request.method, topic))
    if answer is None:
        raise NotFoundError(f"There is no {request.method} /__admin__/{topic}")
    return answer()


def _fault(body: Any) -> Fault:
    if not isinstance(body, dict) or set(body) - SETTABLE:
        raise BadRequestError(f"A fault is an object with keys among {', '.join(sorted(SETTABLE))}")
    try:
        return Fault(**body)
    except (TypeError, ValueError) as error:
        raise BadRequestError(str(error)) from error


def _shown(fault: Fault) -> dict[str, Any]:
    return {item.name: getattr(fault, item.name) for item in dataclasses.fields(Fault) if item.name != "hook"}


def _set_options(site: Site, body: Any) -> dict[str, Any]:
    try:
        site.options = dataclasses.replace(site.options, **body)
    except TypeError as error:
        raise BadRequestError(str(error)) from error
    return dataclasses.asdict(site.options)


def _add_user(site: Site, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict) or not body.get("_id"):
        raise BadRequestError("A user needs an _id")
    site.add_user(body["_id"], roles=body.get("roles"))
    return {"_id": body["_id"], "key": auth.issue_key(site.store, body["_id"])}


def _lock(site: Site, body: Any) -> dict[str, Any]:
    reason = body.get("reason") if isinstance(body, dict) else ""
    if not isinstance(body, dict) or reason not in (None, *regulated.LOCKING_REASONS):
        raise BadRequestError(f"A lock is a project and a reason: null or {', '.join(regulated.LOCKING_REASONS)}")
    return {"locked": regulated.lock(site, str(body.get("project")), reason)["locked"]}


def _flag(site: Site, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict) or not body.get("file_id"):
        raise BadRequestError("A finding needs a file_id")
    flagged = regulated.flag(site, str(body["file_id"]), str(body.get("threat") or "Test.Malware"))
    return {"scan_events": flagged["scan_events"]}


def _add_key(site: Site, body: Any) -> dict[str, Any]:
    if not isinstance(body, dict) or not body.get("user"):
        raise BadRequestError("A key needs a user")
    scope = {key: body[key] for key in ("read_only", "project", "role_ids") if key in body}
    return {"key": auth.issue_key(site.store, body["user"], **scope)}
