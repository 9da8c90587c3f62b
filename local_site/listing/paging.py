"""Listing: which documents, in which order, how many."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

from local_site.errors import UnprocessableError
from local_site.listing.filters import Filter, values_at
from local_site.listing.query import Query
from local_site.storage.store import Doc

DIRECTIONS = {"asc": False, "1": False, "desc": True, "-1": True}


@dataclass(frozen=True)
class Listing:
    """What a client asks of a list endpoint.

    Attributes
    ----------
    filter
        Which documents.
    sort
        Keys with whether each descends.
    limit, skip
        How many, after how many.
    after
        The id after which to start (keyset paging).
    """

    filter: Filter
    sort: tuple[tuple[str, bool], ...]
    limit: int | None
    skip: int
    after: str

    @classmethod
    def parse(cls, query: Query, *, quoted_parents: bool = False) -> Listing:
        """Read the paging parameters of a request.

        Raises
        ------
        UnprocessableError
            A parameter is repeated, malformed, or excludes another.
        """
        single = {name: _single(query, name) for name in ("filter", "sort", "limit", "skip", "page", "after_id")}
        limit, skip, page = (query.number(name) for name in ("limit", "skip", "page"))
        if single["after_id"] and (single["sort"] or page is not None or skip):
            raise UnprocessableError("Pagination: after_id cannot be combined with sort, page or skip")
        if page is not None and skip:
            raise UnprocessableError("Pagination: page cannot be combined with skip")
        if page is not None and limit is None:
            raise UnprocessableError("Pagination: page needs limit")
        if page is not None and limit is not None:
            skip = max(page - 1, 0) * limit
        parsed = Filter.parse(single["filter"], quoted_parents=quoted_parents)
        return cls(parsed, _sort_keys(single["sort"]), limit or None, skip or 0, single["after_id"])

    def apply(self, docs: Iterable[Doc], keep: Callable[[Doc], bool]) -> list[Doc]:
        """Return the page: the documents that `keep` keeps, ordered and cut.

        `docs` come in the order of their ids, and are not read further than needed.
        """
        kept: Iterable[Doc] = (doc for doc in docs if keep(doc))
        if self.sort:
            kept = list(kept)
            for key, descending in reversed(self.sort):
                kept.sort(key=lambda doc, key=key: _rank(doc, key), reverse=descending)  # type: ignore[misc]  # mypy cannot infer a lambda's default
        stop = None if self.limit is None else self.skip + self.limit
        return list(islice(kept, self.skip, stop))


def envelope(results: list[Any], total: int) -> dict[str, Any]:
    """Return a page in the form of clients that announce ``pagination``."""
    return {"count": len(results), "total": total, "results": results}


def _single(query: Query, name: str) -> str:
    values = query.all(name)
    if len(values) > 1:
        raise UnprocessableError(f"Pagination: {name} is given more than once")
    return values[0].strip() if values else ""


def _sort_keys(text: str) -> tuple[tuple[str, bool], ...]:
    keys = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        key, _, direction = part.partition(":")
        if (direction or "asc") not in DIRECTIONS:
            raise UnprocessableError(f"Pagination: unknown sort order {direction!r}")
        keys.append(("_id" if key == "id" else key, DIRECTIONS[direction or "asc"]))
    return tuple(keys)


def _rank(doc: Doc, key: str) -> tuple[int, Any]:
    """Return what to sort by: values of one type together, absent ones first."""
    value = next(iter(values_at(doc, key)), None)
    kinds: Collection[tuple[type, ...]] = ((bool,), (int, float), (str,))
    for rank, kind in enumerate(kinds, start=1):
        if isinstance(value, kind):
            return rank, value
    return 0, 0
