"""Every file in place and back: the bytes and the metadata of all are those at the start."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import flywheel
import pytest

from tests.corpus import catalogue
from tests.corpus.samples import IMPORTERS, Sample, samples
from tests.support.world import World

AT_ONCE = 42  # files in a session
METADATA = ("type", "modality", "classification", "tags", "info")
KINDS = (catalogue.of_every_vr, catalogue.nested, catalogue.text)


def edited(sample: Sample, number: int) -> dict[str, Any]:
    """Return the header of a sample with an edit in it, where there is any to be made; none that nothing could read."""
    importer = next((one for one in IMPORTERS if one in sample.importers), None)
    if importer is None:
        return {}
    kind = KINDS[number % len(KINDS)]
    edit = next(kind(sample, sample.header(importer)), None)
    return dict(edit.header) if edit else sample.header(importer)


def filled(world: World, some: Sequence[Sample]) -> Any:
    """Add a session with these files, edited, in a few acquisitions."""
    session = world.session(label=some[0].name.replace("/", " "))
    acquisitions = [session.add_acquisition(label=f"series {number}") for number in range(3)]
    for number, sample in enumerate(some):
        name = sample.name.replace("/", "__")
        info = {"header": edited(sample, number), "mine": {"number": number}}
        metadata = {"type": "dicom", "info": info, "tags": ["mine"], "classification": {"Custom": ["mine"]}}
        content = flywheel.FileSpec(name, sample.path.read_bytes(), "application/octet-stream")
        acquisitions[number % 3].upload_file(content, metadata=metadata)
    return session.reload()


def held(session: Any) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the SHA-256 and the metadata of every file."""
    return {
        file.name: (
            hashlib.sha256(one.read_file(file.name)).hexdigest(),
            {key: getattr(file, key) for key in METADATA},
        )
        for one in (row.reload() for row in session.acquisitions())
        for file in one.files
    }


def there_and_back(world: World, some: Sequence[Sample]) -> int:
    """Play the way there and back, and return how many files were changed on it."""
    session = filled(world, some)
    before = held(session)
    world.run(session, mode="in_place", on_refused_edit="export", map_flywheel_to_dicom=True)
    there = held(session)
    back = world.run(session, mode="restore")
    assert back.code == 0, back.printed
    assert held(session) == before
    session = session.reload()
    assert (session.tags, session.info) == ([], {})
    changed = {name for name, (sha256, _) in there.items() if sha256 != before[name][0]}
    files = [row for row in back.log if row["Container"] == "file"]
    assert {row["Name"] for row in files if row["Status"] == "updated"} == changed
    return len(changed)


def test_a_sample_comes_back_as_it_was(world: World) -> None:
    some = samples()[::21]
    assert there_and_back(world, some) > len(some) / 2


@pytest.mark.slow
@pytest.mark.parametrize("first", range(0, len(samples()), AT_ONCE))
def test_everything_comes_back_as_it_was(world: World, first: int) -> None:
    some = samples()[first : first + AT_ONCE]
    assert there_and_back(world, some) > len(some) / 2
