"""Whether a package agrees with itself: what in it follows from ``evidence.json`` and the outputs is made once more.

Whoever changes one of them and brings manifests and root into line has changed what the others say, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from export_session.evidence import bag, cells, document, sums
from export_session.record import Held
from export_session.report.cells import neutral

NAME = bag.PAYLOAD + document.NAME
LOG = "_export_log.csv"


def incoherent(package: bag.Bag, evidence: Mapping[str, Any]) -> Iterator[str]:
    """Name what of a package, whose hashes and root agree, is not as this gear makes it of the rest."""
    try:
        yield from _of_evidence(package, evidence)
        yield from _of_outputs(package, evidence)
        yield from _of_tags(package, evidence)
    except (KeyError, TypeError, AttributeError, IndexError):
        yield f"{NAME}: not of the form that this gear writes"


def _of_evidence(package: bag.Bag, evidence: Mapping[str, Any]) -> Iterator[str]:
    """Find keys that are there twice, or that the root does not cover."""
    again = document.assembled(evidence["run"], evidence["files"], evidence["outputs"])
    if document.written(again) != package.read(NAME):
        yield f"{NAME}: changed where its Merkle root does not tell"
    copies = [(file["path"], _held(file["export"]) if "export" in file else None) for file in evidence["files"]]
    listed, left = sums.sorted_out(copies)
    missing = evidence["run"][f"not in {sums.NAME}"]
    if (sums.checksums(listed), left) != (package.read(bag.PAYLOAD + sums.NAME), missing):
        yield f"{bag.PAYLOAD}{sums.NAME}: not the files and hashes that {document.NAME} tells of"


def _held(told: Mapping[str, Any]) -> Held:
    known = {**told, "labels": tuple(told["labels"])}
    return Held(**{**known, "sha256": told["sha256"] or "", "sha384": told["sha384"] or ""})


def _of_outputs(package: bag.Bag, evidence: Mapping[str, Any]) -> Iterator[str]:
    for output in evidence["outputs"]:
        name = bag.PAYLOAD + output["name"]
        content = package.read(name)
        if len(content) != output["size"]:
            yield f"{name}: of {len(content):,} bytes, where {document.NAME} tells of {output['size']:,}"
        if name.endswith(".csv") and not cells.fit(content, package.read(name + cells.ENDING)):
            yield f"{name}{cells.ENDING}: not of the cells of the CSV file"
        if name.endswith(LOG):
            yield from _of_log(name, content, evidence)


def _of_log(name: str, content: bytes, evidence: Mapping[str, Any]) -> Iterator[str]:
    """Compare what the export log and the evidence say of each file."""
    head, *rows = cells.rows_of(content)
    columns = [head.index(column) for column in ("Origin Path", "Status", "Verified")]
    kind = head.index("Container")
    logged = Counter(tuple(row[column] for column in columns) for row in rows if row[kind] == "file")
    told = Counter(tuple(map(_cell, (file["path"], file["status"], file["verified"]))) for file in evidence["files"])
    for path in sorted({one[0] for one in (*(logged - told), *(told - logged))}):
        yield f"{name}: what it tells of {path} is not what {document.NAME} tells"


def _cell(text: str) -> str:
    return neutral(text).encode("utf-8", "backslashreplace").decode()


def _of_tags(package: bag.Bag, evidence: Mapping[str, Any]) -> Iterator[str]:
    """Compare what tells of the payload, and find what else lies beside it."""
    written = package.read(NAME)
    payload = {bag.PAYLOAD + one["name"]: one["sha256"] for one in evidence["outputs"]} | {NAME: bag.sha256(written)}
    octets = sum(one["size"] for one in evidence["outputs"]) + len(written)
    tags = bag.tag_files(dict(sorted(payload.items())), octets, document.bag_info(evidence))
    for name in package.names():
        if name in tags and package.read(name) != tags[name]:
            yield f"{name}: changed"
        elif name not in tags and not name.startswith(bag.PAYLOAD):
            yield f"{name}: no file of the package"
