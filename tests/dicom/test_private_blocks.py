"""Private elements are found in the block of their creator, however often, wherever and in whatever letters it is there."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pydicom
import pytest

from export_session.dicom import Result, rewrite
from tests.support import build
from tests.support.dicom_bytes import Form, differences

FORMS = [build.EXPLICIT, build.IMPLICIT, build.BIG]


def run(folder: Path, data: bytes, dicom: dict[str, Any], **options: Any) -> tuple[Result, bytes]:
    source, target = folder / "source.dcm", folder / "target"
    source.write_bytes(data)
    result = rewrite(source, target, {"dicom": dicom}, **{"on_invalid_edit": "skip", **options})
    return result, target.read_bytes() if result.modified else data


def creator(name: bytes, block: int, form: Form) -> bytes:
    return build.element(0x00190000 | block, "LO", name, form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("charset", "codec"),
    [(None, "latin-1"), ("ISO_IR 100", "latin-1"), ("ISO_IR 192", "utf-8"), ("ISO_IR 148", "iso8859-9")],
)
def test_a_creator_is_named_in_its_own_letters(tmp_path: Path, form: Form, charset: str | None, codec: str) -> None:
    block = creator("Gerät Ü".encode(codec), 0x10, form) + build.element(0x00191001, "LO", b"old", form)
    data = build.plain(block, form, charset=charset)
    result, written = run(tmp_path, data, {"Gerät Ü, 0019xx01": "old"})
    assert not result.modified
    assert not result.refused
    result, written = run(tmp_path, data, {"Gerät Ü, 0019xx01": "new"})
    if form.explicit:
        assert not result.refused
        assert [(change.keyword, change.old) for change in result.changes] == [("Gerät Ü, 0019xx01", "old")]
        assert differences(data, written, {(0x00191001,)}) == []
    else:
        assert [change.keyword for change in result.refused] == ["Gerät Ü, 0019xx01"]  # nobody knows its VR


@pytest.mark.parametrize("form", [build.EXPLICIT, build.BIG])
def test_a_new_creator_with_letters_of_its_own_is_written_in_the_files_character_set(
    tmp_path: Path, form: Form
) -> None:
    data = build.plain(form=form, charset="ISO_IR 100", name="Müller".encode("latin-1"))
    result, written = run(tmp_path, data, {"Gerät, 0019xx01": "new"})
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert (read[0x00190010].value, read[0x00191001].value) == ("Gerät", "new")
    result, written = run(tmp_path, data, {"Прибор, 0019xx01": "new"})
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert (read[0x00190010].value, read[0x00191001].value, str(read.PatientName)) == ("Прибор", "new", "Müller")


@pytest.mark.parametrize("form", FORMS)
def test_a_creator_with_letters_is_re_encoded_with_all_other_text(tmp_path: Path, form: Form) -> None:
    block = creator("Gerät".encode("latin-1"), 0x10, form) + build.element(0x00191001, "LO", b"old", form)
    data = build.plain(block, form, charset="ISO_IR 100")
    result, written = run(tmp_path, data, {"PatientName": "山田"})
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert (read[0x00190010].value, str(read.PatientName)) == ("Gerät", "山田")


@pytest.mark.parametrize("form", FORMS)
def test_of_two_blocks_of_one_creator_the_one_with_the_element_is_edited(tmp_path: Path, form: Form) -> None:
    blocks = creator(b"GEMS_PARM_01", 0x10, form) + creator(b"GEMS_PARM_01", 0x11, form)
    blocks = blocks.replace(b"\x19\x00", b"\x43\x00").replace(b"\x00\x19", b"\x00\x43")
    values = build.element(0x00431001, "SS", (1).to_bytes(2, "little" if form.little else "big"), form)
    values += build.element(0x00431161, "UI", b"1.2", form)
    data = build.plain(form=form).replace(
        build.element(0x7FE00010, "OW", b"\1\2\3\4" * 8, form),
        blocks + values + build.element(0x7FE00010, "OW", b"\1\2\3\4" * 8, form),
    )
    wanted = {"GEMS_PARM_01, 0043xx61": "1.9", "GEMS_PARM_01, 0043xx01": 7, "GEMS_PARM_01, 0043xx02": 3}
    result, written = run(tmp_path, data, wanted, edit_uids=True)
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert (read[0x00431161].value, read[0x00431001].value, read[0x00431002].value) == ("1.9", 7, 3)
    assert differences(data, written, {(0x00431161,), (0x00431001,), (0x00431002,)}) == []


@pytest.mark.parametrize("form", FORMS)
def test_a_private_element_in_an_item_has_its_creator_there(tmp_path: Path, form: Form) -> None:
    """PS3.5 §7.8.1: a block is reserved in each data set by itself."""
    own = creator(b"SIEMENS MED", 0x21, form) + build.element(0x00192110, "LO", b"old", form)
    own = own.replace(b"\x19\x00", b"\x11\x00").replace(b"\x00\x19", b"\x00\x11")
    outer = creator(b"SIEMENS MED", 0x10, form).replace(b"\x19\x00", b"\x11\x00").replace(b"\x00\x19", b"\x00\x11")
    data = build.plain(build.sequence(0x00101002, [build.item(own, form), build.item(b"", form)], form) + outer, form)
    items = [{"SIEMENS MED, 0011xx10": "new"}, {"SIEMENS MED, 0011xx10": "added"}]
    result, written = run(tmp_path, data, {"OtherPatientIDsSequence": items})
    assert not result.refused
    first, second = pydicom.dcmread(io.BytesIO(written)).OtherPatientIDsSequence
    assert first[0x00112110].value == "new"
    assert (second[0x00110010].value, second[0x00111010].value) == ("SIEMENS MED", "added")


@pytest.mark.parametrize(("form", "place"), [(build.IMPLICIT, "main"), (build.IMPLICIT, "item"), (build.BIG, "UN")])
@pytest.mark.parametrize("value", ["d451e53a", 5, 1.5, ["a", "b"], ""])
def test_a_new_element_that_no_program_could_read_is_refused(
    tmp_path: Path, form: Form, place: str, value: Any
) -> None:
    """No dictionary has its VR, and Implicit VR does not say it; inside UN all is implicit (PS3.5 §6.2.2)."""
    inner = build.element(0x00100020, "LO", b"ID", build.IMPLICIT if place == "UN" else form)
    item = build.item(inner, build.IMPLICIT if place == "UN" else form)
    vr = "UN" if place == "UN" else "SQ"
    data = build.plain(build.sequence(0x00101002, [item], form, undefined=True, vr=vr), form)
    wanted: dict[str, Any] = {"CM, ddddxx01": value}
    result, _ = run(tmp_path, data, wanted if place == "main" else {"OtherPatientIDsSequence": [wanted]})
    assert not result.modified
    assert all("no dictionary gives its VR" in change.reason for change in result.refused)
    assert [change.keyword for change in result.refused] == ([] if value == "" else ["CM, DDDDxx01"])


@pytest.mark.parametrize("form", FORMS)
def test_a_new_element_of_a_known_private_dictionary_is_written(tmp_path: Path, form: Form) -> None:
    result, written = run(tmp_path, build.plain(form=form), {"SIEMENS MR HEADER, 0019xx0c": 1000})
    assert not result.refused
    assert [change.vr for change in result.changes] == ["IS"]
    assert pydicom.dcmread(io.BytesIO(written)).private_block(0x0019, "SIEMENS MR HEADER")[0x0C].value == 1000


@pytest.mark.parametrize("form", [build.EXPLICIT, build.BIG])
@pytest.mark.parametrize(
    ("value", "vr"), [("text", "LO"), (5, "DS"), (1.5, "DS"), ([1, 2], "DS"), (["a", "b"], "LO"), ("x" * 65, "UT")]
)
def test_where_the_file_says_the_vr_a_new_element_takes_that_of_its_json(
    tmp_path: Path, form: Form, value: Any, vr: str
) -> None:
    result, written = run(tmp_path, build.plain(form=form), {"ACME, 0019xx01": value})
    assert [(change.vr, change.reason) for change in result.changes] == [(vr, "")]
    (added,) = (element for element in pydicom.dcmread(io.BytesIO(written)) if element.tag == 0x00191001)
    assert [str(added.VR)] == [vr]
