"""The forms that answers have: whatever has another one was not said by the site, and proves nothing.

A form takes the JSON of an answer and returns what is in it, or raises :class:`WrongForm` with the words that
complete "the answer is not …". No word of the answer itself is told: it may be a patient's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from export_session.errors import NoAnswer

T = TypeVar("T")
Row = Mapping[str, Any]
Form = Callable[[Any], T]


class WrongForm(Exception):
    """An answer is not what it must be; the message says what that is."""


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    content_type: str
    body: bytes

    def __str__(self) -> str:
        """Say what kind of answer this is, and nothing of what is in it."""
        kind = re.sub(r"[^\w/.+-]", "", self.content_type.partition(";")[0])[:40]
        return f"{self.status} with {len(self.body)} bytes of {kind or 'no stated type'}"


def formed(form: Form[T], what: str, answer: Answer) -> T:
    """Return what an answer holds; NoAnswer where it is not of this form."""
    try:
        return form(json_of(answer.body))
    except WrongForm as wrong:
        raise NoAnswer(f"{what}: the site answered {answer}, which is not {wrong}", answer.status) from None


def json_of(body: bytes) -> Any:
    """Take the JSON of a body."""
    try:
        return json.loads(body)
    except ValueError:
        raise WrongForm("JSON") from None


def an_object(value: Any) -> Row:
    """Take an object that says anything."""
    if not isinstance(value, Mapping) or not value:
        raise WrongForm("an object")
    return value


def text_of(row: Row, *keys: str) -> str:
    """Return the first of these keys that has a text."""
    for key in keys:
        value = row.get(key)
        if isinstance(value, str) and value:
            return value
    raise WrongForm(f"an object with {keys[0]}")


def object_in(row: Row, key: str) -> Row:
    """Return an object in a row; an absent one is empty."""
    value = row.get(key)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise WrongForm(f"an object whose {key} is an object")
    return value


def list_in(row: Row, key: str) -> Sequence[Any]:
    """Return a list in a row; an absent one is empty."""
    value = row.get(key)
    if value is None:
        return ()
    if not isinstance(value, list):
        raise WrongForm(f"an object whose {key} is a list")
    return value


def number_in(row: Row, key: str, least: int = 0) -> int:
    """Return a whole number in a row."""
    value = row.get(key)
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise WrongForm(f"an object whose {key} is a number")
    return value


def identified(value: Any) -> Row:
    """Take an object with an id."""
    row = an_object(value)
    text_of(row, "_id", "id")
    return row


def config(value: Any) -> Row:
    """Take a site's configuration."""
    row = an_object(value)
    if not row.keys() & {"site", "features", "signed_url"}:
        raise WrongForm("a site's configuration")
    object_in(row, "features")
    return row


def id_of(value: Any) -> str:
    """Take the id of what a create has made."""
    return text_of(an_object(value), "_id")


def modified(value: Any) -> None:
    """Take the word that something was modified."""
    number_in(an_object(value), "modified", least=1)


def deleted(value: Any) -> None:
    """Take the word that something was deleted."""
    number_in(an_object(value), "deleted", least=1)


def note(value: Any) -> None:
    """Take the note that was added."""
    if not isinstance(identified(value).get("text"), str):
        raise WrongForm("a note")


def tags_with(tags: Sequence[str]) -> Form[None]:
    """Take a list of tags that has these among it."""

    def form(value: Any) -> None:
        if not isinstance(value, list) or not set(tags) <= set(map(str, value)):
            raise WrongForm("a list with the tags that were added")

    return form


def nothing(value: Any) -> None:
    """Take the null that some calls answer by design, which is no proof that they were done."""
    if value is not None:
        raise WrongForm("null")


def ticket_for(name: str) -> Form[tuple[str, list[str], dict[str, str]]]:
    """Take the ticket of a signed upload: its id, the URLs for the file, and the headers to send there."""

    def form(value: Any) -> tuple[str, list[str], dict[str, str]]:
        row = an_object(value)
        urls = object_in(row, "urls").get(name)
        urls = [urls] if isinstance(urls, str) else urls
        if not isinstance(urls, list) or not urls or not all(isinstance(url, str) and url for url in urls):
            raise WrongForm("an upload ticket with a URL for the file")
        return text_of(row, "ticket"), urls, {key: str(item) for key, item in object_in(row, "headers").items()}

    return form


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a listing."""

    rows: tuple[T, ...]
    last: str  # id of the last row, "" where there is none
    total: int | None  # rows of the whole listing, where the site states it
    enveloped: bool


def page_of(row: Form[T], after: str = "") -> Form[Page[T]]:
    """Take a page of a listing, in an envelope that counts its rows or bare.

    Parameters
    ----------
    row
        The form of one row.
    after
        The id after which the page begins: a page with that row is another page.
    """

    def form(value: Any) -> Page[T]:
        enveloped = isinstance(value, Mapping)
        rows = value.get("results") if isinstance(value, Mapping) else value
        if not isinstance(rows, list):
            raise WrongForm("a list")
        total = None
        if isinstance(value, Mapping):
            if value.get("count", len(rows)) != len(rows):
                raise WrongForm("a list as long as it says")
            total = number_in(value, "total", least=len(rows)) if value.get("total") is not None else None
        ids = [text_of(an_object(one), "_id", "id") for one in rows]
        if after and after in ids:
            raise WrongForm("the page that was asked for")
        return Page(tuple(map(row, rows)), ids[-1] if ids else "", total, enveloped)

    return form


def rows_of(row: Form[T]) -> Form[tuple[T, ...]]:
    """Take a whole list, in an envelope or bare."""
    page = page_of(row)
    return lambda value: page(value).rows


def only(row: Form[T]) -> Form[T]:
    """Take a list of exactly one."""

    def form(value: Any) -> T:
        if not isinstance(value, list) or len(value) != 1:
            raise WrongForm("a list of one")
        return row(value[0])

    return form
