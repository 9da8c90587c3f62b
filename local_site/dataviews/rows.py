"""The rows of a data view: one for each container of its deepest level, or for each file that it matches there."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from local_site.dataviews.columns import Column, at
from local_site.dataviews.spec import Files, View
from local_site.hierarchy.levels import CHILD_OF, LEVELS
from local_site.site import auth
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.store import Doc

Row = dict[str, Any]
Docs = dict[str, Doc]
ACCUMULATED: dict[str, Callable[[list[Any]], Any]] = {
    "sum": sum,
    "mean": statistics.fmean,
    "standard_deviation": statistics.pstdev,
    "minimum": min,
    "maximum": max,
}


def rows(site: Site, who: Identity, view: View, kind: str, container: Doc) -> Iterator[Row]:
    """Yield the rows of a view of what lies at, above or below a container, in the order of creation."""
    admitted = (docs for docs in _documents(site, who, view, kind, container) if _admits(view, docs))
    for row in _grouped(view, admitted) if view.group_by else (_row(view, docs) for docs in admitted):
        if not view.drop_incomplete or all(value is not None for name, value in row.items() if name != "errors"):
            yield row


def _documents(site: Site, who: Identity, view: View, kind: str, container: Doc) -> Iterator[Docs]:
    """Yield, for each row, the documents that its values are taken from, by their kind."""
    readable = auth.readable_projects(site.store, who)
    start: Docs = {} if kind == "group" else _lineage(site, kind, container)
    for docs in _down(site, view.levels, kind, container, start):
        if readable is not None and docs["project"]["_id"] not in readable:
            continue
        if view.files is None:
            yield docs
        else:
            yield from _with_files(site, view.files, docs)


def _lineage(site: Site, kind: str, container: Doc) -> Docs:
    above = {level: site.store.get(level, container["parents"].get(level) or "") for level in LEVELS[1:]}
    return {**{level: doc for level, doc in above.items() if doc}, kind: container}


def _down(site: Site, levels: tuple[str, ...], kind: str, doc: Doc, docs: Docs) -> Iterator[Docs]:
    """Yield the documents of each container of the deepest level below `doc`, or of that above it."""
    if kind == levels[-1] or kind not in CHILD_OF or kind not in ("group", *levels):
        yield docs
        return
    child = CHILD_OF[kind]
    for item in site.store.select(child, parent=doc["_id"]):
        yield from _down(site, levels, child, item, {**docs, child: item})


def _with_files(site: Site, wanted: Files, docs: Docs) -> Iterator[Docs]:
    """Yield a row for each file that is wanted of a container; one without, if there is none."""
    holder = docs.get(wanted.level)
    found: list[Docs] = []
    for more in _holders(site, wanted, holder) if holder else ():
        place = more.get("analysis") or holder
        files = site.store.select("file", parent=place["_id"]) if place else ()
        found += [{**docs, **more, "file": file} for file in files if wanted.names.admit(file["name"])]
    if wanted.match in ("newest", "oldest"):
        found.sort(key=lambda row: row["file"]["created"], reverse=wanted.match == "newest")
    elif wanted.match == "last":
        found.reverse()
    yield from (found if wanted.match == "all" else found[:1]) or [docs]


def _holders(site: Site, wanted: Files, holder: Doc) -> Iterator[Docs]:
    if wanted.analyses is None:
        yield {}
        return
    for analysis in site.store.select("analysis", parent=holder["_id"]):
        gear = {f"gear.{key}": value for key, value in (analysis.get("gear_info") or {}).items()}
        facts = {"label": analysis["label"], **gear}
        if all(names.admit(facts.get(key)) for key, names in wanted.analyses.items()):
            yield {"analysis": analysis}


def _admits(view: View, docs: Docs) -> bool:
    return view.filter.matches(dict(docs), lambda _, level: docs.get(level))


def _row(view: View, docs: Docs) -> Row:
    row = {column.name: column.value(docs) for column in view.columns}
    return {**row, "errors": None} if view.errors else row


def _grouped(view: View, found: Iterable[Docs]) -> list[Row]:
    groups: dict[str, tuple[Row, list[Docs]]] = {}
    for docs in found:
        key = {column.name: column.value(docs) for column in view.group_by}
        groups.setdefault(repr(key), (key, []))[1].append(docs)
    return [
        {**key, **{column.name: _accumulated(column, members) for column in view.columns if column.name not in key}}
        for key, members in groups.values()
    ]


def _accumulated(column: Column, members: list[Docs]) -> Any:
    """Return what a group shows of a column: the first value where no accumulator is named."""
    values = [value for docs in members if (value := column.value(docs)) is not None]
    if column.accumulator == "count":
        return len(values)
    if column.accumulator is None:
        return next(iter(values), None)
    numbers = [value for value in values if isinstance(value, int | float) and not isinstance(value, bool)]
    if not numbers:
        return None
    return ACCUMULATED[column.accumulator](numbers)


def flattened(row: Row, names: list[str]) -> Row:
    """Return a row with a value of its own for each of these paths; objects show what lies at the rest of the path."""
    return {name: _reached(row, name) for name in names}


def flat_names(first: Row) -> list[str]:
    """Return the heads of a table that cannot hold objects, as the first row has them."""
    return [name for head, value in first.items() for name in _leaves(head, value)]


def _leaves(head: str, value: Any) -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(f"{head}.{key}", item)
    else:
        yield head


def _reached(row: Row, name: str) -> Any:
    if name in row:
        return row[name]
    heads = [head for head in row if name.startswith(f"{head}.")]
    return at(row[max(heads, key=len)], name[len(max(heads, key=len)) + 1 :]) if heads else None
