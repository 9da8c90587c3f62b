"""Every byte and every cell that was changed is found, and named where it can be."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from export_session.evidence import bag
from export_session.evidence.command import main
from export_session.evidence.verify import verify
from tests.evidence.bags import contents, package, unpacked


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return package(tmp_path_factory.mktemp("outputs"))


def altered(path: Path, folder: Path, name: str, content: bytes | None) -> Path:
    """Unpack a package with one file of other content, or without it."""
    bagged = unpacked(path, folder)
    if content is None:
        (bagged / name).unlink()
    else:
        (bagged / name).write_bytes(content)
    return bagged


def test_a_package_as_it_was_written_agrees(whole: Path, tmp_path: Path) -> None:
    assert verify(whole).differences == ()
    assert verify(unpacked(whole, tmp_path)).differences == ()


@settings(max_examples=40)
@given(data=st.data())
def test_any_byte_of_the_zip(data: st.DataObject, whole: Path, tmp_path: Path) -> None:
    content = bytearray(whole.read_bytes())
    content[data.draw(st.integers(0, len(content) - 1), label="place")] ^= data.draw(st.integers(1, 255), label="bits")
    path = tmp_path / whole.name
    path.write_bytes(content)
    assert verify(path).differences


@pytest.mark.parametrize("change", [lambda it: it + b"\0", lambda it: b"\0" + it, lambda it: it[:-1]])
def test_bytes_that_come_or_go_at_its_ends(change: Callable[[bytes], bytes], whole: Path, tmp_path: Path) -> None:
    path = tmp_path / whole.name
    path.write_bytes(change(whole.read_bytes()))
    assert verify(path).differences


@settings(max_examples=40)
@given(data=st.data())
def test_any_byte_of_any_file_of_the_folder(
    data: st.DataObject, whole: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    name = data.draw(st.sampled_from(sorted(contents(whole))), label="file")
    content = bytearray(contents(whole)[name])
    content[data.draw(st.integers(0, len(content) - 1), label="place")] ^= data.draw(st.integers(1, 255), label="bits")
    found = verify(altered(whole, tmp_path_factory.mktemp("bag"), name, bytes(content))).differences
    assert found
    assert name == bag.TAG_MANIFEST or any(name in one for one in found)


@pytest.mark.parametrize("ending", ["_export_log.csv", "_dicom_changes.csv"])
def test_every_cell_is_named_by_row_and_column(ending: str, whole: Path, tmp_path: Path) -> None:
    (name,) = (name for name in contents(whole) if name.endswith(ending))
    rows = list(csv.reader(io.StringIO(contents(whole)[name].decode(), newline="")))
    bagged = unpacked(whole, tmp_path)
    for number in range(1, len(rows)):
        for place, column in enumerate(rows[0]):
            changed = [list(row) for row in rows]
            changed[number][place] += "x"
            text = io.StringIO(newline="")
            writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
            text.write(",".join(rows[0]) + "\n")
            writer.writerows(changed[1:])
            (bagged / name).write_text(text.getvalue(), newline="")
            found = verify(bagged).differences
            assert f"{name}: changed in row {number + 1}, column {column}" in found
            assert sum("column" in one for one in found) == 1


def test_a_cell_is_named_in_the_zip_too(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / whole.name
    content = whole.read_bytes()
    assert content.count(b'"created","lab/Quarantine/sub-01/ses-01/T1/a.dcm"') == 1
    path.write_bytes(
        content.replace(
            b'"created","lab/Quarantine/sub-01/ses-01/T1/a.dcm"', b'"skipped","lab/Quarantine/sub-01/ses-01/T1/a.dcm"'
        )
    )
    assert any("_export_log.csv: changed in row 3, column Status" in one for one in verify(path).differences)


@pytest.mark.parametrize("name", ["data/evidence.json", "data/SHA256SUMS", "bagit.txt", "manifest-sha256.txt"])
def test_a_file_that_is_missing(name: str, whole: Path, tmp_path: Path) -> None:
    assert f"{name}: missing" in verify(altered(whole, tmp_path, name, None)).differences


@pytest.mark.parametrize("name", ["data/more.txt", "more.txt"])
def test_a_file_that_was_added(name: str, whole: Path, tmp_path: Path) -> None:
    assert any(one.startswith(f"{name}: ") for one in verify(altered(whole, tmp_path, name, b"more")).differences)


def test_manifests_that_were_written_anew_hide_nothing(whole: Path, tmp_path: Path) -> None:
    """Whoever changes a cell and makes the bag valid again is found by evidence.json, and whoever changes that by its root."""
    bagged = unpacked(whole, tmp_path)
    (log,) = bagged.glob("data/*_export_log.csv")

    def bag_anew() -> None:
        payload: dict[str, bag.Content] = {path.name: path for path in (bagged / "data").iterdir()}
        for name, content in bag.bagged(payload, []).items():
            if isinstance(content, bytes):
                (bagged / name).write_bytes(content)

    log.write_bytes(log.read_bytes().replace(b'"created"', b'"skipped"', 1))
    bag_anew()
    assert any("_export_log.csv: changed in row 2" in one for one in verify(bagged).differences)
    evidence = json.loads((bagged / "data" / "evidence.json").read_text())
    for output in evidence["outputs"]:
        output |= {"sha256": bag.sha256(bagged / "data" / output["name"])}
    (bagged / "data" / "evidence.json").write_text(json.dumps(evidence))
    bag_anew()
    assert any("Merkle root" in one for one in verify(bagged).differences)


@pytest.mark.parametrize("content", ["{}", "[]", "not JSON", '{"run": 1, "files": 2, "outputs": 3, "merkle": 4}'])
def test_evidence_of_another_form(content: str, whole: Path, tmp_path: Path) -> None:
    found = verify(altered(whole, tmp_path, "data/evidence.json", content.encode())).differences
    assert any("not of the form" in one for one in found)


def test_exit_codes(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(whole)]) == 0
    assert verify(whole).root in capsys.readouterr().out
    assert main(["verify", str(altered(whole, tmp_path, "bagit.txt", b"x"))]) == 1
    assert "bagit.txt: changed" in capsys.readouterr().out
    assert main(["verify", str(tmp_path / "nowhere.zip")]) == 2
    (tmp_path / "text.zip").write_text("no zip")
    assert main(["verify", str(tmp_path / "text.zip")]) == 1
    with pytest.raises(SystemExit) as raised:
        main(["prove", str(whole)])
    assert raised.value.code == 2


def test_a_package_with_another_root_than_the_job_log_has(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = verify(whole).root
    assert main(["verify", str(whole), "--root", root.upper()]) == 0
    assert main(["verify", str(whole), "--root", root[:-1]]) == 1
    assert "the Merkle root is" in capsys.readouterr().out


def test_without_a_key_the_site_is_not_asked(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("FLYWHEEL_API_KEY", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert main(["verify", str(whole), "--site"]) == 2
    assert "FLYWHEEL_API_KEY" in capsys.readouterr().err
