"""What is kept of a correction at the origin holds for the value that it set, and says nothing of it."""

from __future__ import annotations

from typing import Any

import pytest

from export_session.dicom.vocabulary import Attribution, Cause, Change, Outcome
from export_session.session.corrected import Note, attributed, digest_of, of_elements, of_field, with_notes
from export_session.session.headers import NoElement, element_of, value_in, with_value

WHY = Attribution("a@b.c", "2026-01-01T00:00:00+00:00", "consent form", "Corrections!D17")
HEADER: dict[str, Any] = {
    "PatientSex": "F",
    "EchoTime": 5.0,
    "RequestAttributesSequence": [{"StudyID": "1"}, {"StudyID": "2"}],
    "PerFrameFunctionalGroupsSequence": {"MREchoSequence": [{"EffectiveEchoTime": 2.5}]},
    "SIEMENS_MR HEADER,0019xx0c": 1000,
    "CSAHeader": {"x": 1},
    "MergedSequence": 1,
    "OtherPatientIDsSequence": {"PatientID": "7"},
}


def noted(path: str, value: Any, header: dict[str, Any]) -> dict[str, Any]:
    note = Note(path, digest_of(value), WHY.source, WHY.reason, WHY.author, WHY.at)
    return {"header": {"dicom": header}, "export": with_notes({"export": {"origin_id": "x"}}, [note])}


PLACES = [
    ("PatientSex", "PatientSex", "F"),
    ("00100040", "PatientSex", "F"),
    ("RequestAttributesSequence[1].StudyID", "RequestAttributesSequence[1].StudyID", "2"),
    ("PerFrameFunctionalGroupsSequence[0].MREchoSequence[0].EffectiveEchoTime",) * 2 + (2.5,),
    ("SIEMENS.MR HEADER, 0019XX0C", "SIEMENS.MR HEADER, 0019xx0C", 1000),
]


@pytest.mark.parametrize(("text", "path", "value"), PLACES)
def test_an_element_is_found_by_whatever_it_is_called_and_set_where_it_stands(text: str, path: str, value: Any) -> None:
    element = element_of(text)
    assert element.path == path
    assert value_in(HEADER, element) == value
    changed = with_value(HEADER, element, "new")
    assert value_in(changed, element) == "new"
    assert changed.keys() == HEADER.keys()
    assert with_value(changed, element, value) == HEADER


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("RequestAttributesSequence[2].StudyID", "2 items"),
        ("PerFrameFunctionalGroupsSequence[1].StudyID", "first item"),
        ("OtherPatientIDsSequence[0].PatientID", "as one"),
        ("ReferencedStudySequence[0].StudyID", "show no"),
        ("RequestAttributesSequence.StudyID", "RequestAttributesSequence[0].StudyID"),
        ("PatientSex[0].StudyID", "not a sequence"),
        ("NoSuchThing", "no DICOM keyword"),
    ],
)
def test_what_cannot_be_found_is_said_in_words(text: str, said: str) -> None:
    with pytest.raises(NoElement) as problem:
        value_in(HEADER, element_of(text))
    assert said in str(problem.value)


@pytest.mark.parametrize(("text", "path", "value"), PLACES)
def test_a_note_holds_as_long_as_the_value_stands(text: str, path: str, value: Any) -> None:
    element = element_of(text)
    info = noted(path, value, HEADER)
    assert of_elements(info)[path] == WHY
    assert info["export"]["origin_id"] == "x"
    assert str(value) not in str(info["export"]["corrections"]).replace(WHY.at, "") or len(str(value)) < 3
    assert of_elements(noted(path, value, with_value(HEADER, element, "new"))) == {}


def test_a_number_may_come_back_in_another_form() -> None:
    assert of_elements(noted("EchoTime", 5, HEADER))["EchoTime"] == WHY


@pytest.mark.parametrize("odd", [None, [], "x", [1], [{"path": "PatientSex"}], [{"path": 1}], {"a": 1}])
def test_what_others_write_in_its_place_says_nothing(odd: Any) -> None:
    assert of_elements({"header": {"dicom": HEADER}, "export": {"corrections": odd}}) == {}
    assert of_elements({"header": odd, "export": odd}) == {}


def test_a_field_says_who_asked_for_it_as_long_as_it_stands() -> None:
    info = {"export": with_notes({}, [Note("subject.label", digest_of("s1"), WHY.source, WHY.reason)])}
    found = of_field({"label": "s1"}, info, "subject.label")
    assert found is not None
    assert found.source == WHY.source
    assert of_field({"label": "s2"}, info, "subject.label") is None


def test_changes_are_attributed_by_cause_and_to_every_frame() -> None:
    def change(path: str, cause: Cause, known: Attribution | None = None) -> Change:
        keyword = path.rpartition(".")[2]
        return Change("", keyword, "", path, None, 1, cause, Outcome.APPLIED, attribution=known)

    frame = "PerFrameFunctionalGroupsSequence[{}].MREchoSequence[0].EffectiveEchoTime"
    elements, mapped = {"PatientSex": WHY, frame.format(0): WHY}, {"PatientID": WHY}
    trail = Attribution("other@b.c", "2026-02-02T00:00:00+00:00", "", "audit trail")
    changes = [
        change("PatientSex", Cause.EDIT),
        change(frame.format(3), Cause.EDIT),
        change("PatientID", Cause.MAPPING),
        change("PatientID", Cause.EDIT),
        change("PatientSex", Cause.EDIT, trail),
        change("StudyID", Cause.EDIT, trail),
    ]
    told = [one.attribution for one in attributed(changes, elements, mapped)]
    merged = Attribution(trail.author, trail.at, WHY.reason, WHY.source)
    assert told == [WHY, WHY, WHY, None, merged, trail]
