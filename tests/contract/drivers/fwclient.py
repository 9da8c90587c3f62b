"""The everyday life of a program written for fw-client; run by that client's interpreter."""

import os
import sys
from typing import Any

from fw_client import FWClient, errors


def refusal(call: Any, *args: Any, **kwargs: Any) -> Any:
    """Return the status that a call is refused with; None when it is not."""
    try:
        call(*args, **kwargs)
    except errors.ClientError as error:
        return error.status_code
    return None


fw = FWClient(os.environ["API_KEY"])
group_id = sys.argv[1]

assert fw.core_version
assert fw.core_config["features"]["signed_url"] is True
assert fw.check_feature("signed_url")
assert fw.check_version("0.0.1")
assert fw.auth_status["user_id"]

fw.post("/api/groups", json={"_id": group_id, "label": "Group"})
project = fw.post("/api/projects", json={"group": group_id, "label": "Proj"})["_id"]
subject = fw.post("/api/subjects", json={"project": project, "label": "sub-01"})["_id"]
body = {"project": project, "subject": {"_id": subject}, "label": "Ses"}
sessions = [fw.post("/api/sessions", json=body)["_id"] for _ in range(5)]

# listings come as pages, because the client asks for pagination
seen, after = [], ""
while True:
    page = fw.get("/api/sessions", params={"filter": f"parents.project={project}", "limit": 2, "after_id": after})
    assert page["total"] >= page["count"] == len(page["results"])
    if not page["results"]:
        break
    seen += [item["_id"] for item in page["results"]]
    after = seen[-1]
assert seen == sessions
first = fw.get("/api/sessions", params={"filter": "", "limit": 2, "after_id": ""})
assert first["count"] == 2

looked_up = fw.post("/api/lookup", json={"path": [group_id, "Proj", "sub-01"]})
assert (looked_up["_id"], looked_up["container_type"]) == (subject, "subject")

# a signed upload by hand
path = f"/api/sessions/{sessions[0]}/files"
ticket = fw.post(path, params={"ticket": ""}, json={"metadata": {"name": "f.dcm", "size": 3}, "filenames": ["f.dcm"]})
(url,) = ticket["urls"].values()
url = url if isinstance(url, str) else url[0]
fw.put(url, content=b"abc", headers={"authorization": None} | ticket["headers"])
(file,) = fw.post(path, params={"ticket": ticket["ticket"]})
assert (file["name"], file["size"], file["type"]) == ("f.dcm", 3, "dicom")

# a multipart upload, a download, info, tags
fw.post(path, files={"file": ("g.txt", b"text", "text/plain")})
assert fw.get(f"{path}/g.txt", raw=True).content == b"text"
with fw.stream("GET", f"{path}/f.dcm") as response:
    assert b"".join(response.iter_bytes()) == b"abc"
fw.patch(f"{path}/f.dcm/info", json={"set": {"a": {"b": 1}}})
assert fw.get(f"/api/files/{file['file_id']}")["info"] == {"a": {"b": 1}}
fw.post(f"/api/sessions/{sessions[0]}/tags", json={"value": "T"})
assert refusal(fw.post, f"/api/sessions/{sessions[0]}/tags", json={"value": "T"}) == 409
assert fw.get(f"/api/sessions/{sessions[0]}")["tags"] == ["T"]
fw.put(f"/api/sessions/{sessions[0]}", json={"label": "New"})
fw.delete(f"/api/sessions/{sessions[1]}")
assert refusal(fw.get, f"/api/sessions/{sessions[1]}") == 404
assert fw.get("/api/files", params={"filter": f"parents.session={sessions[0]}"})["count"] == 2
print("passed")
