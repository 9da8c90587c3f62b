"""The story of one file: find the edits, plan the bytes, write a copy beside the target, prove it, put it there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from export_session.dicom.binary.dataset import DataSet, main_data_set
from export_session.dicom.binary.elements import Element, write_head
from export_session.dicom.binary.instance import Instance, Kind
from export_session.dicom.binary.refusal import Unwritable
from export_session.dicom.binary.splice import with_group_lengths
from export_session.dicom.corrections import assert_no_correction_missing, told_in_errors
from export_session.dicom.dictionary import PIXEL_DATA, Key
from export_session.dicom.edits.edit import Decision
from export_session.dicom.edits.find import find_edits
from export_session.dicom.edits.series import Reread
from export_session.dicom.edits.stored_header import agreed_header
from export_session.dicom.files.file import DicomFile, open_file
from export_session.dicom.files.packed import packed_note, refuse_packed
from export_session.dicom.files.proof import Elements
from export_session.dicom.files.stream import cut, plain
from export_session.dicom.findings import one_of_each, with_findings
from export_session.dicom.identity import identity_of
from export_session.dicom.remains.long_values import long_values
from export_session.dicom.remains.search import find_remaining
from export_session.dicom.vocabulary import Assignment, Follow, Options, Result, Written, written_by_somebody
from export_session.dicom.writing.apply import Edited
from export_session.dicom.writing.elements import reread
from export_session.dicom.writing.original_attributes import ORIGINAL_ATTRIBUTES, original_attributes
from export_session.dicom.writing.plan import Plan, make_plan
from export_session.dicom.writing.readback import ReadBack
from export_session.dicom.writing.uids import Following, duplicate_uids, following_uids
from export_session.errors import InvalidEdit, NotDicom, StaleMetadata

if TYPE_CHECKING:
    from export_session.dicom.edits.importers.reading.rereading import Rereading

_NAMED = 3  # elements in a message
_SIGNATURES = 0xFFFAFFFA
_TRAILING_PADDING = 0xFFFCFFFC  # DataSetTrailingPadding
_REREAD_MAX = 32 << 20  # bytes before the pixel data; a header of more gets no second opinion
_GUESSED = "a previous value is no text in the character set that is declared for it, so it cannot be recorded"
_DIRECTORY = "a DICOMDIR describes other files, where this is to be changed; it is left as it is"
_OUTDATED = "a DICOMDIR names files by UIDs that were edited there; it is left as it is. Have it made anew, if needed"


def rewrite(
    source: Path,
    target: Path,
    header: Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    follow: Follow | None = None,
    modified_at: str = "",
    written: Written = written_by_somebody,
    **options: Any,
) -> Result:
    """Write a copy of a DICOM file with the edits of its metadata in it.

    Parameters
    ----------
    source
        A DICOM file, a gzipped one, or a zip archive of a series.
    target
        Where to write the copy. It is written only if something changes, and only as a whole.
    header
        ``info["header"]`` of the file: ``dicom``, ``dicom_array`` and what else importers leave there.
    overrides
        Values by keyword that Flywheel's own fields are mapped to.
    follow
        New UIDs by old ones that other files of the session change, see
        :func:`~export_session.dicom.following.plan_uids`: references to them follow.
    modified_at
        When the edits were made, as a DICOM date and time, for ``record_original_attributes``; without it the
        date of each instance itself stands, so that the same input always gives the same bytes.
    written
        Tells who wrote the value at a place of ``header`` last, where that is recorded. What a gear or the site wrote
        is no edit; where the bytes leave a doubt, what a person corrected is one.
    **options
        Those of :class:`~export_session.dicom.Options`.

    Returns
    -------
    Result
        What changed and what was refused. ``modified`` False: the source is what to use, as for a file that
        holds no DICOM instance and has no DICOM metadata.

    Raises
    ------
    HeaderError
        The file must not be exported as it stands; there is no target then. The error tells what was refused, and
        which changes could have been made.
    """
    chosen = Options(**options)
    with open_file(source) as file:
        instances = file.instances()
        kinds = Counter(instance.kind for instance in instances)
        if not kinds[Kind.INSTANCE]:
            if kinds[Kind.DIRECTORY]:
                result = _of_directory(instances, header, overrides, chosen, written)
                return replace(result, notes=(*result.notes, _OUTDATED)) if follow else result
            return _without_instances(source, header, rereader(file, instances), instances)
        try:
            decision = find_edits(instances, header, overrides, chosen, rereader(file, instances), written=written)
        except StaleMetadata:
            refuse_packed(instances)
            raise
        refusals = duplicate_uids(instances, decision.assignments)
        leading = [one for number, one in enumerate(decision.assignments) if number not in refusals]
        following = following_uids(instances, leading, follow)
        assignments = (*decision.assignments, *following.assignments)
        plan = make_plan(instances, assignments, refusals, chosen.assumed)
        result = _result(header, decision, plan, instances, following)
        with told_in_errors(result):
            if chosen.on_refused_edit != "export":
                assert_no_correction_missing(decision, plan.refused)
            if result.modified:
                refuse_packed(instances)
                history = assignments if chosen.record_original_attributes else ()
                elements = {
                    index: _new_elements(instances[index], edited, history, modified_at)
                    for index, edited in plan.edited.items()
                }
                _write(file, target, instances, elements, ReadBack(assignments, plan.edited, instances))
                rewritten = [_with(one, elements.get(index, {})) for index, one in enumerate(instances)]
                if chosen.check_conformance:
                    pairs = ((instances[i], rewritten[i]) for i in one_of_each(instances, elements))
                    result = with_findings(result, pairs)
                result = replace(result, identity=identity_of(rewritten))
                return _with_remains(result, file, instances, elements, source.name)
        return replace(result, identity=identity_of(instances))


def _result(
    header: Mapping[str, Any],
    decision: Decision,
    plan: Plan,
    instances: Sequence[Instance],
    following: Following | None = None,
) -> Result:
    following = following or Following()
    edits = len(decision.assignments)
    written = [one for n, one in enumerate(following.assignments, edits) if n not in plan.refused_numbers]
    return Result(
        modified=bool(plan.edited),
        changes=plan.changes,
        refused=(*decision.refused, *plan.refused),
        notes=(*decision.notes, *following.notes, *_side_effects(instances, plan), *packed_note(instances)),
        header=agreed_header(
            header,
            decision,
            plan.refused_numbers,
            rewritten={i: _as_rewritten(instances[i], edited) for i, edited in plan.edited.items()},
            followed=written,
        ),
        instances=sum(instance.kind is Kind.INSTANCE for instance in instances),
    )


def _with_remains(
    result: Result, file: DicomFile, instances: Sequence[Instance], elements: Elements, source: str
) -> Result:
    """Add where old values still stand in the file as it was written; of instances alike long values of one tell."""
    dates = result.identity.dates if result.identity else frozenset()
    alike = ((i, instances[i]) for i in one_of_each(instances, elements))
    long = chain.from_iterable(long_values(i, one, plain(file.content(i), one)) for i, one in alike)
    found = find_remaining(instances, elements, result.changes, dates=dates, source=source, long=long)
    return replace(result, remains=found)


def _with(instance: Instance, elements: Mapping[int, bytes]) -> Instance:
    return replace(instance, elements={**instance.elements, **reread(elements, instance.syntax)})


def _as_rewritten(instance: Instance, edited: Edited) -> DataSet:
    new = with_group_lengths(instance.elements, edited.elements, instance.syntax)
    return main_data_set(_with(instance, new))


def _side_effects(instances: Sequence[Instance], plan: Plan) -> Iterator[str]:
    """Say what beside the changed elements no longer holds."""
    signed = sum(any(_holds_signature(e) for e in instances[i].elements.values()) for i in plan.edited)
    if signed:
        yield (
            f"digital signatures in {signed} of {len(plan.edited)} rewritten instances no longer verify if they "
            "cover what was changed (PS3.15 annex C)"
        )
    for instance in instances if plan.edited else ():
        if instance.kind is Kind.DIRECTORY:
            yield f"{instance.name} is left as it is: a DICOMDIR may describe the rewritten instances by old values"


def _holds_signature(element: Element) -> bool:
    """Whether an element is, or holds in its items, a Digital Signatures Sequence (FFFA,FFFA)."""
    return element.tag == _SIGNATURES or b"\xfa\xff\xfa\xff" in element.raw or b"\xff\xfa\xff\xfa" in element.raw


def _of_directory(
    instances: Sequence[Instance],
    header: Mapping[str, Any],
    overrides: Mapping[str, Any] | None,
    options: Options,
    written: Written,
) -> Result:
    """Find what was edited in a DICOMDIR, and refuse it."""
    files = [replace(instance, kind=Kind.INSTANCE) for instance in instances]
    decision = find_edits(files, header, overrides, options, written=written)
    refusals = dict.fromkeys(range(len(decision.assignments)), _DIRECTORY)
    plan = make_plan(files, decision.assignments, refusals)
    result = _result(header, decision, plan, files)
    if options.on_refused_edit != "export":
        with told_in_errors(result):
            assert_no_correction_missing(decision, plan.refused)
    return replace(result, instances=0)


def rereader(file: DicomFile, instances: Sequence[Instance]) -> Reread:
    """Return what gives a second opinion on a member; each is read once."""

    @cache
    def reread(index: int) -> Rereading | None:
        # Slow to import, and most files need no second opinion.
        from export_session.dicom.edits.importers.reading.rereading import Rereading  # noqa: PLC0415 - see above

        if instances[index].kind is Kind.PACKED:
            return None
        head = _without_pixels(file, instances[index], index)
        return None if head is None else Rereading(BytesIO(head))

    return reread


def _without_pixels(file: DicomFile, instance: Instance, index: int) -> bytes | None:
    """Return an instance up to its pixel data, of which the mere presence matters; all of it where more comes behind.

    None means that there is too much of it.
    """
    starts = {start: tag for tag, start in instance.bulk.items() if tag in PIXEL_DATA and not instance.deflated}
    last = next((tag for tag in reversed(list(instance.elements)) if tag != _TRAILING_PADDING), 0)
    start = min(starts, default=_REREAD_MAX)
    if last not in starts.values() or instance.problem:
        whole, rest = cut(file.content(index), _REREAD_MAX)
        if not any(rest):
            return whole
    if start >= _REREAD_MAX:
        return None
    head, _ = cut(file.content(index), start)
    return head + write_head(starts[start], "OW", 0, instance.syntax)


def _without_instances(source: Path, header: Mapping[str, Any], reread: Reread, members: Sequence[Instance]) -> Result:
    """Let a file go out as it is, unless its metadata says that it should be DICOM and the importer did not."""
    dicom = header.get("dicom")
    if dicom and not any((made := reread(index)) and made.header == dicom for index, _ in enumerate(members)):
        refuse_packed(members)
        raise NotDicom(
            f"{source.name} has DICOM metadata, but holds no readable DICOM instance. Upload the file again, "
            "or remove info.header.dicom if it is right as it is."
        )
    notes = tuple(packed_note(members)) or ("the file holds no DICOM instance",)
    return Result(modified=False, notes=notes, header=dict(header))


def _new_elements(
    instance: Instance, edited: Edited, history: Sequence[Assignment], modified_at: str
) -> Mapping[int, bytes]:
    """Return all elements of an instance that change, those included that follow the edited ones."""
    if instance.problem:
        edits = ", ".join(Key("", tag).name for tag in list(edited.elements)[:_NAMED])
        raise NotDicom(
            f"{instance.name} cannot be rewritten, since it is not completely readable: {instance.problem}. "
            f"Replace the file by an intact one, or undo what info.header has other than the file ({edits})."
        )
    elements = dict(edited.elements)
    if history and edited.guessed:
        raise InvalidEdit(f"{instance.name}: {_GUESSED}. Set record_original_attributes to false.")
    if history:
        before = _with(instance, edited.recoded)
        try:
            record = original_attributes(before, elements, edited.effects, history, modified_at)
        except Unwritable as refusal:
            raise InvalidEdit(f"{instance.name}: {refusal}. Set record_original_attributes to false.") from None
        elements[ORIGINAL_ATTRIBUTES] = record
    return with_group_lengths(instance.elements, elements, instance.syntax)


def _write(file: DicomFile, target: Path, instances: Sequence[Instance], elements: Elements, wanted: ReadBack) -> None:
    """Write all of the target or nothing of it."""
    unfinished = target.with_name(f".{target.name}.{uuid4().hex}")
    try:
        file.write(unfinished, instances, elements, wanted.wrong)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
