"""A container engine and a base image where a machine has neither: Debian with root, no daemon, no registry.

Only for testing the image. The stand-in for the base is Debian's own Python of the same release as the
real base; it differs in where packages lie and in its size, not in what the Dockerfile does with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile

from tools.image import BASE, Engine, NoEngine, find_engine

STAND_IN = "localhost/session-export/stand-in-base:bookworm"
PACKAGES = ("buildah", "podman", "runc", "mmdebstrap")

BOOTSTRAP = [
    *("mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,python3,python3-pip"),
    *(f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")),
    '--customize-hook=ln -s /usr/bin/python3 "$1/usr/local/bin/python"',
    '--customize-hook=rm -f "$1"/usr/lib/python3*/EXTERNALLY-MANAGED',
    # the certificates of this machine, for networks with an authority of their own
    '--customize-hook=cp /etc/ssl/certs/ca-certificates.crt "$1/etc/ssl/certs/"',
    "bookworm",
]


def engine_for_tests() -> Engine:
    """Return an engine that can run containers; on CI, as root, install one where there is none."""
    kinds = ("docker", "podman")
    try:
        return find_engine(kinds)
    except NoEngine:
        if not (os.environ.get("CI") and os.geteuid() == 0 and shutil.which("apt-get")):
            raise
    _install(*PACKAGES)
    return find_engine(kinds)


def base_for_tests(engine: Engine) -> str:
    """Return the real base where the engine has it or can fetch it, else a stand-in made here.

    Raises
    ------
    NoEngine
        When there is no way to either.
    """
    if _has(engine, BASE) or engine.run("pull", "--quiet", BASE, check=False).returncode == 0:
        return BASE
    if not _has(engine, STAND_IN):
        if not shutil.which("mmdebstrap") or os.geteuid() != 0:
            raise NoEngine(f"{BASE} cannot be fetched, and only root with mmdebstrap can make a stand-in for it")
        print(f"{BASE} cannot be fetched: making a stand-in of Debian's packages")
        with tempfile.TemporaryDirectory() as folder:
            tree = f"{folder}/base.tar"
            subprocess.run([*BOOTSTRAP, tree], check=True)
            engine.run("import", tree, STAND_IN)
    return STAND_IN


def _has(engine: Engine, image: str) -> bool:
    return engine.run("image", "inspect", image, check=False).returncode == 0


def _install(*packages: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", *packages]):
        subprocess.run(["apt-get", *arguments], env=environment, check=True)
