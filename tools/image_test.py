"""The image, built and run for real.

Usage: ``python -m pytest tools/image_test.py`` (with docker or podman; on CI, as root, Debian packages are
installed where there is neither). Without an engine nothing is skipped: every test fails and says why.
"""

# ruff: noqa: D103 - tests are named by what they show

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import flywheel
import pydicom
import pytest
from pydicom.data import get_testdata_file

from local_site import LocalSite
from tools.image import ROOT, Engine, NoEngine, build, manifest
from tools.licences import Package, objections, pinned
from tools.stand_in import base_for_tests, engine_for_tests

MEGABYTE = 1000**2
MAX_SIZE = 350 * MEGABYTE
CANNOT_START = 2  # the gear's exit code for a configuration or a site that it cannot work with
STRANGER = "4321:4321"  # a user and group that neither host nor image know
GEAR_CLI = ("--pre", "flywheel-gear-cli==0.1.0a7")
GEAR_CLI_TOOLKIT = ("--no-deps", "flywheel-gear-toolkit==0.6.22", "fw-gear==0.1.3", "flywheel-gears==0.3.1")


@dataclass(frozen=True)
class Image:
    """The built image and the engine that holds it."""

    engine: Engine
    name: str
    base: str

    def run(
        self, *arguments: str, options: tuple[str, ...] = (), stdin: str | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in a new container of the image, in place of the gear."""
        entry = ("--entrypoint", arguments[0])
        command = ("run", "--rm", "--interactive", *options, *entry, self.name, *arguments[1:])
        return self.engine.run(*command, stdin=stdin, check=check)


@pytest.fixture(scope="session")
def image() -> Image:
    try:
        engine = engine_for_tests()
        base = base_for_tests(engine)
    except NoEngine as error:
        pytest.fail(f"THE IMAGE TEST DID NOT RUN: {error}", pytrace=False)
    return Image(engine, build(engine, base), base)


@pytest.fixture(scope="session")
def packages(image: Image) -> list[Package]:
    """Return the packages that the image's Python sees in its own folder, not those of the base."""
    listing = image.run("python", "-", "--json", stdin=(ROOT / "tools" / "licences.py").read_text()).stdout
    found = [Package(**package) for package in json.loads(listing)]
    return [package for package in found if package.name not in {"pip", "setuptools", "wheel"}]


def test_is_small(image: Image) -> None:
    size = int(image.engine.run("image", "inspect", "--format", "{{.Size}}", image.name).stdout)
    print(f"{size / MEGABYTE:.0f} MB on {image.base}")
    assert size < MAX_SIZE


def test_says_what_it_is(image: Image) -> None:
    inspected = json.loads(image.engine.run("image", "inspect", image.name).stdout)[0]["Config"]
    assert inspected["Labels"]["org.opencontainers.image.version"] == manifest()["version"]
    assert inspected["Labels"]["org.opencontainers.image.licenses"] == "MIT"
    assert inspected["WorkingDir"] == "/flywheel/v0"
    environment = dict(pair.split("=", 1) for pair in inspected["Env"])
    assert environment.items() >= manifest()["environment"].items()


def test_is_the_same_when_built_again(image: Image) -> None:
    if image.engine.name == "docker":
        pytest.skip("docker gives files the time of the build")
    before = layers(image)
    build(image.engine, image.base, "--no-cache")
    assert layers(image) == before


def layers(image: Image) -> list[str]:
    inspected = json.loads(image.engine.run("image", "inspect", image.name).stdout)[0]
    return list(inspected["RootFS"]["Layers"])


def test_holds_the_gear_and_nothing_else_of_the_project(image: Image) -> None:
    listing = image.run("find", "/flywheel/v0", "-type", "f", "-not", "-name", "*.pyc").stdout.split()
    tracked = subprocess.run(
        ["git", "ls-files", "run.py", "manifest.json", "export_session"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    ).stdout.split()  # fmt: skip
    assert sorted(path.removeprefix("/flywheel/v0/") for path in listing) == sorted(tracked)
    others = ("local_site", "tests", "tools", "benchmarks", "pytest", "mypy", "ruff")
    assert json.loads(image.run("python", "-c", FIND_MODULES, *others).stdout) == []


FIND_MODULES = """
import importlib.util, json, sys
print(json.dumps([name for name in sys.argv[1:] if importlib.util.find_spec(name)]))
"""


def test_holds_no_build_tools(image: Image) -> None:
    tools = "gcc g++ cc clang make cmake ld as git cargo rustc"
    assert image.run("sh", "-c", f"command -v {tools}; true").stdout.split() == []


def test_holds_exactly_the_pinned_packages(packages: list[Package]) -> None:
    assert {package.name: package.version for package in packages} == pinned()


def test_has_all_that_its_packages_ask_for_but_the_manifest_validator(image: Image) -> None:
    complaints = image.run("python", "-m", "pip", "check", check=False).stdout.splitlines()
    assert complaints == ["flywheel-gear-toolkit 0.6.22 requires flywheel-gears, which is not installed."]


def test_keeps_what_was_removed_in_no_layer(image: Image, tmp_path: Path) -> None:
    saved = tmp_path / "image.tar"
    image.engine.run("save", "--output", str(saved), image.name)
    found = set()
    with tarfile.open(saved) as archive:
        for member in archive:
            layer = archive.extractfile(member)
            with contextlib.suppress(tarfile.ReadError), tarfile.open(fileobj=layer or io.BytesIO()) as files:
                found |= {Path(name).name for name in files.getnames()}
    assert "numpy" in found, "the layers were not read"
    assert not {name for name in found if re.match("rfc3987|flywheel_gears", name)}


def test_finds_what_makes_it_fast(image: Image) -> None:
    assert image.run("python", "-c", FIND_SEAM).stdout.strip() == "isal 20"


FIND_SEAM = """
import random, zlib
from export_session.dicom.binary import deflate
from export_session.dicom.files.deflate_reuse import find_seam
content = random.Random(0).randbytes(200_000).translate(bytes(n % 20 for n in range(256)))
found = find_seam([zlib.compress(content, wbits=-15)], 40_000)
print(deflate.isal and "isal", found and len(set(found.content)))
"""


def test_carries_no_licence_that_it_must_not(packages: list[Package]) -> None:
    assert objections(packages) == []
    listed = (ROOT / "docs" / "licences.md").read_text()
    assert [p.name for p in packages if f"| {p.name} | {p.version} | {p.licence} |" not in listed] == []


def test_starts_as_any_user_on_a_read_only_system_and_may_write_its_outputs(image: Image) -> None:
    options = ("--read-only", "--user", STRANGER, "--volume", "/flywheel/v0/output", "--volume", "/flywheel/v0/work")
    written = image.run("sh", "-c", "touch output/x work/x && cat run.py manifest.json", options=options).stdout
    assert (ROOT / "run.py").read_text() in written


def test_refuses_to_run_without_a_configuration_aloud(image: Image) -> None:
    says_that_it_has_no_configuration(image.engine.run("run", "--rm", image.name, check=False))


def says_that_it_has_no_configuration(answer: subprocess.CompletedProcess[str]) -> None:
    assert answer.returncode == CANNOT_START
    assert "There is no config.json" in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr


def test_command_of_the_manifest_runs_the_gear_in_the_environment_of_the_manifest(image: Image) -> None:
    environment = [f"{name}={value}" for name, value in manifest()["environment"].items()]
    command = ("env", "-i", *environment, "sh", "-c", manifest()["command"])
    says_that_it_has_no_configuration(image.run(*command, check=False))


# The manifest, by other people's validators


def environment_with(name: str, *installs: tuple[str, ...]) -> Path:
    """Return the bin folder of a virtual environment of its own, made once."""
    folder = ROOT / ".venvs" / name
    stamp = folder / "installed.json"
    if not stamp.exists() or json.loads(stamp.read_text()) != [list(install) for install in installs]:
        venv.create(folder, with_pip=True, clear=True)
        # gear-cli pins a PyYAML that newer build tools cannot compile
        constraints = folder / "constraints.txt"
        constraints.write_text("cython<3\nsetuptools<66\n")
        environment = os.environ | {"PIP_CONSTRAINT": str(constraints)}
        for install in installs:
            command = [str(folder / "bin" / "pip"), "install", "--quiet", *install]
            subprocess.run(command, env=environment, check=True)
        stamp.write_text(json.dumps(installs))
    return folder / "bin"


@pytest.fixture(scope="session")
def gear_cli() -> Path:
    return environment_with("gear-cli", GEAR_CLI, GEAR_CLI_TOOLKIT)


def validate(python: Path, module: str, arguments: str = "") -> None:
    code = f"from {module} import Manifest; Manifest('manifest.json').validate({arguments})"
    answer = subprocess.run([python, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr


def test_manifest_is_valid_for_the_gear_toolkit(gear_cli: Path) -> None:
    validate(gear_cli / "python", "flywheel_gear_toolkit.utils.manifest")


def test_manifest_is_valid_for_the_newest_fw_gear() -> None:
    python = environment_with("fw-gear", ("--upgrade", "fw-gear")) / "python"
    validate(python, "fw_gear.manifest", "validate_classification=True")


# A session, exported by the image through `gear run`


@dataclass(frozen=True)
class Quarantine:
    """A site with a session that a curator corrected and then launched the gear on."""

    site: LocalSite
    client: flywheel.Client
    session: str
    analysis: str
    original: bytes

    def config(self, **config: Any) -> dict[str, Any]:
        """Return the config.json of a run of the gear."""
        return {
            "config": {"export_project": "lab/Export", **config},
            "inputs": {"api-key": {"base": "api-key", "key": self.site.api_key}},
            "destination": {"type": "analysis", "id": self.analysis},
        }


@pytest.fixture
def quarantine(tmp_path: Path) -> Iterator[Quarantine]:
    with LocalSite(tmp_path / "site") as site:
        client = flywheel.Client(site.api_key)
        group = client.get(client.add_group(flywheel.Group("lab", "Lab")))
        group.add_project(label="Export")
        session = group.add_project(label="Quarantine").add_subject(label="S1").add_session(label="Visit 1")
        acquisition = session.add_acquisition(label="Thorax")
        original = zipped_series()
        acquisition.upload_file(flywheel.FileSpec("ct.dicom.zip", original, "application/zip"))
        header = {"StudyDescription": "Chest, corrected by a curator"}
        acquisition.reload().files[0].update_info({"header": {"dicom": header}})
        analysis = session.add_analysis(label="session-export")
        yield Quarantine(site, client, session.id, analysis.id, original)


def zipped_series() -> bytes:
    """Return a zip of one real CT slice."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(str(get_testdata_file("CT_small.dcm")), "series/1.dcm")
    return buffer.getvalue()


def slice_of(content: bytes) -> pydicom.Dataset:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return pydicom.dcmread(io.BytesIO(archive.read("series/1.dcm")))


def gear_run(image: Image, gear_cli: Path, folder: Path, config: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    """Run the image as a gear developer does; `gear run` calls docker and gives no network."""
    assets, shim = folder / "assets", folder / "shim"
    for each in (assets, shim):
        each.mkdir()
    (assets / "config.json").write_text(json.dumps(config))
    (assets / "manifest.json").write_text((ROOT / "manifest.json").read_text())
    (shim / "docker").write_text(f"""#!/bin/sh
[ "$1" = run ] && shift && set -- run --network=host "$@"
exec {image.engine.command} "$@"
""")
    (shim / "docker").chmod(0o755)
    path = os.pathsep.join([str(shim), str(gear_cli), os.environ["PATH"]])
    return subprocess.run(
        [gear_cli / "gearcli", "gear", "run", ".", "--target", folder / "run"],
        cwd=assets,
        env=os.environ | image.engine.environment | {"PATH": path, "HOME": str(folder)},
        check=False,
        capture_output=True,
        text=True,
    )


def test_exports_a_session_through_gear_run(
    image: Image, gear_cli: Path, quarantine: Quarantine, tmp_path: Path
) -> None:
    answer = gear_run(image, gear_cli, tmp_path, quarantine.config())
    assert answer.returncode == 0, answer.stdout + answer.stderr

    client = quarantine.client
    assert "EXPORTED" in client.get(quarantine.session).tags
    copy = client.lookup("lab/Export/S1/Visit 1")
    assert "EXPORTED" in copy.tags
    exported = client.lookup("lab/Export/S1/Visit 1/Thorax").files[0]
    now, before = slice_of(exported.read()), slice_of(quarantine.original)
    assert now.StudyDescription == "Chest, corrected by a curator"
    del now.StudyDescription, before.StudyDescription
    mapped = {"PatientID", "StudyID", "SeriesDescription"}
    assert {element.keyword for element in now if before.get(element.tag) != element} <= mapped
    assert now.PixelData == before.PixelData
    origin = client.lookup("lab/Quarantine/S1/Visit 1/Thorax").files[0]
    assert origin.read() == quarantine.original

    outputs = {path.name for path in (tmp_path / "run" / "output").iterdir()}
    for ending in ("_export_log.csv", "_dicom_changes.csv", "_report.html", "_export.xlsx", "_evidence.zip"):
        assert [name for name in outputs if name.endswith(ending)], f"no {ending} in {sorted(outputs)}"


def test_reports_a_refused_configuration_through_gear_run(
    image: Image, gear_cli: Path, quarantine: Quarantine, tmp_path: Path
) -> None:
    answer = gear_run(image, gear_cli, tmp_path, quarantine.config(export_project="lab/Nowhere"))
    assert answer.returncode == CANNOT_START
    assert "lab/Nowhere" in answer.stdout + answer.stderr
    assert "Traceback" not in answer.stdout + answer.stderr
    assert "EXPORTED" not in quarantine.client.get(quarantine.session).tags


def test_previews_a_session_as_any_user_on_a_read_only_system(
    image: Image, quarantine: Quarantine, tmp_path: Path
) -> None:
    config, output = tmp_path / "config.json", tmp_path / "output"
    config.write_text(json.dumps(quarantine.config(dry_run=True)))
    config.chmod(0o644)
    output.mkdir(mode=0o777)
    output.chmod(0o777)
    tmp_path.chmod(0o755)
    answer = image.engine.run(
        *("run", "--rm", "--network=host", "--read-only", "--user", STRANGER),
        *("--volume", f"{config}:/flywheel/v0/config.json:ro", "--volume", f"{output}:/flywheel/v0/output"),
        *("--volume", "/flywheel/v0/work", image.name),
        check=False,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert list(output.glob("*_report.html"))
    assert "EXPORTED" not in quarantine.client.get(quarantine.session).tags


if __name__ == "__main__":
    sys.exit(pytest.main([__file__, "-n0", "-v", "-p", "no:cacheprovider"]))
