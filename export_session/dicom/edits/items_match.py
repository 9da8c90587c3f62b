"""Tells which item of the metadata is which item of the file, where items were added, removed or replaced.

Items keep their order, so a match is two rows laid side by side with gaps. What the metadata do not show stays with
its own item: where two ways to lay them would give it different owners, the match is unclear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

from export_session.dicom.edits.reordering import are_reordered

REORDERED = (
    "the items of this sequence stand in another order in the metadata than in the file; what the metadata do not "
    "show would change owner. Put them back in the file's order and edit their values"
)
_TWINS = (
    "items of this sequence look the same in the metadata and differ in what these do not show ({}); which of them "
    "stays is unclear. Give the one that stays a value of its own first, or [] to remove them all"
)
_REPLACED = (
    "whether item {} of the file was edited or replaced is unclear, and it holds what the metadata do not show ({}). "
    "If it is the same item, leave more of its values as they are; if it is another one, remove the old one alone, "
    "and add the new one to what was exported"
)
_TOO_MANY = "so many items of this sequence differ that it is unclear which is which; change fewer of them at a time"

_COMPARED_MAX = 64 * 64  # pairs of items that are looked at beside those at the same place


class Unclear(Exception):
    """Which item is which cannot be told; the text says why."""


class Likeness(NamedTuple):
    """How an item of the metadata compares with one of the file, in numbers of values."""

    common: int
    differing: int
    missing: int  # in the metadata, though the importer shows them
    added: int = 0  # in the metadata, where the file has nothing

    @property
    def same(self) -> bool:
        """Whether it is what the importer shows of the item."""
        return not (self.differing or self.missing or self.added)

    @property
    def distance(self) -> int:
        """How many values of the metadata are not those of the file."""
        return self.differing + self.added

    @property
    def like(self) -> bool:
        """Whether most of what the item has is still there."""
        return self.common > self.differing + self.missing


Pairs = Mapping[int, int]  # items of the metadata, by number, and the items of the file that they are


@dataclass(frozen=True)
class Rows:
    """The items in the metadata and those in the file."""

    shown: int
    held: int
    likeness: Callable[[int, int], Likeness]
    hidden: Callable[[int], str]  # names what an item of the file holds and the metadata do not show
    are_equal: Callable[[int, int], bool]  # whether two items of the file are the same bytes

    def match(self) -> Pairs:
        """Return which item of the metadata is which of the file; all others are new, or removed.

        Raises
        ------
        Unclear
            What the metadata do not show might change owner.
        """
        pairs = dict(self._same_items())
        in_place = self.shown == self.held and all(i == j for i, j in pairs.items())
        anchors = [(-1, -1), *sorted(pairs.items()), (self.shown, self.held)]
        for (i, j), (next_i, next_j) in pairwise(anchors):
            pairs |= self._in_gap(range(i + 1, next_i), range(j + 1, next_j), in_place=in_place)
        self._refuse_moves(pairs, lambda found: found.like)
        return pairs

    def _same_items(self) -> Pairs:
        """Match the items that nobody edited."""
        first = dict(self._run(reverse=False))
        self._refuse_moves(first, lambda found: found.same)
        last = dict(self._run(reverse=True))
        for i in first.keys() | last.keys():
            found = sorted({first.get(i, -1), last.get(i, -1)})
            if len(found) > 1:
                self._refuse_twins(i, found[0], found[1])
        return first

    def _refuse_twins(self, shown: int, low: int, high: int) -> None:
        """Refuse a choice between items that would not come to the same."""
        twins = [j for j in range(max(low, 0), high + 1) if j in (low, high) or self.likeness(shown, j).same]
        hidden = next(filter(None, map(self.hidden, twins)), "")
        if hidden and (low < 0 or not all(self.are_equal(twins[0], j) for j in twins)):
            raise Unclear(_TWINS.format(hidden))

    def _run(self, *, reverse: bool) -> Iterator[tuple[int, int]]:
        """Yield a longest row of pairs that are the same, as far at the start as can be, or at the end."""

        def is_same(i: int, j: int) -> bool:
            return self.likeness(*_mirrored(i, j)).same

        def _mirrored(i: int, j: int) -> tuple[int, int]:
            return (self.shown - 1 - i, self.held - 1 - j) if reverse else (i, j)

        short = min(self.shown, self.held)
        start = next((n for n in range(short) if not is_same(n, n)), short)
        stop = next(
            (n for n in range(short - start) if not is_same(self.shown - 1 - n, self.held - 1 - n)), short - start
        )
        rows, columns = range(start, self.shown - stop), range(start, self.held - stop)
        yield from (_mirrored(n, n) for n in range(start))
        yield from (_mirrored(i, j) for i, j in self._longest(rows, columns, is_same))
        yield from (_mirrored(self.shown - 1 - n, self.held - 1 - n) for n in range(stop))

    def _longest(self, rows: range, columns: range, is_same: Callable[[int, int], bool]) -> Iterator[tuple[int, int]]:
        if not rows or not columns:
            return
        if len(rows) * len(columns) > _COMPARED_MAX:
            if self.shown == self.held:
                return  # they are compared place by place
            raise Unclear(_TOO_MANY)
        best = {(i, columns.stop): 0 for i in rows} | {(rows.stop, j): 0 for j in (*columns, columns.stop)}
        for i in reversed(rows):
            for j in reversed(columns):
                longest = max(best[i + 1, j], best[i, j + 1])
                best[i, j] = max(longest, best[i + 1, j + 1] + 1) if is_same(i, j) else longest
        i, j = rows.start, columns.start
        while i < rows.stop and j < columns.stop:
            if is_same(i, j) and best[i, j] == best[i + 1, j + 1] + 1:
                yield i, j
                i, j = i + 1, j + 1
            elif best[i, j] == best[i, j + 1]:
                j += 1
            else:
                i += 1

    def _in_gap(self, rows: range, columns: range, *, in_place: bool) -> Pairs:
        """Match what stands between two items that nobody edited."""
        if not rows or not columns:
            return {}
        if in_place and not self._are_shifted(rows, columns):
            return self._place_by_place(rows, columns)
        pairs = dict(self._by_likeness(rows, columns))
        anchors = [(rows.start - 1, columns.start - 1), *sorted(pairs.items()), (rows.stop, columns.stop)]
        for (i, j), (next_i, next_j) in pairwise(anchors):
            pairs |= self._left_over(range(i + 1, next_i), range(j + 1, next_j))
        return pairs

    def _are_shifted(self, rows: range, columns: range) -> bool:
        """Whether an item is unlike the one at its place, and like another one."""
        if len(rows) * len(columns) > _COMPARED_MAX:
            return False
        strange = [i for i, j in zip(rows, columns, strict=True) if not self.likeness(i, j).like]
        return any(self.likeness(i, j).like for i in strange for j in columns)

    def _place_by_place(self, rows: range, columns: range) -> Pairs:
        own = {n: self.likeness(rows[n], columns[n]).distance for n in range(len(rows))}
        if are_reordered(own, lambda n, m: self.likeness(rows[n], columns[m]).distance):
            raise Unclear(REORDERED)
        return {i: j for i, j in zip(rows, columns, strict=True) if self._is_edited(i, j, in_place=True)}

    def _is_edited(self, i: int, j: int, *, in_place: bool) -> bool:
        """Whether an item is an edited one of the file; it is a new one otherwise."""
        common, differing, missing, _ = self.likeness(i, j)
        if common >= differing + missing or (in_place and (common or differing <= 1 or not missing)):
            return True
        if hidden := self.hidden(j):
            raise Unclear(_REPLACED.format(j, hidden))
        return common > 0 or not missing

    def _by_likeness(self, rows: range, columns: range) -> Pairs:
        if len(rows) * len(columns) > _COMPARED_MAX:
            raise Unclear(_TOO_MANY)
        pairs: dict[int, int] = {}
        for i in rows:
            like = [j for j in columns if self.likeness(i, j).like]
            hidden = next(filter(None, map(self.hidden, like)), "")
            if hidden and (len(like) > 1 or like[0] in pairs.values()):
                raise Unclear(_TWINS.format(hidden))
            if like and like[-1] < max(pairs.values(), default=-1):
                raise Unclear(REORDERED)
            later = (j for j in like if j > max(pairs.values(), default=-1))
            if (j := next(later, None)) is not None:
                pairs[i] = j
        return pairs

    def _left_over(self, rows: range, columns: range) -> Pairs:
        """Match items that are not much like any other."""
        if len(rows) == len(columns) == 1:
            return {rows[0]: columns[0]} if self._is_edited(rows[0], columns[0], in_place=False) else {}
        for j in columns if rows else ():
            if hidden := self.hidden(j):
                raise Unclear(_REPLACED.format(j, hidden))
        return {}

    def _refuse_moves(self, pairs: Pairs, is_it: Callable[[Likeness], bool]) -> None:
        """Refuse an item that is one of the file that stands elsewhere, or may be that one, edited."""
        added = [i for i in range(self.shown) if i not in pairs]
        removed = sorted(set(range(self.held)).difference(pairs.values()))
        if len(added) * len(removed) > _COMPARED_MAX:
            if self.shown == self.held:
                return  # they are compared place by place
            raise Unclear(_TOO_MANY)
        if any(is_it(self.likeness(i, j)) for i in added for j in removed):
            raise Unclear(REORDERED)
