"""What a curator typed, in DICOM's form.

A value that can mean one thing is written as DICOM has it, with a remark. One that can mean two is refused, and the
reason names both. One that is valid, or says nothing that is understood here, stays as it is: the writer judges it.
"""

from export_session.dicom.edits.typed.enumerated import why_undefined, without_undefined
from export_session.dicom.edits.typed.form import Target, Typed, in_dicom_form

__all__ = ["Target", "Typed", "in_dicom_form", "why_undefined", "without_undefined"]
