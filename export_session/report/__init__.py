"""What a person gets to see of a run: two CSV logs, one HTML page and a workbook, made of the run's record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export_session.report.outputs import Outputs
from export_session.report.verdict import closing_lines

if TYPE_CHECKING:
    from pathlib import Path

    from export_session.record import RunRecord

__all__ = ["Outputs", "closing_lines", "write_reports"]


def write_reports(record: RunRecord, output: Path) -> list[Path]:
    """Write export log, DICOM change log, HTML report and workbook of a run that is over.

    Parameters
    ----------
    record
        The run. What ``record.log_values`` does not allow to be shown reaches none of the files.
    output
        An existing folder.

    Returns
    -------
    list of Path
        ``<stem>_export_log.csv``, ``<stem>_dicom_changes.csv``, ``<stem>_report.html`` and ``<stem>_export.xlsx``.
    """
    outputs = Outputs(output, record.stem, record.log_values, record.kind)
    for session in record.sessions:
        outputs.settle(session)
    return outputs.close(record)
