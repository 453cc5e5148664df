"""Who may see the company's commitments, and who may answer them; read from the directory for every request."""

from schemas.events import DirectoryPerson
from schemas.fields import ToolLevel


def may_view(person: DirectoryPerson | None, company_id: str) -> bool:
    """Whether `person` has any level above none on the company's ERP Integrations tool."""
    return person is not None and person.company_id == company_id and person.erp_tool is not ToolLevel.NONE


def may_decide(person: DirectoryPerson | None, company_id: str) -> bool:
    """Whether `person` is an accounting approver: may accept, reject, retry and settle, and carries the badge."""
    return (
        person is not None
        and may_view(person, company_id)
        and person.erp_tool in (ToolLevel.STANDARD, ToolLevel.ADMIN)
        and person.can_push_to_accounting
    )
