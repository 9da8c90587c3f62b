"""All that is wrong with a sheet, by the cell where it is, each thing once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from export_session.sheet.model import Correction, Place
from export_session.support.wording import counted, without_values


@dataclass(frozen=True)
class Problem:
    """Something that is wrong, and where it was met."""

    place: Place
    text: str
    values: frozenset[str] = frozenset()  # those that the text may cite
    met: str = ""  # the first file or container where it is so
    times: int = 1

    def __str__(self) -> str:
        """Say it to a curator."""
        also = f" and {counted(self.times - 1, 'other place')}" if self.times > 1 else ""
        return f"{self.place}: {self.text}{f' ({self.met}{also})' if self.met else ''}"

    @property
    def for_log(self) -> str:
        """Say it in the job's log, where no value belongs."""
        also = f" ({counted(self.times, 'place')})" if self.times > 1 else ""
        return f"{self.place}: {without_values(self.text, self.values)}{also}"


@dataclass
class Problems:
    """What was found so far."""

    read: tuple[str, ...] = ()  # when the sheet was read, in words for the log
    _found: dict[tuple[Place, str], Problem] = field(default_factory=dict)

    def add(self, correction: Correction, text: str, met: str = "", also: Iterable[Any] = ()) -> None:
        """Note that a correction cannot be made, and where that was seen."""
        values = {str(value) for value in (correction.new, correction.current, *also) if str(value).strip()}
        key = (correction.place, text)
        known = self._found.get(key)
        times = known.times + 1 if known else 1
        self._found[key] = Problem(*key, frozenset(values), known.met if known else met, times)

    def __bool__(self) -> bool:
        return bool(self.read or self._found)

    def all(self) -> list[Problem]:
        """Return them in the order of the sheet."""
        return [self._found[key] for key in sorted(self._found)]
