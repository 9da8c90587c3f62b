"""A label cannot forge lines of the log."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest

from export_session.support.log_lines import show_control_characters
from export_session.support.wording import visible

AWKWARD = [
    "\n",
    "\r",
    "\x0b",
    "\x0c",
    "\x1b[2J",
    "\x85",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\x00",
    "\x7f",
    "\ud83d",
]


@pytest.fixture
def printed() -> Iterator[io.StringIO]:
    stream, root = io.StringIO(), logging.getLogger()
    handler = logging.StreamHandler(stream)
    root.addHandler(handler)
    show_control_characters()
    show_control_characters()  # a second time changes nothing
    yield stream
    root.removeHandler(handler)


@pytest.mark.parametrize("awkward", AWKWARD)
def test_a_message_is_one_line_whatever_a_label_holds(printed: io.StringIO, awkward: str) -> None:
    logging.getLogger("export_session.session.story").error("%s: %s", f"Visit{awkward}Exported", "failed")
    text = printed.getvalue()
    assert text.endswith("Exported: failed\n")
    assert awkward not in text.removesuffix("\n")
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize("text", ["Visit 1", "Müller ☤ 検査 👩‍🔬", "50 % of %s", "نص عربي"])
def test_everything_else_is_unchanged(printed: io.StringIO, text: str) -> None:
    logging.getLogger("export_session").warning(text)
    assert printed.getvalue() == f"{text}\n"
    assert visible(text) == text
