"""A site for the whole run of the suite; fresh groups and projects for every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import flywheel
import pytest

from local_site import LocalSite
from tests.contract.requests import manifest
from tests.contract.wire import Wire, fresh, key_of


@pytest.fixture(scope="session", autouse=True)
def _patient_but_not_slow() -> Iterator[None]:
    """Keep the SDK's retries, without its minutes of waiting; keep proxies away from loopback."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1,localhost")
        patch.setattr("flywheel.rest.BACKOFF_FACTOR", 0.01)
        yield


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with LocalSite(tmp_path_factory.mktemp("site")) as running:
        yield running


@pytest.fixture
def open_site(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Start a site of one's own, for tests of switches, faults and restarts."""
    running: list[Any] = []

    def start(root: str = "own", **options: Any) -> Any:
        running.append(LocalSite(tmp_path / root, **options))
        return running[-1].__enter__()

    yield start
    for one in reversed(running):
        one.__exit__(None, None, None)


@pytest.fixture(scope="session")
def fw(site: Any) -> flywheel.Client:
    return flywheel.Client(site.api_key)


@pytest.fixture(scope="session")
def wire(site: Any) -> Wire:
    return Wire.connect(site.url, key_of(site.api_key))


@pytest.fixture(scope="session")
def anonymous(site: Any) -> Wire:
    return Wire.connect(site.url, None)


@pytest.fixture
def group(fw: flywheel.Client) -> Any:
    name = fresh("grp")
    fw.add_group({"_id": name, "label": f"Group {name}"})
    return fw.get_group(name)


@pytest.fixture
def project(group: Any) -> Any:
    return group.add_project(label="Proj")


@pytest.fixture
def subject(project: Any) -> Any:
    return project.add_subject(label="sub-01")


@pytest.fixture
def session(subject: Any) -> Any:
    return subject.add_session(label="Ses 1")


@pytest.fixture
def acquisition(session: Any) -> Any:
    return session.add_acquisition(label="Acq 1")


@pytest.fixture
def member(site: Any, wire: Wire, fw: flywheel.Client) -> Callable[..., Any]:
    """Make a user with a role (or none) on a project: ``member(project, "ro")``."""
    roles = {role["default_flywheel_role"]: role["_id"] for role in wire.get("/roles")}

    def make(project: Any = None, role: str | None = None) -> Any:
        name = f"{fresh('user')}@example.org"
        api_key = site.add_user(name)
        if project is not None and role is not None:
            fw.add_project_permission(project.id, {"_id": name, "role_ids": [roles[role]]})
        client = flywheel.Client(api_key)
        return SimpleNamespace(id=name, fw=client, wire=Wire.connect(site.url, key_of(api_key)), api_key=api_key)

    return make


@pytest.fixture(scope="module")
def ids(wire: Wire) -> dict[str, str]:
    """One of everything, by its name in the route templates."""
    made = {"group": fresh("all")}
    wire.post("/groups", {"_id": made["group"], "label": "G"})
    made["project"] = wire.post("/projects", {"group": made["group"], "label": "P"})["_id"]
    made["subject"] = wire.post("/subjects", {"project": made["project"], "label": "S"})["_id"]
    embedded = {"_id": made["subject"]}
    made["session"] = wire.post("/sessions", {"project": made["project"], "subject": embedded, "label": "X"})["_id"]
    made["acquisition"] = wire.post("/acquisitions", {"session": made["session"], "label": "A"})["_id"]
    made["analysis"] = wire.post(f"/sessions/{made['session']}/analyses", {"label": "An"})["_id"]
    for level in ("projects", "subjects", "sessions", "acquisitions", "analyses"):
        single = "analysis" if level == "analyses" else level[:-1]
        wire.upload(f"/{level}/{made[single]}", "f.txt", b"content")
    made["file"] = wire.get(f"/sessions/{made['session']}")["files"][0]["file_id"]
    gear = manifest(fresh("all"), inputs={"api-key": {"base": "api-key"}})
    made["gear"] = wire.post(f"/gears/{gear['name']}", {"category": "utility", "gear": gear})["_id"]
    target = {"type": "session", "id": made["session"]}
    made["job"] = wire.post("/jobs/add", {"gear_id": made["gear"], "destination": target})["_id"]
    made["batch"] = wire.post("/batch", {"gear_id": made["gear"], "targets": [target], "config": {}})["_id"]
    return made
