"""Says what an approver may accept by the rules of their company."""

from schemas.events import DirectoryPerson
from services.approval.rules.approval_rules import CompanyRules
from services.approval.rules.controls import Approver, Authority
from services.approval.storage import directory
from services.pipeline.database import Transaction


async def authority_of(db: Transaction, who: DirectoryPerson, rules: CompanyRules) -> Authority | None:
    """Return what `who` may accept by the `rules` of their company; None if they are no approver."""
    if not who.is_approver:
        return None
    if not rules.has_limits:
        return Authority(Approver(who.as_person), rules)
    approvers = await directory.approvers_of_company(db, who.company_id)
    others = tuple(Approver(each.as_person) for each in approvers if each.person_id != who.person_id)
    return Authority(Approver(who.as_person), rules, others)
