"""No value of a file or of its metadata gets into the log, whichever library meets it."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.judge import outcome
from tests.support import build
from tests.support.build import element

CANARY = "Kanarienvogel"
BAD = [
    element(0x00080020, "DA", f"{CANARY}1".encode()),
    element(0x00080030, "TM", f"{CANARY}2".encode()),
    element(0x00101010, "AS", f"{CANARY}3".encode()),
    element(0x00101030, "DS", f"{CANARY}4".encode()),
    element(0x00280008, "IS", f"{CANARY}5".encode()),
    element(0x00080050, "SH", f"{CANARY}6 is much too long for its VR".encode()),
    element(0x00080060, "CS", f"{CANARY}7 in lower case".encode()),
    element(0x0020000D, "UI", f"{CANARY}8".encode()),
    element(0x00104000, "LT", f"{CANARY}9 \udcff".encode(errors="surrogateescape")),
]
EDITS: list[dict[str, Any]] = [
    {"PatientName": f"{CANARY}^{'x' * 70}"},
    {"StudyDate": CANARY, "PatientAge": CANARY, "PatientWeight": CANARY, "SOPInstanceUID": CANARY},
    {"PatientName": f"{CANARY}^山田", CANARY: CANARY},
]


@pytest.mark.parametrize("edit", EDITS, ids=["too long", "not of its VR", "other script"])
@pytest.mark.parametrize("zipped", [True, False])
def test_no_value_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, edit: dict[str, Any], *, zipped: bool
) -> None:
    caplog.set_level(logging.DEBUG)
    elements = sorted((*BAD, element(0x00100010, "PN", f"{CANARY}^Old".encode())), key=_tag)
    data = build.instance(b"".join(elements))
    source, target = tmp_path / "source", tmp_path / "target"
    if zipped:
        build.archive(source, {"1.dcm": data, "2.dcm": data})
    else:
        source.write_bytes(data)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        outcome(source, target, {"dicom": edit}, on_invalid_edit="skip")
    assert CANARY not in caplog.text
    assert not [str(warning.message) for warning in warned if CANARY in str(warning.message)]


def _tag(data: bytes) -> int:
    return int.from_bytes(data[:2], "little") << 16 | int.from_bytes(data[2:4], "little")
