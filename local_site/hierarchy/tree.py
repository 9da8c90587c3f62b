"""Walking down the hierarchy, and writing a container that has changed."""

from __future__ import annotations

from collections.abc import Iterator

from local_site.hierarchy.levels import CHILD_OF
from local_site.site.state import Site
from local_site.storage.stamps import now
from local_site.storage.store import Doc


def descend(site: Site, kind: str, doc: Doc) -> Iterator[tuple[str, Doc]]:
    """Yield all that lies below a container: files, analyses, and lower containers with theirs."""
    for file in site.store.select("file", parent=doc["_id"]):
        yield "file", file
    for analysis in site.store.select("analysis", parent=doc["_id"]):
        yield "analysis", analysis
        for file in site.store.select("file", parent=analysis["_id"]):
            yield "file", file
    if kind in CHILD_OF:
        for child in site.store.select(CHILD_OF[kind], parent=doc["_id"]):
            yield CHILD_OF[kind], child
            yield from descend(site, CHILD_OF[kind], child)


def touch(site: Site, kind: str, doc: Doc) -> None:
    """Write a changed container with a new revision."""
    site.store.put(kind, {**doc, "modified": now(), "revision": doc.get("revision", 1) + 1})
