"""The proof fails for whatever differs between what was meant and what was written."""

from __future__ import annotations

import io

import pytest

from export_session.dicom.binary.parser import Parser
from export_session.dicom.files.proof import Whole, prove
from export_session.errors import ProofFailed
from tests.corpus import build
from tests.dicom.test_instance_parsing import parse

NAME = build.element(0x00100010, "PN", b"Old^Name")
NEW = build.element(0x00100010, "PN", b"New^Longer^Name.")
OLD = build.plain(pixels=b"\1\2\3\4" * 900, tail=b"trail")
SEX = build.element(0x00100040, "CS", b"M")
ID = build.element(0x00100020, "LO", b"ID-1")


def written(*changes: tuple[bytes, bytes]) -> bytes:
    data = OLD.replace(NAME, NEW)
    for before, after in changes:
        assert data.count(before) == 1
        data = data.replace(before, after)
    return data


def proven(data: bytes, wrong_value: str = "") -> None:
    old = parse(OLD, len(OLD))
    elements = {0x00100010: NEW}
    prove(
        old,
        elements,
        Whole(lambda: io.BytesIO(OLD), old),
        lambda: [data[:100], data[100:900], data[900:]],
        size=len(data),
        parser=Parser(),
        wrong_values=lambda _: wrong_value,
    )


def test_what_was_meant_is_accepted() -> None:
    proven(written())


@pytest.mark.parametrize(
    "data",
    [
        OLD,
        written((NEW, NEW.replace(b"Longer", b"Langer"))),
        written((ID, ID + SEX)),
        written((ID, b"")),
        written((NEW + ID, ID + NEW)),
        written((ID, build.element(0x00100020, "LO", b"ID-2"))),
        written((ID, build.element(0x00100020, "SH", b"ID-1"))),
        written((b"trail", b"trial")),
        written((b"trail", b"trai")),
        written((b"DICM", b"DICN")),
        b"\1" + written()[1:],
        written()[:-700],
        written()[:1500] + b"\xff" + written()[1501:],
        written((b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.2\0")),
        b"",
    ],
)
def test_anything_else_is_not(data: bytes) -> None:
    with pytest.raises(ProofFailed):
        proven(data)


def test_a_value_that_does_not_read_back_is_not_accepted() -> None:
    with pytest.raises(ProofFailed, match="PatientName"):
        proven(written(), "the new value of PatientName")
