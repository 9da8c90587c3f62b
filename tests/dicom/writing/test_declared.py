"""What is said of the bytes (an edited Specific Character Set, assume_charset) changes none of them, and has to be true."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from export_session.dicom import rewrite
from export_session.errors import ConfigError, InvalidEdit
from tests.support import build
from tests.support.dicom_bytes import Form, differences
from tests.support.texts import CODECS, IDS, NAME, NAMES, NOTES, Texts, agrees, imported, run, texts

FORMS = [build.EXPLICIT, build.IMPLICIT, build.BIG]
CHARSET = 0x00080005
TERMS = st.sampled_from(sorted(CODECS))


# An edited Specific Character Set


@given(st.data(), TERMS, st.sampled_from([None, "", "ISO_IR 100", "ISO_IR 192", "ISO_IR 144"]), st.sampled_from(FORMS))
def test_a_true_statement_changes_no_byte_of_the_text(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, term: str, before: str | None, form: Form
) -> None:
    folder = tmp_path_factory.mktemp("statement")
    truth = data.draw(texts(term))
    file = truth.file(CODECS[term], form, before)
    result, written = run(folder, file, {**imported(file), "SpecificCharacterSet": term})
    assert not result.refused, result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert Texts.as_read(read) == truth
    assert read.SpecificCharacterSet == term
    assert differences(file, written, {(CHARSET,)}) == []
    agrees(result, written)
    assert [change.keyword for change in result.changes] == ["SpecificCharacterSet"] * (before != term)


def _plain(text: str) -> str:
    return "".join(filter(str.isascii, text))


@given(st.data(), TERMS, st.sampled_from([None, "", "ISO_IR 100", "ISO_IR 148"]), st.sampled_from(FORMS))
def test_values_edited_with_it_are_written_in_the_new_set(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, term: str, before: str | None, form: Form
) -> None:
    folder = tmp_path_factory.mktemp("statement")
    truth, other = data.draw(texts(term)), data.draw(texts(term))
    file = truth.file(CODECS[term], form, before)
    shown = imported(file)
    old = [shown["PatientName"], shown["OtherPatientNames"][1], shown["OtherPatientIDsSequence"][0]["PatientID"]]
    old += [truth.name, truth.names[1], truth.nested]
    assume(not {*map(_plain, old)} & {other.name, other.names[1], other.nested})  # which an importer may have left
    header = {**shown, "SpecificCharacterSet": term, "PatientName": other.name}
    header["OtherPatientNames"] = [header["OtherPatientNames"][0], other.names[1]]  # the first one is left as it was
    header["OtherPatientIDsSequence"] = [{"PatientID": other.nested}]
    result, written = run(folder, file, header)
    assert not result.refused, result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    wanted = Texts(other.name, (truth.names[0], other.names[1]), truth.notes, other.nested, truth.private)
    assert Texts.as_read(read) == wanted
    assert other.name.encode(CODECS[term]) in written
    assert differences(file, written, {(CHARSET,), (NAME,), (NAMES,), (IDS, 0, 0x00100020)}) == []
    agrees(result, written)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("typed", "codec", "written_as"),
    [
        ("UTF-8", "utf-8", "ISO_IR 192"),
        ("latin1", "latin-1", "ISO_IR 100"),
        ("iso-8859-5", "iso8859-5", "ISO_IR 144"),
        ("ISO_IR 100\\ISO_IR 144", "latin-1", ["ISO 2022 IR 100", "ISO 2022 IR 144"]),
        (["ISO_IR 100", "ISO_IR 144"], "latin-1", ["ISO 2022 IR 100", "ISO 2022 IR 144"]),
    ],
)
def test_a_name_with_one_meaning_is_written_as_its_term(
    tmp_path: Path, typed: Any, codec: str, written_as: Any, form: Form
) -> None:
    name = "Жук" if "5" in codec else "Müller"
    result, written = run(tmp_path, build.plain(form=form, name=name.encode(codec)), {"SpecificCharacterSet": typed})
    read = pydicom.dcmread(io.BytesIO(written))
    assert (read.SpecificCharacterSet, str(read.PatientName)) == (written_as, name)
    (change,) = result.changes
    assert change.reason.startswith('typed "')
    assert result.header["dicom"]["SpecificCharacterSet"] == written_as


@pytest.mark.parametrize("typed", ["ISO_IR 999", "klingon", "cp1252", 5, ["ISO_IR 100", "x"], "ISO_IR 192\\ISO_IR 100"])
def test_an_unknown_term_is_refused_with_those_there_are(tmp_path: Path, typed: Any) -> None:
    result, _ = run(tmp_path, build.plain(), {"SpecificCharacterSet": typed, "PatientName": "New"})
    (refused,) = result.refused
    assert refused.keyword == "SpecificCharacterSet"
    assert "ISO_IR" in refused.reason
    assert [change.keyword for change in result.changes] == ["PatientName"]


@pytest.mark.parametrize("form", FORMS)
def test_a_statement_that_is_not_true_is_refused_and_names_what_contradicts(tmp_path: Path, form: Form) -> None:
    one = Texts("Müller", ("a", "é"), "plain", "É", "plain")
    data = one.file("latin-1", form, None)
    result, _ = run(tmp_path, data, {**imported(data), "SpecificCharacterSet": "ISO_IR 192"})
    assert not result.modified
    (refused,) = result.refused
    for path in ("PatientName", "OtherPatientNames", "OtherPatientIDsSequence[0].PatientID"):
        assert path in refused.reason
    assert "PatientComments" not in refused.reason
    assert "SpecificCharacterSet" not in result.header["dicom"]


def test_what_is_replaced_at_once_need_not_be_in_the_new_set(tmp_path: Path) -> None:
    data = build.plain(build.element(NOTES, "LT", "Жук".encode()), name=b"M\xfcller")
    result, written = run(tmp_path, data, {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Möller"})
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert (str(read.PatientName), read.PatientComments) == ("Möller", "Жук")
    with pytest.raises(InvalidEdit, match="record_original_attributes"):
        run(
            tmp_path,
            data,
            {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Möller"},
            record_original_attributes=True,
        )


@pytest.mark.parametrize("form", FORMS)
def test_an_item_with_a_set_of_its_own_is_read_by_that(tmp_path: Path, form: Form) -> None:
    own = build.element(CHARSET, "CS", b"ISO_IR 144", form)
    nested = build.sequence(IDS, [build.item(own + build.element(0x00100020, "LO", b"\xb6", form), form)], form)
    data = build.plain(nested, form, name="Müller".encode())
    result, written = run(tmp_path, data, {"SpecificCharacterSet": "ISO_IR 192"})
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert (str(read.PatientName), read.OtherPatientIDsSequence[0].PatientID) == ("Müller", "Ж")
    wrong = data.replace(b"ISO_IR 144", b"ISO_IR 192")
    result, _ = run(tmp_path, wrong, {"SpecificCharacterSet": "ISO_IR 192"})
    assert "OtherPatientIDsSequence[0].PatientID" in result.refused[0].reason


@pytest.mark.parametrize("form", FORMS)
def test_the_set_of_an_item_can_be_mended_by_itself(tmp_path: Path, form: Form) -> None:
    own = build.element(CHARSET, "CS", b"ISO_IR 100", form)
    nested = build.sequence(IDS, [build.item(own + build.element(0x00100020, "LO", b"\xb6", form), form)], form)
    data = build.plain(nested, form, charset="ISO_IR 192")
    item = {"SpecificCharacterSet": "ISO_IR 144", "PatientID": "¶"}
    result, written = run(tmp_path, data, {"OtherPatientIDsSequence": [item]})
    assert not result.refused
    (mended,) = pydicom.dcmread(io.BytesIO(written)).OtherPatientIDsSequence
    assert (mended.SpecificCharacterSet, mended.PatientID) == ("ISO_IR 144", "Ж")
    assert result.header["dicom"]["OtherPatientIDsSequence"] == [
        {"SpecificCharacterSet": "ISO_IR 144", "PatientID": "Ж"}
    ]
    assert differences(data, written, {(IDS, 0, CHARSET)}) == []


def test_a_value_that_the_stated_set_does_not_hold_is_refused(tmp_path: Path) -> None:
    data = build.plain(name=b"M\xfcller")
    result, written = run(tmp_path, data, {"SpecificCharacterSet": "ISO_IR 100", "PatientComments": "山"})
    assert [(change.keyword, "SpecificCharacterSet" in change.reason) for change in result.refused] == [
        ("PatientComments", True)
    ]
    assert pydicom.dcmread(io.BytesIO(written)).PatientName == "Müller"


def test_a_set_that_is_not_true_does_not_stop_other_edits(tmp_path: Path) -> None:
    data = build.plain(name=b"M\xfcller", charset="ISO_IR 100")
    result, written = run(tmp_path, data, {"SpecificCharacterSet": "ISO_IR 192", "PatientComments": "山"})
    assert [change.keyword for change in result.refused] == ["SpecificCharacterSet"]
    read = pydicom.dcmread(io.BytesIO(written))
    assert (str(read.PatientName), read.PatientComments) == ("Müller", "山")


@pytest.mark.parametrize(("name", "taken"), [(b"Old^Name", True), (b"M\xfcller", False)])
def test_an_emptied_set_says_that_all_is_plain(tmp_path: Path, name: bytes, taken: bool) -> None:
    result, written = run(tmp_path, build.plain(name=name, charset="ISO_IR 100"), {"SpecificCharacterSet": ""})
    assert bool(result.refused) is not taken
    assert pydicom.dcmread(io.BytesIO(written)).SpecificCharacterSet == ("" if taken else "ISO_IR 100") or taken


def test_all_instances_of_an_archive_are_mended(tmp_path: Path) -> None:
    source = build.archive(
        tmp_path / "in.zip", {f"{n}.dcm": build.plain(number=n, name="Müller".encode()) for n in (1, 2, 3)}
    )
    header = {"dicom": {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "MÃ¼ller"}}
    result = rewrite(source, tmp_path / "out.zip", header)
    assert [(change.keyword, change.instances) for change in result.changes] == [("SpecificCharacterSet", 3)]
    assert result.header["dicom"]["PatientName"] == "Müller"


def test_one_instance_that_contradicts_stops_the_statement_for_all(tmp_path: Path) -> None:
    members = {
        "1.dcm": build.plain(number=1, name="Müller".encode()),
        "2.dcm": build.plain(number=2, name=b"M\xfcller"),
    }
    source = build.archive(tmp_path / "in.zip", members)
    header = {"dicom": {"SpecificCharacterSet": "ISO_IR 192"}}
    result = rewrite(source, tmp_path / "out.zip", header, on_invalid_edit="skip")
    assert not result.modified
    assert "PatientName" in result.refused[0].reason


def test_each_instance_can_be_mended_by_itself(tmp_path: Path) -> None:
    members = {
        "1.dcm": build.plain(number=1, name="Müller".encode()),
        "2.dcm": build.plain(number=2, name=b"M\xfcller"),
    }
    source = build.archive(tmp_path / "in.zip", members)
    header = {
        "dicom": {},
        "dicom_array": {"SpecificCharacterSet": ["ISO_IR 192", "ISO_IR 100"], "PatientName": ["MÃ¼ller", "Müller"]},
    }
    result = rewrite(source, tmp_path / "out.zip", header)
    assert [(change.new, change.member) for change in result.changes] == [
        ("ISO_IR 192", "1.dcm"),
        ("ISO_IR 100", "2.dcm"),
    ]
    assert result.header["dicom_array"]["PatientName"] == ["Müller", "Müller"]


def test_the_record_of_old_values_reads_as_it_did(tmp_path: Path) -> None:
    data = build.plain(name="Müller".encode(), charset="ISO_IR 192")
    data = data.replace(b"ISO_IR 192", b"ISO_IR 100")
    header = {"SpecificCharacterSet": "ISO_IR 192", "PatientName": "Möller"}
    result, written = run(tmp_path, data, header, record_original_attributes=True)
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    kept = [one.ModifiedAttributesSequence[0] for one in read.OriginalAttributesSequence]
    assert [one.SpecificCharacterSet for one in kept if "SpecificCharacterSet" in one] == ["ISO_IR 100"]
    assert [str(one.PatientName) for one in kept if "PatientName" in one] == ["Müller"]


def test_a_flywheel_field_does_not_declare_a_character_set(tmp_path: Path) -> None:
    source = tmp_path / "in.dcm"
    source.write_bytes(build.plain(name=b"M\xfcller"))
    result = rewrite(source, tmp_path / "out.dcm", {}, {"SpecificCharacterSet": "ISO_IR 100"})
    assert not result.modified
    assert "assume_charset" in result.refused[0].reason


# assume_charset


@given(st.data(), TERMS, st.sampled_from([None, ""]), st.sampled_from(FORMS))
def test_undeclared_text_is_declared_as_assumed_where_a_value_needs_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, term: str, before: str | None, form: Form
) -> None:
    folder = tmp_path_factory.mktemp("assumed")
    truth, other = data.draw(texts(term)), data.draw(texts(term))
    file = truth.file(CODECS[term], form, before)
    header = imported(file)
    header["OtherPatientNames"] = [header["OtherPatientNames"][0], other.names[1]]
    result, written = run(folder, file, header, assume_charset=term)
    assert not result.refused, result.refused
    wanted = Texts(truth.name, (truth.names[0], other.names[1]), truth.notes, truth.nested, truth.private)
    read = pydicom.dcmread(io.BytesIO(written))
    if read.get("SpecificCharacterSet"):
        assert Texts.as_read(read) == wanted
        assert read.SpecificCharacterSet == term
        assert other.names[1].encode(CODECS[term]) in written
    else:
        assert other.names[1].isascii() or not result.modified
    agrees(result, written)
    assert differences(file, written, {(CHARSET,), (NAMES,)}) == []


@given(st.data(), TERMS, st.sampled_from(FORMS))
def test_undeclared_text_is_re_encoded_where_the_assumed_set_does_not_hold_a_value(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, term: str, form: Form
) -> None:
    folder = tmp_path_factory.mktemp("assumed")
    truth = data.draw(texts(term))
    file = truth.file(CODECS[term], form, None)
    result, written = run(folder, file, {**imported(file), "PatientName": "☃ Ж ä 山 ש"}, assume_charset=term)
    assert not result.refused, result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert Texts.as_read(read) == Texts("☃ Ж ä 山 ש", truth.names, truth.notes, truth.nested, truth.private)
    assert read.SpecificCharacterSet == ("GB18030" if term == "GB18030" else "ISO_IR 192")
    agrees(result, written)


@pytest.mark.parametrize("charset", ["ISO_IR 100", "ISO_IR 6", "ISO_IR 13"])
def test_what_is_declared_is_not_assumed_otherwise(tmp_path: Path, charset: str) -> None:
    data = build.plain(build.element(NOTES, "LT", b"\xd6\xe9"), charset=charset)
    result, written = run(tmp_path, data, {"PatientName": "山"}, assume_charset="ISO_IR 144")
    if charset == "ISO_IR 100":
        assert pydicom.dcmread(io.BytesIO(written)).PatientComments == "Öé"
    else:
        assert not result.modified
        assert f"no text in {charset}: PatientComments" in result.refused[0].reason
        assert "correct SpecificCharacterSet" in result.refused[0].reason


@given(st.data(), TERMS, TERMS)
def test_nothing_that_nobody_edited_is_changed_by_an_assumption(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, term: str, assumed: str
) -> None:
    file = data.draw(texts(term)).file(CODECS[term], build.EXPLICIT, None)
    result, _ = run(tmp_path_factory.mktemp("assumed"), file, imported(file), assume_charset=assumed)
    assert not result.modified
    assert not result.refused


def test_an_edit_that_is_plain_needs_no_assumption(tmp_path: Path) -> None:
    data = build.plain(build.element(NOTES, "LT", b"\xd6"), name=b"M\xfcller")
    _, written = run(tmp_path, data, {"PatientName": "Moeller"}, assume_charset="ISO_IR 100")
    assert differences(data, written, {(NAME,)}) == []


def test_an_assumption_that_is_not_true_is_said(tmp_path: Path) -> None:
    data = build.plain(build.element(NOTES, "LT", b"\xd6"), name=b"M\xfcller")
    result, _ = run(tmp_path, data, {"PatientName": "Möller"}, assume_charset="ISO_IR 192")
    assert not result.modified
    assert "no text in ISO_IR 192: PatientComments; assume_charset" in result.refused[0].reason


def test_all_that_stands_in_the_way_is_named_with_what_would_help(tmp_path: Path) -> None:
    one = Texts("Müller", ("a", "é"), "É", "É", "É")
    data = one.file("latin-1", build.EXPLICIT, None)
    result, _ = run(tmp_path, data, {**imported(data), "PatientName": "Möller"})
    (refused,) = result.refused
    for path in (
        "OtherPatientNames",
        "PatientComments",
        "OtherPatientIDsSequence[0].PatientID",
        "SIEMENS MED, 0011xx10",
    ):
        assert path in refused.reason
    assert "PatientName," not in refused.reason
    assert "assume_charset would help" in refused.reason


@pytest.mark.parametrize("form", FORMS)
def test_items_that_declare_an_empty_set_are_assumed_with_their_file(tmp_path: Path, form: Form) -> None:
    empty = build.element(CHARSET, "CS", b"", form)
    own = build.element(CHARSET, "CS", b"ISO_IR 100", form)
    identity = build.element(0x00100020, "LO", b"\xd6", form)
    nested = build.sequence(IDS, [build.item(empty + identity, form), build.item(own + identity, form)], form)
    data = build.plain(nested, form)
    for name in ("Жук", "山"):
        result, written = run(tmp_path, data, {"PatientName": name}, assume_charset="ISO_IR 144")
        assert not result.refused
        read = pydicom.dcmread(io.BytesIO(written))
        assert [item.PatientID for item in read.OtherPatientIDsSequence] == [
            b"\xd6".decode("iso8859-5"),
            "Ö",
        ]
        assert str(read.PatientName) == name


@pytest.mark.parametrize("assumed", ["bogus", "UTF-8", "ISO_IR 192\\ISO_IR 100"])
def test_what_cannot_be_assumed_is_no_option(tmp_path: Path, assumed: str) -> None:
    with pytest.raises(ConfigError, match="ISO_IR"):
        run(tmp_path, build.plain(), {}, assume_charset=assumed)


def test_several_sets_can_be_assumed(tmp_path: Path) -> None:
    data = build.plain(build.element(NOTES, "LT", b"\xe9 \x1b-L\xb6"))
    result, written = run(tmp_path, data, {"PatientName": "éЖ"}, assume_charset="ISO_IR 100\\ISO_IR 144")
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert (str(read.PatientName), read.PatientComments) == ("éЖ", "é Ж")


@pytest.mark.parametrize("option", [{}, {"record_original_attributes": True}])
def test_old_values_of_assumed_text_are_kept_as_that(tmp_path: Path, option: dict[str, Any]) -> None:
    data = build.plain(name="Жук".encode("iso8859-5"))
    result, written = run(tmp_path, data, {"PatientName": "Лев"}, assume_charset="ISO_IR 144", **option)
    assert not result.refused
    read = pydicom.dcmread(io.BytesIO(written))
    assert str(read.PatientName) == "Лев"
    if option:
        assert str(read.OriginalAttributesSequence[0].ModifiedAttributesSequence[0].PatientName) == "Жук"


@pytest.mark.parametrize("assumed", ["", "ISO_IR 100"])
def test_a_slice_that_declares_nothing_is_declared_by_itself(tmp_path: Path, assumed: str) -> None:
    """Its text is replaced; the other slice, as undeclared, is left as it is."""
    members = {f"{n}.dcm": build.plain(number=n, name=f"Mü{n}".encode("latin-1")) for n in (1, 2)}
    source, target = build.archive(tmp_path / "in.zip", members), tmp_path / "out.zip"
    header = {"dicom": {"PatientName": "Mü1"}, "dicom_array": {"PatientName": ["Mü1", "Mö2"]}}
    result = rewrite(source, target, header, assume_charset=assumed)
    assert {(change.keyword, change.member) for change in result.changes} == {
        ("SpecificCharacterSet", "2.dcm"),
        ("PatientName", "2.dcm"),
    }
    with zipfile.ZipFile(target) as written:
        assert written.read("1.dcm") == members["1.dcm"]
        read = pydicom.dcmread(io.BytesIO(written.read("2.dcm")))
    assert (str(read.PatientName), read.SpecificCharacterSet) == ("Mö2", assumed or "ISO_IR 192")
    assert "SpecificCharacterSet" not in result.header["dicom"]
