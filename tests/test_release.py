"""What is released together agrees: version, image, pins, licences, change log."""

from __future__ import annotations

import json
import re
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from export_session import __version__
from tools.image import NoEngine, find_engine
from tools.licences import REMOVED, Package, objections, pinned
from tools.stand_in import engine_for_tests

ROOT = Path(__file__).resolve().parent.parent


def text(name: str) -> str:
    return (ROOT / name).read_text()


def direct(name: str) -> dict[str, Requirement]:
    """Return the requirements that a short list of direct dependencies names."""
    lines = [line.split("#")[0].strip() for line in text(name).splitlines()]
    wanted = [Requirement(line) for line in lines if line and not line.startswith("-")]
    return {canonicalize_name(requirement.name): requirement for requirement in wanted}


def pins(name: str) -> dict[str, tuple[str, int]]:
    """Return version and number of hashes for each package of a requirements file."""
    entries = text(name).replace("\\\n", " ").splitlines()
    found = [re.match(r"(\S+)==(\S+)(.*)", entry) for entry in entries if entry and not entry.startswith(("#", " "))]
    assert all(found), "a line that is not a pin"
    return {match[1]: (match[2], len(re.findall("--hash=sha256:[0-9a-f]{64}", match[3]))) for match in found if match}


def test_manifest_and_image_bear_the_version_of_the_package() -> None:
    manifest = json.loads(text("manifest.json"))
    assert manifest["version"] == __version__
    assert manifest["custom"]["gear-builder"]["image"] == f"flywheel/session-export:{__version__}"
    assert re.findall(r"^ARG VERSION=(.*)$", text("Dockerfile"), re.MULTILINE) == [__version__]


def test_the_change_log_begins_with_this_version_or_what_comes_after_it() -> None:
    headings = re.findall(r"^## \[?([^\]\s]+)", text("CHANGELOG.md"), re.MULTILINE)
    assert next(heading for heading in headings if heading != "Unreleased") == __version__
    assert "Unreleased" not in headings[1:]


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_direct_dependency_is_pinned_with_hashes(name: str) -> None:
    pinned = pins(f"{name}.txt")
    assert all(hashes for _, hashes in pinned.values())
    for package, requirement in direct(f"{name}.in").items():
        assert requirement.specifier.contains(pinned[package][0]), f"run tools/pins.py: {requirement}"


def test_both_pin_files_can_be_installed_together() -> None:
    run, dev = pins("requirements.txt"), pins("requirements-dev.txt")
    assert {name: run[name] for name in run.keys() & dev.keys()} == {
        name: dev[name] for name in run.keys() & dev.keys()
    }


def test_the_pins_are_complete() -> None:
    pinned = pins("requirements.txt")
    needed = set()
    for package in pinned:
        try:
            needed |= {Requirement(line) for line in distribution(package).requires or ()}
        except PackageNotFoundError:
            pytest.fail(f"{package} is pinned but not installed: install requirements.txt")
    here = {canonicalize_name(r.name) for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})}
    assert here - pinned.keys() == set()


def test_the_dockerfile_removes_what_the_image_must_not_carry_in_the_layer_that_installs_it() -> None:
    (layer,) = [step for step in text("Dockerfile").replace("\\\n", " ").split("\n") if "pip install" in step]
    removed = re.findall(r"pip uninstall [^;]*", layer)[0].split()
    assert set(REMOVED) <= set(removed)


def test_pins_name_no_index_and_no_place_on_a_machine() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        assert not re.search(r"https?://|file:|--(extra-)?index-url|--find-links", text(name))


def test_the_licence_list_is_that_of_the_pinned_packages() -> None:
    listed = dict(re.findall(r"^\| ([a-z0-9-]+) \| ([0-9]\S*) \|", text("docs/licences.md"), re.MULTILINE))
    assert listed == pinned()


@pytest.mark.parametrize(
    "package",
    [
        Package("a", "1", "GPL-3.0-or-later", "", copyleft=False),
        Package("a", "1", "MIT AND LGPL-2.1-only", "", copyleft=False),
        Package("a", "1", "unknown", "", copyleft=False),
        Package("a", "1", "LicenseRef-Proprietary", "", copyleft=False),
        Package("a", "1", "MIT", "", copyleft=True),
    ],
    ids=lambda package: f"{package.licence}{' with a text of the GPL' * package.copyleft}",
)
def test_a_licence_that_the_image_must_not_carry_is_objected_to(package: Package) -> None:
    assert len(objections([package])) == 1


def test_the_licences_of_the_pinned_packages_are_not_objected_to() -> None:
    rows = re.findall(r"^\| ([a-z0-9-]+) \| ([0-9]\S*) \| ([^|]+) \| (\S*) \|", text("docs/licences.md"), re.MULTILINE)
    assert (
        objections([Package(name, version, licence, texts, copyleft=False) for name, version, licence, texts in rows])
        == []
    )
    assert len(rows) == len(pinned())


def commands(folder: Path, **statuses: int) -> str:
    """Make commands that do nothing but end with a status, and return the PATH that has no others."""
    for name, status in statuses.items():
        (folder / name).write_text(f"#!/bin/sh\nexit {status}\n")
        (folder / name).chmod(0o755)
    return str(folder)


def test_an_engine_is_taken_only_if_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", commands(tmp_path, docker=1, podman=0, buildah=0))  # docker without its daemon
    assert find_engine().name == "podman"
    monkeypatch.setenv("PATH", commands(tmp_path, docker=0))
    assert find_engine().name == "docker"


def test_without_an_engine_the_image_test_does_not_pass_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("PATH", commands(tmp_path, docker=1))
    with pytest.raises(NoEngine, match="no container engine works here"):
        engine_for_tests()


def test_on_ci_root_installs_an_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    log = tmp_path / "log"
    commands(tmp_path, docker=1)
    apt = tmp_path / "apt-get"
    apt.write_text(f'#!/bin/sh\necho "$@" >> {log}\nprintf "#!/bin/sh\\n" > {tmp_path}/podman\n')
    apt.write_text(apt.read_text() + f"/bin/chmod 755 {tmp_path}/podman\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert engine_for_tests().name == "podman"
    assert "podman" in log.read_text().splitlines()[-1]
