r"""The filter grammar of Flywheel's finders.

``filter = condition ("," condition)*``, all of which must hold; ``condition = dotted.key OP value`` with
the operators ``= != < <= > >= =~ =|``. A comma inside a value is written ``\,``. An unquoted value is typed by
its look (id, date, null, boolean, number), a quoted one is a string; comparison is by type, as in the
document database behind a real site: ``label=1001`` does not find the label ``"1001"``.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from local_site.errors import BadRequestError
from local_site.listing.patterns import Budget, Pattern
from local_site.storage.stamps import OBJECT_ID, STORED_TIME, parse_time, stored_time
from local_site.storage.store import Doc, encode

OPERATOR = re.compile(r"=\||=~|!=|<=|>=|=|<|>")
PIECE = re.compile(r"=\|\[(?:\\.|[^\]\\])*\]|\\,|,|[^,\\=]+|.", re.DOTALL)
DATE = re.compile(r"\d{4}-\d\d-\d\d(?:T\d\d(?::\d\d(?::\d\d(?:\.\d{1,6})?)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
NUMBER = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?")
LONGEST_INTEGER = 20  # characters; beyond that the database keeps a float
CONSTANTS = {"null": None, "true": True, "false": False}
LEVELS = ("group", "project", "subject", "session", "acquisition")
ORDERINGS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

Relative = Callable[[Doc, str], Doc | None]  # a document and a level -> its ancestor at that level


@dataclass(frozen=True)
class Condition:
    """One condition of a filter.

    Attributes
    ----------
    key
        The dotted path to the value.
    op
        The operator.
    value
        What to compare with, typed.
    quoted
        Whether the value was written in quotes.
    """

    key: str
    op: str
    value: Any
    quoted: bool

    @property
    def of_relative(self) -> bool:
        """Whether the value is one of another container, such as ``subject.label``."""
        head, _, rest = self.key.partition(".")
        return head in LEVELS and bool(rest)

    @property
    def of_parent(self) -> bool:
        """Whether the condition is on the ids of ancestors."""
        return self.key.startswith("parents.")

    def holds(self, found: list[Any]) -> bool:
        """Tell whether the values `found` at the key satisfy the condition."""
        if self.key.endswith("date_of_birth"):
            found = [_start_of_day(value) for value in found]
        if self.op == "=|":
            return any(_equal(value, wanted) for value in found for wanted in self.value)
        if self.op == "=~":
            return any(isinstance(value, str) and self._matches(value) for value in found)
        if self.op in ("=", "!="):
            absent = not found and self.value is None
            hit = absent or any(_equal(value, self.value) for value in found)
            return hit == (self.op == "=")
        return any(_ordered(self.op, value, self.value) for value in found)

    def _matches(self, text: str) -> bool:
        try:
            return bool(self.value.found_in(text))
        except TimeoutError as error:
            raise BadRequestError(f"The regular expression for {self.key} takes too long") from error


@dataclass(frozen=True)
class Filter:
    """A parsed filter; the empty one matches everything.

    Attributes
    ----------
    conditions
        All of them must hold.
    quoted_parents
        Whether a quoted value of a parent's field can match.
    """

    conditions: tuple[Condition, ...] = ()
    quoted_parents: bool = False

    @classmethod
    def parse(cls, text: str, *, quoted_parents: bool = False, budget: Budget | None = None) -> Filter:
        """Read a filter as it stands in a query; its regular expressions share a budget, with other filters if given.

        Raises
        ------
        BadRequestError
            The text does not follow the grammar.
        """
        shared = budget or Budget()
        conditions = tuple(_condition(part, shared) for part in _split(text)) if text.strip() else ()
        return cls(conditions, quoted_parents)

    def matches(self, doc: Doc, relative: Relative) -> bool:
        """Tell whether `doc` satisfies every condition."""
        return all(self._holds(condition, doc, relative) for condition in self.conditions)

    def sieve(self) -> list[str]:
        """Return texts that the stored form of every match contains."""
        return [
            encode(condition.value)
            for condition in self.conditions
            if condition.op == "="
            and isinstance(condition.value, str)
            and not condition.of_relative
            and not condition.key.startswith("files.")
        ]

    def _holds(self, condition: Condition, doc: Doc, relative: Relative) -> bool:
        if (condition.of_parent or condition.of_relative) and condition.quoted and not self.quoted_parents:
            return False
        if condition.of_relative:
            level, _, path = condition.key.partition(".")
            ancestor = relative(doc, level)
            return condition.holds(list(values_at(ancestor, path)) if ancestor else [])
        return condition.holds(list(values_at(doc, condition.key)))


def values_at(value: Any, path: str) -> Iterator[Any]:
    """Yield what lies at a dotted path; an array stands for each of its elements."""
    if isinstance(value, list):
        for item in value:
            yield from values_at(item, path)
    elif not path:
        yield value
    elif isinstance(value, dict):
        head, _, rest = path.partition(".")
        if head in value:
            yield from values_at(value[head], rest)


def _split(text: str) -> list[str]:
    parts = [""]
    for piece in PIECE.findall(text):
        if piece == ",":
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _condition(text: str, budget: Budget) -> Condition:
    found = OPERATOR.search(text)
    if found is None or not text[: found.start()].strip():
        raise BadRequestError(f"Cannot parse {text.strip()!r} as a filter expression")
    key, op, raw = text[: found.start()].strip(), found[0], text[found.end() :].strip()
    if key in LEVELS:
        key = f"parents.{key}"
    elif key == "id":
        key = "_id"
    if op == "=|":
        if not (raw.startswith("[") and raw.endswith("]")):
            raise BadRequestError(f"Cannot parse {text.strip()!r} as a filter expression: a list is needed")
        items = [item.replace("\\,", ",").strip() for item in re.split(r"(?<!\\),", raw[1:-1])]
        return Condition(key, op, [_typed(item)[0] for item in items], quoted=False)
    raw = raw.replace("\\,", ",")
    if op == "=~":
        try:
            return Condition(key, op, Pattern(raw, budget), quoted=False)
        except ValueError as error:
            raise BadRequestError(f"Cannot parse {text.strip()!r} as a filter expression: {error}") from error
    value, quoted = _typed(raw)
    return Condition(key, op, value, quoted)


def _typed(raw: str) -> tuple[Any, bool]:
    """Return the value that `raw` stands for, and whether it was quoted."""
    if len(raw) >= 2 and raw[0] == raw[-1] == '"':
        return raw[1:-1], True
    value: Any = raw
    if raw.lower() in CONSTANTS:
        value = CONSTANTS[raw.lower()]
    elif DATE.fullmatch(raw):
        try:
            value = parse_time(raw)
        except ValueError:
            value = raw  # 2020-13-01 is a text
    elif NUMBER.fullmatch(raw) and not OBJECT_ID.fullmatch(raw):
        whole = raw.lstrip("+-").isdigit() and len(raw) <= LONGEST_INTEGER
        value = int(raw) if whole else float(raw)
    return value, False


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, datetime):
        return _moment(value) == wanted
    if isinstance(value, bool) or isinstance(wanted, bool):
        return value is wanted
    if isinstance(value, dict):
        return False
    return bool(value == wanted)


def _ordered(op: str, value: Any, limit: Any) -> bool:
    if isinstance(limit, datetime):
        moment = _moment(value)
        return moment is not None and ORDERINGS[op](moment, limit)
    numbers = (int, float)
    if isinstance(value, bool) or isinstance(limit, bool) or limit is None:
        return False
    if isinstance(value, numbers) and isinstance(limit, numbers):
        return ORDERINGS[op](value, limit)
    if isinstance(value, str) and isinstance(limit, str):
        return ORDERINGS[op](value, limit)
    return False


def _moment(value: Any) -> datetime | None:
    """Return `value` as a point in time if it is stored as one; a label that looks like a date is not."""
    return datetime.fromisoformat(value) if isinstance(value, str) and STORED_TIME.fullmatch(value) else None


def _start_of_day(value: Any) -> Any:
    try:
        return stored_time(datetime.fromisoformat(value))
    except (TypeError, ValueError):
        return value
