"""Words for people: counts, sizes, durations, and text made safe to show."""

from __future__ import annotations

import re
from collections.abc import Collection

IN_TEXT = "(value)"

MARKS = (("'", "'"), ('"', '"'), ("`", "`"), ("\u201c", "\u201d"), ("\u2018", "\u2019"), ("«", "»"))
VALUE_LIKE = re.compile(  # person names, UIDs, dates, numbers that are not counts
    r"\S*\^\S*|(?<![\w.])-?\d+(?:\.\d+){3,}(?![\w.])"
    r"|(?<![\w.])(?<!PS3\.3 table )-?\d+\.\d+(?:[eE][+-]?\d+)?(?![\w.]\w)|\b\d{5,}\b"
)
# Sentences that cite values. Of a list of all that are allowed, one that is left out would be known as the old value.
CITING = (
    (re.compile(r"\btyped .*, written .*", re.DOTALL), f"typed {IN_TEXT}, written {IN_TEXT}"),
    (re.compile(r" can be read as [^;]*"), " can be read in more than one way"),
    (re.compile(r'; (?:".*"|[^;]*) would do\b', re.DOTALL), "; another one would do"),
    (re.compile(r": .* is not one of .*? \(PS3", re.DOTALL), f": {IN_TEXT} is not one of those that are allowed (PS3"),
    (re.compile(r" defines [^;]* for (?=\w+, and no other value)"), " defines certain values for "),
    (re.compile(r"(, but (?:required|must have a value)) where .* (?=\(type)", re.DOTALL), r"\1 under a condition "),
)
# Examples and limits that sentences give of themselves, whatever the value is
OWN = re.compile(
    r"the form is [YMDHSFZX.+]+, such as (?:20200131134501|20200131|134501\.25 or 1345)(?!\w)"
    r"|family\^given\^middle\^prefix\^suffix"
    r"|beyond the range of [A-Za-z ]+, -?\d+ to \d+"
    r"|it has \d+ characters, [A-Z]{2} holds \d+"
)
SHELTER = 0xE000  # the first character of a private use area, in which no sentence is written
PICTURES = {code: 0x2400 + code for code in range(0x20)} | {0x7F: 0x2421}  # ␀ … ␟ ␡
# C1 controls, line and paragraph separator, marks and overrides of writing direction, halves of characters
UNPRINTABLE = re.compile("[\x80-\x9f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def counted(number: int, noun: str) -> str:
    """Give a number with its noun: "1 file", "1,200 files", "2 analyses"."""
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun[:-2]}es" if noun.endswith("is") else f"{number:,} {noun}s"


def size(number: float) -> str:
    """Give a number of bytes in decimal units: "512 B", "52.3 MB"."""
    if number < 1000:
        return f"{number:.0f} B"
    for unit in ("kB", "MB", "GB"):
        number /= 1000
        if number < 999.95:
            return f"{number:.1f} {unit}"
    return f"{number / 1000:,.1f} TB"


def duration(seconds: float) -> str:
    """Give a number of seconds in words a person reads at a glance: "4.2 s", "3 min 05 s", "2 h 07 min"."""
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    return f"{minutes // 60} h {minutes % 60:02} min"


def visible(text: str) -> str:
    """Show control characters as their pictures (``␊``, ``␛``), and what has none by its code (``<U+2028>``).

    Line breaks of any kind are among them, and characters that turn the direction of writing.
    """
    return UNPRINTABLE.sub(lambda match: f"<U+{ord(match[0]):04X}>", text.translate(PICTURES))


def shortened(text: str, limit: int) -> str:
    """Cut a text to about ``limit`` characters and say how many were left out."""
    return text if len(text) <= limit else f"{text[:limit]} … [{len(text) - limit:,} more characters]"


def without_values(text: str, values: Collection[str] = (), names: Collection[str] = ()) -> str:
    """Take out of a sentence what may be the value of an element.

    That is each of the known ``values``; everything in quotation marks but ``names`` (of files, containers
    and elements); and whatever looks like a person's name, a UID, a date or a measured number. Examples of the right
    form stay.
    """
    own: list[str] = []

    def shelter(match: re.Match[str]) -> str:
        own.append(match[0])
        return chr(SHELTER + len(own) - 1)

    told = _without_values(OWN.sub(shelter, text), values, names)
    return told.translate(dict(enumerate(own, SHELTER)))


def _without_values(text: str, values: Collection[str], names: Collection[str]) -> str:
    for pattern, instead in CITING:
        text = pattern.sub(instead, text)
    for value in sorted(values, key=len, reverse=True):
        if value in text:
            text = re.sub(rf"(?<!\w){re.escape(value)}(?!\w)", IN_TEXT, text)
    for opening, closing in MARKS:
        if opening in text:
            text = _without_quoted(text, opening, closing, names)
    return VALUE_LIKE.sub(IN_TEXT, text)


def _without_quoted(text: str, opening: str, closing: str, names: Collection[str]) -> str:
    """Take out what is quoted; where the marks do not pair up, all from the first to the last of them."""
    start, end = rf"(?<!\w){opening}", rf"{closing}(?!\w)"

    def replaced(match: re.Match[str]) -> str:
        return match[0] if match[0][1:-1] in names else IN_TEXT

    shorter = re.sub(f"{start}.*?{end}", replaced, text, flags=re.DOTALL)
    rest = re.sub(f"{start}({'|'.join(map(re.escape, names))}){end}", "", shorter) if names else shorter
    if re.search(f"{start}|{end}", rest):
        return re.sub(f"{start}.*{end}", replaced, text, flags=re.DOTALL)
    return shorter
