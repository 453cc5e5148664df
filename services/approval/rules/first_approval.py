"""The approval of the first of two approvers."""

from datetime import date, datetime

from schemas.commitment import Person
from schemas.events import DecisionFirstApproved
from schemas.values import value
from services.approval.rules.facts import Terms


@value
class FirstApproval:
    """Who approved a content first, where a second approver has to accept it."""

    revision: int
    content_hash: str
    by: Person
    at: datetime
    erp_code: str | None = None
    accounting_date: date | None = None
    note: str | None = None
    limit_of: Person | None = None
    """Whose limit was needed, since their own did not suffice."""

    @property
    def terms(self) -> Terms:
        """What the first approver asked of the ERP."""
        return Terms(self.erp_code, self.accounting_date, self.note)

    @classmethod
    def of(cls, decision: DecisionFirstApproved, at: datetime) -> "FirstApproval":
        """The approval that `decision` tells of."""
        asked = (decision.erp_code, decision.accounting_date, decision.note)
        owner = decision.limit_of.owner if decision.limit_of else None
        return cls(decision.revision, decision.content_hash, decision.decided_by, at, *asked, owner)
