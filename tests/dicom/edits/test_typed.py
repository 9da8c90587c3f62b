"""What people type: written in DICOM's form where it means one thing, refused with what would do where it means two."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from datetime import date
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from export_session.dicom import Result, rewrite
from export_session.dicom.binary.decimals import nearest_decimal
from export_session.dicom.edits.equality import same
from export_session.dicom.edits.importers.reading.rereading import Rereading
from export_session.dicom.edits.typed import Target, Typed, in_dicom_form, why_undefined
from export_session.dicom.vocabulary import Change
from export_session.errors import InvalidEdit
from export_session.support.wording import without_values
from tests.support import build
from tests.support.instances import UID, Items, Value, file_bytes

OLD: dict[str, Value] = {
    "AS": "001D", "CS": "OLD", "DA": "19000101", "DS": "77.5", "DT": "19000101", "FD": 77.5, "FL": 77.5, "IS": "77",
    "SH": "+0000", "TM": "0001", "UI": "1.9.9", "US": 77,
}  # fmt: skip

WRITTEN = [
    # the keyword, what was typed, and the text that the file then holds
    ("PatientBirthDate", "1980-01-31", "19800131"),
    ("PatientBirthDate", "1980-1-5", "19800105"),
    ("PatientBirthDate", "1980/01/02", "19800102"),
    ("PatientBirthDate", "1980.01.02", "19800102"),  # the form of ACR-NEMA
    ("PatientBirthDate", "1980 01 02", "19800102"),
    ("PatientBirthDate", "31.12.1980", "19801231"),
    ("PatientBirthDate", "31/12/1980", "19801231"),
    ("PatientBirthDate", "12/31/1980", "19801231"),
    ("PatientBirthDate", "07-07-1980", "19800707"),  # one date, whichever way it is read
    ("PatientBirthDate", "31-Jan-1980", "19800131"),
    ("PatientBirthDate", "31JAN1980", "19800131"),
    ("PatientBirthDate", "Jan 31 1980", "19800131"),
    ("PatientBirthDate", "January 31st, 1980", "19800131"),
    ("PatientBirthDate", "2 September 1980", "19800902"),
    ("PatientBirthDate", "1980-Sep-02", "19800902"),
    ("PatientBirthDate", "1980-01-31T00:00:00", "19800131"),
    ("PatientBirthDate", "1980-01-31T00:00:00.000Z", "19800131"),
    ("PatientBirthDate", "1980-01-31 00:00", "19800131"),
    ("PatientBirthDate", "29.02.2000", "20000229"),
    ("PatientBirthDate", "31. 12. 1980", "19801231"),
    ("TimezoneOffsetFromUTC", "+02:00", "+0200"),
    ("TimezoneOffsetFromUTC", "-5", "-0500"),
    ("TimezoneOffsetFromUTC", "UTC+1", "+0100"),
    ("TimezoneOffsetFromUTC", "UTC-3:30", "-0330"),
    ("PatientBirthDate", 19800131, "19800131"),
    ("PatientBirthDate", 19800131.0, "19800131"),
    ("PatientBirthDate", " 19800131", "19800131"),
    ("PatientBirthDate", "\u00a01980\u20111\u20115\u200b", "19800105"),  # spaces, hyphens and nothings of a page
    ("PatientBirthDate", "１９８０-01-31", "19800131"),
    ("StudyTime", "12:30", "1230"),
    ("StudyTime", "12:30:15", "123015"),
    ("StudyTime", "12:30:15.5", "123015.5"),
    ("StudyTime", "12:30:15,25", "123015.25"),
    ("StudyTime", "9:05", "0905"),
    ("StudyTime", "1:30 pm", "1330"),
    ("StudyTime", "1:30:05 P.M.", "133005"),
    ("StudyTime", "12:30 am", "0030"),
    ("StudyTime", "12:30 pm", "1230"),
    ("StudyTime", "1 pm", "13"),
    ("StudyTime", 93000, "093000"),
    ("AcquisitionDateTime", "2020-01-31T12:30:00", "20200131123000"),
    ("AcquisitionDateTime", "2020-01-31T12:30:00+01:00", "20200131123000+0100"),
    ("AcquisitionDateTime", "2020-01-31T12:30:00.125Z", "20200131123000.125+0000"),
    ("AcquisitionDateTime", "2020-01-31 12:30:00 -0500", "20200131123000-0500"),
    ("AcquisitionDateTime", "2020-01-31T12:30-00:00", "202001311230+0000"),
    ("AcquisitionDateTime", "2020-01-31 12:30", "202001311230"),
    ("AcquisitionDateTime", "20200131T123000Z", "20200131123000+0000"),
    ("AcquisitionDateTime", "20200131123000+05:30", "20200131123000+0530"),
    ("AcquisitionDateTime", "Jan 31, 2020 1:30 pm", "202001311330"),
    ("AcquisitionDateTime", "31.01.2020, 12:30", "202001311230"),
    ("AcquisitionDateTime", "2020-01-31", "20200131"),
    ("AcquisitionDateTime", "2020-01", "202001"),
    ("PatientAge", "34Y", "034Y"),
    ("PatientAge", "034y", "034Y"),
    ("PatientAge", "34 years", "034Y"),
    ("PatientAge", "34 years old", "034Y"),
    ("PatientAge", "6 months", "006M"),
    ("PatientAge", "3 wks", "003W"),
    ("PatientAge", "34", "034D"),  # in the unit that the file uses
    ("PatientAge", 34, "034D"),
    ("PatientAge", 34.0, "034D"),
    ("PatientSex", "Male", "M"),
    ("PatientSex", "female", "F"),
    ("PatientSex", "FEMALE", "F"),
    ("PatientSex", "m", "M"),
    ("PatientSex", "Other", "O"),
    ("Laterality", "Left", "L"),
    ("Laterality", "r", "R"),
    ("ImageLaterality", "both", "B"),
    ("BurnedInAnnotation", "Yes", "YES"),
    ("BurnedInAnnotation", False, "NO"),
    ("BodyPartExamined", "Left Knee", "LEFT KNEE"),
    ("BodyPartExamined", " left\u00a0knee ", "LEFT KNEE"),
    ("Modality", "mr", "MR"),
    ("ImageType", ["Derived", "Secondary", "axial"], "DERIVED\\SECONDARY\\AXIAL"),
    ("ImageType", "Derived\\Secondary", "DERIVED\\SECONDARY"),
    ("FrameOfReferenceUID", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6", "2.25.329800735698586629295641978511506172918"),
    ("FrameOfReferenceUID", "urn:uuid:00000000-0000-0000-0000-00000000000A", "2.25.10"),
    ("PatientWeight", "75 kg", "75"),
    ("PatientWeight", "75.50kg", "75.50"),
    ("PatientWeight", "75,5", "75.5"),
    ("PatientWeight", "75,5 kg", "75.5"),
    ("PatientWeight", "3500 g", "3.5"),
    ("PatientSize", "1.75 m", "1.75"),
    ("PatientSize", "175 cm", "1.75"),
    ("SliceThickness", "0.5 cm", "5"),
    ("SliceThickness", "5 millimetres", "5"),
    ("RepetitionTime", "1.5 s", "1500"),
    ("KVP", "120 kV", "120"),
    ("MagneticFieldStrength", "3 Tesla", "3"),
    ("FlipAngle", "90°", "90"),
    ("SliceLocation", "\u22125.5", "-5.5"),
    ("SliceThickness", "0,123", "0.123"),
    ("RepetitionTime", "1.234,5", "1234.5"),
    ("RepetitionTime", "1,234.5", "1234.5"),
    ("RepetitionTime", "1,234,567", "1234567"),
    ("RepetitionTime", "1\u2009234", "1234"),
    ("RepetitionTime", "1\u202f234,5", "1234.5"),
    ("SliceThickness", "1/3", ".333333333333333"),
    ("SliceThickness", 0.1 + 0.2, "0.3"),
    ("SliceThickness", 1 / 3, ".333333333333333"),
    ("SliceThickness", 1e22 / 3, "33333333333333E8"),
    ("SliceThickness", "0.1234567890123456", ".123456789012346"),
    ("RepetitionTime", 12345678901234567, "12345678901235E3"),
    ("PixelSpacing", ["0,5", "0.5 mm"], "0.5\\0.5"),
    ("InstanceNumber", "5.0", "5"),
    ("InstanceNumber", 5.0, "5"),
    ("InstanceNumber", "5,0", "5"),
    ("InstanceNumber", "1e3", "1000"),
    ("InstanceNumber", "1\u00a0234", "1234"),
    ("FrameOfReferenceUID", " 1.2.840.1 ", "1.2.840.1"),
]

REFUSED = [
    ("TimezoneOffsetFromUTC", "+1500", ["+1400"]),
    ("StudyTime", "123015.1234567", ["123015.123456"]),
    ("PixelSpacing", "0,5 0,5", ["0.5\\0.5"]),
    ("PixelSpacing", "0,5;0,25", ["0.5\\0.25"]),
    # the keyword, what was typed, and what the reason names
    ("PatientBirthDate", "01/02/1980", ["19800201 or 19800102"]),
    ("PatientBirthDate", "1.2.1980", ["19800201 or 19800102"]),
    ("PatientBirthDate", "01-02-80", ["19800201 or 19800102"]),
    ("PatientBirthDate", "01/02/03", ["20030201", "20030102", "20010203"]),
    ("PatientBirthDate", "31.12.80", ["19801231 or 20801231"]),
    ("PatientBirthDate", "31 Dec 80", ["19801231 or 20801231"]),
    ("PatientBirthDate", "800131", ["19800131"]),
    ("PatientBirthDate", "01021980", ["19800201 or 19800102"]),
    ("PatientBirthDate", "31121980", ["19801231"]),
    ("PatientBirthDate", "1980-31-12", ["19801231"]),
    ("PatientBirthDate", "1980-02-30", ["no such date"]),
    ("PatientBirthDate", "20010229", ["YYYYMMDD"]),
    ("PatientBirthDate", "1980-01-31T12:30", ["19800131"]),
    ("PatientBirthDate", "1980-01-31T23:00:00Z", ["19800131"]),
    ("PatientBirthDate", "January 1980", ["YYYYMMDD"]),
    ("PatientBirthDate", "soon", ["YYYYMMDD"]),
    ("StudyTime", "25:00", ["HHMMSS"]),
    ("StudyTime", "13:30 pm", ["HHMMSS"]),
    ("StudyTime", "12:30+01:00", ["1230"]),
    ("StudyTime", "2020-01-31T12:30:15", ["123015"]),
    ("StudyTime", 930, ["0930 or 000930"]),
    ("StudyTime", "12:30:15.1234567", [".123456"]),
    ("AcquisitionDateTime", "01/02/2020 12:30", ["20200201 or 20200102"]),
    ("AcquisitionDateTime", "2020-01-31T12:30+25:00", ["-1200", "+1400"]),
    ("PatientAge", "1000 days", ["three digits"]),
    ("PatientAge", "0042Y", ["042Y"]),
    ("PatientAge", "1.5 years", ["018M"]),
    ("PatientAge", "old", ["034Y"]),
    ("BodyPartExamined", "Left anterior descending", ["24", "16", "LEFT ANTERIOR DE"]),
    ("BodyPartExamined", "T1-weighted", ["T1_WEIGHTED"]),
    ("BodyPartExamined", "Brüste", ["BRUSTE"]),
    ("ImageType", ["DERIVED", "Über"], ["component 2", "UBER"]),
    ("PatientWeight", "1,234", ["1.234 or 1234"]),
    ("PatientWeight", "165 lb", ["lb", "kg", "74.84274105"]),
    ("PatientWeight", "175 cm", ["cm", "kg"]),
    ("PatientSize", "5 ft", ["1.524"]),
    ("EchoNumbers", "1,5", ["1.5 or 1\\5"]),
    ("WindowCenter", "40,5", ["40.5 or 40\\5"]),
    ("PixelSpacing", "0.5, 0.5", ["0.5\\0.5"]),
    ("WindowCenter", "40 kg", ["40"]),  # nothing says in which unit it is
    ("InstanceNumber", 5.5, ["5 or 6"]),
    ("InstanceNumber", "-5.5", ["-6 or -5"]),
    ("InstanceNumber", "1/3", ["0 or 1"]),
    ("InstanceNumber", "1.000", ["1 or 1000"]),
    ("InstanceNumber", "1.234", ["1234"]),
    ("PatientWeight", "75 kg 500 g", ["not a valid decimal number"]),
    ("PatientWeight", "75-80", ["not a valid decimal number"]),
    ("PatientWeight", "1,234,56", ["not a valid decimal number"]),
    ("PatientSize", "1.75 M", ["1.75", "in m"]),
]


def run(folder: Path, data: bytes, edits: dict[str, Any], **options: Any) -> tuple[Result, pydicom.Dataset]:
    """Rewrite a file whose metadata the importer made, but for some edits; read it back."""
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(data)
    header = {"dicom": {**Rereading(io.BytesIO(data)).header, **edits}}
    result = rewrite(source, target, header, **{"on_invalid_edit": "skip", "edit_uids": True, **options})
    written = target if result.modified else source
    made = Rereading(io.BytesIO(written.read_bytes())).header
    for key in edits:
        shown = result.header["dicom"].get(key)
        assert shown == made.get(key) or same(shown, made.get(key), pydicom.datadict.dictionary_VR(key))
    return result, pydicom.dcmread(written, force=True)


def text(data_set: pydicom.Dataset, keyword: str) -> str:
    """The value of an element as it stands in the bytes."""
    raw = data_set.get_item(keyword)
    assert raw is not None
    assert isinstance(raw.value, bytes)
    return raw.value.decode("latin-1").strip(" \0")


def of(keyword: str, value: Value | None = None) -> bytes:
    held: Items = {} if value is None else {keyword: value}
    return file_bytes({**UID, **held})


def old(keyword: str) -> Value:
    return OLD[pydicom.datadict.dictionary_VR(keyword)]


# --- what is written


@pytest.mark.parametrize(("keyword", "typed", "written"), WRITTEN)
def test_what_has_one_meaning_is_written_with_a_remark(tmp_path: Path, keyword: str, typed: Any, written: str) -> None:
    result, read = run(tmp_path, of(keyword, old(keyword)), {keyword: typed})
    assert text(read, keyword) == written
    (change,) = result.changes
    assert not result.refused
    if not isinstance(typed, list) and "\\" not in str(typed):
        shown = str(typed).lower() if isinstance(typed, bool) else str(typed)
        shown = f'"{shown}"' if shown != shown.strip() else shown
        remark = f"typed {shown}, written {written}"
        assert change.reason in ({remark, ""} if isinstance(typed, int | float) else {remark})


@pytest.mark.parametrize(("keyword", "typed", "written"), [row for row in WRITTEN if row[0] != "PatientAge"])
def test_it_is_added_where_the_file_has_none(tmp_path: Path, keyword: str, typed: Any, written: str) -> None:
    _, read = run(tmp_path, of(keyword), {keyword: typed})
    assert text(read, keyword) == written


@pytest.mark.parametrize(("keyword", "typed", "written"), WRITTEN)
def test_what_the_file_holds_already_changes_nothing(tmp_path: Path, keyword: str, typed: Any, written: str) -> None:
    result, _ = run(tmp_path, of(keyword, written), {keyword: typed})
    assert (result.modified, result.changes, result.refused) == (False, (), ())


def test_nothing_changes_with_a_word(tmp_path: Path) -> None:
    item: Items = {"ScheduledProcedureStepStartDate": "20000101"}
    data = file_bytes({**UID, "Modality": "MR", "RequestAttributesSequence": [item]})
    shown = [{"ScheduledProcedureStepStartDate": "2000-01-01"}]
    result, _ = run(tmp_path, data, {"Modality": "mr", "RequestAttributesSequence": shown})
    assert not result.modified
    said = "the file holds what the metadata say in other words, so nothing is to be changed"
    place = "RequestAttributesSequence[0].ScheduledProcedureStepStartDate"
    assert result.notes == (f"Modality: {said}", f"{place}: {said}")
    assert result.header["dicom"]["RequestAttributesSequence"] == [{"ScheduledProcedureStepStartDate": "20000101"}]


@pytest.mark.parametrize("keyword", ["PatientBirthDate", "SliceThickness"])
def test_what_cannot_be_told_fails_the_file_unless_refusals_are_to_be_passed_over(tmp_path: Path, keyword: str) -> None:
    source = tmp_path / "source.dcm"
    source.write_bytes(of(keyword, old(keyword)))
    header = {"dicom": {keyword: {"PatientBirthDate": "01/02/1980", "SliceThickness": "1,234"}[keyword]}}
    with pytest.raises(InvalidEdit, match=r"19800201 or 19800102|1\.234 or 1234"):
        rewrite(source, tmp_path / "target.dcm", header)
    assert not (tmp_path / "target.dcm").exists()


def test_a_remark_tells_what_was_typed_and_what_is_written(tmp_path: Path) -> None:
    result, _ = run(tmp_path, of("PatientBirthDate", "19000101"), {"PatientBirthDate": "1980-01-31"})
    (change,) = result.changes
    assert (change.old, change.new) == ("19000101", "19800131")
    assert change.reason == "typed 1980-01-31, written 19800131"


@pytest.mark.parametrize(
    ("keyword", "typed", "number"),
    [("DiffusionBValue", "75,5", 75.5), ("DiffusionBValue", "1000 s/mm²", 1000.0), ("DiffusionBValue", "1/3", 1 / 3),
     ("PregnancyStatus", "4.0", 4), ("TableSpeed", "2 cm/s", 20.0)],
)  # fmt: skip
def test_binary_numbers_are_read_as_text_of_people_too(tmp_path: Path, keyword: str, typed: str, number: float) -> None:
    result, read = run(tmp_path, of(keyword, old(keyword)), {keyword: typed})
    assert read[keyword].value == number
    assert "typed" in result.changes[0].reason


@pytest.mark.parametrize("own", ["012M", "012m", "000M"])
def test_an_age_without_a_unit_is_in_that_of_the_file(tmp_path: Path, own: str) -> None:
    _, read = run(tmp_path, of("PatientAge", own), {"PatientAge": "34"})
    assert text(read, "PatientAge") == "034M"


@pytest.mark.parametrize("own", [None, "", "old "])
def test_an_age_without_any_unit_is_refused_with_all_that_would_do(tmp_path: Path, own: str | None) -> None:
    result, _ = run(tmp_path, of("PatientAge", own), {"PatientAge": 34})
    assert re.search("034Y.*034M.*034W.*034D", result.refused[0].reason)


# --- what is refused


@pytest.mark.parametrize(("keyword", "typed", "named"), REFUSED)
def test_what_has_no_meaning_or_two_is_refused_with_what_would_do(
    tmp_path: Path, keyword: str, typed: Any, named: list[str]
) -> None:
    result, _ = run(tmp_path, of(keyword, old(keyword)), {keyword: typed})
    (change,) = result.refused
    assert not result.modified
    assert [each for each in named if each not in change.reason] == []


@pytest.mark.parametrize(("keyword", "typed", "named"), REFUSED)
def test_no_reason_names_a_value_where_values_are_not_shown(keyword: str, typed: Any, named: list[str]) -> None:
    vr, vm = pydicom.datadict.dictionary_VR(keyword), pydicom.datadict.dictionary_VM(keyword)
    refusal = in_dicom_form(typed, Target(vr, keyword, vm)).refusal
    left = without_values(refusal, names={keyword})
    values = [each for part in named if part[0] not in "+-" for each in re.findall(r"\w*\d{3}\w*|T1|UBER|LEFT", part)]
    assert [each for each in values if each in left] == []
    assert not isinstance(typed, str) or not refusal or typed not in left


@pytest.mark.parametrize(("keyword", "typed", "written"), WRITTEN)
def test_no_remark_names_a_value_where_values_are_not_shown(keyword: str, typed: Any, written: str) -> None:
    vr, vm = pydicom.datadict.dictionary_VR(keyword), pydicom.datadict.dictionary_VM(keyword)
    remark = in_dicom_form(typed, Target(vr, keyword, vm, "001D")).remark
    assert without_values(f"a warning; {remark}") == (
        "a warning; typed (value), written (value)"
        if not isinstance(typed, list) and "\\" not in str(typed) and remark
        else without_values(f"a warning; {remark}")
    )
    assert remark == "" or written.split("\\", maxsplit=1)[0] not in without_values(remark)


# --- what is left alone


@pytest.mark.parametrize(
    ("keyword", "typed"),
    [
        ("PatientName", "Doe, John"),
        ("PatientName", " Doe^John"),
        ("StudyDescription", "1980-01-31"),
        ("StudyDescription", "75,5 kg"),
        ("PatientID", "left"),
        ("PatientComments", "34 years"),
        ("StationName", "12:30"),
    ],
)
def test_text_without_a_form_is_written_as_it_was_typed(tmp_path: Path, keyword: str, typed: str) -> None:
    result, read = run(tmp_path, of(keyword, "old"), {keyword: typed})
    raw = read.get_item(keyword)
    assert raw is not None
    assert raw.value.decode().rstrip() == typed
    assert not result.changes[0].reason


VALID = {
    "AS": st.from_regex(r"\A[0-9]{3}[DWMY]\Z"),
    "CS": st.from_regex(r"\A[A-Z0-9_][A-Z0-9_ ]{0,15}\Z"),
    "DA": st.dates().map(lambda day: f"{day:%Y%m%d}".zfill(8)),
    "DS": st.from_regex(r"\A[+-]?[0-9]{1,6}(\.[0-9]{0,4})?([eE][+-]?[0-9])?\Z"),
    "DT": st.datetimes().map(lambda at: f"{at:%Y%m%d%H%M%S.%f}".zfill(21)),
    "IS": st.integers(-(2**31), 2**31 - 1).map(str),
    "TM": st.times().map(lambda at: f"{at:%H%M%S.%f}"),
    "UI": st.from_regex(r"\A[1-9][0-9]{0,5}(\.[1-9][0-9]{0,5}){0,8}\Z"),
}


@given(st.sampled_from(sorted(VALID)).flatmap(lambda vr: st.tuples(st.just(vr), VALID[vr])))
def test_a_value_that_is_valid_is_never_altered(one: tuple[str, str]) -> None:
    vr, value = one
    assert in_dicom_form(value, Target(vr, vm="1-n")) == Typed(value)


@given(
    st.sampled_from(sorted(OLD)), st.one_of(st.text(max_size=30), st.floats(), st.integers(), st.booleans(), st.none())
)
@example("DS", "9" * 5000)
@example("IS", 10**4000)
@example("DS", "1e999999999")
@example("DS", "1/0")
@example("FD", "1e999")
@example("FL", 3.4028235677973366e38)  # halfway to what a float of 32 bits does not hold
def test_whatever_is_typed_has_an_answer_that_stays_what_it_is(vr: str, value: Any) -> None:
    typed = in_dicom_form(value, Target(vr))
    again = in_dicom_form(typed.value, Target(vr))
    assert repr(again) == repr(replace(typed, remark=""))  # NaN is not equal to itself


# --- whole families of spellings

MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()  # noqa: SIM905 - reads as a list of names
SPELLINGS = [
    "{d:%Y}-{d:%m}-{d:%d}",
    "{d:%Y}/{d:%m}/{d:%d}",
    "{d.year}.{d.month}.{d.day}",
    "{d.day}-{month}-{d.year}",
    "{d.day} {month} {d.year}",
    "{month} {d.day}, {d.year}",
    "{month}. {d.day} {d.year}",
    "{d:%Y}-{month}-{d:%d}",
    "{d:%d}{month}{d:%Y}",
    "{d:%Y}-{d:%m}-{d:%d}T00:00:00",
    "  {d:%Y}-{d:%m}-{d:%d} ",
]


@given(st.dates(date(1000, 1, 1)), st.sampled_from(SPELLINGS), st.booleans())
def test_every_date_in_every_clear_spelling_is_that_date(day: date, spelling: str, capitals: bool) -> None:
    month = MONTHS[day.month - 1]
    typed = spelling.format(d=day, month=month.upper() if capitals else month)
    assert in_dicom_form(typed, Target("DA")).value == f"{day:%Y%m%d}"
    assert in_dicom_form(f"{typed.strip().removesuffix('T00:00:00')} 12:30", Target("DT")).value == f"{day:%Y%m%d}1230"


@given(st.dates(date(1000, 1, 1)), st.sampled_from("/-. "))
def test_a_date_with_the_year_last_is_written_if_there_is_no_other_reading(day: date, mark: str) -> None:
    typed = in_dicom_form(mark.join((f"{day:%d}", f"{day:%m}", f"{day:%Y}")), Target("DA"))
    if day.day <= 12 and day.day != day.month:
        assert typed.value != f"{day:%Y%m%d}"
        assert f"{day:%Y%m%d} or {day:%Y%d%m}" in typed.refusal
    else:
        assert typed.value == f"{day:%Y%m%d}"


def closest(number: Decimal) -> Decimal:
    """The error of the best decimal string, found by trying digits and places for the point."""
    best = abs(number)  # of "0"
    for digits in range(1, 17):
        for rounding in (ROUND_FLOOR, ROUND_CEILING):
            near = Context(prec=digits, rounding=rounding).plus(number)
            if any(len(each) <= 16 for each in spellings(near)):
                best = min(best, abs(Context(prec=1200).subtract(near, number)))
    return best


def spellings(number: Decimal) -> list[str]:
    sign, digits, exponent = number.normalize().as_tuple()
    assert isinstance(exponent, int)
    figures, minus = "".join(map(str, digits)), "-" * sign
    plain = f"{abs(number.normalize()):f}" if abs(number.adjusted()) < 20 else "9" * 17
    return [
        minus + plain.removeprefix("0"),
        *(f"{minus}{figures[:n]}.{figures[n:]}E{exponent + len(figures) - n}" for n in range(len(figures))),
        f"{minus}{figures}E{exponent}",
    ]


@given(st.floats(allow_nan=False, allow_infinity=False))
@example(5e-324)
@example(1.7976931348623157e308)
@example(-1.2345678901234567e-100)
@example(-9.999999999999999e-10)
def test_any_float_is_a_decimal_string_of_16_characters_that_is_closest(number: float) -> None:
    written = nearest_decimal(Decimal(number))
    assert len(written) <= 16
    assert abs(Context(prec=1200).subtract(Decimal(written), Decimal(number))) == closest(Decimal(number))
    typed = in_dicom_form(number, Target("DS"))
    assert not typed.refusal
    if typed.remark:
        assert typed.value == float(written)


@given(st.integers(-(10**9), 10**9), st.integers(1, 4), st.integers(0, 9999))
def test_a_decimal_comma_is_a_point_unless_it_can_part_thousands(whole: int, places: int, part: int) -> None:
    digits = f"{part:04}"[-places:]
    typed = in_dicom_form(f"{whole},{digits}", Target("DS"))
    if places == 3 and 0 < abs(whole) < 1000:
        assert f"{whole}.{digits} or {whole}{digits}" in typed.refusal
    else:
        assert typed.value == f"{whole}.{digits}"


# --- where it is typed


def test_components_that_nobody_changed_stay_though_they_are_invalid(tmp_path: Path) -> None:
    data = of("ImageType", "derived\\PRIMARY\\a-b")
    result, read = run(tmp_path, data, {"ImageType": ["derived", "Secondary", "a-b"]})
    assert text(read, "ImageType") == "derived\\SECONDARY\\a-b"
    assert result.changes[0].reason == "component 2: typed Secondary, written SECONDARY"


INVALID = {
    "ImageType": ("derived", "a-b", "WAY TOO LONG FOR A CODE"),
    "DateOfLastCalibration": ("1980-01-31", "soon", "20010229"),
    "TimeOfLastCalibration": ("12:30", "noon", "99"),
    "WindowCenter": ("abc", "1,5", "0.12345678901234567", "75 kg"),
    "EchoNumbers": ("abc", "1.5", "99999999999", "1,5"),
}
RIGHT = {
    "ImageType": ("Axial", "AXIAL"),
    "DateOfLastCalibration": ("31.12.1999", "19991231"),
    "TimeOfLastCalibration": ("7:08 pm", "1908"),
    "WindowCenter": ("40,25", "40.25"),
    "EchoNumbers": ("7.0", "7"),
}


@given(st.data())
def test_an_invalid_component_does_not_stop_its_neighbours(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    keyword = data.draw(st.sampled_from(sorted(INVALID)))
    typed, written = RIGHT[keyword]
    own = data.draw(st.lists(st.sampled_from([*INVALID[keyword], "1"]), min_size=2, max_size=4))
    place = data.draw(st.integers(0, len(own) - 1))
    file = of(keyword, "\\".join(own))
    shown = Rereading(io.BytesIO(file)).header[keyword]
    assume(isinstance(shown, list) and len(shown) == len(own))
    wanted = [typed if number == place else part for number, part in enumerate(shown)]
    result, read = run(tmp_path_factory.mktemp("typed"), file, {keyword: wanted})
    assert not result.refused
    assert text(read, keyword) == "\\".join(written if number == place else part for number, part in enumerate(own))


@given(st.data())
def test_an_invalid_component_stands_in_the_way_of_none_that_comes_or_goes_behind_it(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    keyword = data.draw(st.sampled_from(["ImageType", "DateOfLastCalibration", "WindowCenter"]))
    typed, written = RIGHT[keyword]
    own = data.draw(st.lists(st.sampled_from(INVALID[keyword]), min_size=2, max_size=4))
    kept = data.draw(st.integers(0, len(own)))
    new = data.draw(st.integers(0, 3))
    assume(kept + new not in (0, 1, len(own)))  # which is no list, or one of which components are replaced
    file = of(keyword, "\\".join(own))
    shown = Rereading(io.BytesIO(file)).header[keyword]
    assume(isinstance(shown, list) and len(shown) == len(own))
    result, read = run(tmp_path_factory.mktemp("typed"), file, {keyword: [*shown[:kept], *[typed] * new]})
    assert not result.refused
    assert text(read, keyword) == "\\".join([*own[:kept], *[written] * new])


def test_values_of_nested_items_and_of_single_slices_are_brought_into_form_too(tmp_path: Path) -> None:
    item: Items = {"ScheduledProcedureStepStartDate": "20000101", "ScheduledProcedureStepID": "1"}
    data = file_bytes({**UID, "RequestAttributesSequence": [item]})
    shown = [{"ScheduledProcedureStepStartDate": "31.12.1999", "ScheduledProcedureStepID": "1"}]
    _, read = run(tmp_path, data, {"RequestAttributesSequence": shown})
    assert text(read.RequestAttributesSequence[0], "ScheduledProcedureStepStartDate") == "19991231"


@pytest.mark.parametrize("held", [[], [{"ScheduledProcedureStepID": "1"}]])
def test_a_new_item_is_told_as_it_is_written(tmp_path: Path, held: list[Items]) -> None:
    code = {"CodeValue": "1", "CodingSchemeDesignator": "X", "CodeMeaning": "knee"}
    typed = {"ScheduledProcedureStepStartDate": "31.12.1999", "ScheduledProtocolCodeSequence": [code], "Modality": "mr"}
    written = {**typed, "ScheduledProcedureStepStartDate": "19991231", "Modality": "MR"}
    data = file_bytes({**UID, "RequestAttributesSequence": held}) if held else file_bytes(UID)
    result, read = run(tmp_path, data, {"RequestAttributesSequence": [*held, typed]})
    (change,) = result.changes
    assert change.new == (written if held else [written])
    assert "typed 31.12.1999, written 19991231" in change.reason
    assert text(read.RequestAttributesSequence[-1], "ScheduledProcedureStepStartDate") == "19991231"
    assert result.header["dicom"]["RequestAttributesSequence"] == [*held, written]


@pytest.mark.parametrize("kept", [[0, 1], [1]])
def test_beside_items_that_come_or_go_the_record_has_what_the_file_holds(tmp_path: Path, kept: list[int]) -> None:
    code: Items = {"ScheduledProcedureStepStartDate": "20000102", "CodeMeaning": "knee"}
    held: list[Items] = [
        {"ScheduledProcedureStepStartDate": f"2000010{n}", "ScheduledProtocolCodeSequence": [code]} for n in range(1, 3)
    ]
    shown = [dict(item) for item in held]
    said = {**code, "ScheduledProcedureStepStartDate": "2000-01-02"}
    shown[1] |= {"ScheduledProcedureStepStartDate": "2 Jan 2000", "ScheduledProtocolCodeSequence": [said]}
    more = [{"ScheduledProcedureStepID": "new"}] if len(kept) == len(held) else []
    data = file_bytes({**UID, "RequestAttributesSequence": held})
    result, _ = run(tmp_path, data, {"RequestAttributesSequence": [*(shown[n] for n in kept), *more]})
    assert result.modified
    assert result.header["dicom"]["RequestAttributesSequence"] == [*(held[n] for n in kept), *more]


def archive(folder: Path, locations: list[str]) -> tuple[Path, dict[str, Any]]:
    source = folder / "series.zip"
    files = [
        file_bytes({**UID, "SOPInstanceUID": f"1.2.3.4.{i}", "InstanceNumber": str(i), "SliceLocation": location})
        for i, location in enumerate(locations, 1)
    ]
    build.archive(source, {f"{i}.dcm": data for i, data in enumerate(files, 1)})
    header = {"dicom": dict(Rereading(io.BytesIO(files[0])).header)}
    header["dicom_array"] = {"SliceLocation": [float(location) for location in locations]}
    return source, header


def test_a_slice_takes_what_was_typed_for_it(tmp_path: Path) -> None:
    source, header = archive(tmp_path, ["1.0", "2.0", "3.0"])
    header["dicom_array"]["SliceLocation"] = [1.0, "2,5 mm", "3,0"]
    result = rewrite(source, tmp_path / "target.zip", header)
    assert [(change.new, change.member, change.reason) for change in result.changes] == [
        ("2.5", "2.dcm", "typed 2,5 mm, written 2.5")
    ]
    assert result.header["dicom_array"]["SliceLocation"] == [1.0, 2.5, 3.0]


def test_a_slice_that_holds_it_already_is_shown_as_the_importer_would(tmp_path: Path) -> None:
    source, header = archive(tmp_path, ["1.0", "2.0"])
    header["dicom_array"]["SliceLocation"] = [1.0, "2,0"]
    result = rewrite(source, tmp_path / "target.zip", header)
    assert not result.modified
    assert not result.changes
    assert result.header["dicom_array"]["SliceLocation"] == [1.0, 2.0]
    (note,) = result.notes
    assert note.startswith("dicom_array.SliceLocation[1]: the file holds")


def test_what_holds_for_another_slice_is_still_typed_by_a_person(tmp_path: Path) -> None:
    """No importer makes such a form of another instance."""
    source, header = archive(tmp_path, ["1.0", "2.0"])
    header["dicom"]["SliceLocation"] = "2,0"
    result = rewrite(source, tmp_path / "target.zip", header)
    assert [(change.member, change.new) for change in result.changes] == [("1.dcm", "2.0")]


def test_both_places_of_one_value_may_spell_it_differently(tmp_path: Path) -> None:
    source, header = archive(tmp_path, ["1.0", "2.0"])
    header["dicom"]["SliceLocation"], header["dicom_array"]["SliceLocation"][0] = "1,5", 1.5
    result = rewrite(source, tmp_path / "target.zip", header)
    assert [change.new for change in result.changes] == ["1.5"]
    assert not result.refused


@pytest.mark.parametrize(("mapped", "held", "changes"), [("1980-01-31", "19000101", 1), ("1980-01-31", "19800131", 0)])
def test_a_mapped_value_is_brought_into_form_too(tmp_path: Path, mapped: str, held: str, changes: int) -> None:
    result, read = run(tmp_path, of("PatientBirthDate", held), {}, overrides={"PatientBirthDate": mapped})
    assert text(read, "PatientBirthDate") == "19800131"
    assert len(result.changes) == changes


def test_a_mapped_value_with_two_meanings_is_refused(tmp_path: Path) -> None:
    mapped = {"PatientBirthDate": "01/02/1980"}
    result, _ = run(tmp_path, of("PatientBirthDate", "19000101"), {}, overrides=mapped)
    assert "19800201 or 19800102" in result.refused[0].reason


def test_an_edit_that_says_what_the_mapping_says_is_no_conflict(tmp_path: Path) -> None:
    edit, mapped = {"PatientBirthDate": "31.01.1980"}, {"PatientBirthDate": "1980-01-31"}
    result, _ = run(tmp_path, of("PatientBirthDate", "19000101"), edit, overrides=mapped)
    assert not result.refused


def test_a_protected_element_says_why_it_is_and_not_how_to_write_it(tmp_path: Path) -> None:
    result, _ = run(tmp_path, of("Rows", 4), {"Rows": "512,5"})
    assert "pixel" in result.refused[0].reason


def test_an_invalid_form_that_the_file_holds_is_no_edit(tmp_path: Path) -> None:
    for keyword, own in (("PatientBirthDate", "1980.01.31"), ("StudyTime", "12:30"), ("PatientAge", "34Y ")):
        result, _ = run(tmp_path, of(keyword, own), {})
        assert not result.modified
    result, read = run(tmp_path, of("PatientBirthDate", "1980.01.31"), {"PatientBirthDate": "19800131"})
    assert text(read, "PatientBirthDate") == "19800131"


def test_an_importer_that_lists_dates_as_numbers_leaves_room_for_a_typed_one(tmp_path: Path) -> None:
    data = of("DateOfLastCalibration", "20040101\\20040102")
    source = tmp_path / "source.dcm"
    source.write_bytes(data)
    header = {"dicom": {"ImageType": ["X"], "DateOfLastCalibration": [20040101.0, "2005-03-04"]}}
    result = rewrite(source, tmp_path / "target.dcm", header, on_invalid_edit="skip")
    (change,) = result.changes
    assert change.new == ["20040101", "20050304"]


# --- values that the standard enumerates


def warning(change: Change) -> str:
    return change.reason


@pytest.mark.parametrize(
    ("keyword", "value", "defined"),
    [("PatientSex", "X", "M, F and O"), ("Laterality", "B", "R and L"), ("BurnedInAnnotation", "MAYBE", "YES and NO")],
)
def test_a_value_that_is_not_enumerated_is_written_with_a_warning(
    tmp_path: Path, keyword: str, value: str, defined: str
) -> None:
    for file in (of(keyword, "OLD"), of(keyword)):
        result, read = run(tmp_path, file, {keyword: value})
        assert text(read, keyword) == value
        assert f"defines {defined}" in result.changes[0].reason
        assert "PS3.3 §" in result.changes[0].reason


def test_defined_terms_may_be_others(tmp_path: Path) -> None:
    result, _ = run(tmp_path, of("PatientPosition", "HFS"), {"PatientPosition": "OWN"})
    assert not result.changes[0].reason
    assert why_undefined("O", "PatientSex") == ""


def test_a_typed_value_that_is_not_enumerated_has_both_remarks(tmp_path: Path) -> None:
    result, _ = run(tmp_path, of("PatientSex", "M"), {"PatientSex": "diverse"})
    reason = result.changes[0].reason
    assert reason.endswith("typed diverse, written DIVERSE")
    assert "M, F and O" in reason


@pytest.mark.parametrize("keyword", sorted(UID))
def test_blanks_around_an_identity_do_not_make_it_that_of_another_file(tmp_path: Path, keyword: str) -> None:
    result, _ = run(tmp_path, of("Modality", "MR"), {keyword: f" {UID[keyword]} "}, edit_uids=False)
    assert (result.modified, result.refused) == (False, ())
