"""The parser accounts for every byte, keeps no bulk data, and says what it cannot account for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.binary.parser import Parser
from export_session.dicom.files.stream import plain
from tests.support import build
from tests.support.dicom_bytes import Form
from tests.support.instances import parse

SHIPPED = sorted(
    path
    for path in Path(pydicom.__file__).parent.glob("data/test_files/**/*")
    if path.is_file() and path.suffix in {".dcm", ""} and path.stat().st_size < 600_000
)
FORMS = [build.EXPLICIT, build.IMPLICIT, build.BIG]
PROBLEMATIC = {"rtplan_truncated.dcm"}


def accounted(instance: Instance) -> int:
    return instance.start + sum(one.length for one in instance.elements.values()) + instance.trailing


def _shipped_instances() -> Iterator[tuple[str, bytes, Instance]]:
    for path in SHIPPED:
        data = path.read_bytes()
        instance = parse(data, len(data))
        if instance.kind is Kind.INSTANCE and path.name not in PROBLEMATIC:
            yield path.name, data, instance


def test_every_byte_of_the_shipped_files_is_accounted_for() -> None:
    names = []
    for name, data, instance in _shipped_instances():
        names.append(name)
        assert instance.problem == "", name
        assert accounted(instance) == sum(map(len, plain([data], instance))), name
    assert len(names) > 80


def test_the_elements_are_those_that_pydicom_reads() -> None:
    for name, data, instance in _shipped_instances():
        read = pydicom.dcmread(io.BytesIO(data), force=True)
        expected = [int(tag) for tag in (*read.file_meta.keys(), *read.keys())]
        assert sorted(instance.elements) == sorted(expected), name


def test_held_elements_are_exactly_the_bytes_of_the_file() -> None:
    for name, data, instance in _shipped_instances():
        whole = b"".join(plain([data], instance))
        at = instance.start
        for one in instance.elements.values():
            assert whole[at : at + len(one.raw)] == one.raw, (name, hex(one.tag))
            at += one.length


@pytest.mark.parametrize("form", FORMS)
def test_pixel_data_is_not_kept(form: Form) -> None:
    instance = parse(build.plain(form=form, pixels=b"\7" * 100_000))
    assert not instance.elements[0x7FE00010].held
    assert sum(len(one.raw) for one in instance.elements.values()) < 2000


def test_pixel_data_at_the_end_is_not_even_read() -> None:
    data = build.plain(pixels=b"\7" * 5_000_000)
    stream = io.BytesIO(data)
    instance = Parser().parse(stream.read, "one.dcm", len(data))
    assert accounted(instance) == len(data)
    assert stream.tell() < 100_000


@pytest.mark.parametrize("tail", [b"\0" * 7, b"\0" * 400, b"odd bytes of no meaning at all", b"abc"])
def test_what_follows_pixel_data_is_trailing(tail: bytes) -> None:
    data = build.plain(tail=tail)
    instance = parse(data, len(data))
    assert (instance.problem, instance.trailing) == ("", len(tail))


def test_elements_behind_pixel_data_are_read() -> None:
    padding = build.element(0xFFFCFFFC, "OB", b"\0\0\0\0")
    data = build.plain(tail=padding)
    assert parse(data, len(data)).raw(0xFFFCFFFC) == b"\0\0\0\0"


def test_pixel_data_that_end_early_are_noted() -> None:
    data = build.plain(pixels=b"\7" * 4000)[:-1000]
    instance = parse(data, len(data))
    assert instance.truncated
    assert instance.problem == ""
    assert accounted(instance) == len(data)


def test_encapsulated_pixel_data_are_walked_by_fragment() -> None:
    fragments = build.item(b"") + build.item(b"\1" * 3000) + build.item(b"\2" * 50_000)
    end = bytes.fromhex("feffdde000000000")
    pixels = build.element(0x7FE00010, "OB", fragments + end, length=build.UNDEFINED)
    data = build.plain(pixels=b"")[:-12] + pixels
    for cut, truncated in ((len(data), False), (len(data) - 8, True), (len(data) - 999, True)):
        instance = parse(data[:cut], cut)
        assert (instance.problem, instance.truncated, accounted(instance)) == ("", truncated, cut)


@pytest.mark.parametrize("keep", [0.3, 0.6, 0.9])
@pytest.mark.parametrize("form", FORMS)
def test_a_header_that_ends_early_is_a_problem(form: Form, keep: float) -> None:
    data = build.plain(form=form, pixels=b"")[:-12]
    cut = data[: 300 + int((len(data) - 300) * keep)]
    instance = parse(cut, len(cut))
    whole = cut[accounted(instance) - instance.trailing :]
    assert instance.problem or not whole.strip(b"\0")  # zeros might as well be padding


def test_an_element_that_occurs_twice_is_a_problem() -> None:
    twice = build.element(0x00104000, "LT", b"one") + build.element(0x00104000, "LT", b"two")
    assert "twice" in parse(build.plain(twice)).problem


@pytest.mark.parametrize("depth", [65, 3000])
def test_nesting_without_end_is_a_problem(depth: int) -> None:
    head = build.sequence(0x00081140, [], undefined=True)[:12] + build.item(b"", undefined=True)[:8]
    assert parse(build.instance(build.element(0x00080060, "CS", b"MR") + head * depth)).problem


@pytest.mark.parametrize("data", [b"", b"\0", b"PK\3\4", b"no DICOM at all", b"\x08\0" * 40, b"{}" * 900])
def test_what_is_no_dicom_is_told_apart(data: bytes) -> None:
    assert parse(data, len(data)).kind is Kind.OTHER


@pytest.mark.parametrize("form", [build.EXPLICIT, build.IMPLICIT, build.BIG])
def test_a_data_set_without_preamble_or_file_meta_is_read(form: Form) -> None:
    data = build.plain(form=form)
    bare = data[data.index(build.element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.4", form)) :]
    instance = parse(bare, len(bare))
    assert (instance.kind, instance.prefixed, accounted(instance)) == (Kind.INSTANCE, False, len(bare))
    assert tuple(instance.syntax) == (not form.explicit, form.little)


def test_a_wrong_transfer_syntax_does_not_mislead() -> None:
    data = build.plain(form=build.IMPLICIT).replace(b"1.2.840.10008.1.2\0", b"1.2.840.10008.1.5\0")
    instance = parse(data, len(data))
    assert instance.syntax.implicit
    assert instance.text(0x00100020) == "ID-1"


@given(st.lists(st.integers(1, 400), min_size=1, max_size=40))
@settings(max_examples=40)
def test_instances_read_the_same_alone_and_in_a_series(sizes: list[int]) -> None:
    parser = Parser()
    for number, size in enumerate(sizes):
        extra = build.element(0x00104000, "LT", b"x" * size) if size % 3 else b""
        data = build.plain(extra, number=number, pixels=bytes([number]) * size)
        shared, alone = parser.parse(io.BytesIO(data).read, "one.dcm", len(data)), parse(data, len(data))
        assert shared == alone


def test_a_series_shares_its_common_elements() -> None:
    parser = Parser()
    one, other = (parser.parse(io.BytesIO(build.plain(number=n)).read, str(n)) for n in (1, 2))
    assert one.elements[0x00100010] is other.elements[0x00100010]
    assert one.elements[0x00200013] != other.elements[0x00200013]


def test_a_dicomdir_is_told_apart() -> None:
    path = next(path for path in SHIPPED if path.name == "DICOMDIR")
    assert parse(path.read_bytes()).kind is Kind.DIRECTORY


def test_an_instance_that_ends_early_does_not_mislead_the_next() -> None:
    parser = Parser()
    cut, whole = build.plain(pixels=b"\7" * 4000)[:-3990], build.plain(pixels=b"\7" * 4000)
    for data in (cut, whole, cut):
        found = parser.parse(io.BytesIO(data).read, "one.dcm", len(data))
        assert (found, accounted(found), found.trailing) == (parse(data, len(data)), len(data), 0)
