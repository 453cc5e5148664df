"""A small ERP that keeps purchase orders, writes down every call it gets, and fails when told to."""

from services.sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from services.sandbox.erp.journal import Did, Entry, Journal
from services.sandbox.erp.rules import Rules
from services.sandbox.erp.running import running_erp
from services.sandbox.erp.server import Erp

__all__ = ["Calls", "Did", "Entry", "Erp", "ErpFault", "ErpFaultKind", "Journal", "Rules", "running_erp"]
