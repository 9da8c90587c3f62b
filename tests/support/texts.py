"""Files with text in every place that text has, in any character set, and what importers show of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from hypothesis import strategies as st

from export_session.dicom import Result, rewrite
from tests.support import build
from tests.support.dicom_bytes import Form

NAME, NAMES, NOTES, IDS = 0x00100010, 0x00101001, 0x00104000, 0x00101002
CODECS = {
    "ISO_IR 100": "iso8859-1", "ISO_IR 101": "iso8859-2", "ISO_IR 109": "iso8859-3", "ISO_IR 110": "iso8859-4",
    "ISO_IR 126": "iso8859-7", "ISO_IR 127": "iso8859-6", "ISO_IR 138": "iso8859-8", "ISO_IR 144": "iso8859-5",
    "ISO_IR 148": "iso8859-9", "ISO_IR 166": "tis-620", "ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk",
    "ISO_IR 13": "shift_jis",
}  # fmt: skip
WORLD = "äÖñ ßЖукΩμέγαשלוםمرحبا山田太郎张小东🏥ą"


Encode = Callable[[str, str], bytes]


def letters(term: str) -> list[str]:
    """Some characters of a defined term, none of which has a byte that is a delimiter."""
    codec = CODECS[term]
    if term in ("ISO_IR 192", "GB18030", "GBK"):
        return [one for one in WORLD if one.encode(codec, "ignore") and not set(one.encode(codec)) & set(b"\\^= ")]
    singles = (bytes([byte]).decode(codec, "ignore") for byte in range(0xA1, 0xE0 if term == "ISO_IR 13" else 0x100))
    return [one for one in singles if len(one) == 1 and one.isprintable()]


@dataclass(frozen=True)
class Texts:
    """The texts of a file: what they are, whatever it declares."""

    name: str
    names: tuple[str, str]
    notes: str
    nested: str
    private: str

    def file(self, codec: str | Encode, form: Form, charset: str | None) -> bytes:
        """A file with them, in a codec of Python or as a function encodes them for a VR."""

        def encoded(vr: str, value: str) -> bytes:
            return value.encode(codec) if isinstance(codec, str) else codec(value, vr)

        def text(tag: int, vr: str, value: str) -> bytes:
            return build.element(tag, vr, encoded(vr, value), form)

        item = build.item(text(0x00100020, "LO", self.nested), form)
        extra = (
            text(NAMES, "PN", "\\".join(self.names)) + build.sequence(IDS, [item], form) + text(NOTES, "LT", self.notes)
        )
        extra += build.element(0x00110010, "LO", b"SIEMENS MED", form) + text(0x00111010, "LO", self.private)
        return build.plain(extra, form, charset=charset, name=encoded("PN", self.name))

    @staticmethod
    def as_read(read: pydicom.Dataset) -> Texts:
        """The texts as pydicom reads them, without the escape sequence of Chinese that it leaves there."""
        name, first, second, notes, nested, private = (
            str(text).replace("\x1b$)A", "")
            for text in (
                read.PatientName,
                *read.OtherPatientNames,
                read.PatientComments,
                read.OtherPatientIDsSequence[0].PatientID,
                read[0x00111010].value,
            )
        )
        return Texts(name, (first, second), notes, nested, private)


@st.composite
def texts(draw: st.DrawFn, term: str) -> Texts:
    alphabet = st.sampled_from([*letters(term), "a", "Z"])
    part = st.text(alphabet, min_size=1, max_size=4)
    name = st.lists(part, min_size=1, max_size=2).map("^".join)
    return Texts(draw(name), (draw(name), draw(name)), draw(part), draw(part), draw(part))


def run(folder: Path, data: bytes, dicom: dict[str, Any], **options: Any) -> tuple[Result, bytes]:
    source, target = folder / "source.dcm", folder / "target"
    source.write_bytes(data)
    target.unlink(missing_ok=True)
    result = rewrite(source, target, {"dicom": dicom}, **{"on_invalid_edit": "skip", **options})
    return result, target.read_bytes() if result.modified else data


def imported(data: bytes) -> dict[str, Any]:
    """What file-metadata-importer shows of the texts."""
    read = pydicom.dcmread(io.BytesIO(data))
    shown: dict[str, Any] = {
        "PatientName": str(read.PatientName),
        "OtherPatientNames": [str(one) for one in read.OtherPatientNames],
        "PatientComments": read.PatientComments,
        "OtherPatientIDsSequence": [{"PatientID": read.OtherPatientIDsSequence[0].PatientID}],
        "TransferSyntaxUID": str(read.file_meta.TransferSyntaxUID),
    }
    if read.get("SpecificCharacterSet"):
        declared = read.SpecificCharacterSet
        shown["SpecificCharacterSet"] = declared if isinstance(declared, str) else list(declared)
    return shown


def agrees(result: Result, written: bytes) -> None:
    """The metadata of the result is what the importer makes of the bytes."""
    shown = imported(written)
    assert {key: result.header["dicom"].get(key) for key in shown} == shown
