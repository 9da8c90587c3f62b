"""Whatever a file declares and whatever is typed: it reads back as typed and all else as before, or is refused by name."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.dicom.binary.instance import codecs_of
from export_session.dicom.binary.text import encode_text
from tests.support import build
from tests.support.dicom_bytes import differences
from tests.support.texts import CODECS, IDS, NAME, NAMES, NOTES, Texts, agrees, imported, letters, run

CHARSET, NESTED, PRIVATE = (0x00080005,), (IDS, 0, 0x00100020), (0x00111010,)
DECLARED = [
    *sorted(CODECS),
    "ISO 2022 IR 100\\ISO 2022 IR 144",
    "\\ISO 2022 IR 100\\ISO 2022 IR 126\\ISO 2022 IR 138",
    "\\ISO 2022 IR 87\\ISO 2022 IR 159",
    "ISO 2022 IR 13\\ISO 2022 IR 87",
    "\\ISO 2022 IR 149",
    "\\ISO 2022 IR 58",
    "ISO 2022 IR 100\\ISO 2022 IR 58\\ISO 2022 IR 149",
]
EXTENDED = {"13": "ﾔﾏﾀﾞ", "87": "山田太郎やまだ", "159": "丂仡", "149": "홍길동洪吉洞", "58": "张小东王第一"}
TYPED = st.text(
    st.sampled_from("aZ?~-äÖñßЖукΩμέשלוםمرحباทย山田太郎やまﾔﾏ홍길동张小东丂🏥¥‾“–")
    | st.characters(exclude_categories=["C", "Z"], exclude_characters="\\^=\ufffd"),
    min_size=1,
    max_size=8,
)


def repertoire(declared: str) -> list[str]:
    found = list("aZ9")
    for term in declared.split("\\"):
        number = term.rpartition(" ")[2]
        if number in EXTENDED and "2022" in term:
            found += EXTENDED[number]
        elif term:
            found += letters(term.replace("ISO 2022 IR", "ISO_IR"))
    return found


@st.composite
def files(draw: st.DrawFn) -> tuple[Texts, bytes]:
    declared = draw(st.sampled_from([None, "", *DECLARED]))
    part = st.text(st.sampled_from(repertoire(declared or "")), min_size=1, max_size=3)
    name = st.lists(part, min_size=1, max_size=2).map("^".join)
    grouped = st.lists(name, min_size=1, max_size=3).map("=".join)
    truth = Texts(draw(grouped), (draw(grouped), draw(name)), draw(part), draw(part), draw(part))
    form = draw(st.sampled_from([build.EXPLICIT, build.IMPLICIT, build.BIG]))
    codecs = codecs_of((declared or "").encode())
    return truth, truth.file(lambda text, vr: encode_text(text, vr, codecs), form, declared)


def _check(folder: pytest.TempPathFactory, drawn: st.DataObject) -> None:
    truth, data = drawn.draw(files())
    header = imported(data)
    shown = dict(header)
    typed = drawn.draw(TYPED)
    place = drawn.draw(st.sampled_from(["name", "group", "names", "notes", "nested", "private"]))
    wanted = truth
    path: tuple[int, ...] = (NAME,)
    if place == "name":
        shown["PatientName"], wanted = typed, replace(truth, name=typed)
    elif place == "group":  # the first group is left as it was
        kept, _, _ = header["PatientName"].partition("=")
        first, _, _ = truth.name.partition("=")
        shown["PatientName"], wanted = f"{kept}={typed}", replace(truth, name=f"{first}={typed}")
    elif place == "names":  # and here the first value
        shown["OtherPatientNames"] = [header["OtherPatientNames"][0], typed]
        wanted, path = replace(truth, names=(truth.names[0], typed)), (NAMES,)
    elif place == "notes":
        shown["PatientComments"], wanted, path = typed, replace(truth, notes=typed), (NOTES,)
    elif place == "nested":
        shown["OtherPatientIDsSequence"], wanted, path = [{"PatientID": typed}], replace(truth, nested=typed), NESTED
    else:
        shown["SIEMENS MED, 0011xx10"], wanted, path = typed, replace(truth, private=typed), PRIVATE
    result, written = run(folder.mktemp("text"), data, shown)
    assert not result.refused, [change.reason for change in result.refused]
    read = pydicom.dcmread(io.BytesIO(written))
    found = Texts.as_read(read)
    assert found == wanted
    agrees(result, written)
    if read.get("SpecificCharacterSet") == pydicom.dcmread(io.BytesIO(data)).get("SpecificCharacterSet"):
        assert differences(data, written, {path}) == []
    else:
        assert read.SpecificCharacterSet == "ISO_IR 192"
        assert differences(data, written, {CHARSET, (NAME,), (NAMES,), (NOTES,), NESTED, PRIVATE}) == []


@given(st.data())
def test_what_is_typed_reads_back_and_all_else_as_before(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    _check(tmp_path_factory, data)


@pytest.mark.slow
@given(st.data())
@settings(max_examples=3000, derandomize=False)
def test_thousands_of_texts_read_back(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    _check(tmp_path_factory, data)


@pytest.mark.parametrize(
    ("declared", "old", "typed", "after"),
    [
        ("ISO 2022 IR 100\\ISO 2022 IR 144", b"\x1b-L\xb6", "Ж=é", b"\x1b-L\xb6\x1b-A=\xe9"),
        ("ISO 2022 IR 100\\ISO 2022 IR 144", b"\x1b-L\xb6=\x1b-L\xb6", "Ж=a", b"\x1b-L\xb6=a"),  # which reads the same
        ("ISO 2022 IR 100\\ISO 2022 IR 58", b"\x1b$)A\xd2\xbb", "一=¡", b"\x1b$)A\xd2\xbb\x1b-A=\xa1"),
    ],
)
def test_a_group_that_stays_leaves_the_first_set_active_for_a_new_one(
    tmp_path: Path, declared: str, old: bytes, typed: str, after: bytes
) -> None:
    result, written = run(tmp_path, build.plain(charset=declared, name=old), {"PatientName": typed})
    assert not result.refused
    assert build.element(NAME, "PN", after) in written
