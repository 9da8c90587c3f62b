"""The gear's directory and its log, as Flywheel's engine prepares them: the only module that imports the toolkit."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flywheel_gear_toolkit import GearToolkitContext

from export_session.errors import ConfigError
from export_session.support.log_lines import show_control_characters


@dataclass(frozen=True)
class GearContext:
    """What the engine hands to a gear."""

    document: Mapping[str, Any]  # config.json: config, inputs, destination and job
    work: Path
    output: Path
    image: str = ""  # name and version, as the manifest has it


def open_gear(folder: Path) -> GearContext:
    """Read a gear's directory and send the log where the engine looks for it.

    Raises
    ------
    ConfigError
        There is no ``config.json``, or it cannot be read.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):  # whatever a label holds, no line of the log is lost for it
        sys.stdout.reconfigure(errors="backslashreplace")
    logging.basicConfig(stream=sys.stdout)  # until the toolkit takes over
    show_control_characters()
    if not (folder / "config.json").is_file():
        raise ConfigError([f"There is no config.json in {folder}: run the gear on Flywheel or with `gear run`."])
    warnings.simplefilter("ignore")  # of libraries: theirs quote values of headers, and are not for curators
    logging.getLogger("pydicom").setLevel(logging.CRITICAL)  # the same
    try:
        context = GearToolkitContext(gear_path=folder, input_args=[])
    except (RuntimeError, UnicodeError):
        raise ConfigError([f"config.json or manifest.json in {folder} is not JSON."]) from None
    # Always the info template: the debug one also logs what libraries say of requests and responses.
    context.init_logging("info")
    show_control_characters()
    builder = ((context.manifest.get("custom") or {}).get("gear-builder")) or {}
    return GearContext(context.config_json, context.work_dir, context.output_dir, str(builder.get("image") or ""))


def log_in_detail() -> None:
    """Let the gear's own debug lines through to the log, and nobody else's: libraries say what is not for it."""
    logging.getLogger("export_session").setLevel(logging.DEBUG)
    for handler in logging.getLogger().handlers:
        handler.setLevel(logging.DEBUG)
