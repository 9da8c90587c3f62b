"""Where a failure becomes something to report."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from export_session.dicom.vocabulary import Change
from export_session.errors import CopyChanged, ExportError, HeaderError
from export_session.support.wording import without_values

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """Why something did not work, for the person who runs the gear."""

    message: str
    kind: type[Exception] = ExportError
    refused: tuple[Change, ...] = ()  # the edits of a file that are refused
    not_made: tuple[Change, ...] = ()  # what else would have been changed in it
    copies: frozenset[str] = frozenset()  # ids of files in the export project that are no longer what they were

    @property
    def for_log(self) -> str:
        """The message for the job's log, where no value of a header belongs whatever ``log_values`` says."""
        return without_values(self.message) if issubclass(self.kind, HeaderError) else self.message


def attempt(function: Callable[[], T]) -> T | Failure:
    """Return what `function` returns, or why it failed.

    This is the one place that catches everything: a failure in a file must not stop the next file, nor one in a
    session the next session. The text of an unexpected error may quote patient data, so only its kind and place
    are kept.
    """
    try:
        return function()
    except HeaderError as error:
        return Failure(str(error), type(error), error.refused, error.changes)
    except ExportError as error:
        return Failure(str(error), type(error), copies=error.files if isinstance(error, CopyChanged) else frozenset())
    except Exception as error:  # noqa: BLE001 - see the docstring
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(frame.filename).name}:{frame.lineno}"
        log.debug("unexpected %s at %s", type(error).__name__, place)
        return Failure(f"unexpected {type(error).__name__} at {place}; please report it with the version of the gear")
