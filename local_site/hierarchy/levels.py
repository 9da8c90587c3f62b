"""The levels of the hierarchy and what the site accepts on each."""

from __future__ import annotations

from itertools import pairwise

from local_site.storage.store import Doc

CONTAINERS = {
    "groups": "group",
    "projects": "project",
    "subjects": "subject",
    "sessions": "session",
    "acquisitions": "acquisition",
    "analyses": "analysis",
}
LEVELS = ("group", "project", "subject", "session", "acquisition")
CHILD_OF = dict(pairwise(LEVELS))
PARENT_OF = {child: parent for parent, child in CHILD_OF.items()}

_SUBJECT_KEYS = frozenset(
    [
        "label",
        "code",
        "firstname",
        "lastname",
        "sex",
        "cohort",
        "date_of_birth",
        "mlset",
        "type",
        "race",
        "ethnicity",
        "species",
        "strain",
        "master_code",
        "tags",
        "info",
        "state",
        "project",
    ]
)
CREATE_KEYS = {
    "group": frozenset(["_id", "label", "providers", "editions"]),
    "project": frozenset(
        ["label", "group", "description", "info", "permissions", "copyable", "editions", "providers", "ldap_sync"]
    ),
    "subject": _SUBJECT_KEYS,
    "session": frozenset(
        [
            "project",
            "label",
            "info",
            "uid",
            "timestamp",
            "timezone",
            "subject",
            "age",
            "weight",
            "operator",
            "project_has_template",
        ]
    ),
    "acquisition": frozenset(["label", "session", "uid", "timestamp", "timezone", "info"]),
    "analysis": frozenset(["label", "inputs", "description", "info", "job", "compute_provider_id"]),
}
MODIFY_KEYS = {
    "group": frozenset(["label", "providers", "editions"]),
    "project": frozenset(["label", "group", "description", "info", "copyable", "editions", "providers", "ldap_sync"]),
    "subject": _SUBJECT_KEYS | {"permissions"},
    "session": frozenset(
        [
            "label",
            "info",
            "timestamp",
            "timezone",
            "age",
            "weight",
            "operator",
            "project",
            "subject",
            "tags",
            "permissions",
            "project_has_template",
        ]
    ),
    "acquisition": frozenset(["label", "session", "info", "uid", "timestamp", "timezone"]),
    "analysis": frozenset(["label", "description"]),
}
DEFAULTS: dict[str, Doc] = {
    "group": {"permissions": [], "permissions_template": [], "roles": [], "tags": [], "providers": {}},
    "project": {
        "description": None,
        "permissions": [],
        "info": {},
        "tags": [],
        "notes": [],
        "templates": [],
        "copyable": True,
        "settings": {},
        "providers": {},
        "editions": {"lab": False},
        "locked": None,
    },
    "subject": {
        "firstname": None,
        "lastname": None,
        "sex": None,
        "cohort": None,
        "mlset": None,
        "type": None,
        "race": None,
        "ethnicity": None,
        "species": None,
        "strain": None,
        "date_of_birth": None,
        "master_code": None,
        "state": None,
        "info": {},
        "tags": [],
        "notes": [],
    },
    "session": {
        "uid": None,
        "timestamp": None,
        "timezone": None,
        "age": None,
        "weight": None,
        "operator": None,
        "satisfies_template": False,
        "project_has_template": False,
        "info": {},
        "tags": [],
        "notes": [],
    },
    "acquisition": {
        "uid": None,
        "timestamp": None,
        "timezone": None,
        "metadata": {},
        "collections": [],
        "info": {},
        "tags": [],
        "notes": [],
    },
    "analysis": {"description": None, "info": {}, "tags": [], "notes": [], "inputs": [], "job": None},
}
DELETE_REASONS = frozenset(
    [
        "duplicate_data",
        "data_is_not_part_of_study",
        "data_incomplete_or_corrupt",
        "data_structured_incorrectly",
        "data_has_been_exported_or_moved",
        "container_is_empty",
        "analysis_or_processing_failed_or_cancelled",
        "compliance_consent_withdrawn",
        "compliance_phi",
        "compliance_data_policy",
        "test_data",
        "packfile_cleanup",
    ]
)


def parents_below(kind: str, doc: Doc) -> Doc:
    """Return the ``parents`` of a child of `doc`, a container of `kind`."""
    return {**doc.get("parents", {}), kind: doc["_id"]}


def parent_id(kind: str, doc: Doc) -> str | None:
    """Return the id of the container right above `doc`."""
    if kind == "analysis":
        return str(doc["parent"]["id"])
    return str(doc["parents"][PARENT_OF[kind]]) if kind in PARENT_OF else None
