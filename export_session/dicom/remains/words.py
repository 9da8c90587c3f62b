"""Text as it is compared: without regard to case, accents and what separates words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

_WORD = re.compile(r"[^\W_]+")
APART = r"[\W_]{1,3}"  # what may separate two words of a name: "^", ", ", " - "
_BESIDE = r"[\W_]{0,3}"
_LONG = 6  # letters; so many may also stand without anything between the words
_JOINED = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]")  # scripts that put nothing between words: kana, Han
# Letters that have no accent to be taken away, and the letters that stand for them where there are none
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe"})
_SPELLED_OUT = str.maketrans(
    {"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue", "Ø": "Oe", "Å": "Aa"}
)


def folded(text: str) -> str:
    """Return a text in the form in which spellings of it are equal."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    return (
        "".join(character for character in apart if not unicodedata.combining(character)).casefold().translate(_PLAIN)
    )


def spelled_out(text: str) -> str:
    """Return a text as people write it who have no umlauts: ``Mueller`` for ``Müller``."""
    return unicodedata.normalize("NFC", text).translate(_SPELLED_OUT)


def words(text: str) -> list[str]:
    """Return the words of a text, folded: whatever stands between punctuation, blanks and underscores."""
    return _WORD.findall(folded(text))


def characters(parts: Iterable[str]) -> int:
    """Count the characters of folded words as a person does."""
    return len(unicodedata.normalize("NFC", "".join(parts)))


def phrase(parts: Sequence[str]) -> str:
    """Return a pattern for words that follow one another, and are no part of longer ones."""
    between = _BESIDE if characters(parts) >= _LONG or all(map(_JOINED.match, parts)) else APART
    return _bounded(between.join(map(re.escape, parts)), parts[0][0], parts[-1][-1])


def _bounded(pattern: str, first: str, last: str) -> str:
    """Let no letter stand beside a word, and no digit beside a number."""
    before = r"(?<![^\W_])" if first.isdigit() else "" if _JOINED.match(first) else r"(?<![^\W\d_])"
    after = r"(?![^\W_])" if last.isdigit() else "" if _JOINED.match(last) else r"(?![^\W\d_])"
    return before + pattern + after
