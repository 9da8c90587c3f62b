"""The command line: ``python -m local_site serve ROOT``."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from local_site.engine import manifests
from local_site.listener import allow_connections
from local_site.local import LocalSite
from local_site.site.faults import KINDS
from local_site.site.options import SiteOptions
from local_site.site.state import Site

DESCRIPTION = """\
A Flywheel site on this machine: HTTP on loopback, everything kept under ROOT.

    python -m local_site serve ROOT

prints one line of JSON once it accepts connections,

    {"url": "http://127.0.0.1:PORT", "api_key": "127.0.0.1:PORT:__force_insecure:KEY", ...}

and serves until it gets SIGTERM or Ctrl-C. Give "api_key" to any program that uses the Flywheel SDK:

    >>> flywheel.Client("127.0.0.1:PORT:__force_insecure:KEY")

(fw-client wants "http://127.0.0.1:PORT:KEY".) If a proxy is set in the environment, set NO_PROXY=127.0.0.1.
Run it again on the same ROOT and the data and the key are there again; the port only if you give --port.
"""
EPILOG = """\
Looking: open the "page" of that line in a browser to see everything on the site, to correct the DICOM header of a
file, to run a gear on a container, to follow its log and to open what it left.

Running gears: `serve ROOT --engine` runs queued jobs, batches and what gear rules start. `add-gear ROOT DIR` registers
the gear whose manifest.json and code are in DIR. A job finds config.json, manifest.json, input/, output/ and work/
beside the gear's own files in its working directory, runs the manifest's command there, and its key dies with it.

Misbehaving: POST URL/__admin__/faults {"kind": "status", "status": 503, "route": "/sessions", "nth": 2}
(with the key, as for the API) makes the second matching request fail. Other routes there: GET, DELETE faults;
GET, DELETE requests (the record of requests); GET, PUT options; POST users, keys; GET dump; PUT locks {"project",
"reason"} and POST findings {"file_id", "threat"}, as regulated sites lock projects and find malware. Kinds of faults:

""" + "\n".join(f"  {kind:<17} {text}" for kind, text in KINDS.items())


def main(arguments: list[str] | None = None) -> int:
    """Run the command line and return the exit code."""
    given = _parser().parse_args(arguments)
    run: Callable[[argparse.Namespace], None] = given.run
    run(given)
    return 0


def _serve(given: argparse.Namespace) -> None:
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    allow_connections()
    switches = dict(_switch(text) for text in given.option)
    engine = {"engine": given.engine, "at_once": given.jobs, "python": given.python}
    with ExitStack() as stack:
        try:
            site = stack.enter_context(LocalSite(given.root, host=given.host, port=given.port, **engine, **switches))
        except (RuntimeError, OSError) as error:
            raise SystemExit(f"Cannot serve {given.root}: {error}") from error
        if given.seed:
            from local_site.seed import seed_demo  # noqa: PLC0415 - needs pydicom, which serving does not

            seed_demo(site.site)
        page = f"{site.url}/?key={site.site.owner_key()}"
        line = {"url": site.url, "api_key": site.api_key, "user": site.owner, "page": page}
        print(json.dumps(line), flush=True)  # noqa: T201 - this line is what callers wait for
        stop.wait()


def _add_gear(given: argparse.Namespace) -> None:
    site = Site.open(given.root)
    gear = manifests.add_gear_directory(site, given.directory)
    added = {"_id": gear["_id"], "name": gear["gear"]["name"], "version": gear["gear"]["version"]}
    print(json.dumps(added))  # noqa: T201 - the answer of the command
    site.close()


def _parser() -> argparse.ArgumentParser:
    texts: dict[str, Any] = {
        "description": DESCRIPTION,
        "epilog": EPILOG,
        "formatter_class": argparse.RawDescriptionHelpFormatter,
    }
    parser = argparse.ArgumentParser(prog="python -m local_site", **texts)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    serve = commands.add_parser("serve", help="serve the site under ROOT", **texts)
    serve.set_defaults(run=_serve)
    serve.add_argument("root", metavar="ROOT", type=Path, help="directory that holds the site; made if absent")
    serve.add_argument("--host", default="127.0.0.1", help="address to listen on (default: loopback only)")
    serve.add_argument("--port", type=int, default=0, help="port to listen on (default: a free one)")
    serve.add_argument("--seed", choices=["demo"], help="put a small hierarchy in, unless it is there")
    serve.add_argument("--engine", action="store_true", help="run queued jobs, and so what gear rules start")
    serve.add_argument("--jobs", type=int, default=2, metavar="N", help="jobs that run at the same time (default: 2)")
    serve.add_argument(
        "--python", metavar="PATH", help="interpreter for gears whose command begins with python (default: this one)"
    )
    serve.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help=f"set a switch (VALUE is JSON): {', '.join(SiteOptions.__dataclass_fields__)}",
    )
    add_gear = commands.add_parser("add-gear", help="register the gear in DIR with the site under ROOT")
    add_gear.set_defaults(run=_add_gear)
    add_gear.add_argument("root", metavar="ROOT", type=Path, help="directory that holds the site; it may be serving")
    add_gear.add_argument("directory", metavar="DIR", type=Path, help="directory with the gear's manifest.json")
    return parser


def _switch(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    if name not in SiteOptions.__dataclass_fields__:
        raise SystemExit(f"Unknown option {name!r}; known are {', '.join(SiteOptions.__dataclass_fields__)}")
    return name, json.loads(value or "true")


if __name__ == "__main__":
    sys.exit(main())
