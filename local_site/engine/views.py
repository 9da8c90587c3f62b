"""What clients are shown of jobs: in lists, in detail."""

from __future__ import annotations

from local_site.hierarchy.levels import LEVELS
from local_site.hierarchy.views import Views
from local_site.site.auth import Identity
from local_site.site.state import Site
from local_site.storage.store import Doc


def listed(job: Doc) -> Doc:
    """Return a job as lists show it: with its inputs as an array."""
    inputs = [{"input": name, **reference} for name, reference in job["inputs"].items()]
    return {**{key: value for key, value in job.items() if key != "produced_metadata"}, "inputs": inputs}


def detailed(site: Site, who: Identity, job: Doc) -> Doc:
    """Return a job with the files it read and wrote, and the labels of the containers above it."""
    views = Views(site, who)
    inputs: Doc = {}
    for name, reference in job["inputs"].items():
        facts = job["config"]["inputs"][name]["object"]
        file = site.store.get("file", facts["file_id"], deleted=True)
        inputs[name] = {"ref": reference, "object": views.file(file) if file else None}
    outputs = [{"ref": {**file["parent_ref"], "name": file["name"]}, "object": file} for file in job["outputs"]]
    names = {}
    for level in LEVELS:
        container = site.store.get(level, job["parents"].get(level) or "", deleted=True)
        if container is not None:
            names[level] = {"_id": container["_id"], "label": container["label"]}
    return {**job, "inputs": inputs, "outputs": outputs, "parent_info": names}
