"""The files on a subject, which are everybody's: exported with its first session of a run, a proof for the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from export_session.record import Status
from export_session.session.files import FileOutcome
from export_session.session.origin import Origin, file_content
from export_session.site.model import Subject
from export_session.support.wording import counted


@dataclass(frozen=True)
class SubjectFiles:
    """What became of the files on a subject, and in which session's record their rows are."""

    session: str
    content: frozenset[str] | None  # of the files as they were read then; None where they are not to be exported
    outcomes: tuple[FileOutcome, ...]

    @classmethod
    def of(cls, origin: Origin, outcomes: Sequence[FileOutcome], *, wanted: bool) -> SubjectFiles:
        """Take from what became of a session's files what the other sessions of its subject need to know."""
        # Pictures are for the report of the session that has the rows.
        own = (replace(item, record=replace(item.record, thumbnail=b"")) for item in outcomes)
        on_subject = tuple(item for item in own if item.record.level == "subject")
        return cls(origin.session.label, _content(origin.subject) if wanted else None, on_subject)

    def objection(self, subject: Subject) -> str:
        """Say why a session of this subject cannot be called exported; empty where nothing is in the way."""
        missing = [item.record for item in self.outcomes if item.record.status in (Status.FAILED, Status.NOT_REACHED)]
        if missing:
            # Why is said in their rows alone: the text may quote a value that only there can be told and masked.
            return (
                f"{counted(len(missing), 'file')} on its subject, which every session of the subject needs, could not "
                f"be exported with session {self.session}: {', '.join(record.name for record in missing)}"
            )
        if self.content is not None and _content(subject) != self.content:
            return (
                f"the files on its subject were changed after they had been exported with session {self.session}. "
                "Run the gear again to export the new state"
            )
        return ""


@dataclass(frozen=True)
class Subjects:
    """What a run knows so far of the files on subjects, by the id of the subject."""

    known: Mapping[str, SubjectFiles] = field(default_factory=dict)

    def files_on(self, subject: Subject) -> SubjectFiles | None:
        """Return what became of the files on a subject, None where it is not known yet."""
        return self.known.get(subject.id)

    def having(self, subject: Subject, files: SubjectFiles) -> Subjects:
        """Return the same with the files on one more subject."""
        return Subjects({**self.known, subject.id: files})


def _content(subject: Subject) -> frozenset[str]:
    return frozenset(map(file_content, subject.files))
