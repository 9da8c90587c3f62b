"""DICOM programs of other people: dcmtk's dcmdump and dcmftest, dicom3tools' dciodvfy."""

from __future__ import annotations

import math
import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.dataelem import DataElement

from tests.corpus.catalogue import Edit
from tests.corpus.samples import Sample

CHARACTER_SET = 0x00080005
PACKAGE = {"dcmdump": "dcmtk", "dcmftest": "dcmtk", "dciodvfy": "dicom3tools"}


def program(name: str) -> str:
    """Where the program is; a machine without it skips the test, a build server must have it."""
    found = shutil.which(name)
    if found is None:
        message = f"{name} is not installed (Debian package {PACKAGE[name]})"
        if os.environ.get("CI", "").lower() in {"1", "true"}:
            pytest.fail(message)
        pytest.skip(message)
    return found


def dump(path: Path, tag: int) -> str | None:
    """What dcmdump shows of that tag, on any level, in UTF-8; None where it cannot read the file or the text.

    An element of VR UN is read as the dictionary has it (PS3.5 §6.2.2), its items too.
    """
    wanted = f"{tag >> 16:04x},{tag & 0xFFFF:04x}"
    command = [program("dcmdump"), "-q", "+L", "+U8", "+uc", "+P", wanted, str(path)]
    run = subprocess.run(command, capture_output=True, check=False, timeout=60)
    return run.stdout.decode("utf-8", "replace") if run.returncode == 0 else None


def shows(shown: str, vr: str, value: Any) -> bool:
    """Whether such a dump holds the value."""
    if value is None:
        return "no value" in shown
    first = value[0] if isinstance(value, list) else value
    if vr == "AT":
        return f"({first >> 16:04x},{first & 0xFFFF:04x})" in shown
    if vr in {"FD", "FL", "DS"}:
        numbers = re.findall(r"(?<=[\[\s\\\\])-?\d[\d.eE+-]*", shown)
        return any(math.isclose(float(number), float(first), rel_tol=1e-5) for number in numbers if _is_number(number))
    return str(first).splitlines()[0] in shown


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def complaints(path: Path) -> Counter[str]:
    """What dciodvfy and dcmftest have against a file, without the values they quote."""
    verify = subprocess.run([program("dciodvfy"), str(path)], capture_output=True, check=False, timeout=60)
    accepted = subprocess.run([program("dcmftest"), str(path)], capture_output=True, check=False, timeout=60)
    said = verify.stderr.decode("latin-1").splitlines()
    found = Counter(_without_values(line) for line in said if line.startswith(("Error", "Warning")))
    if not accepted.stdout.startswith(b"yes"):
        found["dcmftest says no"] += 1
    return found


def inherent(sample: Sample, edit: Edit, result: Path, scratch: Path) -> Counter[str]:
    """What they have against the same edit made by pydicom: faults of the wish, not of how it was written."""
    reference = pydicom.dcmread(sample.path, force=True)
    reference.walk(
        lambda *_: None
    )  # gives each element its VR, also where the file promises explicit ones and has none
    place: Any = reference
    for step in range(0, len(edit.path) - 1, 2):
        place = place[edit.path[step]].value[edit.path[step + 1]]
    declared = pydicom.dcmread(result, force=True, specific_tags=[CHARACTER_SET]).get(CHARACTER_SET)
    if declared is not None:
        reference[CHARACTER_SET] = declared
    place[edit.path[-1]] = DataElement(edit.path[-1], edit.vr, edit.value)
    reference.save_as(scratch)
    return complaints(scratch)


def _without_values(line: str) -> str:
    """Say the same without values; tags and the names of attributes and modules stay."""
    kept, dropped = r"(\(0x\w{4},0x\w{4}\)|(?:Element|Module)=<[^>]*>)", r"<[^>]*>|= *\S+|0x[0-9a-f]+|-?\d+(\.\d+)?"
    return re.sub(f"{kept}|{dropped}", r"\1", line)
