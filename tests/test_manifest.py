"""The manifest is valid for Flywheel, and says what the gear does with its configuration."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import jsonschema
import pytest
from fw_gear.manifest import Manifest

from export_session.errors import ConfigError
from export_session.settings import Config, parse

ROOT = Path(__file__).resolve().parent.parent
MANIFEST: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text())
OPTIONS: dict[str, dict[str, Any]] = MANIFEST["config"]
DEFAULTS = {name: option["default"] for name, option in OPTIONS.items() if "default" in option}
JSON_TYPES = {bool: "boolean", int: "integer", str: "string"}


DIGEST = "0123456789abcdef" * 4

# Values at and beyond the edges of every option; each is right for some option and wrong for others.
PROBES = [True, False, 0, 1, 4, 16, 17, -1, 4.5, [], "true", "4", "group/project"]


def document(**config: Any) -> dict[str, Any]:
    """Return a config.json with the given options set and everything else in order."""
    return {
        "config": {"export_project": "group/project", **config},
        "inputs": {"api-key": {"base": "api-key", "key": "site.example:secret"}},
        "destination": {"type": "analysis", "id": "650000000000000000000000"},
    }


def test_is_valid_for_flywheel() -> None:
    Manifest(str(ROOT / "manifest.json")).validate()


def test_offers_exactly_the_options_that_the_gear_reads_in_this_order() -> None:
    assert list(OPTIONS) == [field.name for field in fields(Config)]


@pytest.mark.parametrize("field", fields(Config), ids=lambda field: field.name)
def test_an_option_has_the_type_choices_and_default_that_the_gear_has(field: Any) -> None:
    option, hint = OPTIONS[field.name], get_type_hints(Config)[field.name]
    if get_origin(hint) is Literal:
        assert (option["type"], option["enum"]) == ("string", list(get_args(hint)))
    else:
        assert option["type"] == JSON_TYPES[(get_args(hint) or (hint,))[0]]
    if field.default is MISSING:
        assert "default" not in option
        assert "optional" not in option
    elif field.default is None:
        assert "default" not in option
        assert option["optional"] is True
    else:
        assert option["default"] == field.default
        assert type(option["default"]) is type(field.default)


@pytest.mark.parametrize("name", OPTIONS)
def test_the_form_accepts_a_value_exactly_when_the_gear_does(name: str) -> None:
    schema = Manifest(MANIFEST).derive_config_schema()
    option = OPTIONS[name]
    edges = [option[edge] + step for edge in ("minimum", "maximum") if edge in option for step in (-1, 0, 1)]
    for value in [*PROBES, "ISO_IR 100", DIGEST, *option.get("enum", []), *edges]:
        if name == "archive_project" and value == "group/project":
            continue  # right by itself, but the same as export_project
        beside = {"archive_project": "group/archive"} if name == "archive_mode" else {}  # move needs one
        asked = document(**DEFAULTS | beside | {name: value})  # Flywheel fills in what the form leaves at its default
        valid = jsonschema.Draft4Validator(schema).is_valid(asked)
        if name.endswith("_project"):  # a rule that the form cannot state
            valid = valid and "/" in value
        if name == "assume_charset":  # nor this one
            valid = valid and value in ("", "ISO_IR 100")
        if name == "apply_corrections_only":  # nor that it needs the input, which is not here
            valid = valid and value is not True
        if name == "approved_plan":  # nor that it is the digest of a plan
            valid = valid and value in ("", DIGEST)
        try:
            config = parse(asked).config
        except ConfigError:
            assert not valid, f"the form lets {name}={value!r} through, and the gear refuses it"
        else:
            assert valid, f"the gear takes {name}={value!r}, and the form refuses it"
            assert getattr(config, name) == value


def test_the_defaults_of_the_form_are_the_defaults_of_the_gear() -> None:
    assert parse(document(**DEFAULTS)).config == parse(document()).config


@pytest.mark.parametrize("name", [*OPTIONS, *MANIFEST["inputs"]])
def test_every_field_of_the_form_is_explained(name: str) -> None:
    field = OPTIONS.get(name) or MANIFEST["inputs"][name]
    if field.get("base") == "api-key":  # never shown
        return
    assert len(field["description"].split()) >= 6
    assert field["description"].endswith(".")


def test_takes_a_writing_api_key_and_an_optional_mapping_file() -> None:
    assert MANIFEST["inputs"]["api-key"]["base"] == "api-key"
    assert not MANIFEST["inputs"]["api-key"].get("read-only")
    assert MANIFEST["inputs"]["dicom-map"]["base"] == "file"
    assert MANIFEST["inputs"]["dicom-map"]["optional"] is True


def test_runs_as_an_analysis_by_run_py_in_the_gear_directory() -> None:
    assert MANIFEST["name"] == "session-export"
    assert MANIFEST["custom"]["gear-builder"]["category"] == "analysis"
    assert MANIFEST["command"] == "python run.py"
    assert MANIFEST["environment"]["FLYWHEEL"] == "/flywheel/v0"
