"""The table for a site's binder says of every promise how its tests ended."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import validation

TEXT = """## Promises

| promise | held by |
|---|---|
| All is well | `tests/a/test_b.py::test_one` (a sample), `tests/a/test_b.py::test_many` |
| Nothing is lost | `tests/test_c.py::test_other`, `tests/test_c.py::test_nowhere` |
"""
XML = """<testsuites><testsuite name="pytest" timestamp="2026-03-02T09:15:00">
<testcase classname="tests.a.test_b" name="test_one"/>
<testcase classname="tests.a.test_b" name="test_many[1]"/><testcase classname="tests.a.test_b" name="test_many[x::y]"/>
<testcase classname="tests.test_c" name="test_other[1]"/>
<testcase classname="tests.test_c" name="test_other[2]"><failure message="no"/></testcase>
<testcase classname="tests.test_c" name="test_other[3]"><error message="no"/></testcase>
<testcase classname="tests.test_c" name="test_other[4]"><skipped/></testcase>
</testsuite></testsuites>"""


@pytest.fixture
def results(tmp_path: Path) -> validation.Results:
    (tmp_path / "results.xml").write_text(XML)
    return validation.Results.read(tmp_path / "results.xml")


def test_each_test_has_its_row_with_all_its_cases_counted(results: validation.Results) -> None:
    page = validation.document(TEXT, results)
    assert page.endswith(
        "| All is well | `tests/a/test_b.py::test_one` | passed |\n"
        "|  | `tests/a/test_b.py::test_many` | passed, 2 cases |\n"
        "| Nothing is lost | `tests/test_c.py::test_other` | 2 failed, 1 passed, 1 skipped |\n"
        "|  | `tests/test_c.py::test_nowhere` | not run |\n"
    )
    assert "Results of 2026-03-02T09:15:00." in page


def test_without_results_nothing_is_called_passed(tmp_path: Path) -> None:
    page = validation.document(TEXT, validation.Results.read(tmp_path / "none.xml"))
    assert "passed" not in page
    assert page.count("not run") == 5


def test_only_what_passed_is_proven(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "architecture.md").write_text(TEXT)
    (tmp_path / "results.xml").write_text(XML)
    for name, path in (
        ("HOME", tmp_path),
        ("ARCHITECTURE", tmp_path / "architecture.md"),
        ("TARGET", tmp_path / "v.md"),
    ):
        monkeypatch.setattr(validation, name, path)
    assert validation.main([str(tmp_path / "results.xml")]) == 1
    assert "tests/test_c.py::test_nowhere: not run" in capsys.readouterr().out
    (tmp_path / "architecture.md").write_text("\n".join(TEXT.splitlines()[:5]))
    assert validation.main([str(tmp_path / "results.xml")]) == 0


def test_every_promise_of_the_architecture_is_found() -> None:
    text = validation.ARCHITECTURE.read_text(encoding="utf-8")
    rows = [line for line in text.partition("## Promises")[2].splitlines() if line.startswith("|")][2:]
    assert len(list(validation.promises(text))) == len(rows)
