"""The Flywheel site: a small port, the SDK behind it, and patience around it."""

from .flywheel import FlywheelSite, connect
from .port import Condition, Identity, Job, Launch, ReadSite, Rule, Site, equals
from .retry import Patience, PatientSite

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
