"""Items and sequences come and go in the bytes as the metadata have them, and nothing else moves."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pydicom
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from export_session.dicom import Result, rewrite
from export_session.dicom.edits.importers.reading.rereading import Rereading
from tests.support import build
from tests.support.dicom_bytes import Form
from tests.support.instances import UID, Items, file_bytes

SEQUENCE, NESTED = 0x00101002, 0x00400440
KEYWORDS = {
    0x00080100: ("CodeValue", "SH"),
    0x00080102: ("CodingSchemeDesignator", "SH"),
    0x00080104: ("CodeMeaning", "LO"),
}
FORMS = [build.EXPLICIT, build.IMPLICIT, build.BIG]


@dataclass(frozen=True)
class Item:
    """An item as it lies in the file, and what an importer shows of it."""

    texts: dict[int, str]
    nested: tuple[Item, ...] | None = None
    hidden: str = ""  # the text of private and unlimited elements
    undefined: bool = False
    inner_undefined: bool = False  # of the nested sequence
    measured: bool = False  # whether it has a group length
    new: bool = field(default=False, compare=False)

    def data(self, form: Form) -> bytes:
        group = b"".join(
            build.element(tag, KEYWORDS[tag][1], text.encode(), form) for tag, text in sorted(self.texts.items())
        )
        parts = [build.group_length(0x00080000, group, form) if self.measured else group]
        if self.hidden:
            parts.append(build.element(0x00090010, "LO", b"ACME", form))
            parts.append(build.element(0x00091001, "OB", self.hidden.encode(), form))
        if self.nested is not None:
            items = [one.data(form) for one in self.nested]
            parts.append(build.sequence(NESTED, items, form, undefined=self.inner_undefined))
        if self.hidden:
            parts.append(build.element(0x0040A160, "UT", self.hidden.encode(), form))
        return build.item(b"".join(parts), form, undefined=self.undefined)

    def shown(self) -> dict[str, Any]:
        found: dict[str, Any] = {KEYWORDS[tag][0]: text for tag, text in self.texts.items()}
        return found | (
            {"ProtocolContextSequence": [one.shown() for one in self.nested]} if self.nested is not None else {}
        )


def file(items: tuple[Item, ...], form: Form, *, undefined: bool, vr: str = "SQ") -> bytes:
    within = build.IMPLICIT if vr == "UN" else form  # PS3.5 §6.2.2
    made = [one.data(within) for one in items]
    return build.plain(build.sequence(SEQUENCE, made, form, undefined=undefined, vr=vr), form)


def export(folder: Path, data: bytes, change: Any, **options: Any) -> tuple[Result, bytes]:
    """Let a person change the metadata as the importer made them; return the result and the bytes to store."""
    header = {"dicom": dict(Rereading(io.BytesIO(data)).header)}
    change(header["dicom"])
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(data)
    result = rewrite(source, target, header, **options)
    written = target.read_bytes() if result.modified else data
    if result.modified:
        again = rewrite(target, folder / "unused.dcm", dict(result.header), on_invalid_edit="skip")
        assert not again.changes, "the record of the copy describes its bytes"
        assert not again.refused
        target.unlink()
    return result, written


# --- any items


def _texts(number: int) -> dict[int, str]:
    return {0x00080100: f"V{number}", 0x00080102: f"S{number}", 0x00080104: f"meaning {number}"}


def _items(first: int, depth: int = 1, most: int = 4) -> st.SearchStrategy[tuple[Item, ...]]:
    nested: st.SearchStrategy[tuple[Item, ...] | None] = _items(first * 10, depth - 1, 3) if depth else st.none()
    flags = st.tuples(st.booleans(), st.booleans(), st.booleans())
    parts = st.tuples(nested, st.sampled_from(["", "a", "bc"]), flags)
    return st.lists(parts, max_size=most).map(
        lambda found: tuple(
            Item(_texts(first + n), inner, hidden and f"{hidden}{n}", *flags)
            for n, (inner, hidden, flags) in enumerate(found)
        )
    )


@st.composite
def _changed(draw: st.DrawFn, items: tuple[Item, ...], first: int) -> tuple[Item, ...]:
    """Other items: some are gone, some have another value, and there are new ones between them.

    None is new at the very place of one that is gone.
    """
    made: list[Item] = []
    near = items[0].undefined if items else None
    fresh = iter(range(first, first + 9))
    has_room = True

    def add() -> None:
        if has_room and draw(st.integers(0, 3)) == 0:
            made.append(Item(_texts(next(fresh)), undefined=bool(near), new=True))

    for one in items:
        count = len(made)
        add()
        is_next_to_new = len(made) > count
        fate = draw(st.sampled_from(["kept", "kept", "edited", "within"] + ["removed"] * (not is_next_to_new)))
        has_room = fate != "removed"
        if has_room:
            near = one.undefined
        if fate == "edited":
            made.append(replace(one, texts={**one.texts, 0x00080104: draw(st.sampled_from(["x", "another meaning"]))}))
        elif fate == "within" and one.nested is not None:
            nested = draw(_changed(one.nested, first * 10))
            made.append(replace(one, nested=nested if one.nested else _styled(nested, one.inner_undefined)))
        elif fate != "removed":
            made.append(one)
    add()
    return tuple(made)


def _styled(items: tuple[Item, ...], style: bool) -> tuple[Item, ...]:
    """New items where there was none to go by have the form of their sequence."""
    return tuple(replace(one, undefined=style) if one.new else one for one in items)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_items_that_come_and_go_do_so_and_all_other_bytes_stay(data: st.DataObject) -> None:
    form, undefined = data.draw(st.sampled_from(FORMS)), data.draw(st.booleans())
    vr = data.draw(st.sampled_from(["SQ", "SQ", "UN"])) if form == build.EXPLICIT else "SQ"
    items = data.draw(_items(100))
    wanted = data.draw(_changed(items, 500))
    if not items:
        wanted = _styled(wanted, undefined)
    before = file(items, form, undefined=undefined, vr=vr)

    def change(dicom: dict[str, Any]) -> None:
        if wanted or items:
            dicom["OtherPatientIDsSequence"] = [one.shown() for one in wanted]

    with tempfile.TemporaryDirectory() as folder:
        result, written = export(Path(folder), before, change, on_invalid_edit="skip")
    if result.refused:
        assert not result.modified
        assert all(one.reason for one in result.refused)
        assert any(one.hidden or any(inner.hidden for inner in one.nested or ()) for one in items), result.refused[
            0
        ].reason
        return
    assert written == file(wanted, form, undefined=undefined, vr=vr)
    if written != before:
        assert len(pydicom.dcmread(io.BytesIO(written)).OtherPatientIDsSequence) == len(wanted)


# --- new sequences


STEP = {"ScheduledProcedureStepID": "7", "RequestedProcedureDescription": "x"}
CODE = {"CodeValue": "1", "CodingSchemeDesignator": "99X", "CodeMeaning": "one"}


def _put(dicom: dict[str, Any], place: tuple[Any, ...], value: Any) -> None:
    node: Any = dicom
    for step in place[:-1]:
        node = node[step]
    node[place[-1]] = value


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("place", [(), ("OtherPatientIDsSequence", 0)])
def test_a_new_sequence_is_written_where_its_tag_belongs(tmp_path: Path, form: Form, place: tuple[Any, ...]) -> None:
    data = file((Item(_texts(1), hidden="x"),), form, undefined=False)
    wanted = [
        {"RequestedProcedureCodeSequence": [CODE], **STEP, "StudyDescription": "", "ReferringPhysicianName": None},
        {},
    ]
    result, written = export(tmp_path, data, lambda dicom: _put(dicom, (*place, "RequestAttributesSequence"), wanted))
    code = [build.element(tag, vr, CODE[keyword].encode(), form) for tag, (keyword, vr) in KEYWORDS.items()]
    first = (
        build.element(0x00080090, "PN", b"", form)
        + build.element(0x00081030, "LO", b"", form)
        + build.element(0x00321060, "LO", b"x", form)
        + build.sequence(0x00321064, [build.item(b"".join(code), form)], form)
        + build.element(0x00400009, "SH", b"7", form)
    )
    new = build.sequence(0x00400275, [build.item(first, form), build.item(b"", form)], form)
    if place:
        own = Item(_texts(1), hidden="x").data(form)[8:]
        text = build.element(0x0040A160, "UT", b"x", form)
        expected = build.sequence(SEQUENCE, [build.item(own[: -len(text)] + new + text, form)], form)
        assert written == build.plain(expected, form)
    else:
        assert written.replace(new, b"") == data
    (change,) = result.changes
    path = "OtherPatientIDsSequence[0]." if place else ""
    assert (change.path, change.old, change.new) == (f"{path}RequestAttributesSequence", None, wanted)
    assert "sequence added" in change.reason


@pytest.mark.parametrize("undefined", [False, True])
def test_a_new_sequence_has_the_form_of_those_around_it(tmp_path: Path, undefined: bool) -> None:
    data = file((Item(_texts(1), undefined=undefined),), build.EXPLICIT, undefined=undefined)
    _, written = export(tmp_path, data, lambda dicom: _put(dicom, ("RequestAttributesSequence",), [STEP]))
    content = build.element(0x00321060, "LO", b"x") + build.element(0x00400009, "SH", b"7")
    assert build.sequence(0x00400275, [build.item(content, undefined=undefined)], undefined=undefined) in written


@pytest.mark.parametrize("place", [(), ("OtherPatientIDsSequence", 0)])
def test_a_private_sequence_reserves_its_block(tmp_path: Path, place: tuple[Any, ...]) -> None:
    data = file((Item(_texts(1), hidden="x"),), build.EXPLICIT, undefined=False)
    wanted = [{"NEW, 0009xx02": "a", "CodeValue": "1"}, {"NEW, 0009xx03": [{"CodeValue": "2"}]}]
    key = "NEW, 0009xx01"
    source, target = tmp_path / "source.dcm", tmp_path / "target.dcm"
    source.write_bytes(data)
    header = {"dicom": dict(Rereading(io.BytesIO(data)).header)}
    _put(header["dicom"], (*place, key), wanted)
    assert rewrite(source, target, header).modified
    read: Any = pydicom.dcmread(target)
    block = 0x11 if place else 0x10
    holder = read.OtherPatientIDsSequence[0] if place else read
    assert holder[0x00090000 | block].value == "NEW"
    first, second = holder[0x00090001 | block << 8].value
    assert (first[0x00090010].value, first[0x00091002].value, first.CodeValue) == ("NEW", "a", "1")
    assert second[0x00091003].value[0].CodeValue == "2"
    if place:
        assert (holder[0x00090010].value, holder[0x00091001].value) == ("ACME", b"x\0")


def test_what_nobody_could_read_in_implicit_vr_is_refused(tmp_path: Path) -> None:
    data = file((Item(_texts(1)),), build.IMPLICIT, undefined=False)
    for value in ([{"CodeValue": "1"}], [{"NEW, 0009xx01": "a"}]):
        key = "RequestAttributesSequence" if "CodeValue" not in value[0] else "NEW, 0009xx01"
        result, _ = export(tmp_path, data, lambda dicom: _put(dicom, (key,), value), on_invalid_edit="skip")  # noqa: B023
        assert not result.modified
        assert "explicit VR" in result.refused[0].reason


def test_a_functional_group_is_added_to_all_frames_that_lack_it(tmp_path: Path) -> None:
    frame: Items = {"FrameContentSequence": [{"FrameComments": "a"}]}
    shared: Items = {"PixelMeasuresSequence": [{"SliceThickness": "1"}]}
    data = file_bytes(
        {
            **UID,
            "NumberOfFrames": "2",
            "PerFrameFunctionalGroupsSequence": [frame, frame],
            "SharedFunctionalGroupsSequence": [shared],
        }
    )

    def change(dicom: dict[str, Any]) -> None:
        dicom["PerFrameFunctionalGroupsSequence"]["PlanePositionSequence"] = [{"ImagePositionPatient": [1.0, 2.5, 3.0]}]
        dicom["SharedFunctionalGroupsSequence"][0]["PlaneOrientationSequence"] = [
            {"ImageOrientationPatient": [1.0, 0.0, 0.0, 0.0, 1.0, 0.0]}
        ]

    result, written = export(tmp_path, data, change)
    read = pydicom.dcmread(io.BytesIO(written))
    frames = read.PerFrameFunctionalGroupsSequence
    assert [list(map(float, one.PlanePositionSequence[0].ImagePositionPatient)) for one in frames] == [[1, 2.5, 3]] * 2
    assert read.SharedFunctionalGroupsSequence[0].PlaneOrientationSequence[0].ImageOrientationPatient[4] == 1
    assert len(result.changes) == 3


def test_each_frame_is_edited_where_the_metadata_show_them_all(tmp_path: Path) -> None:
    frames: list[Items] = [{"PixelMeasuresSequence": [{"SliceThickness": text}]} for text in ("1", "2", "3")]
    data = file_bytes({**UID, "NumberOfFrames": "3", "PerFrameFunctionalGroupsSequence": frames})

    def change(dicom: dict[str, Any]) -> None:
        shown: list[dict[str, Any]] = [
            {"PixelMeasuresSequence": [{"SliceThickness": value}]} for value in (1.0, 2.5, 3.0)
        ]
        shown[2]["FrameContentSequence"] = [{"FrameComments": "last"}]
        dicom["PerFrameFunctionalGroupsSequence"] = shown

    result, written = export(tmp_path, data, change)
    read = pydicom.dcmread(io.BytesIO(written)).PerFrameFunctionalGroupsSequence
    assert [float(one.PixelMeasuresSequence[0].SliceThickness) for one in read] == [1, 2.5, 3]
    assert [("FrameContentSequence" in one) for one in read] == [False, False, True]
    assert [change.path for change in result.changes] == [
        "PerFrameFunctionalGroupsSequence[1].PixelMeasuresSequence[0].SliceThickness",
        "PerFrameFunctionalGroupsSequence[2].FrameContentSequence",
    ]


def test_the_array_of_frames_follows_their_items(tmp_path: Path) -> None:
    frames: list[Items] = [{"PlanePositionSequence": [{"ImagePositionPatient": f"1\\0\\{n}"}]} for n in (1, 2)]
    data = file_bytes({**UID, "NumberOfFrames": "2", "PerFrameFunctionalGroupsSequence": frames})
    key = "ImagePositionPatient"
    header = {
        "dicom": dict(Rereading(io.BytesIO(data)).header),
        "dicom_array": {key: Rereading(io.BytesIO(data)).frame_entries(key)},
    }
    assert header["dicom_array"][key] == [[1.0, 0.0, 1.0], [1.0, 0.0, 2.0]]
    header["dicom"]["PerFrameFunctionalGroupsSequence"] = [
        {"PlanePositionSequence": [{key: [4.0, 4.0, 4.0]}, {key: [1.0, 0.0, 1.0]}]},
        {"PlanePositionSequence": [{key: [1.0, 0.0, 2.0]}]},
    ]
    source, target = build.archive(tmp_path / "source.zip", {"1.dcm": data}), tmp_path / "target.zip"
    result = rewrite(source, target, header)
    assert [change.path for change in result.changes] == [
        "PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]"
    ]
    assert result.header["dicom_array"][key] == [[4.0, 4.0, 4.0], [1.0, 0.0, 2.0]]
    again = rewrite(target, tmp_path / "unused.zip", dict(result.header))
    assert not again.changes


def test_items_and_an_entry_of_the_array_that_lies_in_them_are_a_conflict(tmp_path: Path) -> None:
    frames: list[Items] = [{"PlanePositionSequence": [{"ImagePositionPatient": "1\\0\\1"}]}] * 2
    data = file_bytes({**UID, "NumberOfFrames": "2", "PerFrameFunctionalGroupsSequence": frames})
    key = "ImagePositionPatient"
    new: dict[str, Any] = {"PlanePositionSequence": [{key: [4.0, 4.0, 4.0]}, {key: [1.0, 0.0, 1.0]}]}
    header = {
        "dicom": {**Rereading(io.BytesIO(data)).header, "PerFrameFunctionalGroupsSequence": new},
        "dicom_array": {key: [[7.0, 7.0, 7.0], [1.0, 0.0, 1.0]]},
    }
    source = build.archive(tmp_path / "source.zip", {"1.dcm": data})
    result = rewrite(source, tmp_path / "target.zip", header, on_invalid_edit="skip")
    assert {change.path.split(".", 1)[1] for change in result.refused} == {
        "PlanePositionSequence",
        "PlanePositionSequence[0].ImagePositionPatient",
    }
    assert all("disagree" in change.reason for change in result.refused)


def test_the_items_of_each_slice_are_given_in_the_array(tmp_path: Path) -> None:
    members = {
        f"{n}.dcm": file_bytes(
            {
                **UID,
                "SOPInstanceUID": f"1.2.3.4.{n}",
                "InstanceNumber": str(n),
                "AnatomicRegionSequence": [{"CodeValue": f"{n}"}],
            }
        )
        for n in (1, 2)
    }
    source, target = build.archive(tmp_path / "source.zip", members), tmp_path / "target.zip"
    header = {
        "dicom": dict(Rereading(io.BytesIO(members["1.dcm"])).header),
        "dicom_array": {"AnatomicRegionSequence": [[{"CodeValue": "1"}, {"CodeValue": "9"}], [{"CodeValue": "2"}]]},
    }
    result = rewrite(source, target, header)
    (change,) = result.changes
    assert (change.path, change.member, change.new) == ("AnatomicRegionSequence[1]", "1.dcm", {"CodeValue": "9"})
    assert result.header["dicom"]["AnatomicRegionSequence"] == [{"CodeValue": "1"}, {"CodeValue": "9"}]


@pytest.mark.parametrize(("signed", "vr"), [(0, "US"), (1, "SS")])
def test_an_ambiguous_vr_in_a_new_item_follows_pixel_representation(tmp_path: Path, signed: int, vr: str) -> None:
    data = build.plain(build.element(0x00280103, "US", bytes([signed, 0])))
    wanted = [{"RealWorldValueFirstValueMapped": -1 if signed else 65535}]
    _, written = export(tmp_path, data, lambda dicom: _put(dicom, ("RealWorldValueMappingSequence",), wanted))
    assert build.element(0x00409216, vr, b"\xff\xff") in written


# --- text, logs and records


def test_text_of_a_new_item_re_declares_the_file_where_it_must(tmp_path: Path) -> None:
    own = build.element(0x00080005, "CS", b"ISO_IR 144") + build.element(0x00080104, "LO", "мозг".encode("iso8859_5"))
    sequence = build.sequence(SEQUENCE, [build.item(own), Item(_texts(1), hidden="x").data(build.EXPLICIT)])
    data = build.plain(sequence, charset="ISO_IR 100", name="Müller".encode("latin-1"))

    def change(dicom: dict[str, Any]) -> None:
        dicom["OtherPatientIDsSequence"].append({"CodeMeaning": "頭"})

    result, written = export(tmp_path, data, change)
    read = pydicom.dcmread(io.BytesIO(written))
    assert (read.SpecificCharacterSet, str(read.PatientName)) == ("ISO_IR 192", "Müller")
    assert [item.CodeMeaning for item in read.OtherPatientIDsSequence] == ["мозг", "meaning 1", "頭"]
    assert {change.path for change in result.changes} == {"SpecificCharacterSet", "OtherPatientIDsSequence[2]"}


@pytest.mark.parametrize(("text", "fits"), [("мозг", True), ("頭", False)])
def test_a_new_item_may_declare_a_character_set_of_its_own(tmp_path: Path, text: str, fits: bool) -> None:
    data = build.plain(charset="ISO_IR 100")
    wanted = [{"SpecificCharacterSet": "ISO_IR 144", "CodeMeaning": text}]
    place = ("OtherPatientIDsSequence",)
    result, written = export(tmp_path, data, lambda dicom: _put(dicom, place, wanted), on_invalid_edit="skip")
    assert result.modified == fits
    if fits:
        assert pydicom.dcmread(io.BytesIO(written)).OtherPatientIDsSequence[0].CodeMeaning == text
    else:
        assert "declares for itself" in result.refused[0].reason


def test_the_log_has_a_row_for_each_item_and_value(tmp_path: Path) -> None:
    items = [Item({tag: f"{n} {text}" for tag, text in _texts(n).items()}, hidden="secret") for n in (1, 2, 3)]
    data = file(tuple(items), build.EXPLICIT, undefined=False)

    def change(dicom: dict[str, Any]) -> None:
        first, _, third = dicom["OtherPatientIDsSequence"]
        dicom["OtherPatientIDsSequence"] = [{"CodeValue": "new"}, first, {**third, "CodeMeaning": "edited"}]

    result, _ = export(tmp_path, data, change)
    rows = {change.path: (change.old, change.new, change.reason) for change in result.changes}
    assert rows.keys() == {
        "OtherPatientIDsSequence[1]",
        "OtherPatientIDsSequence[0]",
        "OtherPatientIDsSequence[2].CodeMeaning",
    }
    old, new, reason = rows["OtherPatientIDsSequence[1]"]
    assert (old["CodeValue"], old["TextValue"], new) == ("2 V2", "secret", None)
    assert reason.startswith("item removed")
    assert "do not show" in reason
    assert rows["OtherPatientIDsSequence[0]"][:2] == (None, {"CodeValue": "new"})
    assert rows["OtherPatientIDsSequence[2].CodeMeaning"][:2] == ("3 meaning 3", "edited")


def test_the_old_items_are_kept_in_the_original_attributes(tmp_path: Path) -> None:
    data = file((Item(_texts(1), hidden="x"), Item(_texts(2), hidden="y")), build.EXPLICIT, undefined=False)

    def change(dicom: dict[str, Any]) -> None:
        del dicom["OtherPatientIDsSequence"][0]
        dicom["RequestAttributesSequence"] = [STEP]

    _, written = export(tmp_path, data, change, record_original_attributes=True)
    kept = pydicom.dcmread(io.BytesIO(written)).OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
    assert [item.TextValue for item in kept.OtherPatientIDsSequence] == ["x", "y"]
    assert len(kept.RequestAttributesSequence) == 0


def test_references_follow_a_uid_in_items_that_move(tmp_path: Path) -> None:
    items = [{"ReferencedSOPInstanceUID": uid, "PurposeOfReferenceCodeSequence": [CODE]} for uid in ("9.1", "1.2.3.4")]
    data = file_bytes({**UID, "ReferencedImageSequence": items})

    def change(dicom: dict[str, Any]) -> None:
        dicom["SOPInstanceUID"] = "1.2.3.5"
        del dicom["ReferencedImageSequence"][0]

    result, written = export(tmp_path, data, change, edit_uids=True)
    (left,) = pydicom.dcmread(io.BytesIO(written)).ReferencedImageSequence
    assert left.ReferencedSOPInstanceUID == "1.2.3.5"
    assert not result.refused


def test_no_group_of_a_sequence_is_written_where_one_value_is_refused(tmp_path: Path) -> None:
    data = file((Item(_texts(1)), Item(_texts(2))), build.EXPLICIT, undefined=False)
    wanted = [{"CodeValue": "more than the sixteen characters of SH"}, Item(_texts(1)).shown()]
    result, _ = export(
        tmp_path, data, lambda dicom: _put(dicom, ("OtherPatientIDsSequence",), wanted), on_invalid_edit="skip"
    )
    assert not result.modified
    (refused,) = result.refused
    assert "OtherPatientIDsSequence[0].CodeValue" in refused.reason
    assert (refused.path, refused.new) == ("OtherPatientIDsSequence", wanted)
    assert result.header["dicom"]["OtherPatientIDsSequence"] == [Item(_texts(n)).shown() for n in (1, 2)]
