"""Who made a value what it is, told from the recorded changes of a file, whichever way they were made."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from export_session.session.history import History
from export_session.site import Recorded
from local_site.hierarchy.changes import patch

BEGAN = datetime(2024, 1, 1, 12, tzinfo=UTC)
IMPORTED: dict[str, Any] = {
    "dicom": {
        "PatientName": "Doe^John",
        "PatientID": "P1",
        "RequestAttributesSequence": [{"StudyID": "1"}, {"StudyID": "2"}],
        "ImageType": ["ORIGINAL", "PRIMARY"],
    },
    "dicom_array": {"SliceLocation": [1.0, 2.0, 3.0]},
}


class Trail:
    """A file's ``info`` and the trail of what became of it."""

    def __init__(self, *, whole: bool = False) -> None:
        self.info: dict[str, Any] = {}
        self.changes: list[Recorded] = []
        self.whole = whole  # whether patches repeat all that was sent, or have only what differs
        self.version = 1  # of the file

    def change(self, origin: str, info: Any, reason: str = "") -> Trail:
        """Let somebody (``job:7``, ``user:ada``) make info another one."""
        kind, _, author = origin.partition(":")
        number = len(self.changes)
        changed = info if self.whole else patch(self.info, info)
        at = (BEGAN + timedelta(minutes=number)).isoformat()
        self.changes.append(Recorded(at, number + 1, self.version, kind, author, reason, {"info": changed}))
        self.info = copy.deepcopy(info)
        return self

    def header(self, origin: str, header: Any, reason: str = "") -> Trail:
        return self.change(origin, {**self.info, "header": header}, reason)

    def set(self, origin: str, place: tuple[str | int, ...], value: Any, reason: str = "") -> Trail:
        header = copy.deepcopy(self.info.get("header") or {})
        node = header
        for step in place[:-1]:
            node = node[step]
        if value is GONE:
            node.pop(place[-1])
        else:
            node[place[-1]] = value
        return self.header(origin, header, reason)

    def author(self, *place: str | int) -> str:
        header = self.info.get("header")
        writing = History(header, self.changes).at(place)
        if writing is None:
            return ""
        return ("person " if writing.by_person else "machine ") + writing.attribution.author


GONE = object()
NAME = ("dicom", "PatientName")
ITEM = ("dicom", "RequestAttributesSequence", 1, "StudyID")
ENTRY = ("dicom_array", "SliceLocation", 1)
PLACES = [NAME, ITEM, ENTRY, ("dicom", "ImageType"), ("dicom", "PatientID")]


@pytest.fixture(params=[False, True], ids=["differences", "whole"])
def trail(request: pytest.FixtureRequest) -> Trail:
    return Trail(whole=request.param).header("job:7", copy.deepcopy(IMPORTED))


@pytest.mark.parametrize("place", PLACES)
def test_what_nobody_touched_is_the_importers(trail: Trail, place: tuple[str | int, ...]) -> None:
    assert trail.author(*place) == "machine job 7"


@pytest.mark.parametrize("place", PLACES)
def test_a_single_value_is_its_writers(trail: Trail, place: tuple[str | int, ...]) -> None:
    trail.set("user:ada", place, "new")
    assert trail.author(*place) == "person ada"
    assert [other for other in PLACES if trail.author(*other) != "machine job 7"] == [place]


def test_reason_and_time_are_those_of_the_change(trail: Trail) -> None:
    trail.set("user:ada", NAME, "Roe", reason="misspelt").set("user:bob", ITEM, "3")
    writing = History(trail.info["header"], trail.changes).at(NAME)
    assert writing
    known = writing.attribution
    assert (known.reason, known.at, known.source) == ("misspelt", "2024-01-01T12:01:00+00:00", "audit trail")


def test_setting_the_same_value_again_is_no_correction(trail: Trail) -> None:
    trail.set("user:ada", NAME, "Roe").set("user:bob", NAME, "Roe").header("job:8", trail.info["header"])
    assert trail.author(*NAME) == "person ada"


def test_a_value_that_was_removed_and_set_again_is_the_last_writers() -> None:
    trail = Trail().header("job:7", copy.deepcopy(IMPORTED))
    trail.set("user:ada", NAME, "Roe").set("user:bob", NAME, GONE).set("user:cy", NAME, "Roe")
    assert trail.author(*NAME) == "person cy"


@pytest.mark.parametrize("hand", ["job:9", "user:bob"])
@pytest.mark.parametrize("steps", [1, 2])
@pytest.mark.parametrize("more", [{}, {"PatientComments": "only there"}])
def test_a_version_that_is_restored_is_whose_it_was(trail: Trail, hand: str, steps: int, more: dict[str, str]) -> None:
    trail.set("user:ada", NAME, "Roe").set("job:7", ("dicom", "PatientID"), "P2")
    first = copy.deepcopy(trail.info)
    trail.version = 2
    trail.header("job:8", {**IMPORTED, "dicom": {**IMPORTED["dicom"], **more}})
    trail.set("user:cy", NAME, "Poe")
    trail.version = 3
    if steps == 2 and hand == "job:9":
        trail.change(hand, {})
    trail.change(hand, first)
    assert trail.author(*NAME) == "person ada"
    assert trail.author("dicom", "PatientID") == "machine job 7"


def test_what_a_person_types_in_a_later_version_is_theirs_though_an_earlier_one_said_the_same(trail: Trail) -> None:
    trail.set("job:7", NAME, "Roe")
    trail.version = 2
    trail.header("job:8", copy.deepcopy(IMPORTED)).set("user:ada", NAME, "Roe")
    assert trail.author(*NAME) == "person ada"


@pytest.mark.parametrize("whole", [None, {}], ids=["null", "empty"])
def test_what_is_imported_anew_is_the_importers(whole: Any) -> None:
    trail = Trail().header("job:7", copy.deepcopy(IMPORTED)).set("user:ada", NAME, "Roe")
    trail.header("user:bob", whole).header("job:8", copy.deepcopy(IMPORTED))
    assert trail.author(*NAME) == "machine job 8"
    trail.change("user:bob", {}).header("job:9", copy.deepcopy(IMPORTED))
    assert trail.author(*NAME) == "machine job 9"


def test_a_whole_header_in_place_of_another_is_its_writers_where_it_differs(trail: Trail) -> None:
    header = copy.deepcopy(IMPORTED)
    header["dicom"]["PatientName"] = "Roe"
    trail.header("user:ada", header)
    assert trail.author(*NAME) == "person ada"
    assert trail.author("dicom", "PatientID") == "machine job 7"


def test_an_item_that_is_removed_was_removed_by_somebody(trail: Trail) -> None:
    trail.set("user:ada", ITEM[:2], [{"StudyID": "1"}])
    assert trail.author(*ITEM[:2]) == "person ada"


def test_an_item_that_a_job_puts_in_front_takes_no_correction_away(trail: Trail) -> None:
    trail.set("user:ada", ITEM, "9")
    trail.set("job:8", ITEM[:2], [{"StudyID": "0"}, {"StudyID": "1"}, {"StudyID": "9"}])
    assert trail.author("dicom", "RequestAttributesSequence", 2, "StudyID") == "person ada"
    assert trail.author(*ITEM[:2]) == "person ada"


def test_a_list_in_which_a_person_corrected_something_is_that_persons(trail: Trail) -> None:
    trail.set("user:ada", ENTRY, 5.0).set("job:8", ("dicom_array", "SliceLocation", 0), 0.5)
    assert trail.author("dicom_array", "SliceLocation") == "person ada"


@pytest.mark.parametrize(
    ("place", "hers", "its"),
    [
        (("dicom", "ImageType"), ["A", "B", "C"], ["D", "E", "F"]),
        (("dicom", "OtherPatientIDs"), ["A"], ["B"]),
        (("dicom", "RequestAttributesSequence"), [{"StudyID": "8"}], [{"StudyID": "9"}]),
    ],
)
def test_a_list_of_which_a_job_left_nothing_is_the_jobs(
    trail: Trail, place: tuple[str | int, ...], hers: Any, its: Any
) -> None:
    trail.set("user:ada", place, hers).set("job:8", place, its)
    assert trail.author(*place) == "machine job 8"


@pytest.mark.parametrize("who", ["user:ada", "job:8"])
def test_items_that_a_job_puts_in_another_order_stay_whose_they_were(trail: Trail, who: str) -> None:
    trail.set("user:ada", ITEM, "9")
    trail.set(who, ITEM[:2], [{"StudyID": "9"}, {"StudyID": "1"}])
    assert trail.author("dicom", "RequestAttributesSequence", 0, "StudyID") == "person ada"
    assert trail.author("dicom", "RequestAttributesSequence", 1, "StudyID") == (
        "person ada" if who == "user:ada" else "machine job 7"
    )


def test_what_was_there_before_the_trail_is_nobodys() -> None:
    trail = Trail()
    trail.info = {"header": copy.deepcopy(IMPORTED)}
    trail.set("user:ada", NAME, "Roe")
    assert trail.author(*NAME) == "person ada"
    assert trail.author("dicom", "PatientID") == ""


@pytest.mark.parametrize(
    ("kind", "author"),
    [
        ("job:7", "machine job 7"),
        ("gear_rule:9", "machine gear rule 9"),
        ("device:mr", "machine device mr"),
        ("system:", "machine the site"),
        ("task:1", ""),
        ("unknown:1", ""),
        ("", ""),
    ],
)
def test_only_what_is_known_to_be_no_person_is_called_so(trail: Trail, kind: str, author: str) -> None:
    assert trail.set(kind, NAME, "Roe").author(*NAME) == author


def test_changes_named_by_dotted_paths_are_read() -> None:
    at = BEGAN.isoformat()
    changes = [
        Recorded(at, 1, 1, "job", "7", "", {"info.header": {"dicom": {"PatientName": "Doe"}}}),
        Recorded(at, 2, 1, "user", "ada", "", {"info.header.dicom.PatientName": "Roe", "tags": ["x"]}),
        Recorded(at, 3, 1, "user", "bob", "", None),
    ]
    writing = History({"dicom": {"PatientName": "Roe"}}, changes).at(NAME)
    assert writing
    assert (writing.attribution.author, writing.corrects) == ("ada", True)


def test_a_header_that_came_as_a_whole_corrects_nothing() -> None:
    trail = Trail().header("user:ada", copy.deepcopy(IMPORTED))
    writing = History(trail.info["header"], trail.changes).at(NAME)
    assert writing
    assert (writing.by_person, writing.corrects) == (True, False)


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["job:7", "user:ada", "user:bob"]),
        st.sampled_from(PLACES),
        st.sampled_from(["a", "b", None, ["a"], 1.5]),
        st.sampled_from(["value", "header", "removed", "imported"]),
    ),
    max_size=12,
)


@given(acts=ACTS, whole=st.booleans())
def test_a_value_is_its_last_writers_however_it_was_written(acts: list[Any], whole: bool) -> None:
    """Compared with the plainest account: who was the last after whose change the value was another than before."""
    trail = Trail(whole=whole and all(act != "removed" for *_, act in acts))
    trail.header("job:7", copy.deepcopy(IMPORTED))
    expected = dict.fromkeys(PLACES, "machine job 7")
    for origin, place, value, how in acts:
        before = {each: at(trail.info, each) for each in PLACES}
        if how == "imported":
            trail.header(origin, copy.deepcopy(IMPORTED))
        elif how == "removed" and len(place) == 2 and at(trail.info, place) is not GONE:
            trail.set(origin, place, GONE)
        else:
            trail.set(origin, place, value)
        who = origin.replace("user:", "person ").replace("job:", "machine job ")
        after = {each: at(trail.info, each) for each in PLACES}
        expected |= {each: who for each in PLACES if not same(after[each], before[each])}
    there = [each for each in PLACES if at(trail.info, each) is not GONE]
    assert {each: trail.author(*each) for each in there} == {each: expected[each] for each in there}


def same(one: Any, other: Any) -> bool:
    """Whether a trail sees no difference: to be null and to be gone look alike."""
    nothing = (GONE, None)
    return (one in nothing and other in nothing) if one in nothing or other in nothing else bool(one == other)


def at(info: Any, place: tuple[str | int, ...]) -> Any:
    node = info["header"]
    for step in place:
        try:
            node = node[step]
        except (KeyError, IndexError, TypeError):
            return GONE
    return node
