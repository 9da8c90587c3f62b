"""Carry out a plan: the metadata of files first, then fields, labels last of all.

A file is corrected in one call, and read just before it: whatever ends a run, each file is corrected or as it was, and
what somebody has edited meanwhile is left to him. The next run with the same sheet finds what is done and does the
rest. Labels come last, those of subjects after all others, so that the rows of the sheet find what they name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from export_session.errors import OriginChanged
from export_session.session.headers import ABSENT, Element
from export_session.session.provenance import KEY
from export_session.sheet.fields import Field
from export_session.sheet.labels import in_order, is_relabelling
from export_session.sheet.plan import Deed, Plan, corrected, with_fields
from export_session.site import Site
from export_session.site.model import KINDS, Container, File, Subject
from export_session.support.failure import Failure, attempt
from export_session.support.parallel import Workers


def apply(site: Site, plan: Plan, workers: Workers) -> list[str]:
    """Write what a plan asks for, and return what could not be written and why."""
    values = [[deed for deed in deeds if not is_relabelling(deed)] for deeds in plan.by_container.values()]
    labels = [deed for deed in plan.open if is_relabelling(deed)]
    failures = _all(site, filter(None, values), workers)
    for level in ("acquisition", "session"):
        failures += [] if failures else _all(site, ([deed] for deed in labels if deed.level == level), workers)
    subjects = [deed for deed in labels if deed.level == "subject"]
    if subjects and not failures:
        failures += _told(attempt(partial(_relabel, site, subjects)))
    return failures


def _all(site: Site, groups: Iterable[list[Deed]], workers: Workers) -> list[str]:
    steps: list[Callable[[], None]] = [partial(_apply, site, deeds) for deeds in groups]
    return [text for outcome in workers.map(attempt, steps) for text in _told(outcome)]


def _told(outcome: Failure | None) -> list[str]:
    return [outcome.for_log] if isinstance(outcome, Failure) else []


def _apply(site: Site, deeds: list[Deed]) -> None:
    """Write to one container, and to the files in it."""
    container = site.read(KINDS[deeds[0].level], deeds[0].container_id)
    by_file: dict[str, list[Deed]] = defaultdict(list)
    for deed in deeds:
        by_file[deed.file_id].append(deed)
    own = by_file.pop("", [])
    files = {file.file_id: file for file in container.files}
    for file_id, asked in by_file.items():
        if file_id not in files:
            raise OriginChanged(f"{asked[0].where} was removed since the sheet was checked")
        _correct_file(site, files[file_id], asked)
    if own:
        _set_fields(site, container, own)


def _correct_file(site: Site, file: File, deeds: list[Deed]) -> None:
    left = _left(file, deeds)
    if left:
        after = corrected(file, left)
        site.set_file_info(file, {"header": after.info["header"], KEY: after.info[KEY]})


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


def _set_fields(site: Site, container: Container, deeds: list[Deed]) -> None:
    """Set info in one call, and then fields in one: a note on a field is void until its value is there."""
    left = _left(container, deeds)
    if not left:
        return
    after = with_fields(container, left)
    tops = {deed.aim.way[1] for deed in left if isinstance(deed.aim, Field) and deed.aim.in_info}
    site.set_info(container.level, container.id, {key: after.info[key] for key in (*tops, KEY) if key in after.info})
    if gone := [key for key in tops if key not in after.info]:
        site.delete_info(container.level, container.id, gone)
    if fields := _fields(left):
        site.modify(container.level, container.id, fields)


def _fields(deeds: Iterable[Deed]) -> Mapping[str, Any]:
    named = ((deed.aim, deed.new) for deed in deeds if not isinstance(deed.aim, Element))
    return {aim.way[0]: None if new is ABSENT else new for aim, new in named if not aim.in_info}


def _relabel(site: Site, deeds: list[Deed]) -> None:
    """Give subjects their labels, one after the other."""
    subjects = {deed.container_id: site.read(Subject, deed.container_id) for deed in deeds}
    project = next(iter(subjects.values())).parents["project"]
    labels = {subject.id: subject.label for subject in site.children("project", project, Subject)}
    for deed in deeds:
        noted = with_fields(subjects[deed.container_id], [deed]).info[KEY]
        site.set_info("subject", deed.container_id, {KEY: noted})
    for subject_id, label in in_order(deeds, labels):
        if labels[subject_id] != label:
            site.modify("subject", subject_id, {"label": label})
