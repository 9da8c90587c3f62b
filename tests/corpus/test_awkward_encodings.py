"""Files that are legal, or common though not legal, and hard to edit: the edit lands and nothing else moves."""

from __future__ import annotations

import re
import struct
import time
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.charset import convert_encodings, encode_string

from tests.corpus.catalogue import Edit, parse
from tests.corpus.judge import outcome, wrong_instance
from tests.support import build
from tests.support.build import BIG, EXPLICIT, IMPLICIT, element, group_length, instance, item, plain, sequence
from tests.support.dicom_bytes import Form, pieces

FORMS = [EXPLICIT, IMPLICIT, BIG]
DESCRIPTION, NAME, INSTITUTION, NOTES = 0x00081030, 0x00100010, 0x00080080, 0x00104000
REQUEST, STEP = 0x00400275, 0x00400007  # RequestAttributesSequence, ScheduledProcedureStepDescription
CODES, CODE = 0x00400008, 0x00080100  # ScheduledProtocolCodeSequence, CodeValue


@dataclass(frozen=True)
class Case:
    """A file, an edit of its metadata, and what must come of it."""

    data: bytes
    header: dict[str, Any]
    path: tuple[int, ...]
    vr: str
    value: Any
    recodes: bool = False

    @property
    def edit(self) -> Edit:
        return Edit("", {"dicom": self.header}, self.path, self.vr, self.value, recodes=self.recodes)


def lands(folder: Path, case: Case, **options: Any) -> bytes:
    """Do the edit, prove that it landed and nothing else moved; returns the new bytes."""
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(case.data)
    result = outcome(source, target, case.edit.header, **options)
    assert not isinstance(result, Exception), str(result)
    assert [change.reason for change in result.refused] == []
    assert result.modified
    after = target.read_bytes()
    assert wrong_instance(case.data, after, case.edit) == []
    return after


def refused_or_lands(folder: Path, case: Case) -> bytes | None:
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(case.data)
    result = outcome(source, target, case.edit.header, on_invalid_edit="skip")
    if isinstance(result, Exception):
        assert not target.exists()
        return None
    if not result.modified:
        assert result.refused
        assert all(change.reason for change in result.refused)
        return None
    assert wrong_instance(case.data, target.read_bytes(), case.edit) == []
    return target.read_bytes()


def _step(text: bytes, form: Form) -> bytes:
    return element(STEP, "LO", text, form)


def _nested(form: Form, *, outer: bool, inner: bool, vr: str = "SQ") -> Case:
    """A leaf two sequences deep, lengths undefined or not."""
    inside = IMPLICIT if vr == "UN" else form
    code = item(element(CODE, "SH", b"OLD", inside), inside, undefined=inner)
    codes = sequence(CODES, [code, code], inside, undefined=inner)
    first = item(_step(b"one", inside) + codes, inside, undefined=outer)
    data = plain(sequence(REQUEST, [first, item(b"", inside)], form, undefined=outer, vr=vr), form)
    shown = [
        {
            "ScheduledProcedureStepDescription": "one",
            "ScheduledProtocolCodeSequence": [{"CodeValue": "OLD"}, {"CodeValue": "A LONGER ONE"}],
        },
        {},
    ]
    return Case(data, {"RequestAttributesSequence": shown}, (REQUEST, 0, CODES, 1, CODE), "SH", "A LONGER ONE")


@pytest.mark.parametrize("form", FORMS, ids=["explicit", "implicit", "big endian"])
@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("inner", [True, False])
def test_nested_leaf_in_sequences_of_either_length(tmp_path: Path, form: Form, *, outer: bool, inner: bool) -> None:
    lands(tmp_path, _nested(form, outer=outer, inner=inner))


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("inner", [True, False])
def test_nested_leaf_in_a_sequence_stored_as_un(tmp_path: Path, *, outer: bool, inner: bool) -> None:
    refused_or_lands(tmp_path, _nested(EXPLICIT, outer=outer, inner=inner, vr="UN"))


def test_group_lengths_on_every_level_follow(tmp_path: Path) -> None:
    patient = element(NAME, "PN", b"Old^Name") + element(0x00100020, "LO", b"ID-1")
    leaf = group_length(0x00400000, _step(b"one", EXPLICIT))
    request = group_length(0x00400000, sequence(REQUEST, [item(leaf)]))
    data = instance(group_length(0x00100000, patient) + request)
    shown = {"RequestAttributesSequence": [{"ScheduledProcedureStepDescription": "considerably longer"}]}
    lands(tmp_path, Case(data, shown, (REQUEST, 0, STEP), "LO", "considerably longer"))
    lands(tmp_path, Case(data, {"PatientName": "Much^Longer^Name"}, (NAME,), "PN", "Much^Longer^Name"))


def test_one_of_thousands_of_items(tmp_path: Path) -> None:
    texts = [f"step {number}" for number in range(3000)]
    data = plain(sequence(REQUEST, [item(_step(text.encode(), EXPLICIT)) for text in texts]))
    shown = [{"ScheduledProcedureStepDescription": text} for text in [*texts[:-1], "the last one"]]
    lands(tmp_path, Case(data, {"RequestAttributesSequence": shown}, (REQUEST, 2999, STEP), "LO", "the last one"))


@pytest.mark.parametrize("undefined", [True, False])
def test_empty_sequences_stay_as_they_are(tmp_path: Path, *, undefined: bool) -> None:
    empty = sequence(REQUEST, [], undefined=undefined) + sequence(0x00400555, [item(b"", undefined=undefined)])
    lands(tmp_path, Case(plain(empty), {"PatientName": "New^Name"}, (NAME,), "PN", "New^Name"))


def test_an_element_added_to_an_item(tmp_path: Path) -> None:
    data = plain(sequence(REQUEST, [item(element(0x00400009, "SH", b"S1"))]))
    shown = {
        "RequestAttributesSequence": [{"ScheduledProcedureStepID": "S1", "ScheduledProcedureStepDescription": "new"}]
    }
    lands(tmp_path, Case(data, shown, (REQUEST, 0, STEP), "LO", "new"))


@pytest.mark.parametrize("form", FORMS, ids=["explicit", "implicit", "big endian"])
def test_without_preamble_and_meta_information(tmp_path: Path, form: Form) -> None:
    whole = plain(form=form)
    data = whole[whole.index(element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.4", form)) :]
    refused_or_lands(tmp_path, Case(data, {"PatientName": "New^Name"}, (NAME,), "PN", "New^Name"))


@pytest.mark.parametrize(
    "tail",
    [
        element(0xFFFCFFFC, "OB", b"\0" * 30),
        sequence(0xFFFAFFFA, [item(element(0x04000100, "US", b"\1\0"))]),
        b"\0" * 64,
        b"\0",
    ],
    ids=["trailing padding", "signatures", "zeros", "one zero"],
)
def test_what_follows_the_pixel_data_stays(tmp_path: Path, tail: bytes) -> None:
    refused_or_lands(tmp_path, Case(plain(tail=tail), {"PatientName": "New^Name"}, (NAME,), "PN", "New^Name"))


def test_encapsulated_pixels_that_look_like_structure_stay(tmp_path: Path) -> None:
    trap = struct.pack("<HHI", 0xFFFE, 0xE0DD, 0) + element(NAME, "PN", b"Trap^Trap")
    pixels = item(b"") + item(trap) + item(trap) + struct.pack("<HHI", 0xFFFE, 0xE0DD, 0)
    data = plain().replace(
        element(0x7FE00010, "OW", b"\1\2\3\4" * 8), element(0x7FE00010, "OB", pixels, length=build.UNDEFINED)
    )
    data = data.replace(
        element(0x00020010, "UI", b"1.2.840.10008.1.2.1"), element(0x00020010, "UI", b"1.2.840.10008.1.2.5")
    )
    lands(tmp_path, Case(data, {"PatientName": "New^Name"}, (NAME,), "PN", "New^Name"))


def test_an_icon_with_pixel_data_of_its_own_stays(tmp_path: Path) -> None:
    icon = sequence(0x00880200, [item(element(0x00280010, "US", b"\4\0") + element(0x7FE00010, "OW", b"\5\6" * 8))])
    data = plain(tail=b"").replace(
        element(0x7FE00010, "OW", b"\1\2\3\4" * 8), icon + element(0x7FE00010, "OW", b"\1\2\3\4" * 8)
    )
    lands(tmp_path, Case(data, {"PatientName": "New^Name"}, (NAME,), "PN", "New^Name"))


def test_values_of_odd_length_stay_odd_and_a_new_one_is_even(tmp_path: Path) -> None:
    odd = element(0x00101000, "LO", b"odd", length=3) + element(NOTES, "LT", b"x", length=1)
    after = lands(tmp_path, Case(plain(odd), {"PatientComments": "odd"}, (NOTES,), "LT", "odd"))
    assert all(len(piece.body) % 2 == 0 for piece in pieces(after) if piece.path == (NOTES,))


@pytest.mark.parametrize("padded", [True, False])
def test_deflated(tmp_path: Path, *, padded: bool) -> None:
    inflated = plain()[plain().index(element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.4")) :]
    data = instance(inflated, deflated=True, uid="1.2.3.4.5.1")
    data += b"\0\0" * padded
    lands(tmp_path, Case(data, {"PatientName": "New^Name"}, (NAME,), "PN", "New^Name"))


def test_elements_out_of_order_are_tolerated(tmp_path: Path) -> None:
    swapped = plain().replace(
        element(NAME, "PN", b"Old^Name") + element(0x00100020, "LO", b"ID-1"),
        element(0x00100020, "LO", b"ID-1") + element(NAME, "PN", b"Old^Name"),
    )
    refused_or_lands(tmp_path, Case(swapped, {"PatientName": "New^Name"}, (NAME,), "PN", "New^Name"))
    refused_or_lands(tmp_path, Case(swapped, {"PatientComments": "new"}, (NOTES,), "LT", "new"))


def test_a_text_element_stored_as_un(tmp_path: Path) -> None:
    data = plain().replace(element(0x00100020, "LO", b"ID-1"), element(0x00100020, "UN", b"ID-1"))
    lands(tmp_path, Case(data, {"PatientID": "ID-2000"}, (0x00100020,), "LO", "ID-2000"))


@pytest.mark.parametrize("form", FORMS, ids=["explicit", "implicit", "big endian"])
def test_a_signed_pixel_value(tmp_path: Path, form: Form) -> None:
    """US or SS: PixelRepresentation decides (PS3.5 §A.1, PS3.3 §C.7.6.3)."""
    smallest = struct.pack(form.order + "h", -5)
    group = element(0x00280103, "US", struct.pack(form.order + "H", 1), form) + element(
        0x00280106, "SS", smallest, form
    )
    data = plain(form=form).replace(
        element(0x7FE00010, "OW", b"\1\2\3\4" * 8, form), group + element(0x7FE00010, "OW", b"\1\2\3\4" * 8, form)
    )
    lands(tmp_path, Case(data, {"SmallestImagePixelValue": -1000}, (0x00280106,), "SS", -1000))


def test_more_values_than_a_short_length_field_can_count(tmp_path: Path) -> None:
    """64 kB is the limit of an explicit LO (PS3.5 §7.1.2)."""
    many = ["x" * 60] * 1500
    data = plain(element(0x00101000, "LO", b"old"))
    refused_or_lands(tmp_path, Case(data, {"OtherPatientIDs": many}, (0x00101000,), "LO", many))


# Character sets


def _encoded(text: str, declared: str) -> bytes:
    if declared == "ISO_IR 13":
        return text.encode("shift_jis")
    if "IR 58" in declared:
        parts = [part if part.isascii() else f"\x1b$)A{part}" for part in re.split("([=^])", text)]
        return "".join(parts).encode("gb2312")
    encodings = convert_encodings(declared.split("\\"))  # anew after each delimiter (PS3.5 §6.1.2.5.3)
    return b"".join(encode_string(part, encodings) for part in re.split("([=^])", text))


def _with_second_byte(low: int, codec: str) -> str:
    return next(
        c
        for code in range(0x4E00, 0x9FA5)
        if len(data := (c := chr(code)).encode(codec, "ignore")) == 2 and data[1] == low
    )


@pytest.mark.parametrize("declared", ["GB18030", "GBK"])
def test_a_character_with_a_backslash_byte_is_not_a_separator(tmp_path: Path, declared: str) -> None:
    tricky = _with_second_byte(0x5C, "gb18030") + "院"
    value = tricky.encode("gb18030") + b"\\second"
    data = plain(element(0x00101000, "LO", value), charset=declared, name="王^小东".encode("gb18030"))
    case = Case(data, {"OtherPatientIDs": [tricky, "2nd"]}, (0x00101000,), "LO", [tricky, "2nd"])
    after = refused_or_lands(tmp_path, case)
    assert after is None or tricky.encode("gb18030") in after


@pytest.mark.parametrize("low", [0x5E, 0x3D])
def test_a_character_with_a_delimiter_byte_in_a_name(tmp_path: Path, low: int) -> None:
    tricky = _with_second_byte(low, "gb18030") if low > 0x3F else "王"
    data = plain(charset="GB18030", name=f"{tricky}^old".encode("gb18030"))
    lands(tmp_path, Case(data, {"PatientName": f"{tricky}^new"}, (NAME,), "PN", f"{tricky}^new"))


@pytest.mark.parametrize(
    ("declared", "old", "new"),
    [
        ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎=やまだ^たろう", "Yamada^Hanako=山田^花子=やまだ^はなこ"),
        ("ISO 2022 IR 13\\ISO 2022 IR 87", "ﾔﾏﾀﾞ^ﾀﾛｳ=山田^太郎=やまだ^たろう", "ﾔﾏﾀﾞ^ﾊﾅｺ=山田^花子=やまだ^はなこ"),
        ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞=홍^길동", "Hong^Gilsun=洪^吉順=홍^길순"),
        ("ISO 2022 IR 100\\ISO 2022 IR 144", "Müller^Иван", "Möller^Пётр"),
        ("ISO_IR 166", "นาย^สมชาย", "นาง^สมหญิง"),
        ("ISO_IR 192", "Müller^山田", "Möller^王"),
        ("ISO_IR 13", "ﾔﾏﾀﾞ^ﾀﾛｳ", "ﾔﾏﾀﾞ^ﾊﾅｺ"),
    ],
)
def test_a_name_in_the_declared_character_sets(tmp_path: Path, declared: str, old: str, new: str) -> None:
    data = plain(charset=declared, name=_encoded(old, declared))
    read = parse(data)
    assert read is not None
    assert str(read.PatientName) == old
    lands(tmp_path, Case(data, {"PatientName": new}, (NAME,), "PN", new, recodes=True))


def test_a_chinese_name_with_escape_sequences(tmp_path: Path) -> None:
    """Which pydicom 3.0 reads wrongly, so the bytes themselves are compared."""
    source, target = tmp_path / "source.dcm", tmp_path / "target.dcm"
    source.write_bytes(plain(charset="\\ISO 2022 IR 58", name=_encoded("Zhang^XiaoDong=张^小东", "IR 58")))
    new = "Wang^XiaoDong=王^小东"
    result = outcome(source, target, {"dicom": {"PatientName": new}}, on_invalid_edit="skip")
    if isinstance(result, Exception) or not result.modified:
        assert not target.exists()
        return
    written = next(piece.body.rstrip() for piece in pieces(target.read_bytes()) if piece.path == (NAME,))
    assert written in {_encoded(new, "IR 58"), new.encode()}


@pytest.mark.parametrize(
    "declared", [None, "", "ISO_IR 6", "ISO_IR 100", "\\ISO 2022 IR 87", "ISO 2022 IR 6\\ISO 2022 IR 149"]
)
@pytest.mark.parametrize("form", FORMS, ids=["explicit", "implicit", "big endian"])
def test_text_outside_of_the_declared_character_set(tmp_path: Path, declared: str | None, form: Form) -> None:
    other = {None: "plain", "": "plain", "ISO_IR 6": "plain", "ISO_IR 100": "Größe"}.get(declared, "plain")
    nested = sequence(REQUEST, [item(_step(_encoded(other, declared or ""), form), form, undefined=True)], form)
    data = plain(nested, form, charset=declared)
    value = "больница 病院 ☃"
    after = lands(tmp_path, Case(data, {"PatientComments": value}, (NOTES,), "LT", value, recodes=True))
    assert b"?" not in after


def test_an_item_with_a_character_set_of_its_own(tmp_path: Path) -> None:
    """PS3.5 §6.1.2.3: a Specific Character Set in an item holds for that item."""
    inner = element(0x00080005, "CS", b"ISO_IR 144") + _step("Москва".encode("iso8859_5"), EXPLICIT)
    data = plain(sequence(REQUEST, [item(inner)]), charset="ISO_IR 100", name="Müller^Jörg".encode("latin-1"))
    step = {"SpecificCharacterSet": "ISO_IR 144", "ScheduledProcedureStepDescription": "Москва"}
    inside = {"RequestAttributesSequence": [step | {"ScheduledProcedureStepDescription": "Казань"}]}
    after = lands(tmp_path, Case(data, inside, (REQUEST, 0, STEP), "LO", "Казань"))
    assert "Казань".encode("iso8859_5") in after
    case = Case(data, {"PatientName": "山田^太郎"}, (NAME,), "PN", "山田^太郎", recodes=True)
    again = refused_or_lands(tmp_path, case)
    if again is not None:
        read = parse(again)
        assert read is not None
        assert read.RequestAttributesSequence[0].ScheduledProcedureStepDescription == "Москва"


def test_private_text_survives_a_new_character_set(tmp_path: Path) -> None:
    private = element(0x00190010, "LO", "Gerät".encode("latin-1")) + element(
        0x00191001, "LO", "Größe".encode("latin-1")
    )
    private += element(0x00191002, "UN", "weiß".encode("latin-1")) + element(0x00191003, "OB", b"\xe4\xf6")
    data = plain(charset="ISO_IR 100").replace(
        element(0x0020000D, "UI", b"1.2.3.4"), private + element(0x0020000D, "UI", b"1.2.3.4")
    )
    after = refused_or_lands(
        tmp_path, Case(data, {"PatientName": "山田^太郎"}, (NAME,), "PN", "山田^太郎", recodes=True)
    )
    if after is not None:
        assert element(0x00191002, "UN", "weiß".encode("latin-1")) in after
        assert element(0x00191003, "OB", b"\xe4\xf6") in after


def test_text_that_is_not_in_its_character_set_is_not_encoded_anew(tmp_path: Path) -> None:
    for declared, name in ((None, b"M\xfcller"), ("ISO_IR 192", b"M\xfcller"), ("\\ISO 2022 IR 87", b"\x1b$B\xff\xff")):
        data = plain(element(0x00101000, "LO", name), charset=declared)
        value = "山田^太郎"
        after = refused_or_lands(tmp_path, Case(data, {"PatientName": value}, (NAME,), "PN", value))
        if after is not None:  # possible where the declared set holds the new value
            assert declared
            assert name in after


# Private elements


def _private(blocks: bytes) -> bytes:
    return plain().replace(element(0x0020000D, "UI", b"1.2.3.4"), blocks + element(0x0020000D, "UI", b"1.2.3.4"))


def test_a_private_element_is_found_in_the_block_of_its_creator(tmp_path: Path) -> None:
    blocks = element(0x00190010, "LO", b"OTHER") + element(0x00190042, "LO", b"ACME 1.1")
    blocks += element(0x00191001, "LO", b"other") + element(0x00194201, "LO", b"acme")
    for key in ("ACME 1_1,0019xx01", "ACME 1.1, 0019xx01"):
        lands(tmp_path, Case(_private(blocks), {key: "mended"}, (0x00194201,), "LO", "mended"))


def test_a_new_private_block_takes_nothing_that_is_taken(tmp_path: Path) -> None:
    """PS3.5 §7.8.1; a block with elements but without creator is not free either."""
    blocks = (
        element(0x00190010, "LO", b"OTHER") + element(0x00191001, "LO", b"other") + element(0x00191101, "LO", b"orphan")
    )
    source, target = tmp_path / "source.dcm", tmp_path / "target.dcm"
    source.write_bytes(_private(blocks))
    result = outcome(source, target, {"dicom": {"ACME, 0019xx01": "new"}}, on_invalid_edit="skip")
    assert not isinstance(result, Exception)
    if not result.modified:
        assert result.refused
        return
    read = parse(target.read_bytes())
    assert read is not None
    block = read.private_block(0x0019, "ACME")
    assert block.block_start not in {0x1000, 0x1100}
    assert block[1].value in ("new", b"new")
    assert read[0x0019, 0x1101].value == "orphan"


# Several instances


def _both(folder: Path, one: bytes, other: bytes, header: dict[str, Any], **options: Any) -> list[bytes]:
    source, target = folder / "source.zip", folder / "target.zip"
    build.archive(source, {"1.dcm": one, "2.dcm": other})
    result = outcome(source, target, {"dicom": header}, **options)
    assert not isinstance(result, Exception), str(result)
    assert [change.reason for change in result.refused] == []

    with zipfile.ZipFile(target) as new:
        return [new.read("1.dcm"), new.read("2.dcm")]


def test_members_in_different_transfer_syntaxes_and_character_sets(tmp_path: Path) -> None:
    one = plain(form=EXPLICIT, number=1, charset="ISO_IR 100", name="Müller".encode("latin-1"))
    other = plain(form=BIG, number=2, charset="ISO_IR 192", name="Müller".encode())
    after = _both(tmp_path, one, other, {"PatientName": "Möller"})
    edit = Edit("", {}, (NAME,), "PN", "Möller")
    assert wrong_instance(one, after[0], edit) == []
    assert wrong_instance(other, after[1], edit) == []


def test_uids_follow_everywhere_when_they_may_change(tmp_path: Path) -> None:
    """The file meta information and the references within the file name the instance by its new UID."""
    refers = sequence(0x00081140, [item(element(0x00081155, "UI", b"1.2.3.4.5.1"))])
    data = plain().replace(element(NAME, "PN", b"Old^Name"), refers + element(NAME, "PN", b"Old^Name"))
    source, target = tmp_path / "source.dcm", tmp_path / "target.dcm"
    source.write_bytes(data)
    header = {
        "dicom": {"SOPInstanceUID": "1.2.3.4.5.678", "SeriesInstanceUID": "1.2.3.4.5", "StudyInstanceUID": "1.2.3.4"}
    }
    result = outcome(source, target, header, edit_uids=True)
    assert not isinstance(result, Exception), str(result)
    read = parse(target.read_bytes())
    assert read is not None
    assert read.SOPInstanceUID == read.file_meta.MediaStorageSOPInstanceUID == "1.2.3.4.5.678"
    assert read.ReferencedImageSequence[0].ReferencedSOPInstanceUID == "1.2.3.4.5.678"
    logged = {change.tag for change in result.changes}
    assert {"(0008,0018)", "(0002,0003)"} <= logged


def test_two_instances_never_get_one_uid(tmp_path: Path) -> None:
    source, target = tmp_path / "source.zip", tmp_path / "target.zip"
    build.archive(source, {"1.dcm": plain(number=1), "2.dcm": plain(number=2)})
    header = {"dicom": {"SOPInstanceUID": "1.2.3.4.5.678"}}
    result = outcome(source, target, header, edit_uids=True, edit_varying="all", on_invalid_edit="skip")
    if isinstance(result, Exception) or not result.modified:
        assert not target.exists()
        return
    raise AssertionError("two instances of one UID went out")


def test_an_edit_is_the_same_whatever_else_is_in_the_file(tmp_path: Path) -> None:
    """The same source, metadata and options make the same bytes, always."""
    case = _nested(EXPLICIT, outer=True, inner=False)
    first = lands(tmp_path, case)
    assert lands(tmp_path, replace(case, header=dict(case.header))) == first
    with_record = [lands_with_record(tmp_path, case) for _ in range(2)]
    assert with_record[0] == with_record[1]


def lands_with_record(folder: Path, case: Case) -> bytes:
    """As :func:`lands`, with the old value kept in Original Attributes Sequence (PS3.3 §C.12.1.1.9)."""
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(case.data)
    result = outcome(source, target, case.edit.header, record_original_attributes=True)
    assert not isinstance(result, Exception), str(result)
    read = parse(target.read_bytes())
    assert read is not None
    kept = read.OriginalAttributesSequence[-1]
    for keyword in ("AttributeModificationDateTime", "ModifyingSystem", "ReasonForTheAttributeModification"):
        assert kept.get(keyword), keyword
    assert "SourceOfPreviousValues" in kept
    assert len(kept.ModifiedAttributesSequence) == 1
    return target.read_bytes()


# Wishes that cannot be granted, and wishes that are easily overlooked


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("MessageID", 5),  # group 0000 is for messages (PS3.7)
        ("CommandGroupLength", 5),
        ("FileSetID", "X"),  # group 0004 is for DICOMDIR (PS3.10 §8)
        ("ACME, 0001xx01", "x"),  # no private group (PS3.5 §7.8)
        ("Item", "x"),
        ("ItemDelimitationItem", "x"),
        ("PixelData", "x"),
        ("PixelSpacing", 1.0),  # VM 2
        ("ImageType", "A"),  # VM 2-n
        ("ImagePositionPatient", [1.0, 2.0]),  # VM 3
        ("PatientName", {}),
        ("PatientID", {"a": "b"}),
    ],
)
def test_a_wish_that_cannot_be_granted_is_refused_and_the_others_are_granted(
    tmp_path: Path, key: str, value: Any
) -> None:
    source, target = tmp_path / "source.dcm", tmp_path / "target.dcm"
    source.write_bytes(plain())
    header = {"dicom": {"StudyDescription": "new", key: value}}
    result = outcome(source, target, header, on_invalid_edit="skip")
    assert not isinstance(result, Exception), str(result)
    assert [change.keyword for change in result.changes] == ["StudyDescription"]
    assert [change.keyword for change in result.refused] == [key]
    assert wrong_instance(plain(), target.read_bytes(), Edit("", {}, (DESCRIPTION,), "LO", "new")) == []


def _frames(count: int) -> bytes:
    def frame(number: int) -> bytes:
        position = element(0x00200032, "DS", f"0\\0\\{number}".encode())
        return item(sequence(0x00209113, [item(position)]))

    groups = sequence(0x52009230, [frame(number) for number in range(count)])
    pixels = element(0x7FE00010, "OW", b"\1\2\3\4" * 8)
    return plain(element(0x00280008, "IS", str(count).encode())).replace(pixels, groups + pixels)


@pytest.mark.parametrize("height", [99.5, 2.0])
def test_the_first_frame_gets_the_value_written_for_it_though_another_holds_it(tmp_path: Path, height: float) -> None:
    """The importer shows the first frame alone, as one object."""
    position = [0.0, 0.0, height]
    shown = {"PlanePositionSequence": [{"ImagePositionPatient": position}]}
    header = {"PerFrameFunctionalGroupsSequence": shown, "TransferSyntaxUID": "1.2.840.10008.1.2.1"}
    lands(tmp_path, Case(_frames(4), header, (0x52009230, 0, 0x00209113, 0, 0x00200032), "DS", position))


def test_many_edits_of_one_sequence_take_little_time(tmp_path: Path) -> None:
    count = 3000
    data = plain(sequence(REQUEST, [item(_step(f"step {number}".encode(), EXPLICIT)) for number in range(count)]))
    header = {
        "RequestAttributesSequence": [{"ScheduledProcedureStepDescription": f"new {number}"} for number in range(count)]
    }
    source, target = tmp_path / "source.dcm", tmp_path / "target.dcm"
    source.write_bytes(data)
    began = time.process_time()
    result = outcome(source, target, {"dicom": header})
    assert not isinstance(result, Exception), str(result)
    assert time.process_time() - began < 6
    read = parse(target.read_bytes())
    assert read is not None
    steps = [step.ScheduledProcedureStepDescription for step in read.RequestAttributesSequence]
    assert steps == [f"new {number}" for number in range(count)]
