"""Origin containers beside their copies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from export_session.record import Status
from export_session.site.model import Acquisition, Container, Session, Subject

C_co = TypeVar("C_co", bound=Container, covariant=True)


@dataclass(frozen=True)
class Pair(Generic[C_co]):
    """An origin container and its copy; no copy means that it is still to be created."""

    origin: C_co
    copy: C_co | None
    status: Status = Status.UNCHANGED
    notes: tuple[str, ...] = ()  # for the person who reads the report
    cleared: bool = False  # whether empty second copies, here or below, were removed

    @property
    def known_copy(self) -> C_co:
        """The copy, where it is known to exist."""
        assert self.copy is not None
        return self.copy


@dataclass(frozen=True)
class Pairs:
    """A session's containers with their copies in one project."""

    subject: Pair[Subject]
    session: Pair[Session]
    acquisitions: tuple[Pair[Acquisition], ...]

    def all(self, *, subject: bool = True) -> tuple[Pair[Container], ...]:
        """Return subject (unless it is to be left out), session and acquisitions, in that order."""
        below = self.session, *self.acquisitions
        return (self.subject, *below) if subject else below
