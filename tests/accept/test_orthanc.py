"""Orthanc stores what was rewritten, and reads the new values from it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.accept.orthanc import Orthanc, running
from tests.accept.rewritten import Rewritten, rewritten, thorough
from tests.corpus.samples import Sample
from tests.support.dicom_bytes import Path as ElementPath

NUMERIC = frozenset({"DS", "FD", "FL", "IS", "SL", "SS", "UL", "US"})


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with running(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


def test_orthanc_stores_every_rewritten_instance_and_returns_the_new_values(orthanc: Orthanc, tmp_path: Path) -> None:
    verdicts, compared = [], 0
    for case in rewritten(tmp_path, 5 if thorough() else 1):
        after = Sample(case.sample.name, case.path, ()).instances() if case.sample.is_zip else {}
        before = case.sample.instances()
        for name in sorted(case.edit.members or before)[:2]:
            data = after[name] if case.sample.is_zip else case.path.read_bytes()
            if data == before[name] or not _storable(orthanc, before[name]):
                continue
            compared += 1
            verdicts += [f"{case.sample.name}: {case.edit}: {problem}" for problem in _problems(orthanc, case, data)]
    assert compared > 200
    assert not verdicts, f"{len(verdicts)} problems in {compared} instances:\n" + "\n".join(verdicts[:60])


def _storable(orthanc: Orthanc, data: bytes) -> bool:
    if (stored := orthanc.store(data)) is None:
        return False
    orthanc.delete(stored)
    return True


def _problems(orthanc: Orthanc, case: Rewritten, data: bytes) -> list[str]:
    stored = orthanc.store(data)
    if stored is None:
        return ["stored before, refused now"]
    problems = [] if orthanc.file(stored) == data else ["does not come back as it was sent"]
    found = _value(orthanc.tags(stored), case.edit.path)
    orthanc.delete(stored)
    if found is not UNSEEN and not _same(case.edit.vr, found, case.edit.value):
        problems.append(f"reads {found!r}, not {case.edit.value!r}")
    return problems


UNSEEN = object()  # Orthanc shows no private group it does not know, no binary and no long value


def _value(tags: dict[str, Any], path: ElementPath) -> Any:
    shown: Any = {"Type": "Sequence", "Value": [tags]}
    steps = (0, *path)
    for place in range(0, len(steps), 2):
        item, tag = steps[place], steps[place + 1]
        if shown["Type"] != "Sequence":
            return UNSEEN
        entry = shown["Value"][item].get(f"{tag >> 16:04x},{tag & 0xFFFF:04x}")
        if entry is None:
            return UNSEEN if tag >> 16 & 1 else None
        shown = entry
    return shown["Value"] if shown["Type"] == "String" else None if shown["Type"] == "Null" else UNSEEN


def _same(vr: str, found: Any, expected: Any) -> bool:
    if expected is None:
        return found in (None, "")
    wanted = expected if isinstance(expected, list) else [expected]
    parts = str(found).split("\\") if vr not in {"LT", "ST", "UT"} else [str(found)]
    if vr == "AT":
        return str(found).replace(",", "").lower() in {f"{value:08x}" for value in wanted} | {str(wanted[0])}
    if vr in NUMERIC:
        return [f"{float(part):.6g}" for part in parts] == [f"{float(value):.6g}" for value in wanted]
    return [part.strip() for part in parts] == [str(value).strip() for value in wanted]
