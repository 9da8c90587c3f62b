"""The errors of the gear.

::

    ExportError                 shown to the user as it is; everything else is a bug
    ├── ConfigError             the gear's configuration; carries every problem found at once
    ├── PreflightError          the site is not ready for this run; nothing was written
    ├── OutputError             the run's record cannot be written; without one nothing is tagged
    ├── UnsupportedSdk          the Flywheel SDK that is installed is not one the gear can work with
    ├── SiteError               a call to the Flywheel site failed
    │   ├── AccessDenied        the API key lacks a right
    │   ├── NotFound            the container or file is not (or no longer) there
    │   ├── Conflict            the site refuses because something is there already
    │   └── Unreachable         no usable answer; worth another try within the time budget
    │       └── NoAnswer        an answer came, but not of the form that the call must have
    ├── TransferError           stored or fetched bytes are not the bytes they should be
    ├── OriginChanged           the origin was edited, moved or deleted while it was exported
    ├── CopyChanged             a copy is no longer the one that was verified
    ├── NotRestorable           the version of a file that was there before cannot be brought back
    └── HeaderError             a DICOM file that must not be exported as it stands
        ├── NotDicom            the bytes are not (or not completely) a readable DICOM file
        ├── StaleMetadata       info.header describes another file, or another version of this one
        ├── UidCollision        edits in the files of a session give one UID twice, or two for one
        ├── InvalidEdit         an edit is refused and ``on_refused_edit`` is ``fail``
        ├── UnsafeArchive       a zip that must not be unpacked (bomb, encrypted, path tricks, duplicates)
        └── ProofFailed         the rewritten instance did not read back as intended
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


class ExportError(Exception):
    """Base of all errors whose text is written for the person who runs the gear."""


class ConfigError(ExportError):
    """The configuration cannot be used.

    Parameters
    ----------
    problems
        One sentence for each problem; all that were found, not only the first.
    """

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


class PreflightError(ConfigError):
    """The site is not ready for this run; raised before anything is written."""


class OutputError(ExportError):
    """The record of a run cannot be written to ``output/``."""


class UnsupportedSdk(ExportError):
    """The Flywheel SDK that is installed is not one the gear can work with."""


class SiteError(ExportError):
    """A call to the Flywheel site failed.

    Parameters
    ----------
    message
        What was attempted and what the site answered.
    status
        The HTTP status, None where there was no answer.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class AccessDenied(SiteError):
    """The API key lacks the right for this call."""


class NotFound(SiteError):
    """The container or file is not, or no longer, there."""


class Conflict(SiteError):
    """The site refuses because something of that name or state is there already."""


class Unreachable(SiteError):
    """No usable answer: connection trouble, or a status that asks to come back later.

    Parameters
    ----------
    retry_after
        Seconds the site asked to wait, None where it said nothing.
    """

    def __init__(self, message: str, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(message, status)
        self.retry_after = retry_after


class NoAnswer(Unreachable):
    """What came is not of the form that answers to this call have: a page of a middlebox, or nothing at all."""


class TransferError(ExportError):
    """Bytes that were fetched or stored are not the bytes they should be."""


class OriginChanged(ExportError):
    """The origin was edited, moved or deleted while it was being exported."""


class CopyChanged(ExportError):
    """A copy is no longer the one that was verified.

    Parameters
    ----------
    files
        The ids of the copies that it concerns.
    """

    def __init__(self, message: str, files: Iterable[str]) -> None:
        super().__init__(message)
        self.files = frozenset(files)


class NotRestorable(ExportError):
    """The version of a file that was there before cannot be brought back, or not without losing what came since."""


class HeaderError(ExportError):
    """A DICOM file that must not be exported as it stands.

    Parameters
    ----------
    refused, changes
        What was to be changed in it, as far as that was found out: what was refused, and what could have been made.
    """

    def __init__(self, message: str, refused: Iterable[Any] = (), changes: Iterable[Any] = ()) -> None:
        super().__init__(message)
        self.refused, self.changes = tuple(refused), tuple(changes)


class NotDicom(HeaderError):
    """The bytes are not, or not completely, a readable DICOM file."""


class StaleMetadata(HeaderError):
    """``info.header`` describes another file, or another version of this one."""


class UidCollision(HeaderError):
    """Edits in the files of a session would give one UID to two things, or two UIDs to one."""


class InvalidEdit(HeaderError):
    """An edit is refused and ``on_refused_edit`` is ``fail``."""


class UnsafeArchive(HeaderError):
    """A zip archive that must not be unpacked."""


class ProofFailed(HeaderError):
    """The rewritten instance did not read back as intended."""
