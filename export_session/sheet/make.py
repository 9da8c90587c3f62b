"""``make_sheet``: a template of what the metadata say now, to be corrected and given back; the site is only read."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from export_session.dicom.dictionary import key_of
from export_session.errors import ConfigError, NotFound
from export_session.session.file_plan import DICOM, UNTYPED
from export_session.session.origin import acquisitions_below
from export_session.session.provenance import object_at
from export_session.settings import Config
from export_session.sheet.model import Selector
from export_session.sheet.spelling import BLANK, shown, spelled
from export_session.sheet.targets import Target, target_of
from export_session.sheet.template import Node, template_of
from export_session.sheet.workbooks import BEFORE
from export_session.sheet.write import write_rows
from export_session.site import ReadSite, equals
from export_session.site.model import Acquisition, Container, File, Project, Session, Subject
from export_session.support.parallel import Workers
from export_session.support.wording import counted

log = logging.getLogger(__name__)

_PRIVATE_END = re.compile(r"\s*[0-9A-Fa-f]{4}[xX]{2}[0-9A-Fa-f]{2}.*")  # of "Creator, ggggxxee"


def make_sheet(
    site: ReadSite, config: Config, destination: Project | Subject | Session, draft: Path, workers: Workers
) -> None:
    """Write the template of a session, subject or project as a workbook and as a CSV file.

    Parameters
    ----------
    draft
        The path of both without their endings.

    Raises
    ------
    ConfigError
        ``make_sheet`` names something that no sheet can set; all of it is told.
    OutputError
        The files cannot be written.
    """
    targets = targets_in(config.make_sheet or "")
    nodes = _Reader(site, targets, workers).read(destination, config.select_tag)
    template = template_of(nodes, targets, config.sheet_rows)
    write_rows(template.rows, draft.with_name(f"{draft.name}.xlsx"), {BEFORE: template.before})
    write_rows(template.rows, draft.with_name(f"{draft.name}.csv"))
    rows = counted(len(template.rows) - 1, "row")
    log.info("%s in %s: %s.xlsx", counted(template.files, "DICOM file"), rows, draft.name)


def targets_in(text: str) -> dict[str, Target]:
    """Read a list of elements and fields, parted by commas; those of private keys part nothing.

    Raises
    ------
    ConfigError
        With everything in it that no sheet can set.
    """
    names: list[str] = []
    for part in re.split(r"[,;\n]", text):
        if names and _PRIVATE_END.fullmatch(part):
            names[-1] += f",{part.rstrip()}"
        elif part.strip():
            names.append(part.strip())
    targets = {name: target_of(name) for name in names}
    problems = [f"make_sheet: {why}." for why in targets.values() if isinstance(why, str)]
    if problems or not targets:
        raise ConfigError(problems or ["make_sheet names no element; write it like PatientName,StudyDate."])
    return {name: target for name, target in targets.items() if isinstance(target, Target)}


@dataclass(frozen=True)
class _Reader:
    """Reads containers in full, a call each, and keeps of them what the sheet is about."""

    site: ReadSite
    targets: Mapping[str, Target]
    workers: Workers

    def read(self, destination: Project | Subject | Session, tag: str | None) -> list[Node]:
        """Give the subjects of a destination with what is below them, in the order of the site's listings."""
        wanted = [equals("tags", tag)] if tag else []
        if isinstance(destination, Session):
            listed: Iterable[Session] = [destination]
        else:
            listed = self.site.children(destination.level, destination.id, Session, *wanted)
        sessions = {row.id: row for row in listed}
        series = [
            (row.id, _selector_of(sessions[row.parents["session"]]), row.parents["session"])
            for row in acquisitions_below(self.site, destination)
            if row.parents.get("session") in sessions
        ]
        in_sessions = self._nodes(Acquisition, series, {})
        visits = [(row.id, Selector(subject=row.subject_label), row.subject_id) for row in sessions.values()]
        in_subjects = self._nodes(Session, visits, in_sessions)
        return self._nodes(Subject, [(each, Selector(), "") for _, _, each in visits], in_subjects)[""]

    def _nodes(
        self, kind: type[Container], rows: Iterable[tuple[str, Selector, str]], below: Mapping[str, list[Node]]
    ) -> Mapping[str, list[Node]]:
        """Read containers of a kind, given their id, the way to them, and the id of the one above, by which they go."""
        found: dict[str, list[Node]] = defaultdict(list)
        rows = list(dict.fromkeys(rows))
        nodes = self.workers.map(lambda row: self._node(kind, row[0], row[1], below.get(row[0], ())), rows)
        for (_, _, above), node in zip(rows, nodes, strict=True):
            if node:
                found[above].append(node)
        return found

    def _node(self, kind: type[Container], container_id: str, above: Selector, below: Sequence[Node]) -> Node | None:
        try:
            container = self.site.read(kind, container_id)
        except NotFound:  # deleted since it was listed
            return None
        selector = replace(above, **{container.level: container.label, "id": container.id})
        files = [self._file(file, selector) for file in container.files if _is_dicom(file)]
        level: Any = container.level
        fields = {
            name: _spelled(_value_at(container.document(), target.path), target)
            for name, target in self.targets.items()
            if target.level == level
        }
        return Node(level, selector, fields, (*files, *below))

    def _file(self, file: File, holder: Selector) -> Node:
        dicom = object_at(file.info, "header", "dicom")
        elements = {name: target for name, target in self.targets.items() if target.level == "file"}
        values = {name: _spelled(_value_at(dicom, target.path), target) for name, target in elements.items()}
        return Node("file", replace(holder, file=file.name, id=file.file_id), values)


def _selector_of(session: Session) -> Selector:
    return Selector(subject=session.subject_label, session=session.label)


def _is_dicom(file: File) -> bool:
    """Whether corrections of its metadata would be exported."""
    return file.type == DICOM or (file.type in UNTYPED and bool(object_at(file.info, "header", "dicom")))


def _spelled(value: Any, target: Target) -> str:
    return spelled(value, target.vr) if shown(value) else BLANK


def _value_at(holder: Any, path: Sequence[str | int]) -> Any:
    """Return what lies at the end of a path, None where there is nothing."""
    for step in path:
        if isinstance(step, int):
            many = isinstance(holder, list)
            holder = holder[step] if many and step < len(holder) else None if many or step else holder
        else:
            holder = holder.get(_name_in(holder, step)) if isinstance(holder, Mapping) else None
    return holder


def _name_in(holder: Mapping[str, Any], name: str) -> str:
    """Return how metadata spell an element: importers have several ways for private ones."""
    key = key_of(name) if "," in name and name not in holder else None
    others = ((other, key_of(other)) for other in holder if "," in other) if key else ()
    return next((other for other, found in others if found and key and found.is_like(key)), name)
