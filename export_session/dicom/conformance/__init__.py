"""What a change breaks of the rules that the standard has for an object of its kind (PS3.3)."""

from export_session.dicom.conformance.added import SOP_CLASS, Finding, added_findings

__all__ = ["SOP_CLASS", "Finding", "added_findings"]
