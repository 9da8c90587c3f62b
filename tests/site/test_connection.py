"""An SDK the gear cannot work with is refused by its version, in words and before it is imported."""

from __future__ import annotations

import importlib.metadata
import sys
from pathlib import Path

import pytest

from export_session.errors import AccessDenied, UnsupportedSdk
from export_session.site.connection import assert_supported_sdk, connect
from tests.support.world import World


def pretend(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(importlib.metadata, "version", lambda _: version)


@pytest.mark.parametrize("version", ["16.19.2", "19.5.0", "21.6.1", "22.2.2", "9.0.3", "0.0.1rc1"])
def test_an_sdk_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    pretend(monkeypatch, version)
    with pytest.raises(UnsupportedSdk, match=f"{version} is too old: 22.3 or newer"):
        connect("127.0.0.1:1:__force_insecure:some-key")


@pytest.mark.parametrize("version", ["22.3.0", "22.10.0", "23.0.0", "100.0"])
def test_newer_ones_pass(monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    pretend(monkeypatch, version)
    assert assert_supported_sdk() == version


def test_the_pinned_one_passes() -> None:
    pins = Path(__file__).parents[2].joinpath("requirements.in").read_text()
    assert f"flywheel-sdk=={assert_supported_sdk()}" in pins


def test_an_sdk_without_what_is_needed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "httpx2", None)
    monkeypatch.delitem(sys.modules, "export_session.site.sdk", raising=False)
    monkeypatch.delattr("export_session.site.sdk", raising=False)
    with pytest.raises(UnsupportedSdk, match="httpx2"):
        connect("127.0.0.1:1:__force_insecure:some-key")


def test_a_malformed_key_is_not_the_fault_of_the_sdk() -> None:
    with pytest.raises(AccessDenied, match="not a Flywheel API key"):
        connect("nonsense")


def test_a_run_with_an_sdk_that_is_too_old_ends_with_one_line(world: World, tmp_path: Path) -> None:
    folder = tmp_path / "flywheel_sdk-19.5.0.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: flywheel-sdk\nVersion: 19.5.0\n")
    run = world.run(world.session(), environment={"PYTHONPATH": str(tmp_path)})
    assert run.code == 2, run.printed
    assert "The Flywheel SDK 19.5.0 is too old" in run.printed
    assert "Traceback" not in run.printed
