"""The defined terms of Specific Character Set (PS3.3 §C.12.1.1.2), and what people write in their place."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence

_SINGLE_BYTE = ("6", "13", "100", "101", "109", "110", "126", "127", "138", "144", "148", "166")
_MULTI_BYTE = tuple(f"ISO 2022 IR {number}" for number in ("58", "87", "149", "159"))  # Table C.12-4
_ALONE = ("ISO_IR 192", "GB18030", "GBK")  # Table C.12-5: without code extensions
# Tables C.12-2 and C.12-3; ISO_IR 6, the default repertoire, has no term of its own, but is widely written
_TERMS = (
    *(f"ISO_IR {number}" for number in _SINGLE_BYTE),
    *_ALONE,
    *(f"ISO 2022 IR {number}" for number in _SINGLE_BYTE),
    *_MULTI_BYTE,
)
_SPELLED = re.compile(r"iso[ _-]*(?P<extension>2022[ _-]*)?ir[ _-]*(?P<number>\d+)", re.IGNORECASE)
_OF_PYTHON = {
    "ascii": "ISO_IR 6",
    "iso8859-1": "ISO_IR 100",
    "iso8859-2": "ISO_IR 101",
    "iso8859-3": "ISO_IR 109",
    "iso8859-4": "ISO_IR 110",
    "iso8859-5": "ISO_IR 144",
    "iso8859-6": "ISO_IR 127",
    "iso8859-7": "ISO_IR 126",
    "iso8859-8": "ISO_IR 138",
    "iso8859-9": "ISO_IR 148",
    "iso8859-11": "ISO_IR 166",
    "tis-620": "ISO_IR 166",
    "utf-8": "ISO_IR 192",
    "gb18030": "GB18030",
    "gbk": "GBK",
}


class NoDeclaration(ValueError):
    """The terms declare no character sets; the text says why, and which terms there are."""


def declaration(terms: Sequence[str]) -> str:
    r"""Return the value of Specific Character Set that declares these character sets.

    Parameters
    ----------
    terms
        Defined terms, of which the first may be "" (the default repertoire) where more follow. Several terms
        announce code extensions, so they are written by the names of those: ``ISO_IR 100`` and ``ISO_IR 144``
        give ``ISO 2022 IR 100\ISO 2022 IR 144``. A set of more than one byte extends another one, so it is
        never the first: ``ISO 2022 IR 87`` gives ``\ISO 2022 IR 87``.

    Raises
    ------
    NoDeclaration
        A term is unknown, or cannot be combined with others.
    """
    extending = ["", *terms] if terms and terms[0] in _MULTI_BYTE else list(terms)
    for place, term in enumerate(extending):
        if term not in _TERMS and (term or place or len(extending) == 1):
            raise NoDeclaration(f'"{term}" is no character set of DICOM; {valid_terms()}')
        if term in _ALONE and len(extending) > 1:
            raise NoDeclaration(f"{term} stands alone, without other character sets")
    if len(extending) > 1:
        extending = [term.replace("ISO_IR", "ISO 2022 IR") for term in extending]
    return "\\".join(extending)


def valid_terms() -> str:
    """Say which defined terms there are."""
    single = ", ".join(_SINGLE_BYTE)
    multi = ", ".join(term.rpartition(" ")[2] for term in _MULTI_BYTE)
    return (
        f"valid are ISO_IR with one of {single}; {', '.join(_ALONE)}; and, several of them separated by a backslash, "
        f"ISO 2022 IR with one of those or of {multi}"
    )


def term_meant(text: str) -> str:
    """Return the defined term of a character set that has one meaning, however it is written; else the text itself."""
    bare = text.strip()
    spelled = _SPELLED.fullmatch(bare)
    if spelled:
        return f"{'ISO 2022 IR' if spelled['extension'] else 'ISO_IR'} {spelled['number']}"
    try:
        return _OF_PYTHON.get(codecs.lookup(bare).name, bare)
    except (LookupError, ValueError):
        return bare
