"""Carry out a plan: the metadata of files first, then fields, labels last of all.

A file is corrected in one call, and read just before it: whatever ends a run, each file is corrected or as it was, and
what somebody has edited meanwhile is left to him. The next run with the same sheet finds what is done and does the
rest. Labels come last, those of subjects after all others, so that the rows of the sheet find what they name.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial

from export_session.dicom.vocabulary import Attribution
from export_session.errors import OriginChanged
from export_session.session.headers import ABSENT
from export_session.session.provenance import KEY
from export_session.sheet.fields import Field
from export_session.sheet.labels import in_order, is_relabelling
from export_session.sheet.plan import Deed, Plan, corrected, with_fields
from export_session.site import Site
from export_session.site.model import KINDS, Container, File, Subject
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers

Failures = dict[tuple[str, str], str]  # why, by what is written at once
NOT_REACHED = "not reached, since something that comes before it failed"


def apply(site: Site, plan: Plan, workers: Workers) -> Failures:
    """Write what a plan asks for, and return what could not be written, or not be known to be."""
    write = _Writer(site, plan.by)
    values = [[deed for deed in deeds if not is_relabelling(deed)] for deeds in plan.by_container.values()]
    labels: dict[str, list[Deed]] = defaultdict(list)
    for deed in filter(is_relabelling, plan.open):
        labels[deed.level].append(deed)
    failures: Failures = {}
    for step, groups in (
        (write.to_container, list(filter(None, values))),
        (write.to_container, [[deed] for deed in labels["acquisition"]]),
        (write.to_container, [[deed] for deed in labels["session"]]),
        (write.to_subjects, list(filter(None, [labels["subject"]]))),
    ):
        if failures:
            failures |= {deed.group: NOT_REACHED for deeds in groups for deed in deeds if deed.group not in failures}
        else:
            failures = {group: why for found in workers.map(step, groups) for group, why in found.items()}
    return failures


@dataclass(frozen=True)
class _Writer:
    """Writes what deeds ask for."""

    site: Site
    by: Attribution

    def to_container(self, deeds: list[Deed]) -> Failures:
        """Write to one container, and to the files in it, each for itself."""
        container = attempt(lambda: self.site.read(KINDS[deeds[0].level], deeds[0].container_id))
        groups: dict[tuple[str, str], list[Deed]] = defaultdict(list)
        for deed in deeds:
            groups[deed.group].append(deed)
        if isinstance(container, Failure):
            return dict.fromkeys(groups, container.for_log)
        done = {group: attempt(partial(self._to_place, container, asked)) for group, asked in groups.items()}
        return {group: outcome.for_log for group, outcome in done.items() if isinstance(outcome, Failure)}

    def _to_place(self, container: Container, deeds: list[Deed]) -> None:
        """Write to one file, or to the fields of its container."""
        wanted = deeds[0].file_id
        file = next((one for one in container.files if one.file_id == wanted), None) if wanted else None
        if wanted and file is None:
            raise OriginChanged(f"{deeds[0].where} was removed since the sheet was checked")
        left = _left(file or container, deeds)
        if left and file:
            after = corrected(file, left, self.by)
            self.site.set_file_info(file, {"header": after.info["header"], KEY: after.info[KEY]})
        elif left:
            self._set_fields(container, left)

    def _set_fields(self, container: Container, deeds: list[Deed]) -> None:
        """Set info in one call, and then fields in one: a note on a field is void until its value is there."""
        site, level, after = self.site, container.level, with_fields(container, deeds, self.by)
        aims = {deed.aim: deed.new for deed in deeds if isinstance(deed.aim, Field)}
        tops = {aim.way[1] for aim in aims if aim.in_info}
        site.set_info(level, container.id, {key: after.info[key] for key in (*tops, KEY) if key in after.info})
        if gone := [key for key in tops if key not in after.info]:
            site.delete_info(level, container.id, gone)
        fields = {aim.way[0]: None if new is ABSENT else new for aim, new in aims.items() if not aim.in_info}
        if fields:
            site.modify(level, container.id, fields)

    def to_subjects(self, deeds: list[Deed]) -> Failures:
        """Give subjects their labels."""
        outcome = attempt(lambda: self._relabel(deeds))
        return {deed.group: outcome.for_log for deed in deeds} if isinstance(outcome, Failure) else {}

    def _relabel(self, deeds: list[Deed]) -> None:
        """Give them one after the other, since a site has no label twice."""
        subjects = [self.site.read(Subject, deed.container_id) for deed in deeds]
        listed = self.site.children("project", subjects[0].parents["project"], Subject)
        labels = {subject.id: subject.label for subject in listed}
        for subject, deed in zip(subjects, deeds, strict=True):
            self.site.set_info("subject", subject.id, {KEY: with_fields(subject, [deed], self.by).info[KEY]})
        for subject_id, label in in_order(deeds, labels):
            if labels[subject_id] != label:
                self.site.modify("subject", subject_id, {"label": label})


def _left(place: File | Container, deeds: list[Deed]) -> list[Deed]:
    """Return what is not done yet, once it is known that nobody has changed what it takes the place of."""
    left = []
    for deed in deeds:
        now = deed.shown_in(place)
        if now is deed.new or (now is not ABSENT and now == deed.new):
            continue
        if not (now is deed.old or now == deed.old):
            raise OriginChanged(f"{deed.where}: {deed.aim.path} was edited since the sheet was checked")
        left.append(deed)
    return left
