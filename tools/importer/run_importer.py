"""Runs file-metadata-importer over files as the gear would and prints what it would store.

Reads paths from standard input, one a line; prints one JSON line for each:
``{"path": …, "header": file.info["header"]}`` or ``{"path": …, "error": …}``.
With ``--p15e`` private elements of PS3.15 annex E are shown, too.
To be run by the Python of ``.venvs/importer``, or of the environment of another version.
"""

from __future__ import annotations

import importlib
import json
import logging
import math
import sys
import warnings
from typing import Any

from fw_gear_file_metadata_importer.main import run

ENCODERS = ("fw_gear.metadata", "flywheel_gear_toolkit.utils")  # where versions since 1.4, 1.0 have theirs


def encoder() -> type[json.JSONEncoder]:
    """Return what this version writes its metadata with."""
    for name in ENCODERS:
        try:
            found: type[json.JSONEncoder] = importlib.import_module(name).MetadataEncoder
        except (ImportError, AttributeError):
            continue
        return found
    return json.JSONEncoder


def as_stored(value: Any) -> Any:
    """Do to a value what happens on its way to the site: no dots in keys, no NaN, bytes cut down."""
    if isinstance(value, dict):
        return {str(key).replace(".", "_"): as_stored(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [as_stored(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def main() -> None:
    """Import every file named on standard input."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    chosen = encoder()
    options = {"p15e": True} if "--p15e" in sys.argv[1:] else {}
    for line in sys.stdin:
        path = line.rstrip("\n")
        answer: dict[str, Any] = {"path": path}
        try:
            entry, _, _ = run("dicom", path, **options)
            plain = json.loads(json.dumps(entry["info"]["header"], cls=chosen))
            answer["header"] = as_stored(plain)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever stops a foreign program
            answer["error"] = f"{type(error).__name__}: {error}"
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
