"""Fields of containers as a sheet may set them: which values each can have, and how a container says them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, TypeVar

from export_session.session.headers import ABSENT
from export_session.session.provenance import object_at
from export_session.site.model import Container, Level

SEXES = ("male", "female", "other", "unknown")
LABEL_MAX = 256  # characters
SECONDS = {"D": 86_400, "W": 604_800, "M": 2_629_800, "Y": 31_557_600}  # of an Age String (PS3.5 §6.2)
_MOMENTS = {"timestamp": None, "date_of_birth": len("1970-01-31")}  # of which a site gives more than was typed
_AGE = re.compile(r"(\d{1,3}) ?([DWMY])", re.IGNORECASE)

C = TypeVar("C", bound=Container)


class NoValue(ValueError):
    """A field cannot have a value; the message says why."""


@dataclass(frozen=True)
class Field:
    """A field of a container; ``way`` is one name, or ``info`` and the keys that lead to a value in it."""

    level: Level
    way: tuple[str, ...]

    @property
    def path(self) -> str:
        """The field as the sheet names it."""
        return ".".join((self.level, *self.way))

    @property
    def place(self) -> tuple[object, ...]:
        """What is the same for every spelling of it."""
        return self.level, *self.way

    @property
    def in_info(self) -> bool:
        """Whether it lies in the container's info."""
        return self.way[0] == "info"

    @property
    def is_label(self) -> bool:
        """Whether it is what the container is called."""
        return self.way == ("label",)

    @property
    def is_listed(self) -> bool:
        """Whether listings tell it."""
        return self.in_info or self.is_label

    def value_in(self, container: Container) -> Any:
        """Return what a container says, ABSENT where it says nothing."""
        value: Any = container.document()
        for key in self.way:
            value = value.get(key, ABSENT) if isinstance(value, Mapping) else ABSENT
        return ABSENT if value is None and not self.in_info else value

    def why_not_in(self, container: Container) -> str:
        """Say what stands in the way to a value in info, which would be lost to it; "" where nothing does."""
        value: Any = container.info
        for depth, key in enumerate(self.way[1:-1], 2):
            value = value.get(key)
            if value is None:
                return ""
            if not isinstance(value, Mapping):
                whole = ".".join((self.level, *self.way[:depth]))
                return f"there is {_kind(value)} at {whole}, so there is nothing inside it; correct {whole} first"
        return ""

    def set_in(self, container: C, value: Any) -> C:
        """Return the container as it will be with another value."""
        value = None if value is ABSENT and not self.in_info else value
        if self.is_label:
            return replace(container, label=value)
        if self.in_info:
            return replace(container, info=with_value(container.info, self.way[1:], value))
        details = {**container.details, self.way[0]: value}
        return replace(
            container,
            details={name: kept for name, kept in details.items() if kept is not None},
            _fields={**container._fields, self.way[0]: value},
        )

    def typed(self, text: Any, shown: Any) -> Any:
        """Return what was typed as the site has it.

        Parameters
        ----------
        shown
            What the container says now: in info, where anything may stand, its kind decides.

        Raises
        ------
        NoValue
            The field cannot have it.
        """
        if text is None:
            if self.is_label:
                raise NoValue("a label cannot be empty")
            return None
        if self.in_info:
            return _in_info(text, shown)
        form: Callable[[Any], Any] = _FORMS.get(self.way[0], _text)
        return form(text)

    def same(self, one: Any, other: Any) -> bool:
        """Tell whether two values say the same; a moment may be written in several ways."""
        one, other = (None if value is ABSENT or value == "" else value for value in (one, other))
        if isinstance(one, str) and isinstance(other, str) and self.way[0] in _MOMENTS:
            length = _MOMENTS[self.way[0]]
            return _moment(one[:length]) == _moment(other[:length])
        return bool(one == other)


def with_value(info: Mapping[str, Any], way: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Return info with another value at the end of a way; ABSENT takes it away, and objects left empty by that."""
    first, rest = way[0], way[1:]
    if rest:
        inside = with_value(object_at(info, first), rest, value)
        value = ABSENT if value is ABSENT and not inside else inside
    return {key: kept for key, kept in {**info, first: value}.items() if kept is not ABSENT}


def _in_info(text: Any, shown: Any) -> Any:
    if isinstance(text, str) and isinstance(shown, int | float | list | dict):
        try:
            typed = json.loads(text.strip())
        except ValueError:
            raise NoValue(f"there is {_kind(shown)} in that place, and this is none") from None
        if _kind(typed) != _kind(shown):
            raise NoValue(f"there is {_kind(shown)} in that place, and this is none")
        return typed
    return text


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    return {int: "a number", float: "a number", list: "a list", dict: "an object"}.get(type(value), "a text")


def _text(text: Any) -> str:
    if isinstance(text, float) and text.is_integer():
        return str(int(text))
    if not isinstance(text, str | int | float):
        raise NoValue("it takes a text")
    return str(text)


def _label(text: Any) -> str:
    label = _text(text).strip()
    if not label or len(label) > LABEL_MAX:
        raise NoValue(f"a label has from 1 to {LABEL_MAX} characters" if label else "a label cannot be empty")
    if any(character < " " for character in label):
        raise NoValue("a label cannot hold line breaks or other control characters")
    return label


def _sex(text: Any) -> str:
    sex = _text(text).strip().lower()
    if sex not in SEXES:
        raise NoValue(f'"{text}" is not a sex that Flywheel knows; it is one of {", ".join(SEXES)}')
    return sex


def _age(text: Any) -> int:
    spelled = _text(text).strip()
    if found := _AGE.fullmatch(spelled):
        return int(found[1]) * SECONDS[found[2].upper()]
    if not spelled.isascii() or not spelled.isdigit():
        raise NoValue(f'"{text}" is not an age; it is a number of seconds, or like 034Y')
    return int(spelled)


def _weight(text: Any) -> float:
    try:
        weight = float(_text(text).strip().replace(",", "."))
    except ValueError:
        weight = -1
    if not 0 <= weight < 10_000:
        raise NoValue(f'"{text}" is not a weight in kilograms')
    return weight


def _timestamp(text: Any) -> str:
    moment = _moment(_text(text).strip())
    if not isinstance(moment, datetime):
        raise NoValue(f'"{text}" is not a time; the form is 2024-02-01T10:00:00+00:00')
    return moment.astimezone(UTC).isoformat(
        timespec="microseconds"
    )  # as a site says it, so that a preview maps what a run will


def _birth(text: Any) -> str:
    spelled = _text(text).strip()
    try:
        return date.fromisoformat(spelled).isoformat()
    except ValueError:
        raise NoValue(f'"{text}" is not a date; the form is 1970-01-31') from None


def _moment(text: str) -> datetime | str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment if moment.tzinfo else text


_FORMS: Mapping[str, Callable[[Any], Any]] = {
    "label": _label,
    "sex": _sex,
    "age": _age,
    "weight": _weight,
    "timestamp": _timestamp,
    "date_of_birth": _birth,
}
