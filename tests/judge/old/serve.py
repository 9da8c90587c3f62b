"""Runs a model of an importer over the paths on standard input, one line of JSON for each."""

from __future__ import annotations

import json
import logging
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.judge.old.conversion import as_stored


def serve(header_of: Callable[[Path], dict[str, Any]]) -> None:
    """Answer until the input ends."""
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    for line in sys.stdin:
        path = line.rstrip("\n")
        answer: dict[str, Any] = {"path": path}
        try:
            answer["header"] = {"dicom": as_stored(header_of(Path(path)))}
            text = json.dumps(answer)
        except Exception as error:  # noqa: BLE001 - the gear would have failed
            text = json.dumps({"path": path, "error": f"{type(error).__name__}: {error}"})
        print(text, flush=True)
