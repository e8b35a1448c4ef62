"""Audits: the symmetries that are declared against all that the function has."""

from .audit import audit
from .result import Audit

__all__ = ["Audit", "audit"]
