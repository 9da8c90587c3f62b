"""The gear's configuration, read and checked once; everything after works on the result."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

from export_session import field_mapping
from export_session.dicom.character_sets import NoDeclaration, declaration, term_meant
from export_session.dicom.vocabulary import Options, by_either_name
from export_session.dicom_map import with_dicom_map
from export_session.errors import ConfigError
from export_session.field_mapping import FieldMapping

DESTINATIONS = ("analysis", "project", "subject", "session", "acquisition")


@dataclass(frozen=True)
class Config:
    """The ``config`` part of ``config.json``: names, types and defaults of the manifest."""

    export_project: str | None = None  # needed, and used, only by mode copy
    mode: Literal["copy", "in_place", "restore"] = "copy"
    archive_project: str | None = None
    archive_mode: Literal["copy", "move"] = "copy"
    map_flywheel_to_dicom: bool = True
    force_export: bool = False
    check_gear_rules: bool = True
    export_attachments: bool = True
    dry_run: bool = False
    select_tag: str | None = None
    fan_out: bool = False
    approved_plan: str | None = None
    summarize: bool = False
    make_sheet: str | None = None
    sheet_rows: Literal["file", "acquisition", "session", "subject"] = "file"
    apply_corrections_only: bool = False
    on_existing: Literal["update", "skip", "fail"] = "update"
    on_refused_edit: Literal["fail", "export"] = "fail"
    edit_varying: Literal["auto", "refuse", "all"] = "auto"
    edit_uids: bool = False
    record_original_attributes: bool = False
    assume_charset: str | None = None
    check_conformance: bool = False
    verify: Literal["auto", "readback"] = "auto"
    log_values: Literal["full", "hash", "none"] = "full"
    transfers: int = 4
    debug: bool = False

    @property
    def export_to(self) -> str | None:
        """The project to export to, where this mode has one."""
        return self.export_project if self.mode == "copy" else None

    @property
    def archive_to(self) -> str | None:
        """The project for the originals, where this mode writes to one."""
        return self.archive_project if self.mode != "restore" else None

    @property
    def unused(self) -> tuple[str, ...]:
        """What was given and is of no use in this mode, one sentence each."""
        useless = {"copy": (), "in_place": ("export_project",), "restore": ("export_project", "archive_project")}
        given = [name for name in useless[self.mode] if getattr(self, name)]
        return tuple(f"{name} is not used, as mode is {self.mode}: nothing is written to it." for name in given)

    @property
    def reads_only(self) -> bool:
        """Whether the run exports nothing, not even as a preview."""
        return self.summarize or self.make_sheet is not None

    @property
    def options(self) -> Options:
        """The part of the configuration that the DICOM engine heeds."""
        return Options(
            self.edit_varying,
            self.edit_uids,
            self.on_refused_edit,
            self.record_original_attributes,
            assume_charset=self.assume_charset or "",
            check_conformance=self.check_conformance or self.dry_run,
        )


@dataclass(frozen=True)
class Settings:
    """All that a run was given."""

    config: Config
    api_key: str = field(repr=False)
    destination: tuple[str, str]  # type and id
    mapping: FieldMapping
    job: str  # id of the Flywheel job, empty when run by hand
    dicom_map: Mapping[str, str] | None = None  # where the dicom-map input lies: type, id and name
    corrections: Path | None = None  # a sheet, on disk
    approved_plan: Path | None = None  # the approved-plan input

    def for_report(self) -> dict[str, Any]:
        """Return the configuration and the mapping as used; never the API key."""
        return {**asdict(self.config), "mapping": dict(self.mapping.rows)}


def parse(document: Mapping[str, Any]) -> Settings:
    """Read the settings from the content of ``config.json``.

    Raises
    ------
    ConfigError
        With every problem found, one sentence each.
    """
    if not isinstance(document, Mapping):
        raise ConfigError(["config.json must hold an object with config, inputs and destination."])
    problems: list[str] = []
    inputs = document.get("inputs") or {}
    key = str((inputs.get("api-key") or {}).get("key") or "")
    if not key:
        problems.append("The api-key input is missing: run the gear on Flywheel, or with `gear run` after `fw login`.")
    destination = document.get("destination") or {}
    kind, identifier = str(destination.get("type") or ""), str(destination.get("id") or "")
    if kind not in DESTINATIONS or not identifier:
        problems.append(
            f"The destination is {kind or 'missing'}; launch the gear on a session, subject or project "
            "(as an analysis), or by a rule or batch on a session, subject, project or acquisition."
        )
    config = _config(document.get("config") or {}, problems)
    rows = field_mapping.built_in(config.map_flywheel_to_dicom if config else True)
    given_map, dicom_map = inputs.get("dicom-map"), None
    if given_map:
        try:
            rows = with_dicom_map(rows, Path(given_map["location"]["path"]))
        except ConfigError as error:
            problems.extend(error.problems)
        dicom_map = {**(given_map.get("hierarchy") or {}), "name": given_map["location"]["name"]}
    sheet = inputs.get("corrections")
    corrections = Path(sheet["location"]["path"]) if sheet else None
    if config:
        problems.extend(_of_corrections(config, corrections))
    given_plan = inputs.get("approved-plan")
    if given_plan and config and not config.approved_plan:
        problems.append(
            "The approved-plan input approves nothing by itself: give the digest that was approved as approved_plan."
        )
    if problems or config is None:
        raise ConfigError(problems)
    approved = Path(given_plan["location"]["path"]) if given_plan else None
    job = str((document.get("job") or {}).get("id") or "")
    return Settings(config, key, (kind, identifier), rows, job, dicom_map, corrections, approved)


def _config(given: Mapping[str, Any], problems: list[str]) -> Config | None:
    """Return the checked configuration, or None with the reasons added to `problems`."""
    values = {key: value for key, value in given.items() if value not in (None, "")}
    if "log_debug" in values:
        values["debug"] = values.pop("log_debug") or values.get("debug", False)
    if "on_invalid_edit" in values:
        _take_earlier_name(values, problems)
    hints = get_type_hints(Config)
    found = len(problems)
    problems.extend(
        f"{name} is not an option of this gear. Options: {', '.join(hints)}." for name in values if name not in hints
    )
    problems.extend(
        f"{name} must be {_wanted(hint)}, not {values[name]!r}."
        for name, hint in hints.items()
        if name in values and not _fits(values[name], hint)
    )
    transfers = values.get("transfers", 4)
    if type(transfers) is int and not 1 <= transfers <= 16:
        problems.append(f"transfers must be from 1 to 16, not {transfers}.")
    problems.extend(_of_charset(values.get("assume_charset")))
    problems.extend(_of_projects(values))
    problems.extend(_of_sheets(values))
    problems.extend(_of_approval(values))
    if len(problems) > found:
        return None
    assert values.keys() <= {item.name for item in fields(Config)}
    return Config(**values)


def _of_projects(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the projects to write to, in this mode."""
    given = {name: values[name] for name in ("export_project", "archive_project") if isinstance(values.get(name), str)}
    for name, path in given.items():
        if not all(project_path(path)):
            yield f"{name} must be written as group/project, not {path!r}."
    mode, moves = values.get("mode", "copy"), values.get("archive_mode") == "move"
    exports = "make_sheet" not in values and values.get("apply_corrections_only") is not True
    if mode == "copy" and exports and "export_project" not in values:
        yield "export_project is missing: name the project to export to as group/project."
    if mode == "copy" and len(given) == 2 and len(set(map(project_path, given.values()))) == 1:
        yield "archive_project and export_project must be two different projects."
    if moves and "archive_project" not in values:
        yield "archive_mode is move, but archive_project does not say where to: name it as group/project."
    elif moves and mode == "in_place":
        yield (
            "archive_mode is move, which takes a session away, but mode is in_place, which leaves it where it is: set "
            "archive_mode to copy, or mode to copy."
        )


def _of_sheets(values: Mapping[str, Any]) -> Iterator[str]:
    """Yield which options do not go together with a sheet that is to be made."""
    if "make_sheet" in values and values.get("log_values", "full") != "full":
        yield "make_sheet writes values in full: set log_values to full, or leave make_sheet empty."
    if "make_sheet" in values and values.get("summarize") is True:
        yield "make_sheet and summarize are two runs: choose one."


def _of_corrections(config: Config, given: Path | None) -> Iterator[str]:
    """Yield what is wrong with a sheet, or with none, in such a run."""
    if config.apply_corrections_only and given is None:
        yield "apply_corrections_only is set, but there is no corrections input to apply."
    if config.reads_only and given is not None:
        yield "A run with make_sheet or summarize applies no corrections: take the input away, or the option."
    if config.mode == "restore" and given is not None:
        yield (
            "A run with mode: restore applies no corrections: take the input away. A sheet that undoes corrections is "
            "for the run after it."
        )


def _of_charset(terms: object) -> Iterator[str]:
    """Yield what is wrong with ``assume_charset``."""
    if not isinstance(terms, str):
        return
    try:
        declaration(terms.split("\\"))
    except NoDeclaration as problem:
        meant = "\\".join(map(term_meant, terms.split("\\")))
        hint = f' (perhaps "{meant}" is meant)' if meant != terms else ""
        yield f"assume_charset cannot be {terms!r}{hint}: {problem}."


def _of_approval(values: dict[str, Any]) -> Iterator[str]:
    """Yield what is wrong with ``approved_plan``, and bring it to the form that a preview prints."""
    given = values.get("approved_plan")
    if not isinstance(given, str):
        return
    values["approved_plan"] = given.strip().lower().removeprefix("sha256:")
    if not re.fullmatch("[0-9a-f]{64}", values["approved_plan"]):
        yield "approved_plan must be the digest that the preview printed: 64 digits and letters from a to f."
    if values.get("fan_out") is True:
        yield "approved_plan is for the one run that was previewed, but fan_out starts a run for each session."
    if values.get("mode") == "restore":
        yield "approved_plan is for corrections that are to be made, but mode is restore, which undoes them."


def _take_earlier_name(values: dict[str, Any], problems: list[str]) -> None:
    """Read ``on_invalid_edit``, the earlier name of ``on_refused_edit``."""
    given = values.pop("on_invalid_edit")
    if given not in ("fail", "skip"):
        problems.append(f"on_invalid_edit must be one of fail, skip, not {given!r}. It is named on_refused_edit now.")
        return
    try:
        values["on_refused_edit"] = by_either_name(values.get("on_refused_edit"), given)
    except ConfigError as error:
        problems.extend(error.problems)


def project_path(path: str) -> tuple[str, str]:
    """Split ``group/project`` at the first slash; a project label may hold further slashes.

    Blanks around the two are no part of them.
    """
    group, _, label = path.strip().removeprefix("fw://").partition("/")
    label = label.rstrip("/") if label.count("/") == 1 and label.endswith("/") else label
    return group.strip(), label.strip()


def _fits(value: object, hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return value in get_args(hint)
    kinds = get_args(hint) or (hint,)
    return type(value) in kinds  # exactly: True is not an integer here


def _wanted(hint: Any) -> str:
    if get_origin(hint) is Literal:
        return "one of " + ", ".join(get_args(hint))
    names = {bool: "true or false", int: "a whole number", str: "text"}
    return names[next(kind for kind in (get_args(hint) or (hint,)) if kind in names)]
