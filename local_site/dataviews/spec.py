"""What a data view asks for, read from a request."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from local_site.dataviews.columns import LEVELS, Column, columns
from local_site.errors import ApiError, BadRequestError
from local_site.hierarchy.fields import SchemaError, checked
from local_site.listing.filters import Filter
from local_site.listing.patterns import Pattern
from local_site.storage.store import Doc

KEYS = (
    "_id", "parent", "label", "description", "columns", "fileSpec", "filter", "groupBy", "includeIds", "includeLabels",
    "errorColumn", "missingDataStrategy", "sort", "public", "origin",
)  # fmt: skip
MATCHES = ("first", "last", "newest", "oldest", "all")


@dataclass(frozen=True)
class Names:
    """A condition on names: with ``*`` and ``?``, or a regular expression."""

    value: str
    regex: Pattern | None = None

    @classmethod
    def parse(cls, spec: Any) -> Names:
        """Read one.

        Raises
        ------
        ApiError
            It has no value, or one that is no regular expression.
        """
        spec = checked(spec, ("value", "regex", "match"), ("value",))
        try:
            return cls(spec["value"], Pattern(spec["value"]) if spec.get("regex") else None)
        except ValueError as error:
            raise BadRequestError(f"{spec['value']!r} is no regular expression: {error}") from error

    def admit(self, name: Any) -> bool:
        """Tell whether a name satisfies the condition."""
        if not isinstance(name, str):
            return False
        try:
            return self.regex.found_in(name) if self.regex else fnmatchcase(name, self.value)
        except TimeoutError as error:
            raise BadRequestError(f"The regular expression {self.value!r} takes too long") from error


@dataclass(frozen=True)
class Files:
    """Which files of each container make rows.

    Attributes
    ----------
    level
        The type of container.
    names
        What they are called.
    match
        Which of several: ``first``, ``last``, ``newest``, ``oldest``, ``all``.
    analyses
        Conditions on the analysis whose files are meant, by what they are on; None: files of the container itself.
    """

    level: str
    names: Names
    match: str = "first"
    analyses: dict[str, Names] | None = None

    @classmethod
    def parse(cls, spec: Any) -> Files:
        """Read a ``fileSpec``.

        Raises
        ------
        ApiError
            It is malformed, or wants the files themselves to be read.
        """
        spec = checked(spec, None, ("container", "filter"))
        level = str(spec["container"]).rstrip("s")
        if level not in LEVELS:
            raise BadRequestError(f"Unexpected file container: {spec['container']}")
        if spec.get("processFiles") is not False:
            message = "Not on this site: files are not read for data views; say processFiles: false"
            raise ApiError(501, message, reason="not_here")
        if (spec.get("match") or "first") not in MATCHES:
            raise SchemaError(("match", f"one of {', '.join(MATCHES)}"))
        wanted = spec.get("analysisFilter")
        analyses = None if wanted is None else _analysis_conditions(wanted)
        return cls(level, Names.parse(spec["filter"]), spec.get("match") or "first", analyses)


@dataclass(frozen=True)
class View:
    """A data view.

    Attributes
    ----------
    label
        What it is called.
    columns
        In the order of the table.
    levels
        The types of containers that a row is made of, from the project down.
    files
        Which files make rows; None: containers do.
    filter
        Which rows are shown.
    group_by
        By which columns rows are put together; empty: each stands for itself.
    drop_incomplete
        Whether rows that lack a value are left out.
    errors
        Whether the last column is for errors, of which there are none where no files are read.
    """

    label: str | None
    columns: tuple[Column, ...]
    levels: tuple[str, ...]
    files: Files | None
    filter: Filter
    group_by: tuple[Column, ...]
    drop_incomplete: bool
    errors: bool

    @classmethod
    def parse(cls, body: Any, narrowed: str = "") -> View:
        """Read a view, and a filter that narrows it further.

        Raises
        ------
        ApiError
            It is malformed, has no columns, or a filter on what is not in its rows.
        """
        body = checked_view(body)
        asked = [column for item in _items(body, "columns") for column in columns(item)]
        grouping = [column for item in _group_items(body) for column in columns(item)]
        files = Files.parse(body["fileSpec"]) if body.get("fileSpec") else None
        levels = _levels([*asked, *grouping], files)
        texts = [text for text in (body.get("filter"), narrowed) if text]
        conditions = [Filter.parse(text, quoted_parents=True) for text in texts]
        combined = Filter(tuple(one for item in conditions for one in item.conditions), quoted_parents=True)
        for condition in combined.conditions:
            if condition.key.partition(".")[0] not in (*levels, *(("file", "analysis") if files else ())):
                raise BadRequestError(f"Unable to filter by {condition.key}: no column is from there")
        strategy = body.get("missingDataStrategy") or "none"
        if strategy not in ("none", "drop-row"):
            raise SchemaError(("missingDataStrategy", "one of none, drop-row"))
        if not grouping:
            asked = _with_defaults(asked, levels, body)
        errors = bool(body.get("errorColumn")) and not grouping
        return cls(
            body.get("label"), tuple(asked), levels, files, combined, tuple(grouping), strategy == "drop-row", errors
        )

    @property
    def names(self) -> list[str]:
        """The heads of the columns."""
        heads = [column.name for column in (*self.group_by, *self.columns)]
        return list(dict.fromkeys([*heads, *(["errors"] if self.errors else [])]))


def checked_view(body: Any) -> Doc:
    """Return the body of a view if its keys are known.

    Raises
    ------
    SchemaError
        It is no object, a key is unknown, or the filter, which elsewhere is an object, no text.
    """
    text = body.get("filter") if isinstance(body, dict) else None
    if text is not None and not isinstance(text, str):
        raise SchemaError(("filter", "a text is needed"))
    without = {key: value for key, value in body.items() if key != "filter"} if isinstance(body, dict) else body
    return {**checked(without, KEYS), **({"filter": text} if text else {})}


def _items(body: Doc, key: str) -> list[Any]:
    items = body.get(key) or []
    if not isinstance(items, list):
        raise SchemaError((key, "a list is needed"))
    return items


def _group_items(body: Doc) -> list[Any]:
    group = body.get("groupBy") or {}
    items = _items(checked(group, ("columns",)), "columns")
    return [{"src": item} if isinstance(item, str) else item for item in items]


def _levels(asked: list[Column], files: Files | None) -> tuple[str, ...]:
    deepest = max((LEVELS.index(column.source) for column in asked if column.source in LEVELS), default=-1)
    if files is not None:
        if LEVELS.index(files.level) < deepest:
            raise BadRequestError("File match must be the lowest container on the hierarchy")
        deepest = LEVELS.index(files.level)
    elif any(column.source not in LEVELS for column in asked):
        raise BadRequestError("Columns of files and analyses need a fileSpec that says which")
    if deepest < 0:
        raise BadRequestError("A data view needs columns or files")
    return LEVELS[: deepest + 1]


def _with_defaults(asked: list[Column], levels: tuple[str, ...], body: Doc) -> list[Column]:
    """Put the labels of the containers before the columns, and their ids behind, unless they are among them."""
    names = {column.name for column in asked}
    labels = [Column(level, "label", f"{level}.label", "string") for level in levels]
    ids = [Column(level, "_id", f"{level}.id", "string") for level in levels]
    before = labels if body.get("includeLabels") in (None, True) else []
    after = ids if body.get("includeIds") in (None, True) else []
    return [
        *(column for column in before if column.name not in names),
        *asked,
        *(column for column in after if column.name not in names),
    ]


def _analysis_conditions(spec: Any) -> dict[str, Names]:
    if not isinstance(spec, dict) or set(spec) - {"label", "gear.name", "gear.version"}:
        raise SchemaError(("analysisFilter", "an object of label, gear.name, gear.version is needed"))
    return {key: Names.parse(value) for key, value in spec.items() if value is not None}
