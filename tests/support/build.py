"""DICOM files byte by byte, in any form the standard (or a careless vendor) allows (PS3.5 §7, PS3.10 §7)."""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

from tests.support.dicom_bytes import LONG, Form

EXPLICIT = Form(explicit=True, little=True)
IMPLICIT = Form(explicit=False, little=True)
BIG = Form(explicit=True, little=False)
SYNTAX = {EXPLICIT: "1.2.840.10008.1.2.1", IMPLICIT: "1.2.840.10008.1.2", BIG: "1.2.840.10008.1.2.2"}
DEFLATED = "1.2.840.10008.1.2.1.99"
UNDEFINED = 0xFFFFFFFF


def element(tag: int, vr: str, value: bytes, form: Form = EXPLICIT, length: int | None = None) -> bytes:
    """One data element; `value` is already encoded and is padded here to even length."""
    if length is None and len(value) % 2:
        value += b"\0" if vr in {"UI", "OB", "UN"} else b" "
    declared = len(value) if length is None else length
    head = struct.pack(form.order + "HH", tag >> 16, tag & 0xFFFF)
    if not form.explicit:
        return head + struct.pack(form.order + "I", declared) + value
    if vr.encode() in LONG:
        return head + vr.encode() + b"\0\0" + struct.pack(form.order + "I", declared) + value
    return head + vr.encode() + struct.pack(form.order + "H", declared) + value


def item(content: bytes, form: Form = EXPLICIT, *, undefined: bool = False) -> bytes:
    """One item of a sequence."""
    head = struct.pack(form.order + "HHI", 0xFFFE, 0xE000, UNDEFINED if undefined else len(content))
    return head + content + (struct.pack(form.order + "HHI", 0xFFFE, 0xE00D, 0) if undefined else b"")


def sequence(tag: int, items: list[bytes], form: Form = EXPLICIT, *, undefined: bool = False, vr: str = "SQ") -> bytes:
    """A sequence of ready items; with `vr` "UN" the items are to be in implicit VR little endian."""
    content = b"".join(items)
    inner = IMPLICIT if vr == "UN" else form
    if not undefined:
        return element(tag, vr, content, form)
    end = struct.pack(inner.order + "HHI", 0xFFFE, 0xE0DD, 0)
    return element(tag, vr, content + end, form, length=UNDEFINED)


def group_length(tag: int, content: bytes, form: Form = EXPLICIT) -> bytes:
    """A group length and the group that it measures."""
    return element(tag, "UL", struct.pack(form.order + "I", len(content)), form) + content


def instance(dataset: bytes, form: Form = EXPLICIT, *, deflated: bool = False, uid: str = "1.2.3.4.5") -> bytes:
    """A whole file: preamble, file meta information, data set."""
    meta = (
        element(0x00020001, "OB", b"\0\1")
        + element(0x00020002, "UI", b"1.2.840.10008.5.1.4.1.1.4")
        + element(0x00020003, "UI", uid.encode())
        + element(0x00020010, "UI", (DEFLATED if deflated else SYNTAX[form]).encode())
        + element(0x00020012, "UI", b"1.2.3")
    )
    if deflated:
        engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
        dataset = engine.compress(dataset) + engine.flush()
        dataset += b"\0" * (len(dataset) % 2)
    return b"\0" * 128 + b"DICM" + group_length(0x00020000, meta) + dataset


def plain(
    extra: bytes = b"",
    form: Form = EXPLICIT,
    *,
    number: int = 1,
    charset: str | None = None,
    name: bytes = b"Old^Name",
    pixels: bytes = b"\1\2\3\4" * 8,
    tail: bytes = b"",
) -> bytes:
    """A small MR instance; `extra` are elements between (0010,0020) and (0020,0013)."""
    uid = f"1.2.3.4.5.{number}"
    parts = [
        element(0x00080005, "CS", charset.encode(), form) if charset is not None else b"",
        element(0x00080016, "UI", b"1.2.840.10008.5.1.4.1.1.4", form),
        element(0x00080018, "UI", uid.encode(), form),
        element(0x00080060, "CS", b"MR", form),
        element(0x00100010, "PN", name, form),
        element(0x00100020, "LO", b"ID-1", form),
        extra,
        element(0x0020000D, "UI", b"1.2.3.4", form),
        element(0x0020000E, "UI", b"1.2.3.4.5", form),
        element(0x00200013, "IS", str(number).encode(), form),
        element(0x7FE00010, "OW", pixels, form),
        tail,
    ]
    return instance(b"".join(parts), form, uid=uid)


def archive(path: Path, members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip of these members, in this order."""
    with zipfile.ZipFile(path, "w", method) as file:
        for name, data in members.items():
            file.writestr(zipfile.ZipInfo(name, (2020, 1, 2, 3, 4, 6)), data, method)
    return path
