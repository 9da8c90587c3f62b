"""The everyday life of a program written for flywheel-sdk, of any version from 12; run by that SDK's interpreter."""

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import flywheel
from flywheel.rest import ApiException


def refusal(call: Any, *args: Any) -> Any:
    """Return the status that a call is refused with; None when it is not."""
    try:
        call(*args)
    except ApiException as error:
        return error.status
    return None


fw = flywheel.Client(os.environ["API_KEY"])
group_id = sys.argv[1]

assert fw.get_current_user().id
assert fw.get_config()
assert fw.get_version()

fw.add_group(flywheel.Group(id=group_id, label="Group"))
group = fw.get_group(group_id)
project = group.add_project(label="Proj")
subject = project.add_subject(label="sub-01", sex="female")
session = subject.add_session(label="Ses, 1", info={"a": 1})
acquisition = session.add_acquisition(label="Acq 1")

# lookup, resolve and get know the type of what they answer
assert fw.lookup([group_id, "Proj", "sub-01", "Ses, 1", "Acq 1"]).id == acquisition.id
assert fw.lookup(group_id + "/Proj").label == "Proj"
assert fw.resolve(group_id + "/Proj/sub-01").children[0].id == session.id
assert isinstance(fw.get(session.id), type(fw.get_session(session.id))) or fw.get(session.id).id == session.id
assert refusal(fw.lookup, "no-group") == refusal(fw.lookup, group_id + "/none") == 404

# uploads are multipart, one version more each time
path = Path(tempfile.mkdtemp(), "f ü.dcm")
for content in (b"one", b"two!"):
    path.write_bytes(content)
    metadata: object = {"modality": "MR", "info": {"k": "v"}}
    if not hasattr(fw, "signed_upload_file_to_acquisition"):  # before there were signed uploads it was sent as text
        metadata = json.dumps(metadata)
    fw.upload_file_to_acquisition(acquisition.id, str(path), metadata=metadata)
acquisition.upload_file(flywheel.FileSpec("text.txt", "content", "text/plain"))
acquisition = acquisition.reload()
assert sorted(f.name for f in acquisition.files) == ["f ü.dcm", "text.txt"]
file = acquisition.get_file("f ü.dcm")
assert (file.size, file.modality, file.type) == (4, "MR", "dicom")
assert file.read() == b"two!"
file.download(str(path))
assert path.read_bytes() == b"two!"
assert fw.download_file_from_acquisition_as_data(acquisition.id, "text.txt") == b"content"

# info is posted rather than patched
file.update_info({"header": {"dicom": {"PatientID": "x"}}})
file.update({"modality": "CT"})
file.update_classification({"Custom": ["c"]})
file = acquisition.reload().get_file("f ü.dcm")
assert file.info["header"] == {"dicom": {"PatientID": "x"}}
assert (file.modality, file.classification) == ("CT", {"Custom": ["c"]})
session.update_info({"b": 2})
session.replace_info({"c": 3})
assert session.reload().info == {"c": 3}

# tags, notes, changes
session.add_tag("EXPORTED")
assert refusal(session.add_tag, "EXPORTED") == 409
with contextlib.suppress(ValueError):  # this SDK expects a count where sites answer the note since; it is added
    session.add_note("a note")
session.update(label="Renamed", weight=70.5)
session = session.reload()
assert (session.label, session.weight, session.tags, session.notes[0].text) == ("Renamed", 70.5, ["EXPORTED"], "a note")
session.delete_tag("EXPORTED")
assert session.reload().tags == []

# finders
for number in range(5):
    subject.add_session(label=f"many-{number}")
assert [s.label for s in project.sessions.find("label=~^many")] == [f"many-{n}" for n in range(5)]
assert len(list(project.sessions.iter_find(limit=2))) == 6
assert project.sessions.find_one("label=many-3").label == "many-3"
assert project.sessions.find_first("label=none") is None
assert next(s.id for s in subject.sessions()) == session.id
assert [a.id for a in session.acquisitions()] == [acquisition.id]

# analyses
analysis = session.add_analysis(label="an")
analysis.upload_output(flywheel.FileSpec("out.txt", "out", "text/plain"))
assert fw.get_analysis(analysis.id).files[0].name == "out.txt"

# moves and deletions
other = group.add_project(label="Other")
target = other.add_subject(label="t")
session.update({"subject": {"_id": target.id}})
assert session.reload().project == other.id
acquisition.delete_file("text.txt")
fw.delete_session(session.id)
assert refusal(fw.get_session, session.id) == 404
assert fw.get_project_rules(project.id) == []
print("passed")
