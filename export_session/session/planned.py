"""What a plan says of the files of a session and of its containers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property

from export_session.dicom.vocabulary import Change
from export_session.errors import OriginChanged
from export_session.plan import Part, PlannedFile
from export_session.record import FileRecord, Status
from export_session.session.checks import hash_agrees
from export_session.session.file_plan import FilePlan, known_status
from export_session.session.origin import Origin, container_digest, described
from export_session.session.provenance import Provenance
from export_session.site.model import Container
from export_session.site.port import Stored
from export_session.support.digests import digest

EDITED = (
    "it was edited after it had been found to agree with the approved plan; no file of it was exported. "
    "Preview it again, and have that approved"
)
FATES = {Status.FAILED: "fails", Status.NOT_REACHED: "fails", Status.SKIPPED: "left"}
BELOW = 2  # group and project come first in the way to a file


@dataclass(frozen=True)
class Approved:
    """A plan that a person approved, and that the site was found to agree with."""

    digest: str
    preview_job: str = ""  # "" where the plan itself was not found
    parts: Mapping[str, Part] = field(default_factory=dict)  # by key

    @cached_property
    def files(self) -> dict[str, PlannedFile]:
        """Its files, by the file_id of their origins."""
        return {file.file_id: file for part in self.parts.values() for file in part.files}

    def assert_holds_for(self, session_id: str, plans: Iterable[FilePlan]) -> None:
        """Refuse files of a session that are not as they were when the plan was compared, some moments ago.

        Raises
        ------
        OriginChanged
            When one is not, or is gone.
        """
        part = self.parts.get(f"session:{session_id}")
        wanted = {file.file_id: file for file in part.files} if part else {}
        there = {plan.origin.file_id: plan for plan in plans}
        other = [id_ for id_, plan in there.items() if id_ not in self.files or self.files[id_].guard != guard(plan)]
        if other or wanted.keys() - there.keys():
            raise OriginChanged(EDITED)

    def assert_same_containers(self, origin: Origin, *, attachments: bool) -> None:
        """Refuse a session whose containers are not as they were then, before any copy of them is made.

        Raises
        ------
        OriginChanged
            When a field or info of one was changed, one has come or gone, or a file has left the subject.
        """
        for key, covered in (
            (f"session:{origin.session.id}", (origin.session, *origin.acquisitions)),
            (f"subject:{origin.subject.id}", (origin.subject,)),
        ):
            part = self.parts.get(key)
            if part and sorted(part.containers) != sorted(_contents(origin, covered)):
                raise OriginChanged(EDITED)
        subject = self.parts.get(f"subject:{origin.subject.id}")
        there = {file.file_id for file in origin.subject.files}
        if attachments and subject and any(file.file_id not in there for file in subject.files):
            raise OriginChanged(EDITED)

    def noted(self, origin: Origin) -> dict[str, object]:
        """Return what is noted on a session that was exported by the plan, so that it counts as agreed."""
        keys = (f"session:{origin.session.id}", f"subject:{origin.subject.id}")
        return {"plan": self.digest, "parts": {key: self.parts[key].digest for key in keys if key in self.parts}}

    def of_file(self, file_id: str) -> dict[str, str]:
        """Return what is noted on the copy of a file, for the same purpose."""
        file = self.files.get(file_id)
        return {"digest": file.digest, "content": file.content} if file else {}


def planned(plan: FilePlan, record: FileRecord, after: Stored | None) -> PlannedFile:
    """Return what a plan says of a file.

    Parameters
    ----------
    record
        What became of it, or in a preview would become.
    after
        The bytes to store, where they are known.
    """
    origin, content = plan.origin, _content(plan)
    agreed = _agreed(plan, content)
    return PlannedFile(
        file_id=origin.file_id,
        version=origin.version,
        path="/".join(plan.origin_labels[BELOW:]),
        to="/".join(plan.copy_labels[BELOW:]),
        fate=FATES.get(record.status, "exported"),
        replaces=_replaced(plan, after),
        content=content,
        changes=tuple((change.path, _mark(change, origin.uuid or plan.edits)) for change in record.all_changes),
        agreed=agreed,
        guard=guard(plan),
    )


def _agreed(plan: FilePlan, content: str) -> str:
    """Return the digest under which a copy was made by an approved plan and still is what that asked for; or ""."""
    noted = Provenance.read(plan.copy) if plan.copy else None
    if noted is None or plan.copy is None:
        return ""
    if noted.before:  # made in place, where what it was made of has given way to it
        as_made = noted.still_describes(plan.copy) and noted.edits == plan.edits
    else:
        as_made = known_status(plan) is not None and noted.planned.get("content") == content
    return noted.planned.get("digest", "") if as_made else ""


def guard(plan: FilePlan) -> str:
    """Return the digest of what must be so at the moment of the export, known without a look at the bytes."""
    return digest([_content(plan), plan.copy_labels, [plan.copy.file_id, plan.copy.version] if plan.copy else []])


def _content(plan: FilePlan) -> str:
    """Return the digest of all that a copy is made of; nobody can try values by it: see provenance.sealed."""
    return digest([plan.origin.uuid, plan.origin.size, plan.edits, described(plan.origin)])


def _mark(change: Change, seal: str) -> str:
    said = asdict(change)
    for name in ("reason", "attribution"):  # words about it
        del said[name]
    return digest([seal, said])


def _replaced(plan: FilePlan, after: Stored | None) -> str:
    """Say which version of which file gives way; not one that an interrupted run stored and did not come to note."""
    copy = plan.copy
    if copy is None:
        return ""
    noted = Provenance.read(copy)
    if noted and noted.pending and noted.before and noted.before.version == plan.origin.version:
        return (
            f"{copy.file_id} version {plan.origin.version}"  # one in place that was not verified is made again of that
        )
    ours = after is not None and copy.size == after.size and hash_agrees(copy.hash, after.sha384)
    version = copy.version - 1 if ours and not (noted and noted.still_describes(copy)) else copy.version
    return f"{copy.file_id} version {version}" if version else ""


def parts_of(origin: Origin, covered: Iterable[Container], records: Iterable[FileRecord]) -> Iterator[Part]:
    """Yield what a plan says of a session, and of its subject where that is covered with it."""
    covered, files = list(covered), list(records)
    subject = [one for one in covered if one.level == "subject"]
    for level, containers in (("subject", subject), ("session", [one for one in covered if one.level != "subject"])):
        own = tuple(
            record.planned for record in files if record.planned and (record.level == "subject") == (level == "subject")
        )
        if containers:
            yield Part(level, containers[0].id, _path(origin, containers[0]), _contents(origin, containers), own)


def _contents(origin: Origin, containers: Iterable[Container]) -> tuple[tuple[str, str, str], ...]:
    return tuple((one.id, _path(origin, one), container_digest(one)) for one in containers)


def _path(origin: Origin, container: Container) -> str:
    return "/".join(origin.labels(container)[BELOW:])
