"""Items and sequences come and go in the bytes as the metadata have them, and nothing else moves."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_session.dicom import Result, rewrite
from export_session.dicom.edits.importers.reading.rereading import Rereading
from tests.support import build
from tests.support.dicom_bytes import Form
from tests.support.instances import UID, Items, file_bytes

SEQUENCE, NESTED = 0x00101002, 0x00400440
KEYWORDS = {
    0x00080100: ("CodeValue", "SH"),
    0x00080102: ("CodingSchemeDesignator", "SH"),
    0x00080104: ("CodeMeaning", "LO"),
}
FORMS = [build.EXPLICIT, build.IMPLICIT, build.BIG]


@dataclass(frozen=True)
class Item:
    """An item as it lies in the file, and what an importer shows of it."""

    texts: dict[int, str]
    nested: tuple[Item, ...] | None = None
    hidden: str = ""  # the text of private and unlimited elements
    undefined: bool = False
    inner_undefined: bool = False  # of the nested sequence
    measured: bool = False  # whether it has a group length
    new: bool = field(default=False, compare=False)

    def data(self, form: Form) -> bytes:
        group = b"".join(
            build.element(tag, KEYWORDS[tag][1], text.encode(), form) for tag, text in sorted(self.texts.items())
        )
        parts = [build.group_length(0x00080000, group, form) if self.measured else group]
        if self.hidden:
            parts.append(build.element(0x00090010, "LO", b"ACME", form))
            parts.append(build.element(0x00091001, "OB", self.hidden.encode(), form))
        if self.nested is not None:
            items = [one.data(form) for one in self.nested]
            parts.append(build.sequence(NESTED, items, form, undefined=self.inner_undefined))
        if self.hidden:
            parts.append(build.element(0x0040A160, "UT", self.hidden.encode(), form))
        return build.item(b"".join(parts), form, undefined=self.undefined)

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = {KEYWORDS[tag][0]: text for tag, text in self.texts.items()}
        return found | (
            {"ProtocolContextSequence": [one.shown() for one in self.nested]} if self.nested is not None else {}
        )


def file(items: tuple[Item, ...], form: Form, *, undefined: bool) -> bytes:
    return build.plain(build.sequence(SEQUENCE, [one.data(form) for one in items], form, undefined=undefined), form)


def export(folder: Path, data: bytes, change: Any, **options: Any) -> tuple[Result, bytes]:
    """Let a person change the metadata as the importer made them; return the result and the bytes to store."""
    header = {"dicom": dict(Rereading(io.BytesIO(data)).header)}
    change(header["dicom"])
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(data)
    result = rewrite(source, target, header, **options)
    written = target.read_bytes() if result.modified else data
    if result.modified:
        again = rewrite(target, folder / "unused.dcm", dict(result.header), on_invalid_edit="skip")
        assert not again.changes, "the record of the copy describes its bytes"
        assert not again.refused
        target.unlink()
    return result, written


# --- any items


def _texts(number: int) -> dict[int, str]:
    return {0x00080100: f"V{number}", 0x00080102: f"S{number}", 0x00080104: f"meaning {number}"}


def _items(first: int, depth: int = 1, most: int = 4) -> st.SearchStrategy[tuple[Item, ...]]:
    nested: st.SearchStrategy[tuple[Item, ...] | None] = _items(first * 10, depth - 1, 3) if depth else st.none()
    flags = st.tuples(st.booleans(), st.booleans(), st.booleans())
    parts = st.tuples(nested, st.sampled_from(["", "a", "bc"]), flags)
    return st.lists(parts, max_size=most).map(
        lambda found: tuple(
            Item(_texts(first + n), inner, hidden and f"{hidden}{n}", *flags)
            for n, (inner, hidden, flags) in enumerate(found)
        )
    )


@st.composite
def _changed(draw: st.DrawFn, items: tuple[Item, ...], first: int) -> tuple[Item, ...]:
    """Other items: some are gone, some have another value, and there are new ones between them.

    None is new at the very place of one that is gone.
    """
    made: list[Item] = []
    near = items[0].undefined if items else None
    fresh = iter(range(first, first + 9))
    has_room = True

    def add() -> None:
        if has_room and draw(st.integers(0, 3)) == 0:
            made.append(Item(_texts(next(fresh)), undefined=bool(near), new=True))

    for one in items:
        count = len(made)
        add()
        is_next_to_new = len(made) > count
        fate = draw(st.sampled_from(["kept", "kept", "edited", "within"] + ["removed"] * (not is_next_to_new)))
        has_room = fate != "removed"
        if has_room:
            near = one.undefined
        if fate == "edited":
            made.append(replace(one, texts={**one.texts, 0x00080104: draw(st.sampled_from(["x", "another meaning"]))}))
        elif fate == "within" and one.nested is not None:
            nested = draw(_changed(one.nested, first * 10))
            made.append(replace(one, nested=nested if one.nested else _styled(nested, one.inner_undefined)))
        elif fate != "removed":
            made.append(one)
    add()
    return tuple(made)


def _styled(items: tuple[Item, ...], style: bool) -> tuple[Item, ...]:
    """New items where there was none to go by have the form of their sequence."""
    return tuple(replace(one, undefined=style) if one.new else one for one in items)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_items_that_come_and_go_do_so_and_all_other_bytes_stay(data: st.DataObject) -> None:
    form, undefined = data.draw(st.sampled_from(FORMS)), data.draw(st.booleans())
    items = data.draw(_items(100))
    wanted = data.draw(_changed(items, 500))
    if not items:
        wanted = _styled(wanted, undefined)
    before = file(items, form, undefined=undefined)

    def change(dicom: dict[str, Any]) -> None:
        if wanted or items:
            dicom["OtherPatientIDsSequence"] = [one.shown() for one in wanted]

    with tempfile.TemporaryDirectory() as folder:
        result, written = export(Path(folder), before, change, on_invalid_edit="skip")
    if result.refused:
        assert not result.modified
        assert all(one.reason for one in result.refused)
        assert any(one.hidden or any(inner.hidden for inner in one.nested or ()) for one in items), result.refused[
            0
        ].reason
        return
    assert written == file(wanted, form, undefined=undefined)
    if written != before:
        assert len(pydicom.dcmread(io.BytesIO(written)).OtherPatientIDsSequence) == len(wanted)
