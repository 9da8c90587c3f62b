"""The story of one session whose files are corrected where they lie.

Order of writes: the originals to the archive, if there is one, and their proof; for each file its next version, proof,
record; tags. Whatever interrupts a run, the versions before stay in the history, and the next run goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from export_session.record import Archived, ContainerRecord, SessionRecord, Status, Verification
from export_session.session.archive import InArchive, copy_to_archive, would_archive
from export_session.session.ending import Keep, empty, failed, objection, tagged
from export_session.session.exported import Exported
from export_session.session.file_plan import FilePlan
from export_session.session.files import FileOutcome, Run, each_file, plan_files, row
from export_session.session.malware import assert_clean
from export_session.session.marks import marks_of
from export_session.session.origin import Origin, file_content, read_origin, subject_of, with_files
from export_session.session.pairs import Pair, Pairs
from export_session.session.provenance import KEY
from export_session.session.remarks import with_remarks
from export_session.session.result import Result, Route
from export_session.session.rules import await_rules
from export_session.session.subjects import SubjectFiles, Subjects
from export_session.session.uids import references_in
from export_session.session.versions import Settled, as_uploaded, change_file, settle
from export_session.site.model import EXPORTED, Container, File, Project, Session
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers

SENT = frozenset({Verification.HASH, Verification.READBACK})
NOT_ARCHIVED = InArchive(Archived.NOTHING)


@dataclass(frozen=True)
class _Found:
    """A session as a run finds it."""

    origin: Origin
    sources: Origin  # the same with the versions that the next ones are to be made of
    noted: bool  # whether records that an interrupted run had left open were completed


def change_in_place(
    run: Run, route: Route, session: Session, workers: Workers, subjects: Subjects, *, keep: Keep
) -> tuple[SessionRecord, Subjects]:
    """Make the corrected files of one session the next versions of its files."""
    site = run.site
    origin = read_origin(site, route.origin, session, workers, lambda: subject_of(site, session))
    assert_clean((origin.subject, session), origin.acquisitions, attachments=run.config.export_attachments)
    if not any(_covered(run, origin)):
        return empty(route, session), subjects
    found = _settled(run, origin, workers)
    earlier = subjects.files_on(origin.subject)
    kept, result = _change(run, route, found, workers, with_subject=earlier is None)
    after = _after(result)
    on_subject = earlier or SubjectFiles.of(after, result.outcomes, wanted=run.config.export_attachments)
    record = _finish(run, found, kept, result, on_subject, workers, keep)
    return record, subjects if earlier else subjects.having(origin.subject, on_subject)


def _covered(run: Run, origin: Origin) -> list[File]:
    """Return the files that decide whether there is anything to do: those on the subject alone do not."""
    containers = origin.acquisitions if not run.config.export_attachments else (origin.session, *origin.acquisitions)
    return [file for container in containers for file in container.files]


def _settled(run: Run, origin: Origin, workers: Workers) -> _Found:
    """Complete what an interrupted run has left."""
    files = [file for container in origin.containers() for file in container.files]
    found: list[Settled] = workers.map(lambda file: settle(run, file), files)
    there = {one.file.file_id: one.file for one in found}
    sources = {one.file.file_id: one.source for one in found}
    return _Found(with_files(origin, there), with_files(origin, sources), any(one.noted for one in found))


def _change(
    run: Run, route: Route, found: _Found, workers: Workers, *, with_subject: bool
) -> tuple[InArchive | Failure, Result]:
    """Keep the originals, and then change the files; where the one fails, every file has its row all the same."""
    origin, sources = found.origin, found.sources
    here, made_of = list(origin.containers()), list(sources.containers())
    first = 0 if with_subject else 1
    pairs = [Pair[Container](one, other) for one, other in zip(made_of, here, strict=True)][first:]
    shown = tuple(Pair[Container](one, one) for one in here[first:])

    def planned() -> tuple[Run, list[FilePlan]]:
        references = references_in(run, sources, route.origin, workers) if run.config.edit_uids else {}
        ready = replace(run, references=references)
        plans = plan_files(ready, sources, route.origin, pairs)
        if run.approved:
            run.approved.assert_same_containers(origin, attachments=run.config.export_attachments)
            run.approved.assert_holds_for(origin.session.id, plans)
        return ready, plans

    def make_ready() -> tuple[Run, list[FilePlan], InArchive]:
        return *planned(), _keep_originals(run, sources, route.archive, workers)

    ready = attempt(make_ready)
    if isinstance(ready, Failure):
        plans = plan_files(run, sources, route.origin, pairs)
        nothing = [FileOutcome(row(plan, Status.NOT_REACHED), None) for plan in plans]
        return ready, Result(route, origin, shown, nothing)
    run, plans, kept = ready
    outcomes = each_file(run, plans, workers, change_file)
    return kept, with_remarks(Result(route, origin, shown, outcomes))


def _keep_originals(run: Run, origin: Origin, archive: Project | None, workers: Workers) -> InArchive:
    """Copy to the archive what was there before this gear changed anything; in a preview foretell it."""
    if archive is None:
        return NOT_ARCHIVED
    files = [file for container in origin.containers() for file in container.files]
    uploaded = workers.map(lambda file: as_uploaded(run.site, file), files)
    originals = with_files(origin, {file.file_id: file for file in uploaded})
    archived = would_archive if run.config.dry_run else copy_to_archive
    return archived(run, originals, archive, workers)


def _after(result: Result) -> Origin:
    """Return the session as the run has left it."""
    copies = (item.proof.copy for item in result.outcomes if item.proof)
    return with_files(result.origin, {file.file_id: file for file in copies})


def _finish(  # noqa: PLR0917 - all that is known of the session by now
    run: Run,
    found: _Found,
    kept: InArchive | Failure,
    result: Result,
    on_subject: SubjectFiles,
    workers: Workers,
    keep: Keep,
) -> SessionRecord:
    """Tag the session, once all its files and those on its subject are right and verified."""
    if isinstance(kept, Failure):
        return failed(run, result, (), kept.message)
    archive = result.route.archive
    copies = list(filter(None, [kept.copy]))
    if reason := objection(replace(result, origin=_after(result)), on_subject):
        done = failed(run, result, copies, f"{reason}; the session was not tagged.", archive=archive)
        return replace(done, archived=kept.how)
    outcomes = [*(item for item in result.outcomes if item.record.level != "subject"), *on_subject.outcomes]
    tagged_before = EXPORTED in result.origin.session.tags
    done = replace(
        result.record(result.status, archive=archive, held=kept.held),
        archived=kept.how,
        cleared=kept.cleared,
        tagged=not tagged_before,
        noted=found.noted,
    )
    if not all(item.proof for item in outcomes):  # a preview, in which not all is right yet
        return done
    exported = replace(
        Exported.of(_after(result), _pairs(_after(result)), outcomes), content=_to_be_kept(run, outcomes)
    )
    untouched = result.status is Status.UNCHANGED and tagged_before and kept.how is Archived.NOTHING
    if not untouched and not run.config.dry_run:
        done = _with_notes(done, _rules_heard(run, exported))
        looked = attempt(lambda: exported.looked_at_again(run.site, workers))
        if isinstance(looked, Failure):
            late = failed(run, result.without(looked.copies, looked.message), copies, looked.message, archive=archive)
            return replace(late, archived=kept.how, finishing=True)
        exported = looked
        _record_again(run, outcomes, exported.origin)
    marks = marks_of(run, exported, copies, archived=archive is not None)
    done = replace(done, noted=found.noted or not marks.correct)
    return done if run.config.dry_run else tagged(run, done, result, marks, copies, workers, keep, held=kept.held)


def _rules_heard(run: Run, exported: Exported) -> tuple[str, ...]:
    """Let gear rules come to their end on what was sent, where they may run; return what to say of them."""
    sent = any(proof.how in SENT for proof in exported.proofs)
    if run.config.check_gear_rules or not sent:
        return ()
    return await_rules(run.site, exported.origin.session.id, run.handling.job)


def _record_again(run: Run, outcomes: Sequence[FileOutcome], now: Origin) -> None:
    """Give back the word of the version before to those whose info a gear rule has replaced as a whole."""
    there = {file.file_id: file for container in now.containers() for file in container.files}
    for proof in (item.proof for item in outcomes if item.proof and item.proof.how in SENT):
        file = there.get(proof.copy.file_id)
        if file and KEY not in file.info:
            run.site.set_file_info(file, {KEY: proof.copy.info[KEY]})


def _with_notes(record: SessionRecord, notes: Sequence[str]) -> SessionRecord:
    def told(one: ContainerRecord) -> ContainerRecord:
        return replace(one, notes=(*one.notes, *notes)) if one.level == "session" else one

    return replace(record, containers=tuple(map(told, record.containers)))


def _pairs(origin: Origin) -> Pairs:
    """Pair a session with itself."""
    acquisitions = tuple(Pair(one, one) for one in origin.acquisitions)
    return Pairs(Pair(origin.subject, origin.subject), Pair(origin.session, origin.session), acquisitions)


def _to_be_kept(run: Run, outcomes: Sequence[FileOutcome]) -> Callable[[File], str]:
    """Return what gives of a file that which must stay until its session is tagged.

    Of those that this run has sent the bytes are compared with their proof, in whatever version another run may have
    sent them again. Where gear rules may run on them, their metadata are what these rules make of them.
    """
    sent = {item.proof.copy.file_id for item in outcomes if item.proof and item.proof.how in SENT}

    def content(file: File) -> str:
        if file.file_id not in sent:
            return file_content(file)
        return file_content(replace(file, version=0)) if run.config.check_gear_rules else file.file_id

    return content
