"""The importer of the site, run over the rewritten bytes, makes the metadata that the curator wrote."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.accept.rewritten import Rewritten, rewritten, thorough
from tests.corpus.samples import ROOT

IMPORTER = ROOT / ".venvs" / "importer" / "bin" / "python"
SECTIONS = ("dicom", "dicom_array")


def imported(paths: list[Path]) -> list[dict[str, Any]]:
    """What file-metadata-importer 1.7.9 makes of each file."""
    assert IMPORTER.exists(), "run tools/importer/setup.sh first"
    asked = "".join(f"{path}\n" for path in paths)
    program = ROOT / "tools" / "importer" / "run_importer.py"
    run = subprocess.run([IMPORTER, program], input=asked, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in run.stdout.splitlines()]


def test_the_importer_reads_back_what_the_curator_wrote(tmp_path: Path) -> None:
    cases = list(rewritten(tmp_path, 3 if thorough() else 1))
    assert len(cases) >= 30
    answers = imported([case.path for case in cases])
    verdicts = []
    for case, answer in zip(cases, answers, strict=True):
        if "error" in answer:
            verdicts.append(f"{case.sample.name}: {case.edit}: the importer fails: {answer['error']}")
            continue
        verdicts += [f"{case.sample.name}: {case.edit}: {problem}" for problem in _unlike(case, answer["header"])]
    assert not verdicts, f"{len(verdicts)} problems in {len(cases)} files:\n" + "\n".join(verdicts[:60])


def _unlike(case: Rewritten, header: dict[str, Any]) -> list[str]:
    """Where the importer's metadata is not the curator's, nor the one handed on as describing the bytes."""
    problems = []
    for section in SECTIONS:
        found = header.get(section, {})
        curated, stored = case.edit.header.get(section, {}), case.result.header.get(section, {})
        for key in sorted(found.keys() | curated.keys() | stored.keys()):
            if key == "SpecificCharacterSet" and case.edit.recodes:
                curated = curated | {key: found.get(key)}
            if not _alike(found.get(key), stored.get(key)):
                problems.append(
                    f"{section}.{key}: {_short(found, key)}, but the copy's record says {_short(stored, key)}"
                )
            elif not _alike(found.get(key), curated.get(key)) and not case.edit.members:
                problems.append(f"{section}.{key}: {_short(found, key)}, but the curator wrote {_short(curated, key)}")
    return problems


def _alike(one: Any, other: Any) -> bool:
    """Equal, where an element without value is not shown at all."""
    empty: tuple[Any, ...] = ("", None, [])
    return one == other or (one in empty and other in empty)


def _short(section: dict[str, Any], key: str) -> str:
    return repr(section.get(key))[:80]
