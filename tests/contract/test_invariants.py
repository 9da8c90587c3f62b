"""Whatever is created, moved, copied and deleted in whatever order, the hierarchy stays one."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.contract.wire import Wire, fresh

LEVELS = ("project", "subject", "session", "acquisition")
_index = st.integers(0, 50)
_operation = st.tuples(
    st.sampled_from(
        [
            "subject", "session", "session", "acquisition", "acquisition", "analysis", "file", "session to subject",
            "session to project", "subject to project", "acquisition to session", "bulk", "copy", "delete", "delete file",
            "move file",
        ]
    ),
    _index,
    _index,
)  # fmt: skip


class World:
    """Operations on a group of two projects; which containers they touch follows from the drawn numbers."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.group = fresh("inv")
        wire.post("/groups", {"_id": self.group, "label": "G"})
        for label in ("one", "two"):
            wire.post("/projects", {"group": self.group, "label": label})

    def all(self, level: str) -> list[dict[str, Any]]:
        """Return what the site lists of a level, oldest first."""
        condition = f"group={self.group}" if level == "project" else f"parents.group={self.group}"
        return list(self.wire.get(f"/{plural(level)}", filter=condition))

    def apply(self, operation: str, first: int, second: int) -> None:
        """Do one operation, if there is anything to do it on; the site may refuse it."""
        projects, subjects, sessions, acquisitions = (self.all(level) for level in LEVELS)
        pick = {
            name: found[first % len(found)]
            for name, found in zip(LEVELS, (projects, subjects, sessions, acquisitions), strict=True)
            if found
        }
        other = {
            name: found[second % len(found)]
            for name, found in zip(LEVELS, (projects, subjects, sessions, acquisitions), strict=True)
            if found
        }
        requests: dict[str, Any] = {
            "subject": lambda: ("POST", "/subjects", {"project": pick["project"]["_id"], "label": f"s{second % 4}"}),
            "session": lambda: (
                "POST", "/sessions",
                {"project": pick["project"]["_id"], "label": "x", "subject": {"label": f"s{second % 4}"}},
            ),
            "acquisition": lambda: ("POST", "/acquisitions", {"session": pick["session"]["_id"], "label": "a"}),
            "analysis": lambda: ("POST", f"/sessions/{pick['session']['_id']}/analyses", {"label": "an"}),
            "session to subject": lambda: ("PUT", f"/sessions/{pick['session']['_id']}", {"subject": {"_id": other["subject"]["_id"]}}),
            "session to project": lambda: ("PUT", f"/sessions/{pick['session']['_id']}", {"project": other["project"]["_id"]}),
            "subject to project": lambda: ("PUT", f"/subjects/{pick['subject']['_id']}", {"project": other["project"]["_id"]}),
            "acquisition to session": lambda: ("PUT", f"/acquisitions/{pick['acquisition']['_id']}", {"session": other["session"]["_id"]}),
            "bulk": lambda: (
                "POST", "/bulk/move/sessions",
                {
                    "sources": [pick["session"]["_id"]], "destinations": [other["project"]["_id"]],
                    "destination_container_type": "projects", "conflict_mode": ("skip", "move")[second % 2],
                    "remove_source": bool(first % 2),
                },
            ),
            "copy": lambda: (
                "POST", f"/sessions/{pick['session']['_id']}/copy",
                {"dst_project_id": other["project"]["_id"], "filter": {"exclude_empty_containers": False}},
            ),
            "delete": lambda: ("DELETE", f"/{plural(LEVELS[1 + second % 3])}/{pick[LEVELS[1 + second % 3]]['_id']}", None),
            "delete file": lambda: ("DELETE", f"/acquisitions/{pick['acquisition']['_id']}/files/f.txt", None),
            "move file": lambda: (
                "POST", f"/files/{pick['acquisition']['files'][0]['file_id']}/move",
                {"container_reference": {"type": "acquisition", "id": other["acquisition"]["_id"]}},
            ),
        }  # fmt: skip
        try:
            if operation == "file":
                self.wire.upload(f"/acquisitions/{pick['acquisition']['_id']}", "f.txt", b"x")
                return
            method, path, body = requests[operation]()
        except (KeyError, IndexError):
            return  # there is nothing of that kind yet
        answer = self.wire(method, path, json=body)
        assert answer.status_code in (200, 404, 409, 422), (operation, answer.text)

    def check(self) -> None:
        """Assert that every container is where its ancestors say, and listed once."""
        by_id = {level: {doc["_id"]: doc for doc in self.all(level)} for level in LEVELS}
        for level, above in zip(LEVELS[1:], LEVELS, strict=False):
            for doc in by_id[level].values():
                parent = by_id[above].get(doc["parents"][above])
                assert parent is not None, f"{level} without its {above}"
                assert doc["parents"] == {**parent["parents"], above: parent["_id"]}
                assert doc["permissions"] == parent["permissions"]
                for item in [*doc["files"], *doc["analyses"]]:
                    assert item["parents"] == {**doc["parents"], level: doc["_id"]}
            listed = [
                child["_id"]
                for parent in by_id[above]
                for child in self.wire.get(f"/{plural(above)}/{parent}/{plural(level)}")
            ]
            assert sorted(listed) == sorted(by_id[level])
        for session in by_id["session"].values():
            assert session["subject"]["_id"] == session["parents"]["subject"]
            assert (session["project"], session["group"]) == (session["parents"]["project"], self.group)
        labels = Counter((s["parents"]["project"], s["label"]) for s in by_id["subject"].values())
        assert max(labels.values(), default=1) == 1, "two subjects of one label in a project"


def plural(level: str) -> str:
    return level + "s"


@settings(max_examples=20)
@given(operations=st.lists(_operation, max_size=25))
def test_hierarchy_stays_consistent(wire: Wire, operations: list[tuple[str, int, int]]) -> None:
    world = World(wire)
    for operation, first, second in operations:
        world.apply(operation, first, second)
        world.check()
