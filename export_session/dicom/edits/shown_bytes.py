"""The pictures that importers draw of binary data."""

from __future__ import annotations

import ast
import re
from typing import Any

from export_session.dicom.binary.dataset import Value
from export_session.dicom.edits.equality import is_empty

_BYTES_REPR = re.compile(r"""b'(?:[^'\\]|\\.)*'|b"(?:[^"\\]|\\.)*\"""", re.DOTALL)
_TRUNCATED = " ... truncated byte value."


def shows_bytes(value: Any, in_file: Value, *, nested: bool) -> bool:
    """Whether a text is one of the pictures that importers draw of binary data.

    FMI: hexadecimal, whole or the first ten digits, or decoded as text; GRP3 and MRC: Python's ``repr``.
    Of long data only the first bytes are at hand, so only these are compared.
    """
    if is_empty(value):
        return nested or not in_file.raw.strip(b" \0")
    if isinstance(value, list):
        value = "\\".join(map(str, value))
    raw, held = in_file.raw, in_file.element.held
    if not isinstance(value, str):
        return False
    if value.endswith(_TRUNCATED):
        return raw.hex().startswith(value.removesuffix(_TRUNCATED))
    if _BYTES_REPR.fullmatch(value):
        try:
            shown = ast.literal_eval(value)
        except (ValueError, SyntaxError):
            return False
        return bool(shown == raw if held else shown.startswith(raw))
    pictures = (raw.hex(), raw.decode("utf-8", "replace").strip(" \0"))
    return value in pictures if held else value.startswith(pictures)
