"""What a person gets to see of a run: two CSV logs and one HTML page, made of the run's record alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from export_session.report import change_log, export_log
from export_session.report.disclosure import disclosed
from export_session.report.verdict import closing_lines

if TYPE_CHECKING:
    from pathlib import Path

    from export_session.record import RunRecord

__all__ = ["closing_lines", "write_reports"]


def write_reports(record: RunRecord, output: Path) -> list[Path]:
    """Write export log, DICOM change log and HTML report of a run.

    Parameters
    ----------
    record
        The run. What ``record.log_values`` does not allow to be shown reaches none of the files.
    output
        An existing folder.

    Returns
    -------
    list of Path
        ``<stem>_export_log.csv``, ``<stem>_dicom_changes.csv`` and ``<stem>_report.html``.
    """
    from export_session.report import html  # noqa: PLC0415  (the template engine is loaded at the end of a run, not at its start)

    shown = disclosed(record)
    paths = [output / f"{record.stem}_{ending}" for ending in ("export_log.csv", "dicom_changes.csv", "report.html")]
    export_log.write(shown, paths[0])
    change_log.write(shown, paths[1])
    html.write(shown, paths[2])
    return paths
