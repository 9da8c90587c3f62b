"""Old values in real files: what was planted is found, and other people's are not."""

from __future__ import annotations

import random
import re
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from export_session.dicom import Cause, Change, Outcome, read_instances, rewrite
from export_session.dicom.binary.instance import Instance
from export_session.dicom.remains.search import find_remaining
from export_session.errors import HeaderError
from tests.corpus.samples import FMI, Sample, samples


def words(text: str) -> list[str]:
    return text.split()


# Names that are words, places, units or given names, too
FAMILIES = words(
    """Smith Young King Long Short Hall White Brown Gray Hill Field Rose Stone Park Cross Block Grant Rice Little
Miller Weber Fischer Tesla Hadamard Lange Horn Wolf Winter Sommer Klein Gross Stein Berg Marks Chase Major Power Nguyen
Garcia Lopez Jensen Hansen Virtanen Kowalski Novak Rossi Ferrari Dubois Martin Bernard Moreau Silva Santos Johnson
Wright Baker Cook Turner Fisher Cooper Carter Walker Ward Wood Brooks Banks West North Marsh Church Best Singh"""
)
GIVEN = words(
    """Mark Grace Hope Will Iris Dawn June April August Angel Christian Dean Frank Gene Guy Jack Joy Lance Miles Pat
Ray Rob Rod Sandy Skip Star Summer Sunny Victor Violet Ward Carol Mary John Anna Maria Thomas Michael Laura Elena Omar
Yusuf Wei Chen Amir Olga Ivan Nils Astrid Pedro Lucia Marco Giulia Hannah Lukas Emma Noah"""
)
CORRECTED = {"PatientName": "Nova^Vera", "PatientID": "X99", "PatientBirthDate": "19000203"}
VRS = {"PatientName": "PN", "PatientID": "LO", "PatientBirthDate": "DA"}
PEOPLE = 20  # pretended for each file


def people(rng: random.Random) -> Iterator[dict[str, str]]:
    for _ in range(PEOPLE):
        digits = str(rng.randrange(1000, 10 ** rng.choice((4, 5, 6, 8))))
        code = rng.choice((digits, f"S{digits}", f"sub-{rng.randrange(1000):03}", f"{rng.choice('ABXYZ')}{digits}"))
        day = f"{rng.randrange(1925, 2020)}{rng.randrange(1, 13):02}{rng.randrange(1, 29):02}"
        name = f"{rng.choice(FAMILIES)}^{rng.choice(GIVEN)}"
        yield {"PatientName": name, "PatientID": code, "PatientBirthDate": day}


def replaced(person: dict[str, str]) -> list[Change]:
    return [
        Change("", keyword, VRS[keyword], keyword, old, CORRECTED[keyword], Cause.EDIT, Outcome.APPLIED)
        for keyword, old in person.items()
    ]


def readable() -> Iterator[tuple[Sample, Sequence[Instance]]]:
    for sample in samples():
        try:
            yield sample, read_instances(sample.path)
        except HeaderError:
            continue


def test_other_peoples_values_are_found_in_less_than_one_of_a_hundred_real_files() -> None:
    rng = random.Random(4711)
    warnings.simplefilter("ignore")
    searches, alarms = 0, []
    for sample, instances in readable():
        for person in people(rng):
            searches += 1
            if found := find_remaining(instances, {}, replaced(person), source=sample.path.name):
                alarms.append((sample.name, [(one.old, one.where) for one in found]))
    assert searches > 1000
    assert len(alarms) <= searches / 200, alarms


def test_an_old_value_that_was_written_elsewhere_is_found_in_every_real_file(tmp_path: Path) -> None:
    rng = random.Random(815)
    lost, planted = [], 0
    for sample in samples():
        if FMI not in sample.importers:
            continue
        header: dict[str, Any] = sample.header(FMI)
        family, given = rng.choice(FAMILIES), rng.choice(GIVEN)
        old = {"PatientName": f"{family}^{given}", "PatientID": f"K{rng.randrange(10**6):06}"}
        survivor = f"call {given.upper()} {family.upper()}, no. {old['PatientID'].lower()}"
        first = tmp_path / "first"
        header["dicom"] |= {**old, "PatientComments": survivor}
        if not try_rewrite(sample.path, first, header):
            continue
        header["dicom"] |= CORRECTED
        result = rewrite(first, tmp_path / "second", header, edit_varying="all", on_invalid_edit="skip")
        written = {change.path for change in result.changes}
        planted += 1
        found = {(one.element, one.where) for one in result.remains}
        lost += [
            (sample.name, keyword)
            for keyword in old
            if keyword in written and (keyword, "PatientComments") not in found
        ]
        first.unlink()
    assert planted > 20
    assert lost == []


def try_rewrite(source: Path, target: Path, header: dict[str, Any]) -> bool:
    try:
        result = rewrite(source, target, header, edit_varying="all", on_invalid_edit="skip")
    except HeaderError:
        return False
    return result.modified and "PatientComments" in {change.path for change in result.changes}


@pytest.mark.parametrize("keyword", list(CORRECTED))
def test_what_is_reported_in_a_real_file_stands_there(keyword: str, tmp_path: Path) -> None:
    """Judged by the letters alone: each place reported holds the letters and digits of a part of the old value."""
    wrong = []
    for sample in samples():
        if FMI not in sample.importers:
            continue
        header = sample.header(FMI)
        if not isinstance(header["dicom"].get(keyword), str) or not header["dicom"][keyword]:
            continue
        header["dicom"][keyword] = CORRECTED[keyword]
        try:
            result = rewrite(sample.path, tmp_path / "target", header, edit_varying="all", on_invalid_edit="skip")
        except HeaderError:
            continue
        for one in result.remains:
            raws = [e.raw for i in read_instances(tmp_path / "target") for e in i.elements.values()]
            parts = [part for part in re.split(r"[\W_]+", str(one.old)) if len(part) > 3]
            if one.old.isascii() and not any(part.encode().lower() in raw.lower() for part in parts for raw in raws):
                wrong.append((sample.name, one))
    assert wrong == []
