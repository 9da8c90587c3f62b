"""The text of a data set, and what of it cannot be read in the character set that is declared for it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from export_session.dicom.binary.code_extensions import without_escapes
from export_session.dicom.binary.dataset import PADDING, DataSet, Value
from export_session.dicom.binary.elements import Malformed
from export_session.dicom.binary.text import Undecodable, decode_text
from export_session.dicom.dictionary import CHARSET_VRS, FRAGMENT_VRS, SPECIFIC_CHARACTER_SET
from export_session.dicom.vocabulary import Items, KeptItem
from export_session.dicom.writing.requests import Request
from export_session.dicom.writing.sequences import ExactSequence

_DECLARATIONS = (b"\x08\x00\x05\x00", b"\x00\x08\x00\x05")  # the tag, in both byte orders
_NAMED = 8  # elements in a reason


@dataclass(frozen=True)
class Obstacle:
    """An element whose text cannot be told from its bytes."""

    name: str  # its path
    declared: str  # the character sets that are declared for it, "" where none are
    problem: str = ""  # what is wrong with it, other than that it is no text in them


def in_the_way(data_set: DataSet, requests: Sequence[Request]) -> Iterator[Obstacle]:
    """Yield the elements whose text cannot be told, but those that the requests replace."""
    yield from _in_the_way(data_set, requests, "", declared(data_set))


def named(obstacles: Sequence[Obstacle]) -> str:
    """Say which elements stand in the way, and why."""
    reasons: dict[str, list[str]] = {}
    for one in obstacles:
        reasons.setdefault(one.problem or _no_text_in(one.declared), []).append(one.name)
    return "; ".join(f"{reason}: {_listed(names)}" for reason, names in reasons.items())


def _no_text_in(charset: str) -> str:
    return f"no text in {charset}" if charset else "8-bit text without a declared character set"


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def declared(data_set: DataSet) -> str:
    """Return what a data set declares itself, "" where that is nothing."""
    value = data_set.at(SPECIFIC_CHARACTER_SET)
    return value.decoded("CS") if value else ""


def _in_the_way(data_set: DataSet, requests: Sequence[Request], above: str, charset: str) -> Iterator[Obstacle]:
    for value in unplain(data_set):
        name, meant = above + data_set.name_of(value.tag), meant_for(value, requests)
        try:
            if holds_items(value):
                for number, item, within in items(value, meant):
                    own = declared(item) if SPECIFIC_CHARACTER_SET in item.elements else charset
                    yield from _in_the_way(item, within, f"{name}[{number}].", own)
            elif value.vr in CHARSET_VRS and not value.element.held:
                yield Obstacle(name, charset, "too long to be looked at")
            elif value.vr in CHARSET_VRS and not _is_text(value) and not is_replaced(value, meant):
                yield Obstacle(name, charset)
        except Malformed as error:
            yield Obstacle(name, charset, f"damaged ({error})")


def _is_text(value: Value) -> bool:
    try:
        decode_text(value.raw, value.vr, value.data_set.codecs)
    except Undecodable:
        return False
    return True


def unplain(data_set: DataSet) -> Iterator[Value]:
    """Yield the elements that may read otherwise in another character set, or declare one for their items."""
    for tag, element in data_set.elements.items():
        value = Value(element, data_set)
        if tag >> 16 != 2 and not _is_plain(value):
            yield value


def _is_plain(value: Value) -> bool:
    element = value.element
    if not element.held or not element.value.isascii() or b"\x1b" in element.value:
        return False
    return not any(tag in element.value for tag in _DECLARATIONS) or not holds_items(value)


def holds_items(value: Value) -> bool:
    """Whether an element holds items; of undefined length it does so whatever its VR, but those of pixel data."""
    return value.is_sequence or (value.element.undefined and value.element.vr not in FRAGMENT_VRS)


def items(
    value: Value, meant: Sequence[Request], *, staying: bool = True
) -> Iterator[tuple[int, DataSet, list[Request]]]:
    """Yield the items of a sequence, each with what is meant for it; none where the sequence is about to be removed.

    With `staying` those that are about to be removed are left out.

    Raises
    ------
    Malformed
        The value is not exactly a row of items.
    """
    whole = [request.value for request in meant if len(request.path) == 1]
    if whole and not isinstance(whole[-1], Items):
        return
    kept = {one.number: one.values for one in whole[-1].items if isinstance(one, KeptItem)} if whole else {}
    sequence = ExactSequence(value)
    for number in range(len(sequence)):
        if staying and whole and number not in kept:
            continue
        within = [replace(one, path=one.path[1:]) for one in meant if one.path[0].item == number]
        within += [Request(n, one.path, one.vr, one.value) for n, one in enumerate(kept.get(number, ()))]
        yield number, sequence.item(number), within


def meant_for(value: Value, requests: Sequence[Request]) -> list[Request]:
    """Return the requests that lead to an element or into its items."""
    at = ((one, value.data_set.get(one.path[0].key)) for one in requests)
    return [one for one, found in at if found and found.tag == value.tag]


def is_replaced(value: Value, meant: Sequence[Request]) -> bool:
    """Whether a request leaves nothing of a text that is not plain: a component or name group that stays is kept."""
    return any(_replaces(request, value) for request in meant)


def _replaces(request: Request, value: Value) -> bool:
    wanted = request.value if isinstance(request.value, list) else [request.value]
    kept = {part for one in wanted for part in parts(str(one or ""), value.vr)}
    return all(part.isascii() or part not in kept for part in parts_of(value))


def parts_of(value: Value) -> list[str]:
    """Return the components of an element's text, of person names their groups, without the padding at their ends."""
    text = without_escapes(value.decoded(value.vr), value.data_set.codecs)
    return [part.rstrip(PADDING) for part in parts(text, value.vr)]


def parts(text: str, vr: str) -> list[str]:
    """Part a text into components, and person names into their groups."""
    return re.split(r"[\\=]" if vr == "PN" else r"\\", text)
