"""Memory does not grow with the size of pixel data or archives."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from tests.corpus.samples import ROOT
from tests.support import build

MEGABYTE = 1 << 20
PROGRAM = """
    import resource, sys
    from pathlib import Path
    from export_session.dicom import rewrite

    def peak():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    small, large, target = (Path(name) for name in sys.argv[1:])
    header = {"dicom": {"PatientName": "New^Name"}}
    assert rewrite(small, target, header).modified
    before = peak()
    assert rewrite(large, target, header).modified
    assert target.stat().st_size >= large.stat().st_size * 0.9
    print(peak() - before)
"""


def _growth(small: Path, large: Path, target: Path) -> int:
    command: list[str | Path] = [sys.executable, "-c", textwrap.dedent(PROGRAM), small, large, target]
    run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)
    assert run.returncode == 0, run.stderr[-2000:]
    return int(run.stdout)


def _frames(path: Path, size: int) -> Path:
    """A multi-frame instance whose frames are a hole in the file."""
    frames = build.element(0x00280008, "IS", str(size // 4096).encode())
    whole = build.plain(extra=frames, pixels=b"")
    with path.open("wb") as file:
        file.write(whole[:-4] + size.to_bytes(4, "little"))
        file.truncate(file.tell() + size)
    return path


def _slices(path: Path, count: int, size: int) -> Path:
    noise = bytes((place * place * 31 >> 7) & 0xFF for place in range(size // 8)) * 8
    members = {f"{number:04}.dcm": build.plain(number=number, pixels=noise) for number in range(1, count + 1)}
    return build.archive(path, members)


def test_of_a_large_multi_frame_object(tmp_path: Path) -> None:
    small, large = (
        _frames(tmp_path / "small.dcm", 1 * MEGABYTE),
        _frames(tmp_path / "large.dcm", 300 * MEGABYTE),
    )
    assert _growth(small, large, tmp_path / "target.dcm") < 32 * MEGABYTE


@pytest.mark.parametrize(("count", "size"), [(400, MEGABYTE // 16), (3, 16 * MEGABYTE)])
def test_of_a_large_archive(tmp_path: Path, count: int, size: int) -> None:
    small = _slices(tmp_path / "small.dicom.zip", 3, MEGABYTE // 16)
    large = _slices(tmp_path / "large.dicom.zip", count, size)
    assert _growth(small, large, tmp_path / "target.dicom.zip") < 32 * MEGABYTE
