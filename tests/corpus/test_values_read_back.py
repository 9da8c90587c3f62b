"""Whatever is logged as applied reads back equal, for every VR, any value, in every encoding (PS3.5 §6.2)."""

from __future__ import annotations

import datetime as dt
import math
import re
import string
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydicom.charset import convert_encodings, encode_string
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.multival import MultiValue

from export_session.dicom import Result
from export_session.errors import HeaderError
from tests.corpus.catalogue import parse
from tests.corpus.judge import charset, is_nothing, may_hold_text, outcome, same, value_at
from tests.support import build
from tests.support.dicom_bytes import Form, piece_differences, pieces

FORMS = [build.EXPLICIT, build.IMPLICIT, build.BIG]
CHARSETS = [None, "ISO_IR 100", "ISO_IR 144", "ISO_IR 192", "GB18030", "\\ISO 2022 IR 87", "\\ISO 2022 IR 149"]
NAMES = {
    None: "Old^Name",
    "ISO_IR 100": "Müller^Jörg",
    "ISO_IR 144": "Люксембург",  # these are the letters meant
    "ISO_IR 192": "山田^太郎",
    "GB18030": "王^小东",
    "\\ISO 2022 IR 87": "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "\\ISO 2022 IR 149": "Hong^Gildong=洪^吉洞=홍^길동",
}
OLD = {
    "AE": b"OLD", "AS": b"001D", "CS": b"OLD", "DA": b"19000101", "DS": b"77.5", "DT": b"19000101", "IS": b"77",
    "LO": b"old", "LT": b"old", "PN": b"old^name", "SH": b"old", "ST": b"old", "TM": b"000001", "UC": b"old",
    "UI": b"1.9.9", "UR": b"old:x", "UT": b"old",
}  # fmt: skip
BINARY = {"AT": "HH", "FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
SINGLE = frozenset({"LT", "ST", "UT", "UR"})  # the backslash is text in these

PRINTABLE = "".join(c for c in string.ascii_letters + string.digits + string.punctuation + " " if c != "\\")
PADDING = " \0"  # at the end of text it is no part of the value
LOST = "\ufffd"  # what programs put where they could not read a character
WORLD = st.characters(exclude_categories=["Cc", "Cs", "Co", "Cn", "Cf", "Zl", "Zp"], exclude_characters="\\" + LOST)
NAME_PART = st.text(
    st.characters(exclude_categories=["C", "Z"], exclude_characters="\\^=" + LOST), min_size=1, max_size=12
)


def _text(alphabet: Any, longest: int) -> st.SearchStrategy[str]:
    return st.text(alphabet, min_size=1, max_size=longest).filter(lambda text: text == text.strip() != "")


def _numbers(low: int, high: int) -> st.SearchStrategy[int]:
    return st.integers(low, high) | st.sampled_from([low, high, 0])


MOMENTS = st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9999, 12, 31))  # noqa: DTZ001 - DICOM times are local
VALID: dict[str, st.SearchStrategy[Any]] = {
    "AE": _text(PRINTABLE, 16),
    "AS": st.from_regex(r"\A[0-9]{3}[DWMY]\Z"),
    "AT": _numbers(0, 0xFFFFFFFF).filter(lambda tag: tag >> 16 != 0),
    "CS": st.from_regex(r"\A[A-Z0-9_]([A-Z0-9_ ]{0,14}[A-Z0-9_])?\Z"),
    "DA": MOMENTS.map(lambda moment: moment.strftime("%Y%m%d").rjust(8, "0")),
    "DS": st.decimals(-(10**9), 10**9, places=4).map(float) | st.integers(-(10**14), 10**14),
    "DT": MOMENTS.map(lambda moment: moment.strftime("%Y%m%d%H%M%S.%f").rjust(21, "0")),
    "FD": st.floats(allow_nan=False, allow_infinity=False),
    "FL": st.floats(allow_nan=False, allow_infinity=False, width=32),
    "IS": _numbers(-(2**31), 2**31 - 1),
    "LO": _text(WORLD, 64),
    "LT": _text(WORLD | st.sampled_from("\\\r\n\t"), 300),
    "PN": st.lists(NAME_PART, min_size=1, max_size=5).map("^".join),
    "SH": _text(WORLD, 16),
    "SL": _numbers(-(2**31), 2**31 - 1),
    "SS": _numbers(-(2**15), 2**15 - 1),
    "ST": _text(WORLD | st.sampled_from("\\\r\n\t"), 200),
    "SV": _numbers(-(2**63), 2**63 - 1),
    "TM": MOMENTS.map(lambda moment: moment.strftime("%H%M%S.%f")) | st.from_regex(r"\A([01][0-9]|2[0-3])[0-5][0-9]\Z"),
    "UC": _text(WORLD, 200),
    "UI": st.lists(st.integers(0, 10**8), min_size=2, max_size=6).map(lambda parts: ".".join(map(str, (1, *parts)))),
    "UL": _numbers(0, 2**32 - 1),
    "UR": st.from_regex(r"\Ahttps://[a-z]{1,20}\.org/[a-zA-Z0-9._~?=&-]{0,40}\Z"),
    "US": _numbers(0, 2**16 - 1),
    "UT": _text(WORLD | st.sampled_from("\\\r\n\t"), 300),
    "UV": _numbers(0, 2**64 - 1),
}
TEXT = st.text(max_size=40) | st.text("\\^=" + PADDING, max_size=4) | st.text("0719+-.eE\u0663 ", max_size=6)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)
INVALID: list[tuple[str, Any]] = [
    ("AE", "X" * 17), ("AE", "Ä"), ("AE", "a\nb"), ("AE", " A"), ("AS", "42 Z"), ("AS", "042X"), ("AS", "0042Y"),
    ("AS", 4242), ("AT", -1), ("AT", 2**32), ("AT", "patient"), ("CS", "TOO LONG FOR A CS"), ("CS", "Ü"), ("CS", "A-B"),
    ("DA", "01/02/2020"), ("DA", "20201301"), ("DA", "20200230"), ("DA", "abc"), ("DA", "202001"), ("DS", "abc"),
    ("DS", "1,5"), ("DS", "NaN"), ("DS", "0x10"), ("DS", "1_000"), ("DT", "2020-01-31T25:00"),
    ("DT", "20201331"), ("DT", "20200131250000"), ("FD", "abc"), ("FD", [1, 2, "x"]), ("FL", 1e39), ("FL", 3.4028235677973366e38), ("IS", 2**31),
    ("IS", -(2**31) - 1), ("IS", 1.5), ("IS", "1.5"), ("IS", "1_000"), ("IS", "abc"), ("LO", "x" * 65), ("LO", "a\nb"),
    ("LO", "a\x00b"), ("LO", "a" + LOST), ("PN", LOST), ("PN", "="), ("PN", "= ="), ("PN", ["a^b", "="]), ("LO", "a\x1bb"),
    ("AE", ["a\\b"]), ("LO", ["a\\b"]), ("DS", ["1\\2"]), ("US", ["1\\2"]), ("LO", {"a": 1}), ("LO", {}), ("LO", ["a", {}]), ("DS", [[1.5]]), ("UI", {}), ("LO", "\ud800"), ("LT", "x" * 10241), ("LT", "a\x00b"),
    ("PN", "x" * 65), ("PN", "a^b^c^d^e^f"), ("PN", "a=b=c=d"), ("PN", "a\nb"), ("SH", "x" * 17), ("SL", 2**31),
    ("SS", 40000), ("SS", -40000), ("ST", "x" * 1025), ("SV", 2**63), ("TM", "10:20:70"), ("TM", "2500"), ("TM", "1061"),
    ("TM", "abc"), ("TM", "102030.1234567"), ("UI", "1.2.a"), ("UI", "1..2"), ("UI", "1.02"), ("UI", "1." + "2" * 63),
    ("UL", -1), ("UL", 2**32), ("UR", "with space"), ("US", -1), ("US", 65536), ("US", 1.5), ("US", "abc"), ("UV", -1),
    ("UV", 2**64), ("IS", "\u0663"), ("DS", "\u0663.5"), ("US", "\u0663"), ("FD", "\u0663"),  # a digit, but none of DICOM's
    ("IS", True), ("US", True), ("LO", True), ("DS", False), ("FD", True),
]  # fmt: skip

QUICK = settings(max_examples=120)
THOROUGH = settings(QUICK, max_examples=5000, derandomize=False)


def _keyword(vr: str) -> str:
    return f"Selector{vr}Value"


def _file(vr: str, form: Form, declared: str | None) -> bytes:
    old = struct.pack(form.order + BINARY[vr], *(7 for _ in BINARY[vr])) if vr in BINARY else OLD[vr]
    tag = tag_for_keyword(_keyword(vr))
    assert tag is not None
    encodings = convert_encodings((declared or "").split("\\"))
    name = b"".join(encode_string(part, encodings) for part in re.split("([=^])", NAMES[declared]))
    after = build.element(tag, vr, old, form)
    file = build.plain(form=form, charset=declared, name=name, pixels=b"")
    return file.replace(
        build.element(0x7FE00010, "OW", b"", form), after + build.element(0x7FE00010, "OW", b"\1\2", form)
    )


def _verdict(folder: Path, vr: str, value: Any, form: Form, declared: str | None) -> tuple[Result, list[str]]:
    source, target = folder / "source.dcm", folder / "target.dcm"
    source.write_bytes(_file(vr, form, declared))
    target.unlink(missing_ok=True)
    header = {"dicom": {_keyword(vr): value}}
    result = outcome(source, target, header, on_invalid_edit="skip", edit_uids=True)
    assert not isinstance(result, HeaderError), str(result)
    assert result.modified == target.exists() == bool(result.changes)
    assert all(change.reason for change in result.refused)
    return result, _wrong(vr, value, source.read_bytes(), target.read_bytes()) if result.modified else []


def _wrong(vr: str, value: Any, before: bytes, after: bytes) -> list[str]:
    tag = tag_for_keyword(_keyword(vr))
    assert tag is not None
    read, original = parse(after), parse(before)
    assert isinstance(read, Dataset)
    assert isinstance(original, Dataset)
    found = value_at(read, (tag,))
    problems = [] if _equal(vr, found, value) else [f"reads back as {found!r}"]
    if str(read.PatientName) != str(original.PatientName):
        problems.append(f"the patient's name became {read.PatientName}")
    old, new = pieces(before), pieces(after)
    changed: set[tuple[int, ...]] = {(tag,)}
    if charset(old) != charset(new):
        changed |= {piece.path for piece in (*old, *new) if may_hold_text(piece)}
    return problems + piece_differences(old, new, frozenset(changed))


def _equal(vr: str, found: Any, value: Any) -> bool:
    if vr not in SINGLE and isinstance(value, str) and "\\" in value:
        value = value.split("\\")
    if _says_nothing(value) or _says_nothing(found):
        return _says_nothing(value) and _says_nothing(found)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if vr == "AT" and isinstance(value, str):
        value = int(value.strip("()").replace(",", "").replace(" ", ""), 16)
    if vr in {"DS", "IS", "FD", "FL"} and not isinstance(value, list):
        return math.isclose(
            float(found),
            struct.unpack("f", struct.pack("f", float(value)))[0] if vr == "FL" else float(value),
            rel_tol=1e-9,
        )
    return same(vr, found, value)


def _says_nothing(value: Any) -> bool:
    return all(map(is_nothing, value)) if isinstance(value, list | MultiValue) else is_nothing(value)


def _drawn(data: st.DataObject, strategy: st.SearchStrategy[Any], vr: str) -> Any:
    if vr in SINGLE or not data.draw(st.booleans()):
        return data.draw(strategy)
    return data.draw(st.lists(strategy, min_size=2, max_size=3))


def _check_valid(folder: Path, data: st.DataObject) -> None:
    vr = data.draw(st.sampled_from(sorted(VALID)))
    value = _drawn(data, VALID[vr], vr)
    form, declared = data.draw(st.sampled_from(FORMS)), data.draw(st.sampled_from(CHARSETS))
    result, problems = _verdict(folder, vr, value, form, declared)
    assert problems == []
    assert [change.reason for change in result.refused] == []
    source = parse((folder / "source.dcm").read_bytes())
    assert isinstance(source, Dataset)
    assert result.modified or _equal(vr, source[_keyword(vr)].value, value)


@given(st.data())
@QUICK
def test_a_valid_value_is_written_and_reads_back(tmp_path: Path, data: st.DataObject) -> None:
    _check_valid(tmp_path, data)


@pytest.mark.slow
@given(st.data())
@THOROUGH
def test_thousands_of_valid_values_are_written_and_read_back(tmp_path: Path, data: st.DataObject) -> None:
    _check_valid(tmp_path, data)


def _check_any(folder: Path, vr: str, value: Any, form: Form, declared: str | None) -> None:
    result, problems = _verdict(folder, vr, value, form, declared)
    assert problems == []
    if value is not None and value != [] and not result.modified and not result.refused:
        source = parse((folder / "source.dcm").read_bytes())
        assert isinstance(source, Dataset)
        assert _equal(vr, source[_keyword(vr)].value, value), "the edit was lost"


@given(st.sampled_from(sorted(VALID)), ANYTHING, st.sampled_from(FORMS), st.sampled_from(CHARSETS))
@QUICK
def test_any_value_is_written_exactly_or_refused(
    tmp_path: Path, vr: str, value: Any, form: Form, declared: str | None
) -> None:
    _check_any(tmp_path, vr, value, form, declared)


@pytest.mark.slow
@given(st.sampled_from(sorted(VALID)), ANYTHING, st.sampled_from(FORMS), st.sampled_from(CHARSETS))
@THOROUGH
def test_thousands_of_values_are_written_exactly_or_refused(
    tmp_path: Path, vr: str, value: Any, form: Form, declared: str | None
) -> None:
    _check_any(tmp_path, vr, value, form, declared)


def test_what_a_vr_cannot_hold_is_refused_with_its_reason(tmp_path: Path) -> None:
    verdicts = []
    for vr, value in INVALID:
        result, _ = _verdict(tmp_path, vr, value, build.EXPLICIT, "ISO_IR 100")
        if result.modified or not result.refused:
            verdicts.append(f"{vr} {value!r:.60}: {'written' if result.modified else 'lost'}")
    assert not verdicts, "\n".join(verdicts)


@pytest.mark.parametrize(("vr", "value"), INVALID)
def test_what_a_vr_cannot_hold_fails_the_file_by_default(tmp_path: Path, vr: str, value: Any) -> None:
    source, target = tmp_path / "source.dcm", tmp_path / "target.dcm"
    source.write_bytes(_file(vr, build.EXPLICIT, None))
    result = outcome(source, target, {"dicom": {_keyword(vr): value}}, edit_uids=True)
    assert isinstance(result, HeaderError)
    assert _keyword(vr) in str(result)
    assert not target.exists()
