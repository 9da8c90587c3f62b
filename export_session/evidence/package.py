"""Write the evidence package of a run: a bag of its outputs, of ``evidence.json`` and of a checksum file."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from export_session.errors import OutputError
from export_session.evidence import bag, cells, document, sums
from export_session.record import RunRecord

ENDING = "_evidence"


def write_package(output: Path, record: RunRecord, outputs: Sequence[Path]) -> tuple[Path, str]:
    """Write ``<stem>_evidence.zip``: the whole of it or nothing, whatever kills the program.

    Parameters
    ----------
    outputs
        The files of the run, all of them complete.

    Returns
    -------
    tuple
        Its path, and the Merkle root that stands for all that it says.

    Raises
    ------
    OutputError
        It cannot be written.
    """
    folder = f"{record.stem}{ENDING}"
    path, draft = output / f"{folder}.zip", output / f"{folder}.zip.part"
    try:
        files, root = _files(record, outputs)
        with draft.open("wb") as target:
            bag.pack(target, folder, files)
            target.flush()
            os.fsync(target.fileno())
        draft.replace(path)
    except OSError as error:
        draft.unlink(missing_ok=True)
        raise OutputError(f"{path.name} cannot be written ({error.strerror})") from None
    return path, root


def _files(record: RunRecord, outputs: Sequence[Path]) -> tuple[dict[str, bag.Content], str]:
    payload: dict[str, bag.Content] = {path.name: path for path in outputs}
    payload |= {f"{path.name}{cells.ENDING}": cells.fingerprints(path) for path in outputs if path.suffix == ".csv"}
    payload[sums.NAME] = sums.checksums(sums.listed(record.files())[0])
    evidence = document.document(record, [_told(name, payload[name]) for name in sorted(payload)])
    payload[document.NAME] = document.written(evidence)
    return bag.bagged(payload, document.bag_info(evidence)), str(evidence["merkle"]["root"])


def _told(name: str, content: bag.Content) -> dict[str, Any]:
    octets = len(content) if isinstance(content, bytes) else content.stat().st_size
    return {"name": name, "size": octets, "sha256": bag.sha256(content)}
