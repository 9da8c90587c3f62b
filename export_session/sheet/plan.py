"""What a sheet changes on the site: each value with what it takes the place of."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

from export_session.dicom.vocabulary import Attribution
from export_session.session.corrected import Note, digest_of, with_notes
from export_session.session.headers import Element, value_in, with_value
from export_session.session.provenance import KEY, object_at
from export_session.sheet.fields import Field
from export_session.sheet.model import Correction
from export_session.site.model import Container, File, Level, Session

C = TypeVar("C", bound=Container)


@dataclass(frozen=True)
class Deed:
    """One value to set in one place."""

    correction: Correction
    aim: Element | Field
    level: Level  # of the container
    container_id: str
    labels: tuple[str, ...]  # of the container and those above it, as they are
    old: Any  # ABSENT where nothing stands there
    new: Any  # ABSENT takes the key away
    done: bool = False  # it stands there already
    file_id: str = ""  # "" for a field of the container
    file: str = ""  # its name

    @property
    def group(self) -> tuple[str, str]:
        """What is written at once: all values of a file, or all fields of a container but its label."""
        is_label = isinstance(self.aim, Field) and self.aim.is_label
        return self.container_id, "label" if is_label else self.file_id

    @property
    def where(self) -> str:
        """How a person finds the place."""
        return "/".join(filter(None, (*self.labels, self.file)))

    def note(self, by: Attribution) -> Note:
        """Return what is kept of it at the origin."""
        reason, source = self.correction.reason, str(self.correction.place)
        return Note(self.aim.path, digest_of(self.new), source, reason, by.author, by.at)

    def shown_in(self, place: File | Container) -> Any:
        """Return what stands there now."""
        if isinstance(place, File):
            assert isinstance(self.aim, Element)
            return value_in(object_at(place.info, "header", "dicom"), self.aim)
        assert isinstance(self.aim, Field)
        return self.aim.value_in(place)


@dataclass(frozen=True)
class Plan:
    """All that a sheet asks for, once it is known that all of it can be done."""

    deeds: tuple[Deed, ...] = ()
    by: Attribution = field(default_factory=Attribution)  # whose run carries it out, and when

    @cached_property
    def open(self) -> tuple[Deed, ...]:
        """What is still to be done."""
        return tuple(deed for deed in self.deeds if not deed.done)

    @cached_property
    def by_container(self) -> Mapping[str, tuple[Deed, ...]]:
        """What is still to be done, by the id of the container."""
        found: dict[str, list[Deed]] = defaultdict(list)
        for deed in self.open:
            found[deed.container_id].append(deed)
        return {container_id: tuple(deeds) for container_id, deeds in found.items()}

    @cached_property
    def new_labels(self) -> Mapping[str, str]:
        """The labels that containers are to have, by id."""
        return {deed.container_id: deed.new for deed in self.open if isinstance(deed.aim, Field) and deed.aim.is_label}

    def applied_to(self, container: C) -> C:
        """Return a container as it is once the plan is carried out."""
        for_files: dict[str, list[Deed]] = defaultdict(list)
        own: list[Deed] = []
        for deed in self.by_container.get(container.id, ()):
            (for_files[deed.file_id] if deed.file_id else own).append(deed)
        done: C = with_fields(container, own, self.by)
        if for_files:
            files = tuple(corrected(file, for_files.get(file.file_id, ()), self.by) for file in done.files)
            done = replace(done, files=files)
        if isinstance(done, Session) and done.subject_id in self.new_labels:
            done = replace(done, subject_label=self.new_labels[done.subject_id])
        return done


def corrected(file: File, deeds: Iterable[Deed], by: Attribution) -> File:
    """Return a file with the values of these deeds in its metadata, and who asked for them."""
    deeds = tuple(deeds)
    if not deeds:
        return file
    header = object_at(file.info, "header")
    dicom: Mapping[str, Any] = object_at(header, "dicom")
    for deed in deeds:
        assert isinstance(deed.aim, Element)
        dicom = with_value(dicom, deed.aim, deed.new)
    noted = with_notes(file.info, (deed.note(by) for deed in deeds))
    return replace(file, info={**file.info, "header": {**header, "dicom": dicom}, KEY: noted})


def with_fields(container: C, deeds: Iterable[Deed], by: Attribution) -> C:
    """Return a container with the values of these deeds in its fields and info, and who asked for them."""
    deeds = tuple(deeds)
    if not deeds:
        return container
    for deed in deeds:
        assert isinstance(deed.aim, Field)
        container = deed.aim.set_in(container, deed.new)
    noted = with_notes(container.info, (deed.note(by) for deed in deeds))
    return replace(container, info={**container.info, KEY: noted})
