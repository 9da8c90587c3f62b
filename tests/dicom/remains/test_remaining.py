"""Old values that were planted are all found, and what nobody planted is not."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.datadict import tag_for_keyword

from export_session.dicom import Result, rewrite
from export_session.dicom.remains.identifying import KINDS
from tests.support import build
from tests.support.instances import UID, data_set, element, file_bytes

NAMES = [
    *("Doe^Jonathan", "Smithfield^Anne", "Li^Bo^Wen", "van der Berg^Anna", "Müller^Jörg^K", "O'Connor^Sinéad"),
    *("DOE JOHN", "Brown^Grant", "García Márquez^Gabriel", "Wu^Mei", "Håkansson^Åsa^^Dr.^PhD", "Short^Will"),
]
CODES = ["4711", "P-004711", "sub 0815", "12345678", "AB12.9", "1000"]
TEXTS = [("LO", 60), ("SH", 16), ("LT", 200), ("ST", 200), ("UT", 200), ("UC", 200), ("UN", 60), ("OB", 60)]


def spelled(name: str) -> st.SearchStrategy[str]:
    """Ways to write a name."""
    family, _, rest = name.partition("^")
    first = rest.split("^")[0]
    orders = [[family, first], [first, family]] if first else [name.split(), name.split()[::-1]]
    separated = st.tuples(st.sampled_from(orders), st.sampled_from(["^", " ", "_", ", ", "-", "."])).map(
        lambda pair: pair[1].join(part.replace(" ", pair[1]) for part in pair[0])
    )
    return cased(st.one_of(st.just(name), separated))


def parts(name: str) -> st.SearchStrategy[str]:
    """Single parts of a name that tell it."""
    tell = ("Jonathan", "Smithfield", "Berg", "Müller", "Connor", "Sinéad", "García", "Márquez", "Gabriel", "Håkansson")
    return cased(st.sampled_from([part for part in tell if part in name] or [name]))


def cased(texts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def written(pair: tuple[str, str]) -> str:
        text, case = pair
        return {"as it is": text, "upper": text.upper(), "lower": text.lower(), "title": text.title()}[case]

    return st.tuples(texts, st.sampled_from(["as it is", "upper", "lower", "title"])).map(written)


def dated(value: str) -> st.SearchStrategy[str]:
    """Ways to write a date."""
    y, m, d = value[:4], value[4:6], value[6:]
    month = {"01": "Jan", "03": "March", "12": "DEC"}[m]
    forms = [f"{y}{m}{d}", f"{y}-{m}-{d}", f"{d}.{m}.{y}", f"{m}/{d}/{y}", f"{d}/{m}/{y}", f"{d} {month} {y}"]
    forms += [f"{int(d)}.{int(m)}.{y}", f"{y}_{m}_{d}", f"{d}-{month}-{y}", f"{month} {d}, {y}", f"{d}{m}{y}"]
    return st.sampled_from([*forms, f"{y}{m}{d}101500", f"{y}-{m}-{d}T00:00:00.000Z"])


VALUES = st.one_of(
    st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just("PatientName"), st.just(name), spelled(name))),
    st.sampled_from(NAMES).flatmap(lambda name: st.tuples(st.just("PatientName"), st.just(name), parts(name))),
    st.sampled_from(CODES).flatmap(lambda code: st.tuples(st.just("PatientID"), st.just(code), cased(st.just(code)))),
    st.sampled_from(["19800131", "19461203", "20010309"]).flatmap(
        lambda day: st.tuples(st.just("PatientBirthDate"), st.just(day), dated(day))
    ),
)
NEW = {"PatientName": "Nova^Vera", "PatientID": "X99", "PatientBirthDate": "19000101"}
AROUND = st.sampled_from([("", ""), ("scan of ", ""), ("", " again"), ("(", ")"), ("x: ", "; y"), ("T1_", "_2")])


def rewritten(folder: Path, content: bytes | dict[str, bytes], header: dict[str, Any], **options: Any) -> Result:
    source = folder / "source"
    if isinstance(content, bytes):
        source.write_bytes(content)
    else:
        with zipfile.ZipFile(source, "w") as archive:
            for name, data in content.items():
                archive.writestr(name, data)
    return rewrite(source, folder / "target", header, **options)


def places(result: Result) -> set[tuple[str, str]]:
    return {(one.element, one.where) for one in result.remains}


def planted(keyword: str, old: str, elements: dict[str, Any], codec: str = "latin-1") -> bytes:
    charset = {"latin-1": "ISO_IR 100", "utf-8": "ISO_IR 192"}[codec]
    return file_bytes({**UID, "SpecificCharacterSet": charset, "PatientID": "X1", keyword: old, **elements}, codec)


@given(VALUES, AROUND, st.sampled_from(TEXTS), st.sampled_from(["latin-1", "utf-8"]), st.integers(0, 3))
def test_a_planted_old_value_is_found_wherever_it_stands(
    tmp_path_factory: pytest.TempPathFactory,
    value: tuple[str, str, str],
    around: tuple[str, str],
    vr: tuple[str, int],
    codec: str,
    where: int,
) -> None:
    keyword, old, spelling = value
    lead, tail = around
    text = f"{lead}{spelling}{tail}" if len(lead + spelling + tail) <= vr[1] else spelling
    held = text.encode(codec) + b" " * (len(text.encode(codec)) % 2)
    key = f"00111001 {vr[0]}"
    private = {"00110010 LO": "ACME 1.1", key: held}
    forms: list[dict[str, Any]] = [
        private,
        {"RequestAttributesSequence": [{"ScheduledProcedureStepID": "A"}, private]},
        {"00110010 LO": "ACME 1.1", "00111001 SQ": [{"ReferencedStudySequence": [{"00204000 LT": held}]}]},
        {"00324000 LT": held, "00102000 LO": "nothing"},
    ]
    content = planted(keyword, old, forms[where], codec)
    result = rewritten(tmp_path_factory.mktemp("f"), content, {"dicom": {keyword: NEW[keyword]}})
    path = [
        "ACME 1.1, 0011xx01",
        "RequestAttributesSequence[1].ACME 1.1, 0011xx01",
        "ACME 1.1, 0011xx01[0].ReferencedStudySequence[0].ImageComments",
        "StudyComments",
    ][where]
    assert result.modified
    assert places(result) == {(keyword, path)}


@given(VALUES, st.sampled_from(["{}.dcm", "export/{}/1.dcm", "7_{}_x.dcm", "{}/IM_0001"]))
def test_an_old_value_in_the_name_of_a_member_is_found(
    tmp_path_factory: pytest.TempPathFactory, value: tuple[str, str, str], form: str
) -> None:
    keyword, old, spelling = value
    name = form.format(spelling.replace("/", "."))
    content = {name: planted(keyword, old, {}), "other.dcm": planted(keyword, old, {"SOPInstanceUID": "1.2.3.5"})}
    result = rewritten(tmp_path_factory.mktemp("f"), content, {"dicom": {keyword: NEW[keyword]}})
    assert [(one.element, one.where, one.instances) for one in result.remains] == [
        (keyword, "the name in the archive", 1)
    ]


@given(VALUES)
def test_a_file_that_holds_the_old_value_nowhere_else_is_clean(
    tmp_path_factory: pytest.TempPathFactory, value: tuple[str, str, str]
) -> None:
    keyword, old, _ = value
    more = {"StudyDescription": "Head and neck, short axis", "ImageComments": "P 47110 Bobby Smith on 1980-02-01"}
    content = {
        f"IM_{n:04}.dcm": planted(keyword, old, {**more, "SOPInstanceUID": f"1.2.{n}"}) for n in range(998, 1003)
    }
    result = rewritten(tmp_path_factory.mktemp("f"), content, {"dicom": {keyword: NEW[keyword]}})
    assert result.modified
    assert places(result) == set()


@pytest.mark.parametrize(
    ("old", "new", "elsewhere", "found"),
    [
        ("Doe^Jane", "Doe^Janet", "Doe, Jane", True),
        ("Doe^Jane", "Doe^Janet", "DOE JANET", False),
        ("Smith^John", "Smith^Jon", "Smith", False),
        ("Smith^John", "Smith^Jon", "ask john", True),
        ("Doe^Jane", "doe^jane", "DOE^JANE", False),
        ("Doe^Jane", "Doe^Jane^M", "Jane M Doe", False),
        ("Smith^Anna", "New^Name", "Smithfield ward, Annapolis", False),
        ("Li^Bo", "New^Name", "limbo", False),
        ("Head^Test", "New^Name", "Head of the test", False),
        ("Müller^Jörg", "New^Name", "seen by MULLER", True),
        ("Muller^Jorg", "New^Name", "seen by M\xfcller", True),
        ("Müller^Jörg", "New^Name", "seen by MUELLER", True),
        ("M\xfcller^J\xf6rg", "Mueller^Joerg", "seen by JOERG MUELLER", False),
        ("Sørensen^Lars", "New^Name", "sorensen", True),
        ("Sørensen^Lars", "New^Name", "Soerensen, L", True),
        ("Smith^John", "New^Name", "export/jsmith_01", True),
        ("Smith^John", "New^Name", "SMITHJ", True),
        ("Smith^John", "Smith^Jon", "SMITHJ", False),
        ("Smith^John", "New^Name", "smithery", False),
        ("Head^Test", "New^Name", "HEADT1", False),
        ("Anonymous", "New^Name", "anonymous", False),
        ("White^Grant", "New^Name", "grant white", True),
    ],
)
def test_what_counts_as_the_old_name(tmp_path: Path, old: str, new: str, elsewhere: str, found: bool) -> None:
    content = planted("PatientName", old, {"ImageComments": elsewhere})
    result = rewritten(tmp_path, content, {"dicom": {"PatientName": new}})
    assert places(result) == ({("PatientName", "ImageComments")} if found else set())


@pytest.mark.parametrize(
    ("other", "found"),
    [("Smith^Mary", True), ("PETER", True), ("Jones^Peter", False), ("Smithson^P", False), ("Peter Smith", True)],
)
def test_of_names_of_people_the_family_name_tells_and_a_given_name_alone(
    tmp_path: Path, other: str, found: bool
) -> None:
    content = planted("PatientName", "Smith^Peter", {"OtherPatientNames": f"Mole^Adrian\\{other}"})
    result = rewritten(tmp_path, content, {"dicom": {"PatientName": "New^Name"}})
    assert places(result) == ({("PatientName", "OtherPatientNames")} if found else set())


@pytest.mark.parametrize(
    ("old", "new", "elsewhere", "found"),
    [
        ("P6", "S1", "P6", False),
        ("1234", "SUB-1234", "visit of SUB-1234", False),
        ("1234", "SUB-1234", "visit of 1234", True),
        ("4711", "S1", "47110", False),
        ("4711", "S1", "14711", False),
        ("4711", "S1", "id 4711.", True),
        ("471147", "S1", "P471147X", True),
        ("AB-12", "S1", "ab_12", True),
        ("AB-12", "S1", "cab-12", False),
    ],
)
def test_what_counts_as_the_old_id(tmp_path: Path, old: str, new: str, elsewhere: str, found: bool) -> None:
    content = planted("PatientID", old, {"ImageComments": elsewhere})
    result = rewritten(tmp_path, content, {"dicom": {"PatientID": new}})
    assert places(result) == ({("PatientID", "ImageComments")} if found else set())


def test_of_a_list_only_what_went_is_an_old_value(tmp_path: Path) -> None:
    content = planted("OtherPatientNames", "Smith^Peter\\Jones^Mary", {"ImageComments": "Mary Jones"})
    shorter = rewritten(tmp_path, content, {"dicom": {"OtherPatientNames": ["Jones^Mary"]}})
    assert shorter.modified
    assert places(shorter) == set()
    gone = rewritten(tmp_path, content, {"dicom": {"OtherPatientNames": ["Smith^Peter"]}})
    assert places(gone) == {("OtherPatientNames", "ImageComments")}


def test_a_birth_date_is_not_found_in_dates_of_other_events(tmp_path: Path) -> None:
    nested: Any = [{"PatientBirthDate": "19800131"}]
    elements = {"DateOfSecondaryCapture": "19800131", "ReferencedPatientSequence": nested}
    content = planted("PatientBirthDate", "19800131", elements)
    result = rewritten(tmp_path, content, {"dicom": {"PatientBirthDate": "19810131"}})
    assert places(result) == {("PatientBirthDate", "ReferencedPatientSequence[0].PatientBirthDate")}


def test_a_birth_date_that_is_also_the_day_of_the_study_cannot_be_told_from_it(tmp_path: Path) -> None:
    content = planted("PatientBirthDate", "20240101", {"StudyDate": "20240101", "ImageComments": "on 2024-01-01"})
    assert places(rewritten(tmp_path, content, {"dicom": {"PatientBirthDate": "19810131"}})) == set()


def test_instances_that_keep_the_old_value_are_counted(tmp_path: Path) -> None:
    content = {f"{n}.dcm": planted("PatientName", "Smith^Peter", {"SOPInstanceUID": f"1.2.{n}"}) for n in range(3)}
    content["3.dcm"] = planted("PatientName", "Smith^Peter", {"SOPInstanceUID": "1.2.3", "ImageComments": "Peter"})
    content["README"] = b"Smith^Peter"
    result = rewritten(tmp_path, content, {"dicom": {"PatientName": "New^Name"}})
    assert [(one.where, one.instances, one.old) for one in result.remains] == [("ImageComments", 1, "Smith^Peter")]


def test_values_kept_on_request_are_named_as_such(tmp_path: Path) -> None:
    content = planted("PatientName", "Smith^Peter", {})
    header = {"dicom": {"PatientName": "New^Name"}}
    result = rewritten(tmp_path, content, header, record_original_attributes=True)
    assert places(result) == {("PatientName", "OriginalAttributesSequence, which keeps previous values")}


def test_a_dicomdir_that_is_left_as_it_is_is_searched(tmp_path: Path) -> None:
    record = {"00041430 CS": "PATIENT", "PatientName": "Smith^Peter"}
    directory = build.instance(data_set({"DirectoryRecordSequence": [record]}))
    directory = directory.replace(b"1.2.840.10008.5.1.4.1.1.4\0", b"1.2.840.10008.1.3.10\0\0\0\0\0\0")
    content = {"1.dcm": planted("PatientName", "Smith^Peter", {}), "DICOMDIR": directory}
    result = rewritten(tmp_path, content, {"dicom": {"PatientName": "New^Name"}})
    assert places(result) == {("PatientName", "DICOMDIR: DirectoryRecordSequence[0].PatientName")}


@pytest.mark.parametrize("form", [build.IMPLICIT, build.BIG])
def test_other_encodings_are_searched(tmp_path: Path, form: Any) -> None:
    private = build.element(0x00110010, "LO", b"ACME", form) + build.element(0x00111001, "UN", b"smith_peter", form)
    nested = build.sequence(0x00081140, [build.item(private, form, undefined=True)], form, undefined=True)
    names = build.element(0x00100010, "PN", b"Smith^Peter", form)
    uid = build.element(0x00080018, "UI", b"1.2.3", form)
    content = build.instance(uid + nested + names, form, uid="1.2.3")
    result = rewritten(tmp_path, content, {"dicom": {"PatientName": "New^Name"}})
    assert places(result) == {("PatientName", "ReferencedImageSequence[0].ACME, 0011xx01")}


def test_sequences_in_unknown_form_are_searched(tmp_path: Path) -> None:
    inner = build.element(0x00100010, "PN", b"Smith^Peter", build.IMPLICIT)
    sequence = build.sequence(0x00111001, [build.item(inner, build.IMPLICIT)], vr="UN", undefined=True)
    head = data_set({**UID, "PatientName": "Smith^Peter"})
    before, after = head[: head.index(b"\x20\0\x0d\0")], head[head.index(b"\x20\0\x0d\0") :]
    creator = element("00110010 LO", "ACME")
    result = rewritten(
        tmp_path, build.instance(before + creator + sequence + after), {"dicom": {"PatientName": "New^Name"}}
    )
    assert places(result) == {("PatientName", "ACME, 0011xx01[0].PatientName")}


@pytest.mark.parametrize("comment", ["山田 太郎", "山田太郎", "患者 山田太郎様", "太郎・山田"])
def test_japanese_names_are_found_in_their_encoding(tmp_path: Path, comment: str) -> None:
    name = "Yamada^Tarou=山田^太郎".encode("iso2022_jp").decode("latin-1")
    text = comment.encode("iso2022_jp")
    content = file_bytes(
        {
            **UID,
            "SpecificCharacterSet": "\\ISO 2022 IR 87",
            "PatientName": name,
            "ImageComments": text + b" " * (len(text) % 2),
        }
    )
    result = rewritten(tmp_path, content, {"dicom": {"PatientName": "New^Name"}})
    assert places(result) == {("PatientName", "ImageComments")}


@pytest.mark.parametrize(
    ("name", "comment"), [("Łukasz^Ewa", "LUKASZ"), ("山田^太郎", "x山田太郎y"), ("Ærø^Bo", "aeroe")]
)
def test_names_are_found_without_the_letters_that_others_lack(tmp_path: Path, name: str, comment: str) -> None:
    content = planted("PatientName", name, {"ImageComments": comment.encode()}, "utf-8")
    result = rewritten(tmp_path, content, {"dicom": {"PatientName": "New^Name"}})
    assert places(result) == {("PatientName", "ImageComments")}


def test_nothing_is_searched_where_nothing_changed(tmp_path: Path) -> None:
    content = planted("PatientName", "Smith^Peter", {"ImageComments": "Smith"})
    assert rewritten(tmp_path, content, {"dicom": {"PatientName": "Smith^Peter"}}).remains == ()


def test_every_identifying_keyword_is_dicom() -> None:
    assert [keyword for keyword in KINDS if tag_for_keyword(keyword) is None] == []
