"""How an old value may be spelled where it remains."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import permutations
from typing import NamedTuple

from export_session.dicom.remains.identifying import Kind, common_words
from export_session.dicom.remains.words import APART, characters, phrase, spelled_out, words

SHORTEST = 4  # characters; anything shorter is found everywhere
_NAMED = 3  # of the components of a name: family, given and middle name; prefix and suffix name nobody (PS3.5 §6.2)
_WORDS = 3  # so many are looked for in any order
_NUMBER = 6  # digits; so long a number is told from others also amid letters
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


class Spelling(NamedTuple):
    """One way to write a value."""

    pattern: str  # for folded text
    word: str  # which all that matches holds
    in_text: bool = True  # whether it tells in any text
    in_names: bool = True  # whether it tells in the names of people


def spellings(value: str, kind: Kind, new: str = "") -> Iterator[Spelling]:
    """Yield the ways to write an old value, of those in ``new``, which took its place, none but the whole."""
    if kind is Kind.DATE:
        yield from _of_date(value)
        return
    for text in dict.fromkeys((value, spelled_out(value))):
        yield from _of_name(text, new) if kind is Kind.NAME else _of_text(text, must_tell=kind is Kind.TEXT)


def orders(name: str) -> Iterator[list[str]]:
    """Yield the words of a name in the orders in which they may stand; each group of components by itself."""
    for group in name.split("="):
        parts = _components(group)
        if len(parts) == 1 and len(parts[0]) <= _WORDS:
            parts = [[word] for word in parts[0]]
        for some in range(2, len(parts) + 1):
            for order in permutations(parts, some):
                yield [word for part in order for word in part]
        yield from (part for part in parts if len(part) > 1)


def _components(group: str) -> list[list[str]]:
    return [found for component in group.split("^")[:_NAMED] if (found := words(component))]


def named(name: str) -> Iterator[list[str]]:
    """Yield the words of each component that names somebody."""
    for group in name.split("="):
        yield from _components(group)


def _of_name(name: str, new: str) -> Iterator[Spelling]:
    """Yield a name as a whole, and its parts.

    A part that is a common word tells nothing in a text. Other people may have the same given name, but the family
    name beside other given names is a person's own or a relative's.
    """
    if sorted(words(name)) == sorted(words(new)):  # the same name, written otherwise
        return
    for order in orders(name):
        if characters(order) + len(order) - 1 >= SHORTEST:
            yield _phrase(order)
    kept, common = {*words(new)}, common_words()
    families = {word for group in name.split("=") for part in _components(group)[:1] for word in part}
    for word in dict.fromkeys(word for component in named(name) for word in component if word not in kept):
        if characters([word]) >= SHORTEST and not (word.isdigit() and len(word) < _NUMBER):
            yield _phrase([word])._replace(in_text=word not in common, in_names=word in families)
    accounts = (word for word in _accounts(name) if len(word) > SHORTEST and word not in set(_accounts(new)))
    yield from (_phrase([word]) for word in accounts)


def _accounts(name: str) -> Iterator[str]:
    """Yield the family name with the initial of the given one, in one word, as accounts and files are named."""
    for group in name.split("="):
        family, *given = _components(group)[:2] or [[]]
        if given and not common_words().issuperset(family):
            initial, word = given[0][0][0], "".join(family)
            yield from (word + initial, initial + word)


def _of_text(text: str, *, must_tell: bool) -> Iterator[Spelling]:
    parts, common = words(text), common_words()
    if characters(parts) < SHORTEST:
        return
    if all(word in common for word in parts) and (must_tell or len(parts) == 1):
        return
    if len(parts) == 1 and text.isdigit() and len(text) >= _NUMBER:
        yield Spelling(rf"(?<!\d){parts[0]}(?!\d)", parts[0])
    else:
        yield _phrase(parts)


def _phrase(parts: Sequence[str]) -> Spelling:
    return Spelling(phrase(parts), max(parts, key=len))


def _of_date(text: str) -> Iterator[Spelling]:
    """Yield the ways to write a date; years have four digits in all of them."""
    digits = re.sub(r"\D", "", text)[:8]
    try:
        day = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return
    year, month, number = digits[:4], _number(day.month), _number(day.day)
    name = rf"{_MONTHS[day.month - 1]}[a-z]*"
    numbers = (year, month, number), (number, month, year), (month, number, year)
    named = (number, name, year), (name, number, year), (year, name, number)
    after = r"(?!\d)"
    yield Spelling(rf"(?<!\d){digits}(?:{after}|(?=\d{{6}}{after}))", year)  # also in front of a time
    for compact in (f"{digits[6:]}{digits[4:6]}{year}", f"{digits[4:]}{year}"):
        yield Spelling(rf"(?<!\d){compact}{after}", year)
    for parts in (*numbers, *named):
        yield Spelling(rf"(?<![^\W_]){APART.join(parts)}{after}", year)
    yield Spelling(rf"(?<![^\W_]){number}{name}{year}{after}", year)


def _number(value: int) -> str:
    return str(value) if value > 9 else f"0?{value}"
