"""What is known of PS3.3, and that it agrees with itself."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.uid import UID

from export_session.dicom.conformance.rules import Table, _standard, table_of
from export_session.dicom.edits.typed.enumerated import _ATTRIBUTES

SOP_CLASSES = sorted(_standard()["iods"])


def rules_of(wanted: int | None, table: Table | None, depth: int = 0) -> Iterator[tuple[str, ...]]:
    """The values that are allowed for an attribute, at any place of an object."""
    for tag, one in table.attributes.items() if table and depth < 4 else ():
        if tag == wanted and one.enumerated:
            yield from one.enumerated.values.values()
        yield from rules_of(wanted, one.items, depth + 1)


def test_the_source_is_named() -> None:
    assert "PS3.3" in _standard()["source"]
    assert "MIT" in _standard()["source"]


@pytest.mark.parametrize("uid", SOP_CLASSES)
def test_every_object_is_one_of_a_patient_that_has_an_instance_uid(uid: str) -> None:
    table = table_of(uid)
    assert table
    uids = [table.attributes[tag] for tag in (0x00080016, 0x00080018)]
    assert [(one.type, one.binding) for one in uids] == [("1", True)] * 2


def test_the_usual_kinds_of_images_are_known() -> None:
    names = {UID(uid).name for uid in SOP_CLASSES}
    usual = ("CT Image", "MR Image", "Enhanced MR Image", "Positron Emission Tomography Image", "Ultrasound Image")
    assert names >= {f"{name} Storage" for name in usual}


@pytest.mark.parametrize("keyword", sorted(_ATTRIBUTES))
def test_what_is_enumerated_everywhere_allows_what_any_kind_of_object_does(keyword: str) -> None:
    for uid in SOP_CLASSES:
        for allowed in rules_of(tag_for_keyword(keyword), table_of(uid)):
            assert set(allowed) <= set(_ATTRIBUTES[keyword].values), uid
