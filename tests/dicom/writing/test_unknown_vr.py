"""Numbers and sequences of VR UN: their bytes are little-endian by PS3.5 §6.2.2, which many programs do not heed."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.dicom import Result, rewrite
from tests.support import build
from tests.support.dicom_bytes import Form, differences

NUMBERS = {  # elements with the format of their value
    "AcquisitionDuration": (0x00189073, "d"),
    "SelectorUSValue": (0x0072007A, "H"),
    "SelectorSSValue": (0x0072007E, "h"),
    "SelectorULValue": (0x00720078, "I"),
    "SelectorSLValue": (0x0072007C, "i"),
}
NESTED = (0x00101002, 0, 0x00189073)


def run(folder: Path, data: bytes, dicom: dict[str, Any]) -> tuple[Result, bytes]:
    source, target = folder / "source.dcm", folder / "target"
    source.write_bytes(data)
    target.unlink(missing_ok=True)
    result = rewrite(source, target, {"dicom": dicom}, on_invalid_edit="skip")
    return result, target.read_bytes() if result.modified else data


def plain(element: bytes, form: Form) -> bytes:
    """A file with an element behind all others but the pixels."""
    pixels = build.element(0x7FE00010, "OW", b"\1\2\3\4" * 8, form)
    return build.plain(form=form).replace(pixels, element + pixels)


@given(st.sampled_from(sorted(NUMBERS)), st.integers(0, 0x7FFF), st.integers(0, 0x7FFF), st.sampled_from("<>"))
def test_a_number_in_a_big_endian_file_is_written_only_if_all_read_it_alike(
    tmp_path_factory: pytest.TempPathFactory, keyword: str, old: int, new: int, order: str
) -> None:
    tag, code = NUMBERS[keyword]
    element = build.element(tag, "UN", struct.pack(order + code, old), build.BIG)
    data = plain(element, build.BIG)
    result, written = run(tmp_path_factory.mktemp("un"), data, {keyword: new})
    alike = struct.pack("<" + code, new) == struct.pack(">" + code, new)
    reads_as_new = struct.pack(">" + code, new) == struct.pack(order + code, old)  # as importers read it
    if reads_as_new or alike:
        assert not result.refused
        assert struct.pack(">" + code, new) in written
    else:
        assert not result.modified
        assert ["big-endian" in change.reason for change in result.refused] == [True]


@given(st.sampled_from(sorted(NUMBERS)), st.integers(0, 0x7FFF))
def test_a_number_in_a_little_endian_file_is_written(
    tmp_path_factory: pytest.TempPathFactory, keyword: str, new: int
) -> None:
    tag, code = NUMBERS[keyword]
    data = plain(build.element(tag, "UN", struct.pack("<" + code, 3), build.EXPLICIT), build.EXPLICIT)
    result, written = run(tmp_path_factory.mktemp("un"), data, {keyword: new})
    assert not result.refused
    assert pydicom.dcmread(io.BytesIO(written))[tag].value == new
    assert differences(data, written, {(tag,)}) == []


@pytest.mark.parametrize(("wanted", "written"), [(8, False), ("", True), (0, True)])
def test_a_number_that_a_private_dictionary_knows_is_no_other(tmp_path: Path, wanted: Any, written: bool) -> None:
    block = build.element(0x00190010, "LO", b"GEMS_ACQU_01", build.BIG)
    data = build.plain(block + build.element(0x001910F2, "UN", b"\0\7", build.BIG), build.BIG)
    result, _ = run(tmp_path, data, {"GEMS_ACQU_01, 0019xxF2": wanted})
    assert (result.modified, not result.refused) == (written, written)


def test_text_of_vr_un_knows_no_byte_order(tmp_path: Path) -> None:
    block = build.element(0x00110010, "LO", b"SIEMENS MED", build.BIG)
    data = build.plain(block + build.element(0x00111010, "UN", b"old ", build.BIG), build.BIG)
    result, written = run(tmp_path, data, {"SIEMENS MED, 0011xx10": "new"})
    assert not result.refused
    assert build.element(0x00111010, "UN", b"new ", build.BIG) in written


@pytest.mark.parametrize("form", [build.EXPLICIT, build.BIG])
@pytest.mark.parametrize("undefined", [True, False])
def test_items_in_un_are_implicit_little_endian(tmp_path: Path, form: Form, *, undefined: bool) -> None:
    inner = build.element(0x00100020, "LO", b"ID", build.IMPLICIT)
    inner += build.element(0x00189073, "FD", struct.pack("<d", 2.5), build.IMPLICIT)
    sequence = build.sequence(0x00101002, [build.item(inner, build.IMPLICIT)], form, undefined=undefined, vr="UN")
    data = build.plain(sequence, form)
    result, written = run(
        tmp_path, data, {"OtherPatientIDsSequence": [{"PatientID": "ID", "AcquisitionDuration": 3.5}]}
    )
    assert not result.refused
    assert build.element(0x00189073, "FD", struct.pack("<d", 3.5), build.IMPLICIT) in written
    assert differences(data, written, {NESTED}) == []


@pytest.mark.parametrize("form", [build.EXPLICIT, build.BIG])
def test_items_in_un_of_another_encoding_are_left_as_they_are_and_said(tmp_path: Path, form: Form) -> None:
    inner = build.item(build.element(0x00100020, "LO", b"ID", form), form)
    data = build.plain(build.element(0x00101002, "UN", inner, form), form)
    result, _ = run(tmp_path, data, {"OtherPatientIDsSequence": [{"PatientID": "new"}]})
    assert not result.modified
    assert result.refused or any("OtherPatientIDsSequence" in note for note in result.notes)


def test_a_number_of_vr_un_in_an_item_follows_the_order_of_its_item(tmp_path: Path) -> None:
    inner = build.element(0x00189073, "UN", struct.pack(">d", 2.5), build.BIG)
    data = build.plain(build.sequence(0x00101002, [build.item(inner, build.BIG)], build.BIG), build.BIG)
    result, _ = run(tmp_path, data, {"OtherPatientIDsSequence": [{"AcquisitionDuration": 3.5}]})
    assert ["big-endian" in change.reason for change in result.refused] == [True]
