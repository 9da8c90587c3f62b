"""What the next instance of a series probably holds: most of its elements are those of the instance before.

Elements that were the same in all instances so far stand in runs, so that one comparison of bytes finds them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from export_session.dicom.binary.elements import Element
from export_session.dicom.binary.window import Window


class _Run(NamedTuple):
    """Elements that follow each other."""

    raw: bytes  # of all of them; b"" for one that varies, so that comparing is no use
    elements: tuple[Element, ...]


class Expected:
    """The elements of one section, file meta or data set, that are expected of the next instance."""

    def __init__(self) -> None:
        self._runs: list[_Run] = []
        self._next = 0  # the run that is likely to come next
        self._varying: set[int] = set()  # tags whose value was not the same in all instances so far
        self._known = 0  # how many of them there were when the runs were made

    def learn(self, elements: Sequence[Element]) -> None:
        """Expect the elements of this instance, unless nothing new is to be learnt from it."""
        if self._runs and len(self._varying) == self._known:
            return
        self._known = len(self._varying)
        self._runs = []
        for steady, group in groupby(elements, lambda one: one.held and one.tag not in self._varying):
            run = tuple(group)
            if steady:
                self._runs.append(_Run(b"".join(element.raw for element in run), run))
            else:
                self._runs += (_Run(b"", (element,)) for element in run)

    def restart(self) -> None:
        """Start with the first element again."""
        self._next = 0

    def take(self, window: Window) -> list[Element]:
        """Take what comes next in the window as far as it is as expected."""
        taken: list[Element] = []
        while self._next < len(self._runs):
            run = self._runs[self._next]
            if not run.raw:
                break
            window.fill(len(run.raw))
            if window.data.startswith(run.raw, window.pos):
                taken += run.elements
                window.pos += len(run.raw)
                self._next += 1
            elif len(run.elements) > 1:  # something in it is different
                self._runs[self._next : self._next + 1] = [_Run(one.raw, (one,)) for one in run.elements]
            else:
                break
        return taken

    def met(self, element: Element) -> None:
        """Note an element that came instead of what was expected."""
        if self._runs and element.held:
            self._varying.add(element.tag)
        while self._next < len(self._runs) and self._runs[self._next].elements[-1].tag <= element.tag:
            self._next += 1
