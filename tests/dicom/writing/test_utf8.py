"""A data set is re-declared as UTF-8 where all of its other text can be; what cannot is named."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest

from export_session.dicom import Result, rewrite
from export_session.errors import InvalidEdit
from tests.support import build
from tests.support.dicom_bytes import Form, differences

UMLAUT = "Müller^J".encode("latin-1")
NAME, CHARSET = (0x00100010,), (0x00080005,)


def run(folder: Path, data: bytes, dicom: dict[str, Any], **options: Any) -> tuple[Result, bytes]:
    source, target = folder / "source.dcm", folder / "target"
    source.write_bytes(data)
    result = rewrite(source, target, {"dicom": dicom}, **{"on_invalid_edit": "skip", **options})
    return result, target.read_bytes() if result.modified else data


@pytest.mark.parametrize("form", [build.EXPLICIT, build.IMPLICIT, build.BIG])
@pytest.mark.parametrize("charset", [None, "", "ISO_IR 6"])
def test_what_is_replaced_need_not_be_decodable(tmp_path: Path, form: Form, charset: str | None) -> None:
    data = build.plain(form=form, name=UMLAUT, charset=charset)
    result, written = run(tmp_path, data, {"PatientName": "Möller^J"})
    read = pydicom.dcmread(io.BytesIO(written))
    assert (read.SpecificCharacterSet, read.PatientName) == ("ISO_IR 192", "Möller^J")
    assert [(change.keyword, change.old) for change in result.changes][1:] == [("PatientName", "Müller^J")]
    assert differences(data, written, {NAME, CHARSET}) == []


@pytest.mark.parametrize("wanted", ["Moeller^J", ""])
def test_plain_text_needs_no_declaration(tmp_path: Path, wanted: str) -> None:
    data = build.plain(name=UMLAUT, extra=build.element(0x00104000, "LT", b"caf\xe9"))
    result, written = run(tmp_path, data, {"PatientName": wanted})
    assert [change.keyword for change in result.changes] == ["PatientName"]
    assert differences(data, written, {NAME}) == []


def test_all_that_is_not_decodable_may_be_replaced_at_once(tmp_path: Path) -> None:
    nested = build.sequence(0x00101002, [build.item(build.element(0x00100020, "LO", b"\xe9"))], undefined=True)
    private = build.element(0x00190010, "LO", b"ACME") + build.element(0x00191001, "LO", b"\xfc1")
    at = build.element(0x00104000, "LT", b"caf\xe9")
    data = build.plain(name=UMLAUT, extra=nested + at + private)
    wanted = {
        "PatientName": "Möller",
        "PatientComments": "Café",
        "OtherPatientIDsSequence": [{"PatientID": "É"}],
        "ACME, 0019xx01": "u1",
    }
    result, written = run(tmp_path, data, wanted)
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert (str(read.PatientName), read.PatientComments) == ("Möller", "Café")
    assert read.OtherPatientIDsSequence[0].PatientID == "É"
    assert read[0x00191001].value == "u1"


@pytest.mark.parametrize(
    ("extra", "path"),
    [
        (build.element(0x00104000, "LT", b"caf\xe9"), "PatientComments"),
        (build.element(0x00104000, "UN", b"caf\xe9"), "PatientComments"),
        (
            build.sequence(0x00101002, [build.item(b""), build.item(build.element(0x00100020, "LO", b"\xe9"))]),
            "OtherPatientIDsSequence[1].PatientID",
        ),
        (build.element(0x00190010, "LO", b"ACME") + build.element(0x00191001, "LO", b"\xfc"), "ACME, 0019xx01"),
    ],
)
def test_an_element_that_stands_in_the_way_is_named(tmp_path: Path, extra: bytes, path: str) -> None:
    result, _ = run(tmp_path, build.plain(name=UMLAUT, extra=extra), {"PatientName": "Möller^J"})
    assert not result.modified
    assert [path in change.reason for change in result.refused] == [True]
    with pytest.raises(InvalidEdit, match=path.replace("[", r"\[")):
        run(tmp_path, build.plain(name=UMLAUT, extra=extra), {"PatientName": "Möller^J"}, on_invalid_edit="fail")


def test_an_edit_that_is_refused_replaces_nothing(tmp_path: Path) -> None:
    data = build.plain(name=UMLAUT, extra=build.element(0x00104000, "LT", b"caf\xe9"))
    result, _ = run(tmp_path, data, {"PatientName": "Möller", "PatientComments": "a\1b"})
    assert not result.modified
    assert [change.keyword for change in result.refused] == ["PatientName", "PatientComments"]


@pytest.mark.parametrize(
    ("before", "wanted"), [(b"\xc6\xf3\\Ivan", ["Æó", "Иван"]), (b"\xc6\xf3=Ivan", "Æó=Иван"), (b"\xc6\xf3=I", "Æó=И")]
)
def test_a_component_that_stays_is_not_replaced(tmp_path: Path, before: bytes, wanted: Any) -> None:
    result, _ = run(tmp_path, build.plain(build.element(0x00101001, "PN", before)), {"OtherPatientNames": wanted})
    assert not result.modified
    assert ["OtherPatientNames" in change.reason for change in result.refused] == [True]


def test_a_previous_value_that_is_no_text_is_not_recorded_as_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidEdit, match="record_original_attributes"):
        run(tmp_path, build.plain(name=UMLAUT), {"PatientName": "Möller"}, record_original_attributes=True)


@pytest.mark.parametrize("form", [build.EXPLICIT, build.IMPLICIT])
def test_what_may_be_text_but_keeps_its_bytes_is_said(tmp_path: Path, form: Form) -> None:
    known = build.element(0x00104000, "UN", "é".encode("latin-1"), form)
    block = build.element(0x00190010, "LO", b"ACME", form)
    unknown = build.element(0x00191001, "UN", b"Gr\xfc\xdf", form) + build.element(0x00191002, "UN", b"plain ", form)
    data = build.plain(known + block + unknown, form, charset="ISO_IR 100", name=UMLAUT)
    result, written = run(tmp_path, data, {"PatientName": "山"})
    note = result.changes[0].reason
    assert "ACME, 0019xx01" in note
    assert "ACME, 0019xx02" not in note
    assert "PatientComments" not in note
    read = pydicom.dcmread(io.BytesIO(written))
    assert (read[0x00191001].value, read.PatientComments) == (b"Gr\xfc\xdf", "é")


def test_nothing_is_said_where_all_text_is_re_encoded(tmp_path: Path) -> None:
    data = build.plain(build.element(0x00189004, "OB", b"\xff\xfe"), charset="ISO_IR 100", name=UMLAUT)
    result, _ = run(tmp_path, data, {"PatientName": "山"})
    assert "unknown VR" not in result.changes[0].reason


@pytest.mark.parametrize("form", [build.EXPLICIT, build.IMPLICIT, build.BIG])
def test_an_item_with_a_character_set_of_its_own_is_declared_anew(tmp_path: Path, form: Form) -> None:
    charset = build.element(0x00080005, "CS", b"ISO_IR 144", form)
    own = build.item(charset + build.element(0x00100020, "LO", b"plain ", form), form)
    data = build.plain(build.sequence(0x00101002, [own, own], form), form)
    result, written = run(tmp_path, data, {"OtherPatientIDsSequence": [{"PatientID": "山"}, {"PatientID": "plain"}]})
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert [item.PatientID for item in read.OtherPatientIDsSequence] == ["山", "plain"]
    assert {item.SpecificCharacterSet for item in read.OtherPatientIDsSequence} == {"ISO_IR 192"}


def test_of_a_removed_sequence_the_record_shows_the_text(tmp_path: Path) -> None:
    item = build.item(build.element(0x00100020, "LO", b"\xe9"))
    data = build.plain(build.sequence(0x00101002, [item]), charset="ISO_IR 100")
    result, _ = run(tmp_path, data, {"OtherPatientIDsSequence": [], "PatientName": "山"})
    assert {change.keyword: change.old for change in result.changes}["OtherPatientIDsSequence"] == [{"PatientID": "é"}]
