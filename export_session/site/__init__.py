"""The Flywheel site: a small port, the SDK behind it, and patience around it."""

from .flywheel import FlywheelSite, connect
from .port import Condition, Identity, ReadSite, Rule, Site, equals
from .retry import Patience, PatientSite

__all__ = [
    "Condition",
    "FlywheelSite",
    "Identity",
    "Patience",
    "PatientSite",
    "ReadSite",
    "Rule",
    "Site",
    "connect",
    "equals",
]
