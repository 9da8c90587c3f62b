"""What is in an evidence package: a valid bag that is whole or not there, and depends on the run alone."""

from __future__ import annotations

import hashlib
import importlib
import json
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.errors import OutputError
from export_session.evidence import bag, merkle, sums
from export_session.evidence.package import write_package
from export_session.report import write_reports
from tests.evidence.bags import contents, file, held, package, record, unpacked


def test_it_is_a_bag_by_the_library_of_congress(tmp_path: Path) -> None:
    bagit = importlib.import_module("bagit")  # which has no types
    folder = unpacked(package(tmp_path), tmp_path / "unpacked")
    assert bagit.Bag(str(folder)).is_valid(fast=False)


def test_every_output_is_in_it_and_every_hash_is_that_of_its_file(tmp_path: Path) -> None:
    path = package(tmp_path)
    there = contents(path)
    outputs = {one.name for one in tmp_path.iterdir() if one != path}
    assert {name.removeprefix("data/") for name in there if name.startswith("data/")} >= outputs
    for listing, prefix in ((bag.MANIFEST, "data/"), (bag.TAG_MANIFEST, "")):
        lines = there[listing].decode().splitlines()
        stated = {line[66:]: line[:64] for line in lines}
        expected = {name for name in there if name.startswith("data/") == bool(prefix)} - {bag.TAG_MANIFEST}
        assert stated.keys() == expected
        assert all(hashlib.sha256(there[name]).hexdigest() == digest for name, digest in stated.items())
    octets = sum(len(content) for name, content in there.items() if name.startswith("data/"))
    assert f"Payload-Oxum: {octets}." in there["bag-info.txt"].decode()


def test_equal_outputs_and_record_give_equal_bytes(tmp_path: Path) -> None:
    run = record()
    outputs = write_reports(run, tmp_path)
    first = write_package(tmp_path, run, outputs)[0].read_bytes()
    turned = replace(run, sessions=tuple(replace(one, files=one.files[::-1]) for one in run.sessions))
    for path in outputs:
        path.touch()
    assert write_package(tmp_path, turned, outputs[::-1])[0].read_bytes() == first


def test_a_package_that_finds_no_room_is_not_there_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = record()
    outputs = write_reports(run, tmp_path)
    before = {path.name for path in tmp_path.iterdir()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OutputError, match="No space left"):
        write_package(tmp_path, run, outputs)
    assert {path.name for path in tmp_path.iterdir()} == before


def test_the_root_stands_for_every_word_of_the_evidence(tmp_path: Path) -> None:
    evidence = json.loads(contents(package(tmp_path))["data/evidence.json"])
    entries = [evidence["run"], *evidence["files"], *evidence["outputs"]]
    assert merkle.root_of(entries) == evidence["merkle"]["root"]
    evidence["files"][1]["origin"]["version"] = 2
    assert merkle.root_of([evidence["run"], *evidence["files"], *evidence["outputs"]]) != evidence["merkle"]["root"]


def test_roots_are_those_of_rfc_6962() -> None:
    """The leaves and roots that implementations of Certificate Transparency test themselves by."""
    texts = "", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"
    leaves = [bytes.fromhex(text) for text in texts]
    roots = (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    )
    assert [merkle.root(leaves[:number]).hex() for number in range(9)] == list(roots)


LABELS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=12)


@settings(max_examples=40)
@given(labels=st.lists(LABELS, min_size=2, max_size=6))
def test_sha256sum_takes_the_checksums_of_any_names(labels: list[str], tmp_path: Path) -> None:
    copy = replace(held("Export", "x", 1, hashlib.sha256(b"content").hexdigest()), labels=tuple(labels))
    shutil.rmtree(tmp_path / "scitran", ignore_errors=True)
    cleaned = [label.replace("/", "_").replace("\\", "_") for label in labels]
    path = tmp_path.joinpath("scitran", *("_" if label in (".", "..") else label for label in cleaned))
    path.parent.mkdir(parents=True)
    path.write_bytes(b"content")
    (tmp_path / sums.NAME).write_bytes(sums.checksums([copy]))
    command = ["sha256sum", "--check", "--strict", sums.NAME]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done


def test_what_cannot_be_checked_is_left_out_of_the_sums_and_said() -> None:
    kept, twin, other = file("a.dcm"), file("b.dcm", 2), file("b.dcm", 3)
    assert kept.custody
    older = file("old.dcm", 4, custody=replace(kept.custody, export=held("Export", "old.dcm", 4, "")))
    failed = file("failed.dcm", 5, custody=None)
    fit, left = sums.listed([kept, twin, other, older, failed])
    assert [copy.labels[-1] for copy in fit] == ["a.dcm"]
    assert [path.rpartition("/")[2] for path in left] == ["b.dcm", "b.dcm", "failed.dcm", "old.dcm"]
