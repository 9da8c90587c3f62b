"""Over the corpus: what no person wrote changes no byte, and what a person wrote is that person's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import Attribution, rewrite
from export_session.dicom.edits.find import find_edits
from export_session.dicom.vocabulary import Options, Writing
from export_session.errors import HeaderError
from tests.corpus.samples import FMI, GRP3, MRC, Sample
from tests.corpus.test_edits_over_corpus import UNREADABLE
from tests.corpus.test_no_phantom_edits import alter_all, instances, is_whole, read_by, summary

ADA = Attribution("ada@example.org", "2024-01-01T12:00:00+00:00", "", "audit trail")
MACHINE = Writing(Attribution("job 7"), by_person=False)
PERSON = Writing(ADA, by_person=True)
IMPORT = Writing(ADA, by_person=True, corrects=False)
SMALL = 1 << 20  # bytes
EVERY = 20  # of so many files one is tried


def some(importer: str) -> list[Sample]:
    small = [one for one in read_by(importer) if one.path.stat().st_size < SMALL and one.name not in UNREADABLE]
    return list(filter(is_whole, small[::EVERY]))


def altered(sample: Sample, importer: str) -> dict[str, Any]:
    header = sample.header(importer)
    list(alter_all(header["dicom"]))
    return header


@pytest.mark.parametrize("importer", [FMI, GRP3, MRC])
def test_whatever_a_job_wrote_is_no_edit(importer: str) -> None:
    options = Options(edit_uids=True)
    found = {
        one.name: find_edits(instances(one), altered(one, importer), None, options, written=lambda _: MACHINE)
        for one in some(importer)
    }
    assert found
    assert {name: summary(decision) for name, decision in found.items() if decision.edits} == {}


@pytest.mark.parametrize("importer", [FMI, GRP3, MRC])
def test_a_header_that_a_person_imported_holds_no_edit(importer: str) -> None:
    found = {
        one.name: find_edits(instances(one), one.header(importer), written=lambda _: IMPORT) for one in some(importer)
    }
    assert {name: summary(decision) for name, decision in found.items() if decision.edits} == {}


@pytest.mark.parametrize("importer", [FMI, GRP3])
def test_each_change_is_its_authors(importer: str, tmp_path: Path) -> None:
    anonymous, changes = [], 0
    for sample in some(importer):
        try:
            result = rewrite(
                sample.path,
                tmp_path / "target",
                altered(sample, importer),
                written=lambda _: PERSON,
                on_refused_edit="export",
            )
        except HeaderError:
            continue
        changes += len(result.changes)
        anonymous += [one for one in (*result.changes, *result.refused) if one.attribution != ADA]
    assert changes
    assert anonymous == []


@pytest.mark.parametrize("importer", [FMI, GRP3])
def test_what_jobs_wrote_leaves_the_file_as_it_is(importer: str, tmp_path: Path) -> None:
    for sample in some(importer):
        result = rewrite(sample.path, tmp_path / "target", altered(sample, importer), written=lambda _: MACHINE)
        assert (result.modified, result.changes, result.refused) == (False, (), ()), sample.name
        again = find_edits(instances(sample), result.header)
        assert not again.edits, f"{sample.name}: {summary(again)}"
