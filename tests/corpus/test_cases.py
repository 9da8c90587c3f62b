"""Small inputs that went wrong once, and what is right.

A folder each: ``in.*``, ``header.json`` as the importer made it, ``edited.json`` as the curator left it, and
``case.json`` with the options and what to expect. ``../shared/cases`` beside the repository has them, too, and may have
more than ``tests/data``.
"""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pydicom
import pytest

from export_session.dicom import Result, rewrite
from export_session.errors import HeaderError
from tests.corpus.samples import ROOT

SHARED = ROOT.parent / "shared" / "cases"
CASES = zipfile.Path(ROOT / "tests" / "data" / "cases.zip")


@cache
def names() -> dict[str, Path | zipfile.Path]:
    found: dict[str, Path | zipfile.Path] = {one.name: one for one in CASES.iterdir() if one.is_dir()}
    if SHARED.is_dir():
        found |= {one.name: one for one in SHARED.iterdir() if one.is_dir()}
    return found


@dataclass(frozen=True)
class Run:
    """What became of a case."""

    source: Path
    target: Path  # the source where nothing changed
    result: Result | None
    error: HeaderError | None

    @property
    def done(self) -> Result:
        assert self.result is not None, self.error
        return self.result

    def instances(self) -> Iterator[pydicom.Dataset]:
        if not zipfile.is_zipfile(self.target):
            yield pydicom.dcmread(self.target, force=True)
            return
        with zipfile.ZipFile(self.target) as file:
            for name in file.namelist():
                yield pydicom.dcmread(io.BytesIO(file.read(name)), force=True)

    def said(self) -> str:
        if self.result is None:
            return str(self.error)
        changes = (*self.result.changes, *self.result.refused)
        return "\n".join((*self.result.notes, *(change.reason for change in changes)))


def expected(name: str) -> dict[str, Any]:
    made: dict[str, Any] = json.loads((names()[name] / "case.json").read_text("utf-8"))["expect"]
    return made


# What type a file is of is not for the engine to tell.
@pytest.mark.parametrize("name", [name for name in sorted(names()) if "file_type" not in expected(name)])
def test_the_case_comes_out_right(tmp_path: Path, name: str) -> None:
    case = {one.name: one for one in names()[name].iterdir()}
    about, header, edited = (
        json.loads(case[f"{part}.json"].read_text("utf-8")) for part in ("case", "header", "edited")
    )
    expect = about["expect"]
    run = _run(tmp_path, next(one for at, one in case.items() if at.startswith("in.")), edited, about["options"])
    if "not_error" in expect:
        assert type(run.error).__name__ not in expect["not_error"]
    if expect.get("unchanged"):
        assert (run.done.modified, run.done.changes, run.done.refused) == (False, (), ())
    if "bytes" in expect:
        assert _content(run.target.read_bytes()) == _content(case[expect["bytes"]].read_bytes())
    if expect.get("reads"):
        assert run.done.modified
        _assert_read(run, _differing(header["dicom"], edited["dicom"]))
    _assert_read(run, expect.get("all", {}))
    if expect.get("local_sizes"):
        assert _disagreeing(run.target.read_bytes()) == []
    assert expect.get("note", "") in run.said()
    if expect.get("old_shown"):
        assert [change.old for change in (*run.done.changes, *run.done.refused)] == list(
            _differing(edited["dicom"], header["dicom"]).values()
        )


def _run(folder: Path, content: Path | zipfile.Path, edited: Mapping[str, Any], options: Mapping[str, Any]) -> Run:
    source, target = folder / content.name, folder / "target"
    source.write_bytes(content.read_bytes())
    try:
        result = rewrite(source, target, edited, **{"on_refused_edit": "export", **options})
    except HeaderError as error:
        return Run(source, source, None, error)
    return Run(source, target if result.modified else source, result, None)


def _content(data: bytes) -> Any:
    if not zipfile.is_zipfile(io.BytesIO(data)):
        return data
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        return [(info.filename, file.read(info)) for info in file.infolist()]


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in after.items() if before.get(key) != value}


def _assert_read(run: Run, wanted: Mapping[str, Any]) -> None:
    for instance in run.instances() if wanted else ():
        for key, value in wanted.items():
            assert _plain(instance[key].value) == value


def _plain(value: Any) -> Any:
    """A value as JSON has it; numbers by their text, of which pydicom keeps what the file has."""
    if isinstance(value, pydicom.multival.MultiValue):
        return [_plain(part) for part in value]
    if isinstance(value, (int, float)):
        return int(value) if float(value).is_integer() else float(value)
    return str(value).replace("\x1b$)A", "")  # pydicom leaves the escape sequence of ISO 2022 IR 58 in the text


def _disagreeing(data: bytes) -> list[str]:
    """The members whose local header says other than the directory (APPNOTE.TXT §4.4.4)."""
    wrong = []
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        for info in file.infolist():
            said = struct.unpack_from("<3L", data, info.header_offset + 14)
            open_too = info.flag_bits & 8
            pairs = zip(said, (info.CRC, info.compress_size, info.file_size), strict=True)
            if not all(one == right or (open_too and not one) for one, right in pairs):
                wrong.append(info.filename)
    return wrong
