"""The query of a request."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl

from local_site.errors import UnprocessableError

MOST_DIGITS = 9  # of a number in a query


@dataclass(frozen=True)
class Query:
    """The parameters behind the ``?``; blank values are kept, for ``?ticket=`` means something."""

    pairs: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Query:
        """Read the raw text of a query."""
        return cls(tuple(parse_qsl(text, keep_blank_values=True)))

    def all(self, name: str) -> list[str]:
        """Return every value of a parameter."""
        return [value for key, value in self.pairs if key == name]

    def get(self, name: str) -> str | None:
        """Return the last value of a parameter, or None."""
        return next(reversed(self.all(name)), None)

    def number(self, name: str) -> int | None:
        """Return a whole number; None where it is not given or blank.

        Raises
        ------
        UnprocessableError
            It is none, or larger than anything of a site.
        """
        text = (self.get(name) or "").strip()
        if text and not (text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS):
            raise UnprocessableError(f"{name} must be a whole number, not {text[:50]!r}")
        return int(text) if text else None

    def flag(self, name: str) -> bool:
        """Return whether a boolean parameter is set."""
        return (self.get(name) or "").lower() in ("1", "true")
