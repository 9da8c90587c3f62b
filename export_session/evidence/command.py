"""The command that verifies an evidence package."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from export_session.errors import ExportError
from export_session.evidence.on_site import SiteCheck
from export_session.evidence.verify import verify
from export_session.session.provenance import object_at
from export_session.site import Patience, PatientSite, connect
from export_session.support.wording import counted, visible

AGREES, DIFFERS, CANNOT_START = 0, 1, 2  # exit codes
KEY_VARIABLE = "FLYWHEEL_API_KEY"
LOGIN = Path("~/.config/flywheel/user.json")  # where `fw login` and the SDK keep a key
PATIENCE = 300.0  # seconds that may be lost to failed calls

USAGE = f"""Tell whether an evidence package is as it was written, and with --site whether
the site still holds what it says.

The API key for --site comes from {KEY_VARIABLE} or from {LOGIN}, never from the command line.
Exit code 0: all agrees. 1: something differs, and is named. 2: it could not be looked at.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m export_session", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("verify", description=USAGE, formatter_class=argparse.RawDescriptionHelpFormatter)
    command.add_argument("evidence", type=Path, help="the package, a zip or the folder it was unpacked to")
    command.add_argument("--site", action="store_true", help="ask the site, too")
    command.add_argument("--root", default="", help="the Merkle root that the job log states, to be compared, too")
    given = parser.parse_args(arguments)
    try:
        return _verify(given.evidence, ask_site=given.site, root=given.root.strip().lower())
    except ExportError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command line tool
        return CANNOT_START


def _verify(path: Path, *, ask_site: bool, root: str) -> int:
    if not path.exists():
        raise ExportError(f"{path}: there is no such file or folder.")
    site = _site() if ask_site else None  # what is wrong with the key is said before anything is read
    verdict = verify(path)
    differences = list(verdict.differences)
    files = list(verdict.evidence.get("files") or ())
    if site and verdict.evidence:
        differences += _on_site(site, verdict.evidence, files)
    if root and root != verdict.root:
        differences.append(f"the Merkle root is {verdict.root or 'missing'}, not the one that was given")
    for one in differences:
        print(visible(one))  # noqa: T201 - a command line tool
    print(_closing(len(differences), files, verdict.root, ask_site=ask_site))  # noqa: T201 - the same
    return DIFFERS if differences else AGREES


def _on_site(site: PatientSite, evidence: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    try:
        yield from SiteCheck(site, object_at(evidence, "run", "projects")).differences(files)
    except ExportError as error:
        yield f"the site could not be looked at any further: {error}"
    except (KeyError, TypeError, AttributeError):
        yield "evidence.json is not of the form that this gear writes: the site could not be compared with it"


def _closing(differences: int, files: Sequence[Mapping[str, Any]], root: str, *, ask_site: bool) -> str:
    if differences:
        return f"{counted(differences, 'difference')}."
    scope = "package and site agree" if ask_site else "the package is as it was written"
    if ask_site and (unknown := sum(not object_at(file, "origin") for file in files)):
        scope += f", but of {counted(unknown, 'file')} it does not say where the bytes are"
    return f"{counted(len(files), 'file')}: {scope}. Merkle root {root}"


def _site() -> PatientSite:
    key = os.environ.get(KEY_VARIABLE, "").strip() or _of_login()
    if not key:
        raise ExportError(f"--site needs an API key: set {KEY_VARIABLE}, or log in with `fw login`.")
    site = PatientSite(connect(key, writable=False), Patience(PATIENCE))
    site.identity()
    return site


def _of_login() -> str:
    try:
        return str(json.loads(LOGIN.expanduser().read_text(encoding="utf-8")).get("key") or "")
    except (OSError, ValueError, AttributeError):
        return ""
