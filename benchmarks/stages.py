"""Run the gear in its directory and write how many seconds its files spent in each stage: ``stages GEAR JSON``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest.mock import patch

from export_session.main import main as gear
from export_session.record import RunRecord
from export_session.report import closing_lines

STAGES = ("fetch", "rewrite", "store", "verify")


def main(directory: Path, target: Path) -> int:
    """Run the gear; what its reports are made of holds the times."""
    records: list[RunRecord] = []

    def noting(record: RunRecord) -> tuple[str, ...]:
        records.append(record)
        return closing_lines(record)

    with patch("export_session.main.closing_lines", noting):
        code = gear(directory)
    files = [file for record in records for file in record.files()]
    seconds = {stage: sum(getattr(file.timing, stage) for file in files) for stage in STAGES}
    took = sum(session.seconds for record in records for session in record.sessions)
    target.write_text(json.dumps({**seconds, "session": took, "bytes": sum(file.size for file in files)}))
    return code


if __name__ == "__main__":
    sys.exit(main(*map(Path, sys.argv[1:])))
