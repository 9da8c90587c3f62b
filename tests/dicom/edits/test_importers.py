"""Every way in which an importer spells a value differently from the file: none of them is an edit."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.dicom.binary.dataset import main_data_set
from export_session.dicom.edits.equality import same
from export_session.dicom.edits.find import find_edits
from export_session.dicom.edits.importers import IMPORTERS
from tests.support.instances import Items, instance

fmi, grp3, mrc = (importer.of_value for importer in IMPORTERS[:3])
FMI_MARK = {"TransferSyntaxUID": "1.2.840.10008.1.2.1"}
GRP3_MARK = {"ScanningSequence": ["SE"]}
MRC_MARK = {"RequestAttributesSequence": {"ScheduledProcedureStepID": "9"}}
MARKED: Items = {"ScanningSequence": "SE", "RequestAttributesSequence": [{"ScheduledProcedureStepID": "9"}]}


def is_edit(elements: Items, metadata: dict[str, Any], mark: dict[str, Any] = FMI_MARK, codec: str = "latin-1") -> bool:
    """Whether anything in the metadata counts as edited."""
    file = instance({**MARKED, **elements}, codec=codec)
    return bool(find_edits([file], {"dicom": {**mark, **metadata}}).edits)


@pytest.mark.parametrize("shown", [5, 5.0, "5.000", "5", "5.0E0", "+0005"])
def test_numbers_are_equal_by_value(shown: Any) -> None:
    assert not is_edit({"SliceThickness": "5.00"}, {"SliceThickness": shown})
    assert is_edit({"SliceThickness": "5.01"}, {"SliceThickness": shown})


@pytest.mark.parametrize("written", ["7", "+0007", " 7 ", "007"])
def test_integer_strings_are_equal_by_value(written: str) -> None:
    assert not is_edit({"SeriesNumber": written}, {"SeriesNumber": 7})
    assert is_edit({"SeriesNumber": written}, {"SeriesNumber": 8})


def test_a_float_is_compared_in_the_precision_the_file_has() -> None:
    file = {"RecommendedDisplayFrameRateInFloat": struct.pack("<f", 0.1)}
    assert not is_edit(file, {"RecommendedDisplayFrameRateInFloat": 0.10000000149011612})
    assert not is_edit(file, {"RecommendedDisplayFrameRateInFloat": 0.1})
    assert is_edit(file, {"RecommendedDisplayFrameRateInFloat": 0.10001})


def test_big_integers_are_compared_exactly() -> None:
    file = {"SelectorUVValue": struct.pack("<Q", 2**60)}
    assert not is_edit(file, {"SelectorUVValue": 2**60})
    assert is_edit(file, {"SelectorUVValue": 2**60 + 1})


@pytest.mark.parametrize("mark", [FMI_MARK, GRP3_MARK])
def test_a_scalar_equals_a_list_of_one(mark: dict[str, Any]) -> None:
    assert not is_edit({"EchoTime": "14.3"}, {"EchoTime": [14.3]}, mark)
    assert not is_edit({"SequenceVariant": "SK"}, {"SequenceVariant": ["SK"]}, mark)
    assert is_edit({"SequenceVariant": "SK"}, {"SequenceVariant": ["SP"]}, mark)


def test_file_meta_is_compared_with_file_meta() -> None:
    shown = {"MediaStorageSOPInstanceUID": "1.2.3.4", "FileMetaInformationGroupLength": 9999}
    group_length = {"MediaStorageSOPInstanceUID": "1.2.3.4"}
    assert not is_edit({}, group_length)
    changed = find_edits([instance({})], {"dicom": {**shown, "TransferSyntaxUID": "1.2.840.10008.1.2.4.201"}})
    assert {one.path for one in changed.refused} == {"TransferSyntaxUID"}
    assert not changed.assignments


@pytest.mark.parametrize("shown", [None, "", [], [""], {}])
@pytest.mark.parametrize("held", [None, "", "  "])
def test_all_ways_to_say_nothing_are_equal(shown: Any, held: str | None) -> None:
    file: Items = {} if held is None else {"StudyDescription": held}
    for mark in (FMI_MARK, GRP3_MARK, MRC_MARK):
        assert not is_edit(file, {"StudyDescription": shown}, mark)


def test_the_word_none_stands_for_an_empty_number_in_an_item() -> None:
    file: Items = {"RadiopharmaceuticalInformationSequence": [{"RadionuclideTotalDose": ""}]}
    shown = {"RadiopharmaceuticalInformationSequence": [{"RadionuclideTotalDose": "None"}]}
    assert not is_edit(file, shown, GRP3_MARK)
    assert not is_edit({"ImageComments": "None"}, {"ImageComments": "None"})


def test_empty_components_are_dropped_by_some_importers_and_kept_by_one() -> None:
    file: Items = {"ImageType": "A\\\\B\\"}
    assert not is_edit(file, {"ImageType": ["A", "", "B", ""]}, FMI_MARK)
    assert not is_edit(file, {"ImageType": ["A", "B"]}, GRP3_MARK)
    assert not is_edit(file, {"ImageType": ["A", "B"]}, MRC_MARK)
    assert is_edit(file, {"ImageType": ["A", "B"]}, FMI_MARK)


def test_padding_is_no_difference() -> None:
    assert not is_edit({"InstitutionName": b"trail \0"}, {"InstitutionName": "trail"})
    assert not is_edit({"InstitutionName": "trail"}, {"InstitutionName": "trail  "})
    assert not is_edit({"InstitutionName": "  lead"}, {"InstitutionName": "lead"}, GRP3_MARK)
    assert is_edit({"InstitutionName": "  lead"}, {"InstitutionName": "lead"}, FMI_MARK)


@pytest.mark.parametrize("mark", [GRP3_MARK, MRC_MARK])
def test_text_without_its_non_ascii_characters_is_no_edit_where_an_importer_drops_them(mark: dict[str, Any]) -> None:
    file: Items = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller^Jörg"}
    assert not is_edit(file, {"PatientName": "Mller^Jrg"}, mark)
    assert not is_edit(file, {"PatientName": "Müller^Jörg"}, mark)
    assert is_edit(file, {"PatientName": "Mller^Jrg"}, FMI_MARK)


@pytest.mark.parametrize(
    ("shown", "mark"),
    [("back_slash", FMI_MARK), ("back\\slash", GRP3_MARK), (["back", "slash"], MRC_MARK)],
)
def test_a_backslash_in_a_single_value_is_shown_in_three_ways(shown: Any, mark: dict[str, Any]) -> None:
    assert not is_edit({"StudyDescription": "back\\slash"}, {"StudyDescription": shown}, mark)
    assert is_edit({"StudyDescription": "back\\wash"}, {"StudyDescription": shown}, mark)


@pytest.mark.parametrize("mark", [GRP3_MARK, MRC_MARK])
def test_lists_of_text_that_look_like_numbers(mark: dict[str, Any]) -> None:
    assert not is_edit({"SoftwareVersions": "001\\002"}, {"SoftwareVersions": [1.0, 2.0]}, mark)
    assert not is_edit({"SoftwareVersions": "001\\002"}, {"SoftwareVersions": [1, 2]}, mark)
    dates = {"DateOfLastCalibration": [20040101.0, 20040102.0]}
    assert not is_edit({"DateOfLastCalibration": "20040101\\20040102"}, dates, mark)
    assert is_edit({"SoftwareVersions": "001\\003"}, {"SoftwareVersions": [1.0, 2.0]}, mark)


def test_a_short_uid_that_reads_as_a_number() -> None:
    assert not is_edit({"FrameOfReferenceUID": "1.2"}, {"FrameOfReferenceUID": 1.2}, MRC_MARK)


@pytest.mark.parametrize("shown", [0x00181063, "(0018, 1063)", "(0018,1063)", "00181063", float(0x00181063)])
def test_attribute_tags_in_all_spellings(shown: Any) -> None:
    pointer = struct.pack("<HH", 0x0018, 0x1063)
    other = struct.pack("<HH", 0x0018, 0x1065)
    assert not is_edit({"FrameIncrementPointer": pointer}, {"FrameIncrementPointer": shown})
    assert is_edit({"FrameIncrementPointer": other}, {"FrameIncrementPointer": shown})


def test_null_stands_for_what_json_cannot_say() -> None:
    not_a_number = struct.pack("<d", math.nan)
    assert not is_edit({"ReferencePixelPhysicalValueX": not_a_number}, {"ReferencePixelPhysicalValueX": None})
    assert not is_edit({"ManufacturerModelName": "?"}, {"ManufacturerModelName": None}, GRP3_MARK)
    assert is_edit({"ManufacturerModelName": "?"}, {"ManufacturerModelName": None}, FMI_MARK)


@pytest.mark.parametrize(
    "shown",
    [
        "0102030405 ... truncated byte value.",
        "b'\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x08\\x09\\x0a\\xff\\xff'",
    ],
)
def test_pictures_of_binary_data_are_no_edits_and_cannot_be_edited(shown: str) -> None:
    file: Items = {"RedPaletteColorLookupTableData": b"\1\2\3\4\5\6\7\x08\x09\x0a\xff\xff"}
    assert not is_edit(file, {"RedPaletteColorLookupTableData": shown})
    edited = shown.replace("1", "7", 1) if shown.startswith("0") else shown.replace("x01", "x07")
    decision = find_edits([instance(file)], {"dicom": {"RedPaletteColorLookupTableData": edited}})
    assert not decision.assignments
    assert "binary" in decision.refused[0].reason


def test_the_first_frame_stands_for_all_functional_groups() -> None:
    frames: Items = {
        "PerFrameFunctionalGroupsSequence": [
            {"PlanePositionSequence": [{"ImagePositionPatient": f"0\\0\\{z}"}]} for z in range(3)
        ]
    }

    def shown(z: float) -> dict[str, Any]:
        return {
            "PerFrameFunctionalGroupsSequence": {"PlanePositionSequence": [{"ImagePositionPatient": [0.0, 0.0, z]}]}
        }

    assert not is_edit(frames, shown(0.0))
    assert is_edit(frames, shown(2.0))


def test_items_merged_into_one_dict() -> None:
    file: Items = {
        "AnatomicRegionSequence": [{"CodeValue": "1", "CodeMeaning": "Head"}, {"CodeValue": "2"}],
    }
    merged = {"AnatomicRegionSequence": {"CodeValue": "2", "CodeMeaning": "Head"}}
    assert not is_edit(file, merged, MRC_MARK)
    assert is_edit(file, {"AnatomicRegionSequence": {"CodeValue": "3", "CodeMeaning": "Head"}}, MRC_MARK)


def test_what_the_metadata_lacks_is_no_deletion() -> None:
    assert not is_edit({"StudyDescription": "here", "00191008 LO": "secret", "TextValue": "text"}, {})


@pytest.mark.parametrize("shown", [15.0, "1,5"])
def test_an_invalid_number_as_repaired_or_verbatim(shown: Any) -> None:
    assert not is_edit({"SliceThickness": "1,5"}, {"SliceThickness": shown}, {})
    assert is_edit({"SliceThickness": "1,5"}, {"SliceThickness": 1.5}, {})


@pytest.mark.parametrize(
    ("key", "held", "shown"),
    [
        ("FileOffsetInContainer", b"\\" + b"\1" * 7, int.from_bytes(b"_" + b"\1" * 7, "little")),
        ("NetworkID", b"\t AE1 ", "AE1"),
        ("00200011 DS", b"nan ", "nan"),
        ("SliceThickness", b"1\\x ", ["1", "x"]),
        ("FrameIncrementPointer", b"\x18\0\x63\x10\1\1", 0x00181063),
        ("FrameOfReferenceUID", b" 1.2.3", "1.2.3"),
    ],
)
def test_what_file_metadata_importer_makes_of_damaged_values_is_no_edit(key: str, held: bytes, shown: Any) -> None:
    assert not is_edit({key: held}, {key.removesuffix(" DS"): shown})


@pytest.mark.parametrize("shown", [None, ""])
def test_a_number_in_an_item_that_cannot_be_read_is_shown_as_nothing(shown: Any) -> None:
    file: Items = {"AnatomicRegionSequence": [{"Rows": b"\1", "SliceThickness": "abc"}]}
    metadata = {"AnatomicRegionSequence": [{"Rows": shown, "SliceThickness": shown}]}
    assert not is_edit(file, metadata)


def test_the_dictionary_vr_wins_over_the_vr_in_the_file() -> None:
    assert not is_edit({"00101030 LO": "70.50"}, {"PatientWeight": 70.5})
    minus_one = struct.pack("<h", -1)
    assert not is_edit({"00280106 SS": minus_one}, {"SmallestImagePixelValue": 65535})
    assert not is_edit({"00280106 SS": minus_one}, {"SmallestImagePixelValue": -1})
    assert is_edit({"00280106 SS": minus_one}, {"SmallestImagePixelValue": -2})


@pytest.mark.parametrize(
    ("key", "held", "shown"),
    [
        ("SeriesNumber", "7", 7 + 65536),
        ("RegionLocationMinX0", struct.pack("<L", 7), 7 + 65536),
        ("00201209 UN", "7 ", 7 + 65536),
        ("00186018 UN", struct.pack("<L", 7), 7 + 65536),
        ("00280010 UN", struct.pack("<H", 7), 8),
    ],
)
def test_only_16_bit_integers_are_equal_modulo_65536(key: str, held: Any, shown: int) -> None:
    names = {
        "00201209 UN": "NumberOfSeriesRelatedInstances",
        "00186018 UN": "RegionLocationMinX0",
        "00280010 UN": "Rows",
    }
    assert is_edit({key: held}, {names.get(key, key): shown})


@pytest.mark.parametrize("key", ["CSAHeader", "NoKeyword", "derived"])
def test_keys_that_are_no_dicom_are_noted_and_left(key: str) -> None:
    decision = find_edits([instance({})], {"dicom": {key: {"a": 1}}})
    assert not decision.edits
    assert key in decision.notes[0]


@pytest.mark.parametrize("key", ["HOLOGIC, Inc_,0019xx08", "HOLOGIC, Inc., 0019XX08", "hologic, inc.,0019xx08"])
def test_private_keys_in_all_spellings(key: str) -> None:
    file: Items = {"00190010 LO": "OTHER", "00190011 LO": "HOLOGIC, Inc.", "00191008 LO": "no", "00191108 LO": "held"}
    assert not is_edit(file, {key: "held"})
    (assignment,) = find_edits([instance(file)], {"dicom": {key: "new"}}).assignments
    assert (assignment.path[0].tag, assignment.path[0].creator) == (0x00190008, "HOLOGIC, Inc.")


def test_text_is_compared_in_one_unicode_form() -> None:
    file: Items = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Müller"}
    assert not is_edit(file, {"PatientName": "Mu\u0308ller"}, codec="utf-8")


def test_text_read_with_a_wrong_declaration_is_no_edit() -> None:
    file: Items = {"SpecificCharacterSet": "ISO_IR 100", "PatientName": "Müller".encode()}
    assert not is_edit(file, {"PatientName": "MÃ¼ller"})


@pytest.mark.parametrize("shown", ["Doe^Jane", "Doe^Jane^^", "Doe^Jane==", "Doe ^ Jane"])
def test_empty_ends_of_a_person_name_are_no_difference(shown: str) -> None:
    assert not is_edit({"PatientName": "Doe^Jane^"}, {"PatientName": shown})


def test_lists_cut_down_to_integers_by_an_old_importer() -> None:
    file: Items = {"ImagePositionPatient": "-83.9\\12.5\\1"}
    shown = {"ImagePositionPatient": [-83, 12, 1]}
    assert not is_edit(file, shown, MRC_MARK)
    assert is_edit(file, shown, FMI_MARK)
    assert is_edit({**file, "PixelSpacing": "0.5\\0.5"}, {**shown, "PixelSpacing": [0.5, 0.5]}, MRC_MARK)


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
def test_every_decimal_string_equals_what_each_importer_reads(number: float) -> None:
    text = f"{number:.10g}"
    stored = main_data_set(instance({"SliceThickness": text})).at(0x00180050)
    assert stored is not None
    for importer in (fmi, grp3, mrc):
        assert same(importer(stored), float(text), "DS")


@given(st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\\\x7f\xa0"), max_size=30))
def test_text_is_shown_as_it_is_by_one_importer_and_stripped_by_the_others(text: str) -> None:
    file = instance({"SpecificCharacterSet": "ISO_IR 100", "InstitutionName": text})
    stored = main_data_set(file).at(0x00080080)
    assert stored is not None
    assert same(fmi(stored), text, "LO")
    if text not in ("", "?"):
        plain = "".join(char for char in text if char.isascii() and char.isprintable())
        assert same(grp3(stored), plain if plain != "?" else None, "LO")
