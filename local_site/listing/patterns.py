"""Regular expressions that clients send: in the syntax of Python, searched for a bounded time.

Python's own module cannot be stopped while it tries all ways to match (``^(a|aa)+$``), and nothing else runs meanwhile,
not even what SIGTERM asks for. The library ``regex`` can, and lets other threads run.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable
from typing import Any

import regex

SECONDS = 1.0  # of processor time, for all searches with one pattern; an honest one takes microseconds
MOST_REPEATS = 300_000  # nested counts multiply, and each copy takes memory
COUNTS = re.compile(r"(\d+),?\}")
BRACES = re.compile(r"(\\N\{[^}]*\}|\\.|\{\d+(?:,\d*)?\}|\{,\d*\})|\{", re.DOTALL)


class Pattern:
    """A regular expression with the time that is left for it.

    Parameters
    ----------
    text
        The expression. What Python's own module does not understand is not taken, though ``regex`` knows more.
    ignore_case
        Whether capital and small letters are the same to it.

    Raises
    ------
    ValueError
        It is not a valid one, or repeats too much.
    """

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        try:
            re.compile(text)
            if math.prod(max(int(count), 1) for count in COUNTS.findall(text)) > MOST_REPEATS:
                raise ValueError("too many repeats")
            # To regex, a{e} means "a with errors".
            flags = regex.IGNORECASE if ignore_case else 0
            self._compiled = regex.compile(BRACES.sub(lambda found: found[1] or r"\{", text), flags)
        except (re.error, regex.error, OverflowError) as error:
            raise ValueError(str(error)) from error
        self._left = SECONDS

    def found_in(self, text: str) -> bool:
        """Tell whether the expression matches anywhere in `text`.

        Raises
        ------
        TimeoutError
            It takes too long to tell.
        """
        return self._in_time(self._compiled.search, text)

    def begins(self, text: str) -> bool:
        """Tell whether `text` begins with a match.

        Raises
        ------
        TimeoutError
            It takes too long to tell.
        """
        return self._in_time(self._compiled.match, text)

    def _in_time(self, attempt: Callable[..., Any], text: str) -> bool:
        begun = time.thread_time()
        try:
            return attempt(text, timeout=max(self._left, 0)) is not None
        finally:
            self._left -= time.thread_time() - begun
