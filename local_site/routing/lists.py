"""List endpoints: the documents a client may see, filtered, ordered, cut, in the form it understands."""

from __future__ import annotations

import functools
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from local_site.errors import ForbiddenError
from local_site.hierarchy import access
from local_site.hierarchy.levels import PARENT_OF
from local_site.hierarchy.views import Views
from local_site.listing.paging import Listing, envelope
from local_site.routing.call import Call
from local_site.site import auth
from local_site.storage.stamps import OBJECT_ID, stored_time
from local_site.storage.store import Doc

LAST = "\U0010ffff"  # sorts behind every id


def wants_envelope(call: Call) -> bool:
    """Tell whether the client announced that it understands envelopes."""
    return "pagination" in call.request.headers.get("x-accept-feature", "").lower()


def views(call: Call) -> Views:
    """Return the views of the sender of a request."""
    return Views(
        call.site,
        call.who,
        all_info=call.query.flag("include_all_info"),
        inflate_job=call.query.flag("inflate_job"),
    )


def relative(get: Callable[[str, str], Doc | None], doc: Doc, level: str) -> Doc | None:
    """Return the ancestor of `doc` at a level, for filters such as ``subject.label=…``."""
    doc_id = doc.get("parents", {}).get(level) or (doc.get("group") if level == "group" else None)
    if doc_id is None and isinstance(doc.get(level), dict):
        embedded: Doc = doc[level]
        return embedded
    return get(level, doc_id) if isinstance(doc_id, str) else None


def page(
    call: Call,
    kind: str,
    *,
    parent: str | None = None,
    projects: list[str] | None = None,
    enveloped: bool = False,
) -> tuple[list[Doc], int]:
    """Return the documents of the page asked for, and how many there are in all if the client wants to know.

    Parameters
    ----------
    call
        The request.
    kind
        What to list.
    parent, projects
        Only what is below this parent, or in these projects.
    enveloped
        Whether the reply is in an envelope whatever the client announced.
    """
    listing = Listing.parse(call.query, quoted_parents=call.site.options.quoted_parents)
    readable = _readable(call, kind)
    scope = readable if projects is None else frozenset(projects)
    with_files = any(condition.key.startswith("files.") for condition in listing.filter.conditions)
    by_id = any(condition.key in ("_id", "file_id") for condition in listing.filter.conditions)
    young = _young(call)

    denied = {fault.project for fault in call.site.faults.all() if fault.kind == "deny"}

    @functools.cache
    def ancestor(level: str, doc_id: str) -> Doc | None:
        return call.site.store.get(level, doc_id)

    def keep(doc: Doc) -> bool:
        if young and doc.get("created", "") > young:
            return False
        if denied and (doc.get("parents") or {}).get("project", doc["_id"]) in denied:
            return False
        if kind == "group" and not access.readable_group(call.site, call.who, doc):
            return False
        if kind == "file" and by_id:
            return False
        if with_files:
            doc = {**doc, "files": list(call.site.store.select("file", parent=doc["_id"]))}
        return listing.filter.matches(doc, lambda doc, level: relative(ancestor, doc, level))

    def candidates(after: str) -> Any:
        return call.site.store.select(
            kind, parent=parent, projects=scope, after=after, containing=listing.filter.sieve()
        )

    after = _file_id(call, listing.after) if kind == "file" else listing.after
    total = sum(map(keep, candidates(""))) if enveloped or wants_envelope(call) else 0
    return listing.apply(candidates(after), keep), total


def containers(call: Call, kind: str, *, parent: str | None = None, projects: list[str] | None = None) -> Any:
    """Return the reply of a list endpoint for containers."""
    docs, total = page(call, kind, parent=parent, projects=projects)
    shown = views(call)
    results = [shown.listed(kind, doc) for doc in docs]
    return envelope(results, total) if wants_envelope(call) else results


def plain(call: Call, docs: list[Doc]) -> Any:
    """Return the reply of a list endpoint for documents that are shown as they are."""
    listing = Listing.parse(call.query, quoted_parents=call.site.options.quoted_parents)

    def keep(doc: Doc) -> bool:
        return listing.filter.matches(doc, lambda doc, level: relative(call.site.store.get, doc, level))

    kept = listing.apply((doc for doc in docs if doc["_id"] > listing.after), keep)
    return envelope(kept, sum(map(keep, docs))) if wants_envelope(call) else kept


def _file_id(call: Call, after: str) -> str:
    """Return the stable id of the file after which a page begins; finders of SDK 17 to 19 name its version instead.

    What names no file lies behind all files, so that no client asks for the same page forever.
    """
    if not after or OBJECT_ID.fullmatch(after):
        return after
    kinds = ("file", "file_version")
    found = (doc for kind in kinds for doc in call.site.store.select(kind, containing=[after], deleted=True))
    return next((str(doc["file_id"]) for doc in found if doc["_id"] == after), LAST)


def _readable(call: Call, kind: str) -> frozenset[str] | None:
    if call.query.flag("exhaustive") and not call.who.admin:
        raise ForbiddenError("exhaustive needs a site administrator")
    if kind not in PARENT_OF and kind not in ("analysis", "file"):
        return None
    return auth.readable_projects(call.site.store, call.who)


def _young(call: Call) -> str | None:
    """Return the time after which things are too young to be listed, when a fault says so."""
    lag = call.faults.get("lag")
    if lag is None:
        return None
    return stored_time(datetime.now(UTC) - timedelta(seconds=lag.seconds))
