"""The Flywheel site: a small port, the SDK behind it, and patience around it."""

from export_session.site.connection import connect
from export_session.site.patience import Patience
from export_session.site.port import Condition, Identity, Job, JobRequest, ReadSite, Recorded, Rule, Site, equals
from export_session.site.retry import PatientSite

__all__ = [
    "Condition",
    "Identity",
    "Job",
    "JobRequest",
    "Patience",
    "PatientSite",
    "ReadSite",
    "Recorded",
    "Rule",
    "Site",
    "connect",
    "equals",
]
