"""``make_sheet``: a template of what the metadata say now, to be corrected and given back; the site is only read."""

from __future__ import annotations

import logging
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from export_session.errors import ConfigError
from export_session.session.headers import ABSENT, Element, NoElement, value_in
from export_session.session.provenance import object_at
from export_session.settings import Config
from export_session.sheet.aims import aim_of
from export_session.sheet.check import is_dicom
from export_session.sheet.fields import Field
from export_session.sheet.listing import Destination, Listing
from export_session.sheet.model import Selector
from export_session.sheet.rows import Spot
from export_session.sheet.spelling import BLANK, shown, spelled
from export_session.sheet.targets import Target, target_of
from export_session.sheet.template import Node, template_of
from export_session.sheet.workbooks import BEFORE
from export_session.sheet.write import write_rows
from export_session.site import ReadSite
from export_session.site.model import File
from export_session.support.parallel import Workers
from export_session.support.wording import counted

log = logging.getLogger(__name__)

_PRIVATE_END = re.compile(r"\s*[0-9A-Fa-f]{4}[xX]{2}[0-9A-Fa-f]{2}.*")  # of "Creator, ggggxxee"


def make_sheet(site: ReadSite, config: Config, destination: Destination, draft: Path, workers: Workers) -> None:
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
    aims = aims_in(config.make_sheet or "")
    tree = tree_of(Listing.of(site, destination, config.select_tag), aims, workers)
    template = template_of(tree, aims, config.sheet_rows)
    write_rows(template.rows, draft.with_name(f"{draft.name}.xlsx"), {BEFORE: template.before})
    write_rows(template.rows, draft.with_name(f"{draft.name}.csv"))
    rows = counted(len(template.rows) - 1, "row")
    log.info("%s in %s: %s.xlsx", counted(template.files, "DICOM file"), rows, draft.name)


def aims_in(text: str) -> dict[str, Element | Field]:
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
    aims: dict[str, Element | Field] = {}
    problems = [] if names else ["make_sheet names no element; write it like PatientName,StudyDate."]
    for name in names:
        try:
            aims[name] = aim_of(name)
        except NoElement as problem:
            problems.append(f"make_sheet: {problem}.")
    if problems:
        raise ConfigError(problems)
    return aims


def tree_of(listing: Listing, aims: Mapping[str, Element | Field], workers: Workers) -> list[Node]:
    """Give the subjects that have sessions, with what is below them, in the order of the site's listings."""
    wanted = {spot.subject.id for spot in listing.sessions}
    below: dict[str, list[Node]] = defaultdict(list)  # by the id of the container above
    for spot in listing.spots(lambda _: True, workers):
        if spot.subject.id in wanted:
            *above, _ = ("", *(container.id for container in spot.containers))
            below[above[-1]].append(_node(listing.site, spot, aims))

    def whole(node: Node) -> Node:
        return replace(node, below=(*node.below, *map(whole, below[node.selector.id])))

    return list(map(whole, below[""]))


def _node(site: ReadSite, spot: Spot, aims: Mapping[str, Element | Field]) -> Node:
    """Keep of a container and its files what the sheet is about."""
    container = spot.container
    labels: Any = {each.level: each.label for each in spot.containers}
    selector = Selector(**labels, id=container.id)
    own = {name: aim for name, aim in aims.items() if isinstance(aim, Field) and aim.level == container.level}
    if not all(field.is_listed for field in own.values()):
        container = site.read(type(container), container.id)
    fields = {name: _spelled(name, field.value_in(container)) for name, field in own.items()}
    files = (_file(file, selector, aims) for file in container.files if is_dicom(file))
    level: Any = container.level
    return Node(level, selector, fields, tuple(files))


def _file(file: File, holder: Selector, aims: Mapping[str, Element | Field]) -> Node:
    dicom = object_at(file.info, "header", "dicom")
    elements = {name: aim for name, aim in aims.items() if isinstance(aim, Element)}
    values = {name: _spelled(name, _value_in(dicom, element)) for name, element in elements.items()}
    return Node("file", replace(holder, file=file.name, id=file.file_id), values)


def _value_in(dicom: Mapping[str, Any], element: Element) -> Any:
    try:
        return value_in(dicom, element)
    except NoElement:  # the sequence that it would be in is not there
        return ABSENT


def _spelled(name: str, value: Any) -> str:
    target = target_of(name)
    vr = target.vr if isinstance(target, Target) else ""
    return spelled(value, vr) if value is not ABSENT and shown(value) else BLANK
