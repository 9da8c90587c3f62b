"""What a sheet may set: elements of files, and fields of the containers that they lie in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import Literal

from export_session.dicom.dictionary import Key, key_of, vr_in_dictionary
from export_session.dicom_map import nearest_keyword
from export_session.site.model import DETAILS

FIELDS = {level: ("label", *DETAILS[level]) for level in ("subject", "session", "acquisition")}
NUMBERS = ("session.age", "session.weight")  # all other fields are text
_STEP = re.compile(r"(?P<key>[^,\[\]]+,\s*[0-9A-Fa-f]{4}[xX]{2}[0-9A-Fa-f]{2}|\w+)(?:\[(?P<item>\d+)\])?(?P<more>\.)?")


@dataclass(frozen=True)
class Target:
    """Where a value goes."""

    level: Literal["file", "subject", "session", "acquisition"]
    path: tuple[
        str | int, ...
    ]  # in info.header.dicom: ("RequestAttributesSequence", 0, "StudyID"); or of the container
    vr: str  # as the dictionary has it; "" where it knows none, and for fields that are text


@lru_cache(maxsize=4096)
def target_of(text: str) -> Target | str:
    """Return what a heading, or a cell below ``element``, names; or in words why that cannot be set.

    The words go behind a name for the text, which they do not cite: in a sheet without headings it is a value.
    """
    level, dot, field = text.partition(".")
    if level in FIELDS and dot:
        return _field(level, field)  # type: ignore[arg-type] # it is one of these
    return _element(text)


def _element(text: str) -> Target | str:
    path: list[str | int] = []
    position, more, last = 0, True, Key("", 0)
    while more:
        step = _STEP.match(text, position)
        key = key_of(step["key"].strip()) if step else None
        if step is None or key is None:
            return f"is neither a DICOM element nor a field of a container{_nearest(text)}"
        path += [step["key"].strip(), *([int(step["item"])] if step["item"] else [])]
        position, more, last = step.end(), bool(step["more"]), key
        if more and not step["item"]:
            return f"does not say which item of {key.name}: write {key.name}[0] for the first one"
        if step["item"] and vr_in_dictionary(key.tag, key.creator) not in ("SQ", ""):
            return f"leads into {key.name}, which is not a sequence"
    if position < len(text):
        return f"goes on behind the element {last.name}"
    if isinstance(path[-1], int):
        return f"is an item of {last.name}; name an element in it, as in {last.name}[0].StudyID"
    return Target("file", tuple(path), vr_in_dictionary(last.tag, last.creator))


def _field(level: Literal["subject", "session", "acquisition"], field: str) -> Target | str:
    way = tuple(field.split("."))
    if field in FIELDS[level] or (way[0] == "info" and len(way) > 1 and all(way)):
        return Target(level, way, "DS" if f"{level}.{field}" in NUMBERS else "")
    if way[0] == "info":
        return f"names no key of info; write it like {level}.info.title"
    return f"cannot be set; fields of the {level}: {', '.join(FIELDS[level])}, info.KEY"


def _nearest(text: str) -> str:
    fields = [f"{level}.{field}" for level, names in FIELDS.items() for field in names]
    near = get_close_matches(text.lower(), fields, 1, cutoff=0.8)
    return f"; did you mean {near[0]}?" if near else nearest_keyword(text)
