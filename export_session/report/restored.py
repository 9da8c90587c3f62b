"""What a run came to that brought back versions, in one sentence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from export_session.record import Status, Verification
from export_session.support.wording import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from export_session.record import FileRecord, RunRecord

Kind = Literal["good", "warning", "bad"]


def restored(record: RunRecord) -> tuple[Kind, str]:
    """Say what a run with mode ``restore`` came to, or in a preview would come to."""
    files = {status: [file for file in record.files() if file.status is status] for status in Status}
    failed = [session for session in record.sessions if session.status is Status.FAILED]
    said = [_back(record, files[Status.UPDATED]), _marks(record), _left(files[Status.SKIPPED])]
    rest = "; ".join(part for part in said if part)
    if failed:
        would = "would not come" if record.dry_run else "did not come"
        scope = f"{len(failed):,} of {counted(len(record.sessions), 'session')} {would} back as a whole"
        stays = f": {counted(len(files[Status.FAILED]), 'file')} cannot be restored, for the reasons given"
        return "bad", f"{scope}{stays if files[Status.FAILED] else ''}{f'; {rest}' if rest else ''}."
    if not (said[0] or said[1]):
        where = f"nothing in {counted(len(record.sessions), 'session')} is there to be brought back"
        return "good", f"Nothing to do: {where}{f'; {rest}' if rest else ''}."
    return "good", f"{rest[0].upper()}{rest[1:]}."


def _back(record: RunRecord, files: Sequence[FileRecord]) -> str:
    if not files:
        return ""
    sessions = sum(any(file.status is Status.UPDATED for file in session.files) for session in record.sessions)
    scope = f"{counted(len(files), 'file')} of {counted(sessions, 'session')}"
    if record.dry_run:
        return f"this run would bring back {scope}"
    verified = all(file.verification is not Verification.NONE for file in files)
    return f"brought back{' and verified' if verified else ''}: {scope}"


def _marks(record: RunRecord) -> str:
    """Say of how many sessions no more than tag or note went."""
    number = sum(
        session.status is Status.UPDATED and all(file.status is not Status.UPDATED for file in session.files)
        for session in record.sessions
    )
    would = "would be" if record.dry_run else "were"
    return f"tag and note of {counted(number, 'session')} {would} taken away" if number else ""


def _left(files: Sequence[FileRecord]) -> str:
    return f"{counted(len(files), 'file')} left as {'it is' if len(files) == 1 else 'they are'}" if files else ""
