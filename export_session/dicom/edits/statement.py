"""An edited Specific Character Set: what a person says of the bytes of the text, as it is to be written."""

from __future__ import annotations

from typing import Any

from export_session.dicom.character_sets import NoDeclaration, declaration, term_meant


def statement(value: Any) -> tuple[str, str, str]:
    """Return the value of Specific Character Set that is meant.

    Returns
    -------
    tuple
        The value, why it cannot be written ("" when it can), and what to read with it where it was typed otherwise.
    """
    typed = "\\".join(str(part or "") for part in (value if isinstance(value, list) else [value]))
    try:
        meant = declaration([term_meant(term) for term in typed.split("\\")])
    except NoDeclaration as problem:
        return typed, str(problem), ""
    as_typed = [term.strip() for term in typed.split("\\")] == meant.split("\\")
    return meant, "", "" if as_typed else f'typed "{typed}", written "{meant}"'
