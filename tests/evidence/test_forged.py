"""A package that somebody changed who knows how it is made: manifests, hashes and root are brought into line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from export_session.evidence import bag, cells, merkle
from export_session.evidence.verify import verify
from tests.evidence.bags import package, unpacked

EVIDENCE = Path("data", "evidence.json")


def info_of(bagged: Path) -> list[tuple[str, str]]:
    pairs = (line.partition(": ") for line in (bagged / "bag-info.txt").read_text().splitlines())
    return [(label, value) for label, _, value in pairs if label != "Payload-Oxum"]


def bag_anew(bagged: Path, root: str = "") -> None:
    payload: dict[str, bag.Content] = {path.name: path for path in (bagged / "data").iterdir()}
    stated = {"External-Identifier": f"sha256-merkle-root:{root}"} if root else {}
    info = [(label, stated.get(label, value)) for label, value in info_of(bagged)]
    for name, content in bag.bagged(payload, info).items():
        if isinstance(content, bytes):
            (bagged / name).write_bytes(content)


def tags_anew(bagged: Path) -> None:
    """Make the manifest of the tag files fit."""
    tags = {path.name: path.read_bytes() for path in sorted(bagged.iterdir()) if path.is_file()}
    del tags[bag.TAG_MANIFEST]
    (bagged / bag.TAG_MANIFEST).write_bytes(bag.manifest({name: bag.sha256(tags[name]) for name in tags}))


def evidence_anew(bagged: Path, change: Callable[[Any], object]) -> None:
    """Change evidence.json, and make its hashes, its root and the bag fit."""
    path = bagged / EVIDENCE
    evidence = json.loads(path.read_text("utf-8"))
    for output in evidence["outputs"]:
        content = (bagged / "data" / output["name"]).read_bytes()
        output |= {"size": len(content), "sha256": bag.sha256(content)}
    change(evidence)
    root = merkle.root_of([evidence["run"], *evidence["files"], *evidence["outputs"]])
    evidence["merkle"]["root"] = root
    path.write_text(json.dumps(evidence, indent=1, ensure_ascii=False) + "\n", "utf-8")
    bag_anew(bagged, root)


def log_of(bagged: Path) -> Path:
    (path,) = bagged.glob("data/*_export_log.csv")
    return path


def another_date(bagged: Path) -> None:
    path = bagged / "bag-info.txt"
    path.write_text(path.read_text().replace("2026-03-02", "2026-03-01"))
    tags_anew(bagged)


def another_tag_file(bagged: Path) -> None:
    (bagged / "more.txt").write_text("more")
    tags_anew(bagged)


def another_order(bagged: Path) -> None:
    path = bagged / bag.MANIFEST
    path.write_text("".join(reversed(path.read_text("utf-8").splitlines(keepends=True))), "utf-8")
    tags_anew(bagged)


def key_twice(bagged: Path) -> None:
    path = bagged / EVIDENCE
    path.write_text(path.read_text("utf-8").replace('"run": {', '"files": [],\n "run": {', 1), "utf-8")
    bag_anew(bagged)


def key_more(bagged: Path) -> None:
    path = bagged / EVIDENCE
    path.write_text(json.dumps({**json.loads(path.read_text("utf-8")), "approved": "by me"}, indent=1), "utf-8")
    bag_anew(bagged)


def another_hash(bagged: Path) -> None:
    evidence_anew(bagged, lambda evidence: evidence["files"][0]["export"].update(sha256="00" * 32))


def file_left_out(bagged: Path) -> None:
    evidence_anew(bagged, lambda evidence: evidence["files"].pop())


def another_status(bagged: Path) -> None:
    evidence_anew(bagged, lambda evidence: evidence["files"][0].update(status="unchanged"))


def another_size(bagged: Path) -> None:
    evidence_anew(bagged, lambda evidence: evidence["outputs"][0].update(size=1))


def another_cell(bagged: Path) -> None:
    log = log_of(bagged)
    log.write_bytes(log.read_bytes().replace(b'"created","lab/', b'"skipped","lab/', 1))
    (bagged / "data" / f"{log.name}{cells.ENDING}").write_bytes(cells.fingerprints(log))
    evidence_anew(bagged, lambda _: None)


def other_fingerprints(bagged: Path) -> None:
    path = bagged / "data" / f"{log_of(bagged).name}{cells.ENDING}"
    path.write_text("0" * cells.DIGITS + path.read_text()[cells.DIGITS :])
    evidence_anew(bagged, lambda _: None)


def folder_beside(bagged: Path) -> None:
    (bagged / "data" / "more").mkdir()


def link_beside(bagged: Path) -> None:
    (bagged / "data" / "more").symlink_to(bagged.parent, target_is_directory=True)


FORGED: dict[Callable[[Path], None], str] = {
    another_date: "bag-info.txt: changed",
    another_tag_file: "more.txt: no file of the package",
    another_order: "manifest-sha256.txt: changed",
    key_twice: "data/evidence.json: changed where its Merkle root does not tell",
    key_more: "data/evidence.json: changed where its Merkle root does not tell",
    another_hash: "data/SHA256SUMS: not the files and hashes that evidence.json tells of",
    file_left_out: "data/SHA256SUMS: not the files and hashes that evidence.json tells of",
    another_status: "what it tells of lab/Quarantine/sub-01/ses-01/T1/a.dcm is not what evidence.json tells",
    another_cell: "what it tells of lab/Quarantine/sub-01/ses-01/T1/a.dcm is not what evidence.json tells",
    another_size: "bytes, where evidence.json tells of 1",
    other_fingerprints: "_export_log.csv.cells: not of the cells of the CSV file",
    folder_beside: "data/more: not in manifest-sha256.txt",
    link_beside: "data/more: not in manifest-sha256.txt",
}


@pytest.mark.parametrize("forge", FORGED, ids=lambda forge: forge.__name__)
def test_what_does_not_fit_the_rest_is_named(forge: Callable[[Path], None], tmp_path: Path) -> None:
    bagged = unpacked(package(tmp_path), tmp_path / "unpacked")
    assert verify(bagged).differences == ()
    forge(bagged)
    assert any(FORGED[forge] in one for one in verify(bagged).differences)


@pytest.mark.parametrize("cell", [b'"' + b"x" * 200_000 + b'"', b"x\rx", b'"x', b"x\0x", b"\xff"])
def test_a_cell_of_any_content_is_named(cell: bytes, tmp_path: Path) -> None:
    bagged = unpacked(package(tmp_path), tmp_path / "unpacked")
    log = log_of(bagged)
    log.write_bytes(log.read_bytes().replace(b'"created"', cell, 1))
    assert any(f"{log.name}: changed in row" in one for one in verify(bagged).differences)
