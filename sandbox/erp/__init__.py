"""A small ERP that keeps purchase orders, records every call in a journal, and injects faults."""

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.erp.journal import Did, Entry, Journal
from sandbox.erp.rules import Rules
from sandbox.erp.running import running_erp
from sandbox.erp.server import Erp

__all__ = ["Calls", "Did", "Entry", "Erp", "ErpFault", "ErpFaultKind", "Journal", "Rules", "running_erp"]
