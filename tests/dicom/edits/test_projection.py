"""Sequences are read as importers read them, however damaged or deep they are."""

from __future__ import annotations

import io
import struct
from typing import Any

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.dicom.binary.dataset import main_data_set
from export_session.dicom.binary.elements import MAX_DEPTH
from export_session.dicom.binary.instance import Kind
from export_session.dicom.binary.parser import Parser
from export_session.dicom.edits.find import find_edits
from export_session.dicom.edits.projection import as_json
from export_session.dicom.edits.stored_header import agreed_header
from export_session.dicom.vocabulary import Options
from export_session.errors import StaleMetadata
from tests.support.instances import UID, Items, Value, data_set, element, file_bytes, instance

REGION = 0x00082218


def item(content: bytes, length: int | None = None) -> bytes:
    return struct.pack("<HHL", 0xFFFE, 0xE000, len(content) if length is None else length) + content


def shown(value: bytes) -> Any:
    stored = main_data_set(instance({"AnatomicRegionSequence": value})).at(REGION)
    assert stored is not None
    return as_json(stored)


HEAD, LEG = data_set({"CodeValue": "1"}), data_set({"CodeValue": "2"})
END_ITEM = struct.pack("<HHL", 0xFFFE, 0xE00D, 0)
END = struct.pack("<HHL", 0xFFFE, 0xE0DD, 0)


@pytest.mark.parametrize(
    "value",
    [
        item(HEAD) + item(LEG),
        item(HEAD + END_ITEM, 0xFFFFFFFF) + item(LEG + END_ITEM, 0xFFFFFFFF),
        item(HEAD) + item(LEG, len(LEG) + 8),
        item(HEAD) + item(LEG) + END,
    ],
)
def test_items_of_every_form_are_read(value: bytes) -> None:
    assert shown(value) == [{"CodeValue": "1"}, {"CodeValue": "2"}]


def test_an_element_that_is_cut_off_is_shown_as_far_as_it_goes() -> None:
    value = item(HEAD) + item(data_set({"CodeValue": "234"})[:-2], 12)
    assert shown(value) == [{"CodeValue": "1"}, {"CodeValue": "23"}]
    read = pydicom.dcmread(io.BytesIO(file_bytes({"AnatomicRegionSequence": value})))  # as the importers do
    assert [code.CodeValue for code in read.AnatomicRegionSequence] == ["1", "23"]


def test_a_head_that_is_cut_off_is_left_out_of_its_item() -> None:
    assert shown(item(HEAD) + item(LEG[:6], len(LEG))) == [{"CodeValue": "1"}, {}]


def test_what_is_no_sequence_is_noted_and_left() -> None:
    decision = find_edits(
        [instance({"AnatomicRegionSequence": b"garbage!"})], {"dicom": {"AnatomicRegionSequence": [{}]}}
    )
    assert not decision.edits
    assert "AnatomicRegionSequence" in decision.notes[0]


def test_sequences_nested_without_end_are_read_as_deep_as_is_sound() -> None:
    value = item(HEAD)
    metadata: Any = [{"CodeValue": "2"}]
    for _ in range(MAX_DEPTH + 4):
        value = item(element("AnatomicRegionModifierSequence", value))
        metadata = [{"AnatomicRegionModifierSequence": metadata}]
    member = instance({"AnatomicRegionSequence": value})
    header = {"dicom": {"AnatomicRegionSequence": metadata}}
    decision = find_edits([member], header)
    assert not decision.edits
    assert decision.notes
    refused = find_edits([member], {"dicom": {"AnatomicRegionSequence": [{}, {}]}})
    assert refused.refused[0].old is not None


def test_a_sequence_hidden_in_unknown_vr_is_read_with_implicit_vr() -> None:
    leaf = struct.pack("<HHL", 0x0008, 0x0100, 2) + b"1 "
    file: Items = {"00082218 UN": item(leaf)}
    assert not find_edits([instance(file)], {"dicom": {"AnatomicRegionSequence": [{"CodeValue": "1"}]}}).edits
    (assignment,) = find_edits(
        [instance(file)], {"dicom": {"AnatomicRegionSequence": [{"CodeValue": "2"}]}}
    ).assignments
    assert [step.item for step in assignment.path] == [0, None]


def test_text_of_an_item_is_read_in_the_character_set_of_the_item() -> None:
    inner: dict[str, Value] = {"SpecificCharacterSet": "ISO_IR 192", "CodeMeaning": "Schädel".encode()}
    file: Items = {"SpecificCharacterSet": "ISO_IR 100", "AnatomicRegionSequence": [inner]}
    shown_item = {"SpecificCharacterSet": "ISO_IR 192", "CodeMeaning": "Schädel"}
    assert not find_edits([instance(file)], {"dicom": {"AnatomicRegionSequence": [shown_item]}}).edits


def json_values() -> st.SearchStrategy[Any]:
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    return st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3))


KEYS = st.sampled_from(
    ["PatientName", "AnatomicRegionSequence", "CodeValue", "SliceThickness", "Rows", "FrameIncrementPointer",
     "PerFrameFunctionalGroupsSequence", "ACME,0019xx08", "00191008", "PixelData", "CSAHeader", "SelectorFDValue"]
)  # fmt: skip


@settings(max_examples=100)
@given(st.data())
def test_whatever_the_bytes_and_the_metadata_are_there_is_a_decision(data: st.DataObject) -> None:
    elements: Items = {
        **UID,
        "PatientName": "A^B",
        "SliceThickness": "5",
        "Rows": 4,
        "FrameIncrementPointer": b"\x18\0\x63\x10",
        "AnatomicRegionSequence": [{"CodeValue": "1"}, {"CodeValue": "2", "CodeMeaning": "x"}],
        "00190010 LO": "ACME",
        "00191008 UN": b"\1\2\3\4",
        "SelectorFDValue": b"\0" * 8,
        "PerFrameFunctionalGroupsSequence": [{"FrameContentSequence": [{"FrameComments": "a"}]}],
    }
    content = bytearray(file_bytes(elements))
    for _ in range(data.draw(st.integers(0, 4))):
        at = data.draw(st.integers(340, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    member = Parser().parse(io.BytesIO(content).read, "1.dcm", len(content))
    if member.kind is not Kind.INSTANCE:
        return
    header = {
        "dicom": data.draw(st.dictionaries(KEYS, json_values(), max_size=4)),
        "dicom_array": data.draw(st.dictionaries(KEYS, json_values(), max_size=2)),
    }
    try:
        decision = find_edits([member], header, {"PatientID": data.draw(json_values())}, Options(edit_varying="all"))
    except StaleMetadata:
        return
    assert len(decision.assignments) + len(decision.refused) == len(decision.edits)
    assert isinstance(agreed_header(header, decision), dict)
