"""What is known of a file and its copy, and decided from that, before any byte is moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from pydicom.datadict import tag_for_keyword

from export_session.dicom.vocabulary import Attribution, Change, Follow, Options
from export_session.record import Status, Verification
from export_session.session.checks import hash_agrees, stated_sha384
from export_session.session.corrected import attributed, of_elements
from export_session.session.provenance import (
    Provenance,
    carried_info,
    edit_digest,
    is_copy_of,
    object_at,
)
from export_session.site.model import EXPORTED, File
from export_session.site.port import Stored
from export_session.support.digests import digest

DICOM = "dicom"
UNTYPED = frozenset({None, "", "archive"})  # the types of a file of which Flywheel knows no more than the suffix
DICOM_NAMES = (".dcm", ".dicom", ".dicom.zip", ".dcm.zip", ".dcm.gz", ".ima")
FLAT = (
    "directly in the file's info: an older importer wrote such metadata there, and corrections made there are not "
    "exported. Make them in info.header.dicom"
)


@dataclass(frozen=True)
class References:
    """What edits of UIDs in the files of a session mean for one of them."""

    follow: Follow = field(default_factory=dict)  # which of the UIDs that it refers to become which
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class FilePlan:
    """One origin file and what is known of its copy before any byte is moved."""

    origin: File
    origin_path: str
    copy_path: str
    copy_parent_id: str  # the copy of its container, "" where that is still to be created
    copy: File | None  # the file of that name in the copy container
    origin_labels: tuple[str, ...] = ()  # the way to it: group, project, …
    copy_labels: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)
    options: Options = field(default_factory=Options)
    untouched: bool = False  # archive: the bytes and header as they are
    references: References = field(default_factory=References)
    fields: Mapping[str, Attribution] = field(default_factory=dict)  # who asked for overrides, by keyword

    @cached_property
    def asked_by_sheets(self) -> Mapping[str, Attribution]:
        """Which of its values a sheet of corrections asked for, by path."""
        return of_elements(self.origin.info)

    def attributed(self, changes: Iterable[Change]) -> tuple[Change, ...]:
        """Return changes with who asked for them, as far as a sheet of corrections did."""
        return attributed(changes, self.asked_by_sheets, self.fields)

    @property
    def is_dicom(self) -> bool:
        """Whether the DICOM engine has a say in this file."""
        return self.may_be_edited or bool(self.references.follow)

    @property
    def may_refer(self) -> bool:
        """Whether it may hold references to other files: those of unknown type are looked into."""
        return bool(self.origin.size) and (self.origin.type == DICOM or self.origin.type in UNTYPED)

    @property
    def may_be_edited(self) -> bool:
        """Whether there may be edits of its metadata: the type decides, without one its header.

        Of any other type are files that were made from DICOM and bear the header of their source, such as NIfTI.
        """
        if self.untouched or not self.origin.size:
            return False
        header = self.origin.info.get("header")
        if self.origin.type == DICOM:
            said = header.get("dicom") if isinstance(header, Mapping) else header is not None
            return bool(self.overrides) or bool(said)
        return self.origin.type in UNTYPED and bool(object_at(header, "dicom"))

    @property
    def must_be_dicom(self) -> bool:
        """Whether it is an error when the file turns out to hold no DICOM instance."""
        return self.origin.type == DICOM or self.origin.name.lower().endswith(DICOM_NAMES)

    @property
    def copy_name(self) -> str:
        """The name of the copy; one that is there keeps the name it has."""
        return self.copy.name if self.copy else self.origin.name

    @property
    def notes(self) -> tuple[str, ...]:
        """What there is to say of the file as it stands."""
        told = self.references.notes
        flat = [name for name in self.origin.info if name and tag_for_keyword(name)]
        if self.untouched or self.origin.type != DICOM or not flat:
            return told
        named = ", ".join(flat[:2]) + (" and others" if len(flat) > 2 else "")
        return (f"{named} {FLAT}", *told)

    @cached_property
    def edits(self) -> str:
        """Digest of what, beside the origin's bytes, decides on the bytes of the copy."""
        if not self.is_dicom:
            return digest("untouched")
        return edit_digest(self.origin, self.wanted, self.options, self.references.follow)

    @property
    def wanted(self) -> Mapping[str, Any]:
        """The values of Flywheel fields to write; none where only references follow."""
        return self.overrides if self.may_be_edited else {}

    @property
    def metadata(self) -> dict[str, Any]:
        """The metadata that goes along, classification as at the origin."""
        origin = self.origin
        return {
            "type": origin.type,
            "modality": origin.modality,
            "classification": dict(origin.classification),
            "tags": [tag for tag in origin.tags if tag != EXPORTED],
            "info": carried_info(origin.info),
        }


@dataclass(frozen=True)
class Verified:
    """The proof that the site holds the right bytes for one origin file.

    Made in two places only: by :func:`known_status` and, after a look at the bytes, by a delivery.
    """

    origin: File
    copy: File
    how: Verification
    after: Stored  # its bytes
    before: Stored  # those of the origin, as far as they are known: a hash may be ""

    def holds_for(self, copy: File | None) -> bool:
        """Tell whether the copy, as it is listed now, still has these bytes; another run may have sent them again."""
        if copy is None or copy.size != self.copy.size:
            return False
        agrees = hash_agrees(copy.hash, self.after.sha384)
        return agrees is True or (agrees is None and copy.version == self.copy.version)


def known_status(plan: FilePlan) -> tuple[Status, Verified] | None:
    """Decide from the records alone, without moving a byte; None where the bytes must be looked at."""
    provenance = Provenance.read(plan.copy) if plan.copy else None
    if plan.copy is None or provenance is None or not provenance.still_describes(plan.copy):
        return None
    if hash_agrees(plan.copy.hash, provenance.sha384) is False:  # one that came along with other bytes
        return None
    if not provenance.is_of(plan.origin) or provenance.edits != plan.edits:
        return None
    if provenance.settled not in ("", plan.origin.modified):  # who wrote what may have changed since
        return None
    origin, after = plan.origin, Stored(provenance.size, provenance.sha384, provenance.sha256)
    before = Stored(origin.size, stated_sha384(origin.hash), provenance.origin_sha256)
    proof = Verified(origin, plan.copy, Verification.RECORDED, after, before)
    return (Status.UNCHANGED if provenance.metadata == digest(plan.metadata) else Status.UPDATED), proof


def status_of(plan: FilePlan, size: int, sha384: str) -> Status:
    """Tell what storing these bytes would do to the copy."""
    if plan.copy is None:
        return Status.CREATED
    if plan.copy.size == size and hash_agrees(plan.copy.hash, sha384) and is_copy_of(plan.copy, plan.origin):
        return Status.UNCHANGED
    return Status.UPDATED
