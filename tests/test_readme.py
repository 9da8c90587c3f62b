"""The README says what is so."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

import pytest

HOME = Path(__file__).resolve().parent.parent
README = (HOME / "README.md").read_text()


def test_the_configuration_table_is_the_manifest() -> None:
    table = README.partition("<!-- config")[2].partition("<!-- /config -->")[0]
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+ \| [^|]+) \|", table, re.MULTILINE))
    manifest = json.loads((HOME / "manifest.json").read_text())["config"]
    assert list(rows) == list(manifest)
    for name, option in manifest.items():
        kind, default = (cell.strip() for cell in rows[name].split("|"))
        bounds = f" {option['minimum']}–{option['maximum']}" if "minimum" in option else ""
        assert kind == (", ".join(option["enum"]) if "enum" in option else option["type"] + bounds), name
        wanted = json.dumps(option["default"]).strip('"') if "default" in option else ""
        assert default.strip("`") == (wanted or ("none" if option.get("optional") else "required")), name


def test_make_targets_that_the_readme_names_exist() -> None:
    makefile = (HOME / "Makefile").read_text()
    for target in set(re.findall(r"`?make ([a-z-]+)", README)):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_files_that_the_readme_links_to_exist() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (HOME / link).is_file(), link


def test_the_readmes_python_runs(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from pydicom.data import get_testdata_file

    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.chdir(folder)
        Path("in.dcm").write_bytes(Path(str(get_testdata_file("MR_small.dcm"))).read_bytes())
        exec(code, {})
        assert Path("out.dcm").is_file()
    assert "PatientName" in capsys.readouterr().out
