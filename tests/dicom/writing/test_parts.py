"""Parts of a value that stay keep their bytes, even where they break the rules of their VR."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pydicom
import pytest

from export_session.dicom import Result, rewrite
from tests.support import build
from tests.support.dicom_bytes import Form, differences


def run(folder: Path, data: bytes, dicom: dict[str, Any], **options: Any) -> tuple[Result, bytes]:
    source, target = folder / "source.dcm", folder / "target"
    source.write_bytes(data)
    result = rewrite(source, target, {"dicom": dicom}, on_invalid_edit="skip", **options)
    return result, target.read_bytes() if result.modified else data


def held(data: bytes, tag: int) -> bytes:
    return pydicom.dcmread(io.BytesIO(data)).get_item(tag).value  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("tag", "vr", "before", "wanted", "after"),
    [
        ("PixelAspectRatio", "IS", b"4.000000\\3.000000 ", [4, 9], b"4.000000\\9"),
        ("PixelAspectRatio", "IS", b" 4.5\\3", ["4.5", 7], b" 4.5\\7"),
        ("PixelSpacing", "DS", b"1,5\\2 ", ["1,5", "2.5"], b"1,5\\2.5 "),
        ("DateOfSecondaryCapture", "DA", b"2020-01-31\\20200131", ["2020-01-31", "20200201"], b"2020-01-31\\20200201"),
        ("CalibrationTime", "TM", b"99:99 \\101112", ["99:99", "1314"], b"99:99 \\1314"),
        ("ImageType", "CS", b"original\\Primary\\OTHER ", ["original", "Primary", "MPR"], b"original\\Primary\\MPR"),
        ("OtherPatientNames", "PN", b"A^B^C^D^E^F\\Old^Name", ["A^B^C^D^E^F", "New^N"], b"A^B^C^D^E^F\\New^N "),
        ("PatientName", "PN", b"Old^Name=" + b"x" * 70, "New^Name=" + "x" * 70, b"New^Name=" + b"x" * 70 + b" "),
        ("OtherPatientIDs", "LO", b"a \\\tb\\c ", ["a", "\tb", "c", "d"], b"a \\\tb\\c\\d"),
    ],
)
def test_a_part_that_is_invalid_already_does_not_stop_its_neighbours(
    tmp_path: Path, tag: str, vr: str, before: bytes, wanted: Any, after: bytes
) -> None:
    number = pydicom.datadict.tag_for_keyword(tag)
    assert number is not None
    if number == 0x00100010:
        data = build.plain(name=before)
    else:
        data = build.instance(
            build.element(number, vr, before, length=len(before)) + build.element(0x7FE00010, "OW", b"")
        )
    result, written = run(tmp_path, data, {tag: wanted})
    after += b" " * (len(after) % 2)
    assert not result.refused
    assert held(written, number) == after
    assert differences(data, written, {(number,)}) == []


@pytest.mark.parametrize("wanted", [["original", "Mine!"], ["Mine!", "PRIMARY"]])
def test_a_new_part_is_still_checked(tmp_path: Path, wanted: list[str]) -> None:
    data = build.instance(build.element(0x00080008, "CS", b"original\\PRIMARY"))
    result, _ = run(tmp_path, data, {"ImageType": wanted})
    assert [change.outcome.value for change in result.refused] == ["refused"]
    assert "Mine!" in result.refused[0].reason


def test_a_byte_of_a_character_that_looks_like_a_backslash_parts_nothing(tmp_path: Path) -> None:
    before = "誠\\舘".encode("gb18030")
    data = build.instance(build.element(0x00080005, "CS", b"GB18030") + build.element(0x00101000, "LO", before))
    assert before.count(b"\\") == 2
    result, _ = run(tmp_path, data, {"OtherPatientIDs": ["誠", "山"]})
    assert not result.modified
    assert result.refused


@pytest.mark.parametrize("wanted", ["text", 7, [1.5, 2], "x" * 80])
def test_a_new_private_element_of_unknown_vr_needs_a_file_that_says_it(tmp_path: Path, wanted: Any) -> None:
    implicit, _ = run(tmp_path, build.plain(form=build.IMPLICIT), {"ACME, 0019xx01": wanted})
    assert not implicit.modified
    assert ["explicit VR" in change.reason for change in implicit.refused] == [True]
    explicit, written = run(tmp_path, build.plain(), {"ACME, 0019xx01": wanted})
    assert not explicit.refused
    read = pydicom.dcmread(io.BytesIO(written)).private_block(0x19, "ACME")[0x01].value
    assert (list(read) if isinstance(wanted, list) else read) == wanted


def test_a_new_private_element_that_a_dictionary_knows_is_written_without_its_vr(tmp_path: Path) -> None:
    data = build.plain(form=build.IMPLICIT)
    result, written = run(tmp_path, data, {"SIEMENS MR HEADER, 0019xx0c": "1000"})
    assert not result.refused
    assert pydicom.dcmread(io.BytesIO(written))[0x0019100C].value == 1000
    assert differences(data, written, {(0x00190010,), (0x0019100C,)}) == []


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_number_of_vr_un_in_a_big_endian_file_is_refused_with_its_reason(tmp_path: Path, order: str) -> None:
    data = build.plain(build.element(0x00189087, "UN", struct.pack(order + "d", 5.0), build.BIG), build.BIG)
    result, _ = run(tmp_path, data, {"DiffusionBValue": 6.0})
    assert not result.modified
    assert ["order" in change.reason for change in result.refused] == [True]


@pytest.mark.parametrize(("value", "stored"), [(0, bytes(8)), ("", b"")])
def test_a_number_that_reads_the_same_in_both_orders_is_written(tmp_path: Path, value: Any, stored: bytes) -> None:
    data = build.plain(build.element(0x00189087, "UN", struct.pack("<d", 5.0), build.BIG), build.BIG)
    result, written = run(tmp_path, data, {"DiffusionBValue": value})
    assert not result.refused
    assert build.element(0x00189087, "UN", stored, build.BIG) in written


@pytest.mark.parametrize("form", [build.EXPLICIT, build.IMPLICIT, build.BIG])
@pytest.mark.parametrize("undefined", [True, False])
def test_what_a_removed_sequence_held_is_on_record(tmp_path: Path, form: Form, *, undefined: bool) -> None:
    inner = build.item(build.element(0x00080100, "SH", b"C1", form), form)
    content = build.element(0x00400007, "LO", b"lost text", form) + build.sequence(0x00400008, [inner], form)
    item = build.item(content, form, undefined=undefined)
    data = build.plain(form=form, tail=b"")
    sequence = build.sequence(0x00081140, [item, item], form, undefined=undefined)
    at = data.index(build.element(0x00100010, "PN", b"Old^Name", form))
    data = data[:at] + sequence + data[at:]
    old = [{"ScheduledProcedureStepDescription": "lost text", "ScheduledProtocolCodeSequence": [{"CodeValue": "C1"}]}]
    values: tuple[Any, ...] = ([], "")
    for value in values:
        result, written = run(tmp_path, data, {"ReferencedImageSequence": value})
        changes = result.changes or result.refused
        assert [change.old for change in changes] == [old * 2]
        assert result.modified == (value == [])
        assert differences(data, written, {(0x00081140,)}) == []
    read = pydicom.dcmread(io.BytesIO(run(tmp_path, data, {"ReferencedImageSequence": []})[1]))
    assert list(read.ReferencedImageSequence) == []


def test_of_binary_data_the_record_says_how_much_there_was(tmp_path: Path) -> None:
    data = build.plain(build.element(0x00189004, "OB", b"\1" * 2000))
    result, _ = run(tmp_path, data, {"00189004": "x"})
    assert [change.old for change in result.refused] == ["2,000 bytes"]


GB = "ISO 2022 IR 58"
ZHANG = b"Zhang^XiaoDong=\x1b$)A\xd5\xc5^\x1b$)A\xd0\xa1\xb6\xab"


@pytest.mark.parametrize(
    ("wanted", "after"),
    [
        ("Wang^XiaoDong=王^小东", b"Wang^XiaoDong=\x1b$)A\xcd\xf5^\x1b$)A\xd0\xa1\xb6\xab"),
        ("Wang^X=\x1b$)A张^\x1b$)A小东", ZHANG.replace(b"Zhang^XiaoDong", b"Wang^X")),  # as importers show it
        ("Zhang^XiaoDong=\x1b$)A王^\x1b$)A小东", ZHANG.replace(b"\xd5\xc5", b"\xcd\xf5")),
        ("Zhang^XiaoDong=张^小东=张^东", ZHANG + b"=\x1b$)A\xd5\xc5^\x1b$)A\xb6\xab"),
        ("Zhang^XiaoDong=张^小东", ZHANG),
        ("Doe^Jane", b"Doe^Jane"),
    ],
)
def test_chinese_text_is_edited_in_its_own_character_set(tmp_path: Path, wanted: str, after: bytes) -> None:
    comment = build.element(0x00104000, "LT", "\x1b$)A中文".encode("gb2312"))
    data = build.plain(comment, charset="\\" + GB, name=ZHANG)
    result, written = run(tmp_path, data, {"PatientName": wanted})
    assert not result.refused
    assert held(written, 0x00100010) == after + b" " * (len(after) % 2)
    assert differences(data, written, {(0x00100010,)}) == []
    assert [change.old for change in result.changes] == ["Zhang^XiaoDong=张^小东"] * result.modified


def test_chinese_text_is_re_encoded_where_its_character_set_does_not_suffice(tmp_path: Path) -> None:
    comment = build.element(0x00104000, "LT", "\x1b$)A中文".encode("gb2312"))
    _, written = run(tmp_path, build.plain(comment, charset="\\" + GB, name=ZHANG), {"PatientID": "홍"})
    read = pydicom.dcmread(io.BytesIO(written))
    assert (str(read.PatientName), read.PatientComments) == ("Zhang^XiaoDong=张^小东", "中文")
