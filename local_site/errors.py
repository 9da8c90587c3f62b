"""Refusals, as a Flywheel site words them.

Any code of the site may raise an :class:`ApiError`; the server turns it into a reply whose text stands
in both ``message`` (what current clients read) and ``detail`` (what older programs test).
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request that the site refuses.

    Parameters
    ----------
    status
        The HTTP status of the reply.
    message
        What went wrong, for a person.
    extra
        More keys of the reply's body, such as ``reason`` or ``unaccepted_keys``.
    """

    def __init__(self, status: int, message: str, **extra: Any) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.extra = extra


class BadRequestError(ApiError):
    """The request is malformed, or makes no sense (400)."""

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(400, message, **extra)


class ForbiddenError(ApiError):
    """The resource exists, and the right is missing (403)."""

    def __init__(self, message: str, reason: str = "permission_denied", **extra: Any) -> None:
        super().__init__(403, message, reason=reason, **extra)


class NotFoundError(ApiError):
    """The resource does not exist, or no longer (404)."""

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(404, message, **extra)


class ConflictError(ApiError):
    """The resource is there already, or in the way (409)."""

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(409, message, **extra)


class UnprocessableError(ApiError):
    """The request is well formed but breaks a rule (422)."""

    def __init__(self, message: str, **extra: Any) -> None:
        super().__init__(422, message, **extra)
