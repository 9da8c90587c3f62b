"""What spreadsheets make of values, and how it is seen: zeros in front that are gone, 1.2E+30 for a UID, dates for 3-4.

Nobody meant it, so nothing that looks like it is taken for a correction. Whoever does mean it can say so, as JSON.
"""

from __future__ import annotations

import re
from decimal import Decimal

from export_session.dicom.dictionary import NUMBER_VRS

DIGITS_KEPT = 15  # of a number, by a spreadsheet
_ERROR = re.compile(
    r"#(?:N/A|NAME\?|REF!|VALUE!|DIV/0!|NUM!|NULL!|SPILL!|CALC!|FIELD!|GETTING_DATA)|Err:\d{3}|#{3,}", re.IGNORECASE
)
LOGICAL = frozenset(["TRUE", "FALSE", "WAHR", "FALSCH", "VRAI", "FAUX"])
_SCIENTIFIC = re.compile(r"[+-]?\d(?:[.,]\d+)?E[+-]\d{2,}")
_SIX_DIGITS = re.compile(r"[+-]?\d[.,]\d{5}E[+-]\d{2,}")
MONTHS = "Jan|Feb|Mar|Mär|Mrz|Apr|May|Mai|Jun|Jul|Aug|Sep|Oct|Okt|Nov|Dec|Dez"
_MONTH_DATE = re.compile(rf"\d{{1,2}}[-. ]{{1,2}}(?:{MONTHS})\.?(?:[- ]\d{{2,4}})?|(?:{MONTHS})[- ]\d{{2}}")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?(?:[Ee][+-]?\d{1,3})?")
_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}(?:\1\d{1,4})?\.?")
_FULL_DATE = re.compile(r"\d{1,4}([-/.])\d{1,2}\1\d{1,4}(?: \d\d?:\d\d.*)?")
_TIME = re.compile(r"\d{1,2}(:\d\d){1,2}(?: ?[AP]M)?")
_CUT = (255, 32_000, 32_767)  # characters, at which programs cut a cell

# What is said of a cell goes into the job log, so no value is cited
HINT = "if it is meant, write it behind <json>, in quotation marks"


def why_doubtful(text: str, vr: str) -> str:
    """Say what a spreadsheet seems to have made of a value, whatever it was; "" where nothing does.

    Parameters
    ----------
    vr
        Of the element, "" where there is none or it is not known.
    """
    if _ERROR.fullmatch(text):
        return "it is what a spreadsheet shows in place of a value that it could not work out"
    if "\ufffd" in text:
        return "characters of it were lost when it was saved in another character set; save the sheet as xlsx or UTF-8"
    signs = {
        "a spreadsheet made a logical value of it": text in LOGICAL,
        "a spreadsheet made a number of it and dropped digits": (
            _SIX_DIGITS if vr in NUMBER_VRS else _SCIENTIFIC
        ).fullmatch(text),
        "a spreadsheet seems to have made a date of it": vr not in ("DA", "DT") and _MONTH_DATE.fullmatch(text),
        "it was opened in the wrong character set": _read_wrongly(text) != text,
    }
    return next((f"{why}; {HINT}" for why, seen in signs.items() if seen), "")


def why_no_number(digits: str, vr: str) -> str:
    """Say why what was typed cannot be told from the number that a spreadsheet made of it."""
    if vr == "UI":
        return "a spreadsheet made a number of it, which may have lost zeros at its end; type it as text"
    if vr == "TM" and len(digits.partition(".")[0]) < len("HHMMSS"):
        return "a spreadsheet made a number of it, which may have lost zeros in front; type it as text"
    return ""


def why_destroyed(new: str, current: str, vr: str) -> str:
    """Say what a spreadsheet seems to have done to `current` that made `new` of it; "" where a person did it.

    Both are texts as in a cell, of an element of this VR.
    """
    if new == current or not current:
        return ""
    numbers = _NUMBER.fullmatch(new) and _NUMBER.fullmatch(current)
    lost = _lost(new, current, vr) if numbers else ""
    signs = {
        f"a spreadsheet made a number of what is there: {lost} lost": lost,
        "a spreadsheet made a date of what is there": (
            vr not in ("DA", "DT") and _same_moment(new, current, _FULL_DATE, _DATE)
        ),
        "a spreadsheet made a time of what is there": vr != "TM" and _same_moment(new, current, _TIME, _TIME),
        "letters became question marks when the sheet was saved": _has_lost_letters(new, current),
        f"a program cut it after {len(new):,} characters": len(new) in _CUT and current.startswith(new),
    }
    return next((f"{why}; {HINT}" for why, seen in signs.items() if seen), "")


def _lost(new: str, current: str, vr: str) -> str:
    """Say what is missing of a number that is otherwise the same."""
    ours, theirs = Decimal(new), Decimal(current)
    if vr in NUMBER_VRS:  # for which 5 and 5.0 are the same
        rounded = "E" in new and ours != theirs and abs(ours - theirs) <= abs(theirs) * Decimal("5e-6")
        return "digits were" if rounded else ""
    if ours == theirs:
        return "zeros were"
    long = len(theirs.as_tuple().digits) > DIGITS_KEPT
    return "digits were" if long and abs(ours - theirs) <= abs(theirs) * Decimal("1e-14") else ""


def _same_moment(new: str, current: str, form: re.Pattern[str], before: re.Pattern[str]) -> bool:
    """Whether all numbers of a date or time are there again in another form, perhaps with fewer digits of a year."""
    if not (form.fullmatch(new) and before.fullmatch(current)):
        return False
    numbers = set(map(int, re.findall(r"\d+", new)))
    return all({one, one % 100} & numbers for one in map(int, re.findall(r"\d+", current)))


def _has_lost_letters(new: str, current: str) -> bool:
    return len(new) == len(current) and all(
        one == other or (one == "?" and not other.isascii()) for one, other in zip(new, current, strict=True)
    )


def _read_wrongly(text: str) -> str:
    """Give the text that UTF-8 stands for where it was read as Windows-1252; the text itself where it was not."""
    if text.isascii():
        return text
    try:
        return text.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return text
