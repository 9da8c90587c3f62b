"""Build the gear's image with the container engine of this machine.

Usage: ``python tools/image.py [BASE]`` (docker, podman or buildah, whichever works, in this order). A release
gives the base with its digest.

The image is named as the manifest says. It is made of the checked-out files, the pinned packages and the
base, nothing else: the same three give the same layers.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
BASE = "docker.io/library/python:3.11-slim-bookworm"

# What podman needs where it has no systemd, cgroups or network of its own (in containers, in CI); it does no
# harm elsewhere.
PODMAN_CONF = """\
[containers]
netns = "host"
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
"""
PODMAN_RUNTIME = 'runtime = "runc"\n'  # the other one, crun, fails without cgroup delegation


class NoEngine(Exception):
    """There is no container engine that works."""


@dataclass(frozen=True)
class Engine:
    """A container engine: its command, and the environment to run it in."""

    command: str
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its kind: docker, podman or buildah."""
        return Path(self.command).name

    def run(
        self, *arguments: str, check: bool = True, capture: bool = True, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run one command of the engine."""
        return subprocess.run(
            [self.command, *arguments],
            env=os.environ | self.environment,
            check=check,
            input=stdin,
            capture_output=capture,
            text=True,
        )


def find_engine(kinds: tuple[str, ...] = ("docker", "podman", "buildah")) -> Engine:
    """Return the first engine that answers; a docker client without its daemon does not."""
    for kind in kinds:
        if command := shutil.which(kind):
            engine = Engine(command, {} if kind == "docker" else _podman_environment())
            if engine.run("info", check=False).returncode == 0:
                return engine
    raise NoEngine(f"no container engine works here (tried {', '.join(kinds)})")


def _podman_environment() -> dict[str, str]:
    conf = ROOT / "build" / "containers.conf"
    conf.parent.mkdir(exist_ok=True)
    conf.write_text(PODMAN_CONF + (PODMAN_RUNTIME if shutil.which("runc") else ""))
    return {"CONTAINERS_CONF": str(conf), "BUILDAH_ISOLATION": "chroot"}


def manifest() -> dict[str, Any]:
    """Return the gear's manifest."""
    contents: dict[str, Any] = json.loads((ROOT / "manifest.json").read_text())
    return contents


def build(engine: Engine, base: str = BASE, *options: str) -> str:
    """Build the image on a base and return its name."""
    name: str = manifest()["custom"]["gear-builder"]["image"]
    arguments = [
        *("--build-arg", f"BASE={base}", "--build-arg", f"VERSION={manifest()['version']}"),
        *("--label", f"org.opencontainers.image.revision={_revision()}"),
    ]
    # Files get a fixed time, so that the same content gives the same layers, with or without a cache.
    if engine.name == "docker":
        arguments += ["--build-arg", "SOURCE_DATE_EPOCH=0"]
    else:  # the docker format is the one that every registry and engine reads
        arguments += ["--format=docker", "--layers", "--network=host", "--timestamp=0"]
    engine.run("build", *arguments, *options, "--tag", name, str(ROOT), capture=False)
    return name


def _revision() -> str:
    """Return the commit that is checked out, and whether files differ from it; nothing outside of a repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True).stdout.strip()


def main(base: str = BASE) -> int:
    """Build the image."""
    try:
        print(build(find_engine(), base))
    except (NoEngine, subprocess.CalledProcessError) as error:
        print(f"The image was not built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:2]))
