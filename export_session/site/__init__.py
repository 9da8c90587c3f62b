"""The Flywheel site: a small port, the SDK behind it, and patience around it."""

from export_session.site.port import Condition, Identity, Job, Launch, ReadSite, Rule, Site, equals
from export_session.site.retry import Patience, PatientSite
from export_session.site.sdk import FlywheelSite, connect

__all__ = [
    "Condition",
    "FlywheelSite",
    "Identity",
    "Job",
    "Launch",
    "Patience",
    "PatientSite",
    "ReadSite",
    "Rule",
    "Site",
    "connect",
    "equals",
]
