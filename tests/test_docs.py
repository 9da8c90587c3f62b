"""The documents name only what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
FOLDERS = "export_session|local_site|tests|tools|benchmarks|demo|docs"


def promises() -> list[str]:
    """Return the tests that architecture.md names, as ``file::test``."""
    return re.findall(r"`(tests/\S+\.py::\w+)`", (ROOT / "docs" / "architecture.md").read_text())


def test_every_promise_names_its_test() -> None:
    table = (ROOT / "docs" / "architecture.md").read_text().partition("## Promises")[2]
    rows = [line for line in table.splitlines() if line.startswith("|")][2:]
    assert rows
    assert [row for row in rows if "`tests/" not in row] == []


@pytest.mark.parametrize("promise", sorted(set(promises())))
def test_the_test_that_holds_a_promise_exists(promise: str) -> None:
    path, _, name = promise.partition("::")
    assert re.search(rf"^ *def {name}\(", (ROOT / path).read_text(), re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_and_folders_that_a_document_names_exist(document: Path) -> None:
    text = document.read_text()
    named = re.findall(rf"`((?:{FOLDERS})/[\w./-]*)", text)
    linked = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert [path for path in named if not (ROOT / path).exists()] == []
    assert [link for link in linked if not (document.parent / link).exists()] == []
