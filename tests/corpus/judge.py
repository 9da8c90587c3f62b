"""The verdict on one rewritten file, reached without the code under test."""

from __future__ import annotations

import hashlib
import math
import re
import struct
from dataclasses import replace
from pathlib import Path as FilePath
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue
from pydicom.tag import Tag
from pydicom.valuerep import PersonName

from export_session.dicom import Result, rewrite
from export_session.errors import HeaderError
from tests.corpus.catalogue import Edit, parse
from tests.corpus.samples import Sample
from tests.support import dicom_bytes, zip_bytes
from tests.support.dicom_bytes import Path, Piece

TEXT = frozenset({"PN", "LO", "SH", "LT", "ST", "UC", "UT"})
INTEGERS = frozenset({"AT", "SL", "SS", "SV", "UL", "US", "UV"})
NUMBERS = frozenset({"DS", "FD", "FL", "IS"})
IDENTITIES = frozenset({(0x00080018,), (0x0020000D,), (0x0020000E,), (0x00200052,)})


def outcome(
    source: FilePath, target: FilePath, header: dict[str, Any], overrides: dict[str, Any] | None = None, **options: Any
) -> Result | HeaderError:
    """The result, or the reason why the file must not be exported."""
    try:
        return rewrite(source, target, header, overrides, **options)
    except HeaderError as error:
        return error


def judge(sample: Sample, edit: Edit, target: FilePath) -> list[str]:
    """What is wrong with what became of this edit; nothing if all is well."""
    target.unlink(missing_ok=True)
    try:
        result = rewrite(sample.path, target, edit.header, **({"on_refused_edit": "export"} | edit.options))
    except HeaderError as error:
        left = ["a target is left behind"] if target.exists() else []
        return [*left, f"not exported: {type(error).__name__}: {error}"]
    if not result.changes:
        return _not_applied(edit, result, target)
    if edit.refusal_due:
        return [f"applied, but {edit.refusal_due}"]
    problems = _wrong_log(edit, result)
    if not (result.modified and target.exists()):
        return [*problems, "said to be changed, but there is no target"]
    return problems + wrong_bytes(sample, edit, target) + _found_again(result, target)


def _found_again(result: Result, target: FilePath) -> list[str]:
    """What the record of the copy, read against the copy's bytes, still shows as edited."""
    unused = target.with_name("again" + target.suffix)
    second = outcome(target, unused, dict(result.header), on_refused_edit="export")
    if isinstance(second, HeaderError):
        return [f"the copy cannot be exported in turn: {second}"]
    found = [
        f"found again in the copy: {change.path} := {change.new!r}" for change in (*second.changes, *second.refused)
    ]
    unused.unlink(missing_ok=True)
    return found


def _not_applied(edit: Edit, result: Result, target: FilePath) -> list[str]:
    problems = []
    if result.modified or target.exists():
        problems.append("nothing was changed, but there is a target")
    if not result.refused and not edit.refusal_allowed:
        problems.append("the edit was lost")
    elif any(not change.reason for change in result.refused):
        problems.append("refused without a reason")
    elif not edit.refusal_due and not edit.refusal_allowed:
        problems.append(f"refused: {result.refused[0].reason}")
    return problems


def _wrong_log(edit: Edit, result: Result) -> list[str]:
    tag = edit.path[-1]
    tags = {change.tag.upper() for change in result.changes}
    expected = _shown(tag)
    own = {expected, *(_shown(path[-1]) for path in edit.beside)} | ({"(0008,0005)"} if edit.recodes else set())
    strange = set() if edit.follow else tags - own
    problems = [f"logged as changed: {', '.join(sorted(tags))}"] if expected not in tags or strange else []
    return problems + [f"also refused: {change.keyword}: {change.reason}" for change in result.refused]


def _shown(tag: int) -> str:
    return f"({tag >> 16:04X},{tag & 0xFFFF:04X})"


def wrong_bytes(sample: Sample, edit: Edit, target: FilePath) -> list[str]:
    """What the stored bytes have wrong: the new value, or anything else that is not as it was."""
    before = sample.instances()
    after = replace(sample, path=target).instances(zipped=sample.is_zip)
    problems = []
    if sample.is_zip:
        dicom = {name for name, data in before.items() if parse(data) is not None}
        problems += zip_bytes.differences(sample.path, target, edit.members or dicom)
    for (name, old), new in zip(before.items(), after.values(), strict=True):
        if (edit.members is not None and name not in edit.members) or parse(old) is None:
            if new != old:
                problems.append(f"{name} is not concerned, but changed")
            continue
        problems += [f"{name}: {problem}" for problem in wrong_instance(old, new, edit)]
    return problems


def wrong_instance(old: bytes, new: bytes, edit: Edit) -> list[str]:
    """As :func:`wrong_bytes`, of one instance."""
    read = parse(new)
    if read is None:
        return ["pydicom cannot read the result"]
    found = value_at(read, edit.path)
    problems = []
    if not same(edit.vr, found, edit.value):
        problems.append(f"reads back as {found!r}, not {edit.value!r}")
    try:
        before, after = dicom_bytes.pieces(old), dicom_bytes.pieces(new)
    except dicom_bytes.UnparsableError as error:
        return [*problems, f"the judge cannot read the file: {error}"]
    changed = frozenset(
        {edit.path, *_reserved(before, after, edit.path), *edit.beside, *_references(before, edit.follow)}
    )
    if edit.recodes and charset(before) != charset(after):
        changed |= {piece.path for piece in (*before, *after) if may_hold_text(piece)}
        problems += wrong_text(old, new, edit.path)
    return problems + dicom_bytes.piece_differences(before, after, changed)


def _references(cut: list[Piece], uid: str) -> set[Path]:
    """The elements that refer to a UID; UIDs that name the instance itself, its series, study or space do not."""
    if not uid:
        return set()
    return {piece.path for piece in cut if piece.path not in IDENTITIES and piece.body.rstrip(b"\0 ") == uid.encode()}


def _reserved(before: list[Piece], after: list[Piece], path: Path) -> set[Path]:
    """The private creator that a new private element brings along (PS3.5 §7.8.1)."""
    if not path[-1] >> 16 & 1:
        return set()
    creator = (*path[:-1], path[-1] & 0xFFFF0000 | (path[-1] >> 8 & 0xFF))
    return set() if any(piece.path == creator for piece in before) else {creator}


def charset(cut: list[Piece]) -> bytes:
    """The declared character sets, as bytes."""
    return next((piece.body.strip() for piece in cut if piece.path == (0x00080005,)), b"")


def may_hold_text(piece: Piece) -> bool:
    """Whether a change of the character set may change these bytes."""
    if piece.tag == 0x00080005:
        return True
    if piece.kind != "element" or piece.path[0] >> 16 == 2:
        return False
    if piece.vr and piece.vr != b"UN":
        return piece.vr.decode() in TEXT
    try:
        return pydicom.datadict.dictionary_VR(piece.tag) in TEXT
    except KeyError:
        return piece.tag >> 16 & 1 == 1 and not piece.vr


def wrong_text(old: bytes, new: bytes, changed: Path) -> list[str]:
    """Text of the instance, other than the changed element, that a reader sees differently now."""
    left, right = _texts(parse(old) or Dataset()), _texts(parse(new) or Dataset())
    keys = (left.keys() | right.keys()) - {changed, (0x00080005,)}
    return [
        f"the text of {key[-1]:08X} became {right.get(key)!r}, was {left.get(key)!r}"
        for key in keys
        if left.get(key) != right.get(key)
    ]


def _texts(read: Dataset, parent: Path = ()) -> dict[Path, Any]:
    found: dict[Path, Any] = {}
    for element in read:
        path = (*parent, int(element.tag))
        if element.VR == "SQ":
            for number, item in enumerate(element.value):
                found |= _texts(item, (*path, number))
        elif element.VR in TEXT:
            found[path] = str(element.value)
    return found


def value_at(read: Dataset, path: Path) -> Any:
    """What the element at `path` holds: a value, a list, or None where it is empty; LookupError's text if absent."""
    place: Any = read
    if path[0] >> 16 == 2:
        place = read.file_meta
    for step in range(0, len(path) - 1, 2):
        place = place[Tag(path[step])].value[path[step + 1]]
    if Tag(path[-1]) not in place:
        return "(absent)"
    value = place[Tag(path[-1])].value
    return None if value is None or value == "" or (isinstance(value, MultiValue) and not value) else value


def same(vr: str, found: Any, expected: Any) -> bool:
    """Whether the value read is the one asked for, as values of that VR compare."""
    if is_nothing(found) or is_nothing(expected):
        return is_nothing(found) and is_nothing(expected)
    if isinstance(expected, list) or isinstance(found, MultiValue | list):
        wanted = expected if isinstance(expected, list) else [expected]
        parts = list(found) if isinstance(found, MultiValue | list) else [found]
        return len(parts) == len(wanted) and all(same(vr, *pair) for pair in zip(parts, wanted, strict=True))
    if vr == "FL":
        return bool(found == struct.unpack("<f", struct.pack("<f", float(expected)))[0])
    if vr in NUMBERS:
        return math.isclose(float(found), float(expected), rel_tol=1e-9)
    if vr in INTEGERS:
        spelled = isinstance(expected, str) and re.fullmatch(r"\s*[+-]?[0-9]+\s*", expected)
        return not isinstance(expected, bool) and int(found) == (int(expected) if spelled else expected)
    padding = " \0=" if vr == "PN" else " \0"  # delimiters of trailing empty groups may be left out (PS3.5 §6.2.1.1)
    return str(found).rstrip(padding) == str(expected).rstrip(padding)


def is_nothing(value: Any) -> bool:
    """Whether a component holds no value: padding is no part of one (PS3.5 §6.2)."""
    return value is None or (isinstance(value, str | PersonName) and not str(value).strip(" \0"))


def digest(path: FilePath) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
