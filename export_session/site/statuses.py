"""What the status of an answer means for whoever called."""

from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from export_session.errors import AccessDenied, Conflict, NotFound, SiteError, Unreachable

NOT_ACCEPTED = (
    "It does not accept the API key, which may have expired, been revoked or belong to another site: launch the gear "
    "again, or, for a run by hand, get a new key from your profile and log in with it (fw login)"
)


def error_of(what: str, status: int | None, said: str, retry_after: str | None) -> SiteError:
    """Return the error that an answer stands for.

    Parameters
    ----------
    what
        What the call was for.
    status
        The HTTP status, None where there is none.
    said
        The reason that the site gave, if any.
    retry_after
        The header of that name.
    """
    message = f"{what}: the site answered {status}, {said or 'no reason given'}"
    if status == 401:
        message += f". {NOT_ACCEPTED}"
    if status in (401, 402, 403):
        return AccessDenied(message, status)
    if status == 404:
        return NotFound(message, status)
    if status in (409, 422):
        return Conflict(message, status)
    if status is None or status in (408, 425, 429) or status >= 500:
        return Unreachable(message, status, seconds_of(retry_after))
    return SiteError(message, status)


def rejections(detail: Any) -> str:
    """Return an error's detail as text; of a schema's rejections not the rejected values, which may be a patient's."""
    if not isinstance(detail, list):
        return str(detail or "")
    items = [item for item in detail if isinstance(item, Mapping)]
    return "; ".join(f"{'.'.join(map(str, item.get('loc') or ()))}: {item.get('msg')}" for item in items)


def seconds_of(header: str | None) -> float | None:
    """Read a Retry-After header, seconds or a date; None where it is neither, or not of the future."""
    if not header:
        return None
    try:
        seconds = float(header)
    except ValueError:
        try:
            seconds = parsedate_to_datetime(header).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError, OSError):
            return None
    return seconds if seconds >= 0 else None
