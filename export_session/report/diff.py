"""Old and new value side by side, with the characters marked that make the difference."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from itertools import takewhile

from markupsafe import Markup, escape

from export_session.support.wording import shortened, visible

SHOWN = 160  # characters of a value on the page; the change log holds all
CONTEXT = 24  # characters kept before the first difference of a longer value
ALIKE = 0.4  # below this likeness single marked characters are confetti: the whole value is marked
NUMBERS = re.compile(r"[\w.+-]+|[^\w.+-]+")  # and dates, and what stands between them


def marked(old: str, new: str) -> tuple[Markup, Markup]:
    """Give both values as HTML: what went is in ``<del>``, what came in ``<ins>``."""
    old, new = _around_the_difference(visible(old), visible(new))
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    if matcher.ratio() < ALIKE:
        return _wrap("del", old), _wrap("ins", new)
    before, after = Markup(), Markup()
    i = k = 0
    for start, start_new, length in _kept(matcher, len(old)):
        before += _wrap("del", old[i:start]) + escape(old[start : start + length])
        after += _wrap("ins", new[k:start_new]) + escape(new[start_new : start_new + length])
        i, k = start + length, start_new + length
    return before, after


def whole(old: str, new: str) -> tuple[Markup, Markup]:
    """Give both values as HTML, dates and numbers marked as wholes: a single digit of them says nothing."""
    one, other = map(NUMBERS.findall, _around_the_difference(visible(old), visible(new)))
    before, after = Markup(), Markup()
    for tag, i, i_end, k, k_end in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        went, came = "".join(one[i:i_end]), "".join(other[k:k_end])
        before += escape(went) if tag == "equal" else _wrap("del", went, "whole")
        after += escape(came) if tag == "equal" else _wrap("ins", came)
    return before, after


def _kept(matcher: SequenceMatcher[str], end: int) -> list[tuple[int, int, int]]:
    """Give the parts common to both values, without single characters that happen to recur amid a change."""
    return [
        (start, start_new, length)
        for start, start_new, length in matcher.get_matching_blocks()
        if length != 1 or start in {0, end - 1}
    ]


def plain(text: str) -> Markup:
    """Give a value as HTML without marks."""
    return escape(shortened(visible(text), SHOWN))


def _wrap(tag: str, text: str, kind: str = "") -> Markup:
    attribute = f' class="{kind}"' if kind else ""
    return Markup(f"<{tag}{attribute}>{{}}</{tag}>").format(text) if text else Markup()  # noqa: S704 - the tag is ours


def _around_the_difference(old: str, new: str) -> tuple[str, str]:
    """Cut long values so that the place where they part is still to be seen."""
    if max(len(old), len(new)) <= SHOWN:
        return old, new
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(old, new, strict=False)))
    start = max(0, alike - CONTEXT)
    lead = "… " if start else ""
    return lead + shortened(old[start:], SHOWN), lead + shortened(new[start:], SHOWN)
