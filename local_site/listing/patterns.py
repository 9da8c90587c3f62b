"""Regular expressions that clients send: in the syntax of Python, searched for a bounded time.

Python's own module cannot be stopped while it tries all ways to match (``^(a|aa)+$``), and nothing else runs meanwhile,
not even what SIGTERM asks for. The library ``regex`` can, and lets other threads run.
"""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable
from typing import Any

import regex

SECONDS = 1.0  # of processor time, for all searches of one request; an honest one takes microseconds
LONGEST = 10_000  # characters; to prepare a longer one takes long, too
SECONDS_EACH = 0.1  # for each of several that know nothing of one another
MOST_REPEATS = 300_000  # nested counts multiply, and each copy takes memory
COUNTS = re.compile(r"(\d+),?\}")
log = logging.getLogger(__name__)
BRACES = re.compile(r"(\\N\{[^}]*\}|\\.|\{\d+(?:,\d*)?\}|\{,\d*\})|\{", re.DOTALL)


class Budget:
    """Seconds of processor time, which all expressions of a request use up together."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self.left = seconds


class Pattern:
    """A regular expression with the time that is left for it.

    Parameters
    ----------
    text
        The expression. What Python's own module does not understand is not taken, though ``regex`` knows more.
    budget
        The time that it shares with others; None: it has its own.
    ignore_case
        Whether upper and lower case are the same.

    Raises
    ------
    ValueError
        It is not a valid one, repeats too much, or takes too long to prepare.
    """

    def __init__(self, text: str, budget: Budget | None = None, *, ignore_case: bool = False) -> None:
        self._budget = budget or Budget()
        begun = time.thread_time()
        try:
            if len(text) > LONGEST:
                raise ValueError("it is too long")
            if self._budget.left <= 0:
                raise ValueError("with the others before it, it takes too long")
            re.compile(text)
            if math.prod(max(int(count), 1) for count in COUNTS.findall(text)) > MOST_REPEATS:
                raise ValueError("too many repeats")
            # To regex, a{e} means "a with errors".
            flags = regex.IGNORECASE if ignore_case else 0
            self._compiled = regex.compile(BRACES.sub(lambda found: found[1] or r"\{", text), flags)
        except (re.error, regex.error, OverflowError) as error:
            raise ValueError(str(error)) from error
        finally:
            self._budget.left -= time.thread_time() - begun

    def found_in(self, text: str) -> bool:
        """Tell whether the expression matches anywhere in `text`.

        Raises
        ------
        TimeoutError
            It takes too long to tell.
        """
        return self._timed(self._compiled.search, text)

    def begins(self, text: str) -> bool:
        """Tell whether the expression matches at the beginning of `text`.

        Raises
        ------
        TimeoutError
            It takes too long to tell.
        """
        return self._timed(self._compiled.match, text)

    def _timed(self, search: Callable[..., Any], text: str) -> bool:
        begun = time.thread_time()
        try:
            return search(text, timeout=max(self._budget.left, 0)) is not None
        finally:
            self._budget.left -= time.thread_time() - begun


class Expressions:
    """Expressions that are asked about many texts, each for a bounded time in all: an honest one is not held up."""

    def __init__(self) -> None:
        self._patterns: dict[str, Pattern | None] = {}

    def begins(self, expression: str, value: str) -> bool:
        """Tell whether a text begins as an expression says; one that takes too long says nothing any more."""
        try:
            if expression not in self._patterns:
                budget = Budget()
                self._patterns[expression] = Pattern(expression, budget, ignore_case=True)
                budget.left = SECONDS_EACH  # for the searches alone: to prepare an honest one may take as long
            pattern = self._patterns[expression]
            return pattern is not None and pattern.begins(value)
        except (TimeoutError, ValueError):
            log.warning("a regular expression takes too long, and matches nothing")
            self._patterns[expression] = None
            return False
