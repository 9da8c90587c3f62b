"""The judge itself: it makes what it says, is the same each time, and can find fault."""

from __future__ import annotations

import hashlib
import io
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pydicom
import pytest

from tests.corpus.samples import GRP3, MRC, ROOT, samples
from tests.judge import comparison, dictionary, kinds
from tests.judge.archives import archive_of
from tests.judge.available import importers
from tests.judge.campaign import Campaign, Task
from tests.judge.dataset import Element, Encoding, File, Item
from tests.judge.files import file_of, identity
from tests.judge.importers import Importer, Running, older
from tests.judge.report import told
from tests.judge.shrink import described, shrunk
from tests.judge.verdict import findings

_DIGEST = """
import hashlib
from tests.judge.archives import archive_of
from tests.judge.files import file_of
total = hashlib.sha256()
for seed in range(60):
    total.update(file_of(seed).encoded() + archive_of(seed).encoded())
print(total.hexdigest())
"""
_LIAR = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"header": {"dicom": {"PatientID": "SOMEBODY ELSE"}}}), flush=True)
"""
_FICKLE = """
import json, os, sys
for line in sys.stdin:
    if "ends" in line:
        sys.exit(3)
    print(json.dumps({"header": {"dicom": {"PatientID": str(os.getpid())}}}), flush=True)
"""


def stand_in(tmp_path: Path, program: str, name: str = "fmi") -> Importer:
    """An importer of our own making."""
    script = tmp_path / "importer.py"
    script.write_text(program)
    return Importer(name, Path(sys.executable), (str(script),))


def test_a_seed_always_gives_the_same_bytes() -> None:
    def digest(hash_seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        run = subprocess.run(
            [sys.executable, "-c", _DIGEST], cwd=ROOT, env=environment, capture_output=True, check=True
        )
        return run.stdout.decode()

    assert digest("1") == digest("2")


def test_seeds_give_different_bytes() -> None:
    made = [hashlib.sha256(file_of(seed).encoded()).digest() for seed in range(500)]
    assert len(set(made)) == len(made)


def test_every_vr_encoding_and_frame_of_a_file_is_made() -> None:
    made = [file_of(seed) for seed in range(3000)]
    top = [(element, one.form) for one in made for element in one.elements]
    assert {element.vr for element, form in top if form.explicit} >= {vr for vr in dictionary.vrs() if " " not in vr}
    assert {one.form for one in made} == {Encoding(), Encoding(explicit=False), Encoding(big=True)}
    assert any(one.deflated for one in made)
    assert any(one.meta is None for one in made)
    assert any(one.preamble is None for one in made)
    assert any(one.cut for one in made)
    assert any(one.tail for one in made)
    ambiguous = {tag for tag in dictionary.by_vr()["US or SS"] if any(element.tag == tag for element, _ in top)}
    assert ambiguous == set(dictionary.by_vr()["US or SS"])


def test_archives_are_archives_that_any_reader_takes() -> None:
    for seed in range(200):
        with zipfile.ZipFile(io.BytesIO(archive_of(seed).encoded())) as archive:
            assert archive.testzip() is None, seed
            assert len(set(archive.namelist())) == len(archive.namelist()) > 0, seed


def test_elements_are_written_as_the_standard_demands(tmp_path: Path) -> None:
    for form in (Encoding(), Encoding(explicit=False), Encoding(big=True)):
        inside = Item((Element(0x00100020, "LO", b"IN "),), undefined=True)
        elements = (Element(0x00080005, "CS", b"ISO_IR 100"), Element(0x00400275, "SQ", (inside,), undefined=True))
        (tmp_path / "1.dcm").write_bytes(File(elements, form).encoded())
        read = pydicom.dcmread(tmp_path / "1.dcm")
        assert read.RequestAttributesSequence[0].PatientID == "IN"
        assert read.SpecificCharacterSet == "ISO_IR 100"


def plain(seed: int, form: Encoding) -> File:
    """A file that no importer has trouble with."""
    return File(tuple(identity(random.Random("whole"), form, seed)), form)


@pytest.mark.parametrize("form", [Encoding(), Encoding(explicit=False), Encoding(big=True)], ids=str)
def test_an_edit_is_found_in_what_each_importer_made(tmp_path: Path, form: Encoding) -> None:
    path = tmp_path / "1.dcm"
    path.write_bytes(plain(1, form).encoded())
    for importer in importers():
        with Running(importer) as running:
            header = running.header(path)
        assert header is not None, importer.name
        assert findings(path, header) == [], importer.name
        header["dicom"]["PatientID"] = "EDITED"
        found = findings(path, header)
        assert [(one.path, one.what, one.shown) for one in found] == [("PatientID", "change", "EDITED")], importer.name


def test_an_importer_that_shows_something_else_is_found_out(tmp_path: Path) -> None:
    found = Campaign([stand_in(tmp_path, _LIAR)]).run([Task("file", tuple(range(30)))])
    assert {report.seed for report in found} == set(range(30))
    assert len([report for report in found if report.finding.shown == "SOMEBODY ELSE"]) > 15
    text = "\n".join(told(kinds.groups(found), 1))
    assert "SOMEBODY ELSE" in text
    assert "edit | LO | text -> text" in text


def test_inputs_shrink_to_what_matters(tmp_path: Path) -> None:
    liar = stand_in(tmp_path, _LIAR)
    (report, *_) = (one for one in Campaign([liar]).run([Task("file", (1,))]) if one.finding.path == "PatientID")
    with Running(liar) as running:
        left = shrunk(report, [running])
    assert isinstance(left, File)
    assert [element.tag for element in left.elements] == [0x00100020]
    assert any("PAT1" in line for line in described(left))


def test_an_importer_that_ends_is_started_again(tmp_path: Path) -> None:
    with Running(stand_in(tmp_path, _FICKLE)) as running:
        first = running.header(Path("1"))
        assert running.header(Path("ends")) is None
        second = running.header(Path("2"))
    assert first is not None
    assert second is not None
    assert first != second


@pytest.mark.parametrize(("importer", "known"), list(zip(older(), (GRP3, MRC), strict=True)), ids=str)
def test_the_models_of_old_importers_make_what_those_made(importer: Importer, known: str) -> None:
    importers()
    wrong = []
    with Running(importer) as running:
        for sample in samples():
            if known in sample.importers:
                header = running.header(sample.path)
                wanted = {key: value for key, value in sample.header(known)["dicom"].items() if key != "CSAHeader"}
                if header is None or header["dicom"] != wanted:
                    wrong.append(sample.name)
    assert wrong == []


def test_headers_are_compared_leaf_by_leaf() -> None:
    old: dict[str, Any] = {"dicom": {"PatientID": "1", "EchoTime": 1.0, "Rows": 1}}
    new: dict[str, Any] = {"dicom": {"PatientID": 1, "EchoTime": 1, "Columns": 1}}
    assert sorted(kind for kind, *_ in comparison.differences(old, new)) == [
        "dicom, DS: float -> int",
        "dicom, LO: str -> int",
        "only the first shows: dicom, US",
        "only the second shows: dicom, US",
    ]
    assert list(comparison.differences(old, old)) == []
    assert [kind for kind, *_ in comparison.differences(None, old)] == ["only the first fails"]
