"""Requests change whole elements at every depth of nesting, and every other byte is copied."""

from __future__ import annotations

import pytest

from export_session.dicom.binary.dataset import main_data_set
from export_session.dicom.binary.splice import with_group_lengths
from export_session.dicom.files.stream import rewritten
from export_session.dicom.vocabulary import Step
from export_session.dicom.writing.apply import Request, edit_data_set
from tests.support import build
from tests.support.dicom_bytes import Form, differences
from tests.support.instances import parse

FORMS = [build.EXPLICIT, build.IMPLICIT, build.BIG]


def write(data: bytes, *edits: tuple[tuple[Step, ...], str, object]) -> tuple[bytes, dict[int, str]]:
    """Apply edits to one instance; return its new bytes and the reasons of refusals."""
    instance = parse(data, len(data))
    assert not instance.problem
    numbered = [Request(number, path, vr, value) for number, (path, vr, value) in enumerate(edits)]
    edited = edit_data_set(main_data_set(instance), numbered)
    elements = with_group_lengths(instance.elements, edited.elements, instance.syntax)
    new = b"".join(rewritten([data], instance, elements))
    return new, {number: one.reason for number, one in edited.effects.items() if one.reason}


@pytest.mark.parametrize("outer", [True, False])
@pytest.mark.parametrize("inner", [True, False])
@pytest.mark.parametrize(("form", "vr"), [*((form, "SQ") for form in FORMS), (build.EXPLICIT, "UN"), (build.BIG, "UN")])
def test_a_leaf_changes_and_the_lengths_around_it_follow(form: Form, outer: bool, inner: bool, vr: str) -> None:
    within = build.IMPLICIT if vr == "UN" else form
    leaf = build.element(0x00081160, "IS", b"7", within)
    deep = build.item(leaf + build.element(0x00081155, "UI", b"1.2", within), within, undefined=inner)
    nested = build.sequence(0x00081199, [deep, deep], within, undefined=outer)
    items = [build.item(build.element(0x00080060, "CS", b"MR", within) + nested, within, undefined=outer)] * 2
    data = build.plain(build.sequence(0x00081115, items, form, undefined=inner, vr=vr), form)
    path = (Step(0x00081115, 1), Step(0x00081199, 0), Step(0x00081160))
    new, refused = write(data, (path, "IS", 12345))
    assert not refused
    changed = (0x00081115, 1, 0x00081199, 0, 0x00081160)
    assert differences(data, new, {changed}) == []
    assert new.count(build.element(0x00081160, "IS", b"12345", within)) == 1


@pytest.mark.parametrize("form", FORMS)
def test_an_element_is_inserted_where_its_tag_belongs(form: Form) -> None:
    data = build.plain(form=form)
    new, refused = write(data, ((Step(0x00101030),), "DS", 70.5), ((Step(0x00080022),), "DA", "20200131"))
    assert not refused
    assert differences(data, new, {(0x00101030,), (0x00080022,)}) == []
    tags = list(parse(new, len(new)).elements)
    assert tags == sorted(tags)


@pytest.mark.parametrize("form", FORMS)
def test_group_lengths_follow_unless_they_were_wrong(form: Form) -> None:
    name = build.element(0x00100010, "PN", b"Old^Name", form)
    right = build.group_length(0x00100000, name, form)
    wrong = build.group_length(0x00100000, name + b"more", form)[: -len(b"more")]
    for group, length in ((right, len(name) + 6), (wrong, len(name) + 4)):
        data = build.instance(build.element(0x00080060, "CS", b"MR", form) + group, form)
        new, _ = write(data, ((Step(0x00100010),), "PN", "A^Longer^Name."))
        assert int.from_bytes(parse(new).raw(0x00100000) or b"", "little" if form.little else "big") == length


@pytest.mark.parametrize("form", FORMS)
def test_a_private_element_finds_its_block_or_reserves_one(form: Form) -> None:
    block = build.element(0x00190010, "LO", b"OTHER", form) + build.element(0x00190011, "LO", b"ACME 1.1", form)
    data = build.plain(block + build.element(0x00191101, "LO", b"old", form), form)
    there, new = Step(0x00190001, creator="ACME 1.1"), Step(0x00190002, creator="FRESH")
    written, refused = write(
        data, ((there,), "LO", "new"), ((new,), "LO", "x"), ((Step(0x00190003, creator="FRESH"),), "LO", "y")
    )
    instance = parse(written, len(written))
    if not form.explicit:  # no program could read their VR
        assert all("explicit VR" in refused[number] for number in (1, 2))
        assert differences(data, written, {(0x00191101,)}) == []
        return
    assert not refused
    assert instance.raw(0x00191101) == b"new "
    assert (instance.raw(0x00190012), instance.raw(0x00191202), instance.raw(0x00191203)) == (b"FRESH ", b"x ", b"y ")
    changed = {(0x00191101,), (0x00190012,), (0x00191202,), (0x00191203,)}
    assert differences(data, written, changed) == []


def test_the_vr_of_the_file_stays_where_it_fits_and_gives_way_where_not() -> None:
    data = build.plain(build.element(0x00101030, "LO", b"70") + build.element(0x00104000, "SH", b"old"))
    new, _ = write(data, ((Step(0x00101030),), "DS", 71), ((Step(0x00104000),), "LT", "more than sixteen characters"))
    assert [parse(new).elements[tag].vr for tag in (0x00101030, 0x00104000)] == ["LO", "LT"]


def test_unknown_vr_keeps_its_form() -> None:
    data = build.plain(build.element(0x00101030, "UN", b"70"))
    new, refused = write(data, ((Step(0x00101030),), "DS", 71))
    assert not refused
    assert parse(new).elements[0x00101030].raw == build.element(0x00101030, "UN", b"71")


@pytest.mark.parametrize("signed", [True, False])
def test_an_ambiguous_vr_follows_pixel_representation(signed: bool) -> None:
    representation = build.element(0x00280103, "US", bytes([signed, 0]))
    data = build.plain(representation)
    new, refused = write(data, ((Step(0x00280106),), "US or SS", -5 if signed else 65000))
    assert not refused
    assert parse(new).elements[0x00280106].vr == ("SS" if signed else "US")


def test_the_refusals_say_what_is_missing() -> None:
    data = build.plain(build.sequence(0x00081140, [build.item(b"")]))
    _, refused = write(
        data,
        ((Step(0x00081115, 0), Step(0x00081155)), "UI", "1.2"),
        ((Step(0x00081140, 3), Step(0x00081155)), "UI", "1.2"),
        ((Step(0x00190001, creator="NEW"),), "UN", "x"),
        ((Step(0x7FE00010),), "OW", "x"),
    )
    assert ["not in the file" in refused[0], "1 item" in refused[1], "its VR" in refused[2]] == [True] * 3
    assert "binary" in refused[3]


def test_a_deflated_data_set_changes_inside_only() -> None:
    data = build.plain(pixels=b"\1\2" * 3000)
    dataset = data[data.index(build.element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.4")) :]
    packed = build.instance(dataset, deflated=True)
    new, refused = write(packed, ((Step(0x00100010),), "PN", "New^Name"))
    assert not refused
    assert differences(packed, new, {(0x00100010,)}) == []
