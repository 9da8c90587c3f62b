"""Whoever checks a change, a person, a hook or a CI service, runs the same commands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


def document(name: str) -> Any:
    return yaml.safe_load((ROOT / name).read_text())


def test_hooks_run_the_commands_of_make_lint() -> None:
    recipe = re.search(r"^lint:.*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert recipe
    commands = [line.strip().replace("$(VENV)", ".venv") for line in recipe[1].splitlines()]
    (hooks,) = document(".pre-commit-config.yaml")["repos"]
    assert [hook["entry"] for hook in hooks["hooks"]] == commands


def test_ci_services_run_what_ci_run_does_and_nothing_else() -> None:
    assert document(".gitlab-ci.yml")["check"]["script"] == ["bash .ci/run"]
    steps = document(".github/workflows/ci.yml")["jobs"]["check"]["steps"]
    assert [step["run"] for step in steps if "uses" not in step][-1] == "bash .ci/run"
    assert len(steps) == 3, "git, the checkout, and .ci/run"
