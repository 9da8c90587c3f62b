"""Tells which item of the metadata is which item of the file, where items were added, removed or replaced.

Items keep their order, so a match is two rows laid side by side with gaps. What the metadata do not show stays with
its own item: where two ways to lay them would give it different owners, the match is unclear.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise, product
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
_ALIKE = (
    "items of this sequence are so much alike that it is unclear which of them was edited, and they hold what the "
    "metadata do not show ({}). Leave the values of the items that stay as they are while others are added or removed"
)
_TOO_MANY = "so many items of this sequence differ that it is unclear which is which; change fewer of them at a time"

_COMPARED_MAX = 1 << 14  # pairs of items that are looked at beside those at the same place


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
        in_place = self._are_in_place(pairs)
        anchors = [(-1, -1), *sorted(pairs.items()), (self.shown, self.held)]
        for (i, j), (next_i, next_j) in pairwise(anchors):
            pairs |= self._in_gap(range(i + 1, next_i), range(j + 1, next_j), in_place=in_place)
        self._refuse_moves(pairs, lambda found: found.like)
        return pairs

    def _are_in_place(self, pairs: Pairs) -> bool:
        return self.shown == self.held and all(i == j for i, j in pairs.items())

    def _same_items(self) -> Pairs:
        """Match the items that nobody edited."""
        short = min(self.shown, self.held)
        start = next((n for n in range(short) if not self._is_same(n, n)), short)
        last, end = self.shown - 1, self.held - 1
        stop = next((n for n in range(short - start) if not self._is_same(last - n, end - n)), short - start)
        pairs = {n: n for n in range(start)} | {last - n: end - n for n in range(stop)}
        pairs |= self._longest(range(start, self.shown - stop), range(start, self.held - stop))
        if self._are_in_place(pairs):
            return pairs
        self._refuse_moves(pairs, lambda found: found.same)
        if self._may_be_others(pairs):
            self._refuse_twins()
        return pairs

    def _is_same(self, i: int, j: int) -> bool:
        return self.likeness(i, j).same

    def _longest(self, rows: range, columns: range) -> Pairs:
        """Return a longest row of pairs that are the same."""
        if self.shown == self.held and len(rows) * len(columns) > _COMPARED_MAX:
            return {}  # they are compared place by place
        after = self._lengths(rows, columns)
        pairs, n, m = {}, 0, 0
        while after[n, m]:
            if self._is_same(rows[n], columns[m]) and after[n, m] == after[n + 1, m + 1] + 1:
                pairs[rows[n]] = columns[m]
                n, m = n + 1, m + 1
            elif after[n, m] == after[n, m + 1]:
                m += 1
            else:
                n += 1
        return pairs

    def _lengths(self, rows: range, columns: range) -> Mapping[tuple[int, int], int]:
        """Return for each place how many pairs that are the same can stand from there on, one behind the other."""
        if len(rows) * len(columns) > _COMPARED_MAX:
            raise Unclear(_TOO_MANY)
        longest = dict.fromkeys(product(range(len(rows) + 1), range(len(columns) + 1)), 0)
        for n, m in product(reversed(range(len(rows))), reversed(range(len(columns)))):
            other = max(longest[n + 1, m], longest[n, m + 1])
            longest[n, m] = max(other, longest[n + 1, m + 1] + 1) if self._is_same(rows[n], columns[m]) else other
        return longest

    def _may_be_others(self, pairs: Pairs) -> bool:
        """Whether an item that stays looks like one that goes, or a new one like one that stays."""
        added, removed = self._others(pairs)
        if len(added) * self.held + len(removed) * self.shown > _COMPARED_MAX:
            return True
        gone = any(self._is_same(i, j) for i in pairs for j in removed)
        return gone or any(self._is_same(i, j) for i in added for j in pairs.values())

    def _refuse_twins(self) -> None:
        """Refuse items that nobody edited if there are several ways to match them that do not come to the same."""
        rows, columns = range(self.shown), range(self.held)
        after, before = self._lengths(rows, columns), self._lengths(rows[::-1], columns[::-1])

        def is_way(i: int, j: int, pairs: int) -> bool:
            """Whether a longest row of pairs goes by a place, with one pair there or none."""
            behind = after[i + 1, j + pairs]
            return before[self.shown - i, self.held - j] + pairs + behind == after[0, 0]

        for i in rows:
            twins = [j for j in columns if self._is_same(i, j) and is_way(i, j, 1)]
            is_new = any(is_way(i, j, 0) for j in range(self.held + 1))
            hidden = next(filter(None, map(self.hidden, twins)), "")
            if hidden and (is_new or not all(self.are_equal(twins[0], j) for j in twins)):
                raise Unclear(_TWINS.format(hidden))

    def _others(self, pairs: Pairs) -> tuple[list[int], list[int]]:
        """Return the items of the metadata and those of the file that are in no pair."""
        added = [i for i in range(self.shown) if i not in pairs]
        return added, sorted(set(range(self.held)).difference(pairs.values()))

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
                raise Unclear(_ALIKE.format(hidden))
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
        added, removed = self._others(pairs)
        if len(added) * len(removed) > _COMPARED_MAX:
            if self.shown == self.held:
                return  # they are compared place by place
            raise Unclear(_TOO_MANY)
        if any(is_it(self.likeness(i, j)) for i in added for j in removed):
            raise Unclear(REORDERED)
