"""Single files, gzip files and zip archives are rewritten in their own form, or refused, and always proven."""

from __future__ import annotations

import gzip
import zipfile
from pathlib import Path
from typing import Any

import pytest
from pydicom.data import get_testdata_file

from export_session.dicom import read_instances
from export_session.dicom.files import file as container
from export_session.dicom.files import zip_series as zipped
from export_session.dicom.files.stream import rewritten, rewritten_bytes
from export_session.errors import HeaderError, NotDicom, ProofFailed
from tests.support import build
from tests.support.dicom_bytes import differences
from tests.support.rewriting import LARGE, NAME, run, untouched


def test_a_gzip_file_keeps_its_header(tmp_path: Path) -> None:
    source = tmp_path / "one.dcm.gz"
    with source.open("wb") as file, gzip.GzipFile("inner name.dcm", "wb", fileobj=file, mtime=1234567) as packed:
        packed.write(build.plain(pixels=LARGE))
    result, target = run(source)
    assert result.modified
    assert target.read_bytes()[:25] == source.read_bytes()[:25]
    after = gzip.decompress(target.read_bytes())
    assert differences(build.plain(pixels=LARGE), after, {NAME}) == []


@pytest.mark.parametrize(
    "damage", [lambda d: d[:-9], lambda d: d[:-4] + b"abcd", lambda d: d + b"more", lambda d: d[:12]]
)
def test_a_damaged_gzip_file_is_refused(tmp_path: Path, damage: Any) -> None:
    source = tmp_path / "one.dcm.gz"
    source.write_bytes(damage(gzip.compress(build.plain())))
    with pytest.raises(NotDicom):
        run(source)
    assert untouched(tmp_path, source.name)


@pytest.mark.parametrize("content", [build.plain(pixels=LARGE), b"PK\3\4"])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    source = tmp_path / "one"
    source.write_bytes(content)

    def fail(*_: Any, **__: Any) -> None:
        raise ProofFailed("on purpose")

    monkeypatch.setattr(container, "prove", fail)
    with pytest.raises(HeaderError):
        run(source)
    assert untouched(tmp_path, "one")


def _damaged(data: bytes, at: int) -> bytes:
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)


@pytest.mark.parametrize("at", [5, 150, 300, 420, -9, -70_000])
@pytest.mark.parametrize("kind", ["file", "zip", "stored"])
def test_a_byte_that_goes_wrong_in_writing_is_caught(
    tmp_path: Path, at: int, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = build.plain(pixels=b"\1\2\3\4" * 40_000)
    source = tmp_path / "one"
    if kind == "file":
        source.write_bytes(data)
    else:
        method = zipfile.ZIP_STORED if kind == "stored" else zipfile.ZIP_DEFLATED
        build.archive(source, {"1.dcm": data}, method)
    monkeypatch.setattr(container, "rewritten", lambda *given: [_damaged(b"".join(rewritten(*given)), at)])
    monkeypatch.setattr(zipped, "rewritten_bytes", lambda *given: _damaged(rewritten_bytes(*given), at))
    with pytest.raises(ProofFailed):
        run(source)
    assert untouched(tmp_path, "one")


def test_reading_headers_leaves_what_is_no_dicom_in_its_place(tmp_path: Path) -> None:
    source = build.archive(tmp_path / "series.zip", {"README": b"text", "d/": b"", "1.dcm": build.plain(), "0": b""})
    assert [(one.name, one.kind.value) for one in read_instances(source)] == [
        ("README", "not DICOM"),
        ("1.dcm", "DICOM instance"),
        ("0", "not DICOM"),
    ]


def test_a_deflated_data_set_stays_as_small_as_it_was(tmp_path: Path) -> None:
    data = Path(str(get_testdata_file("image_dfl.dcm"))).read_bytes()
    (tmp_path / "source.dcm").write_bytes(data)
    result, target = run(tmp_path / "source.dcm")
    assert result.modified
    assert target.stat().st_size < 1.1 * len(data)
