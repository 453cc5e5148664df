"""Says what an approver may accept by the rules of their company, and by the limits that others handed to them."""

from datetime import datetime

from schemas.events import DelegatedLimit, DirectoryPerson
from services.approval.rules.approval_rules import CompanyRules
from services.approval.rules.controls import Approver, Authority
from services.approval.storage import delegations, directory
from services.pipeline.database import Transaction


async def authority_of(db: Transaction, who: DirectoryPerson, rules: CompanyRules, now: datetime) -> Authority | None:
    """Return what `who` may accept `now` by the `rules` of their company; None if they are no approver.

    A limit that somebody handed on counts as long as that person is an approver.
    """
    if not who.is_approver:
        return None
    if not (rules.has_limits or rules.second_approval):
        return Authority(Approver(who.as_person), rules)
    people = {each.person_id: each for each in await directory.approvers_of_company(db, who.company_id)}
    given: dict[str, list[DelegatedLimit]] = {}
    for each in await delegations.of_company(db, who.company_id, now):
        owner = people.get(each.owner_id)
        if owner and each.is_in_force(owner, now):
            limit = DelegatedLimit(owner=owner.as_person, until=each.last_day)
            given.setdefault(each.to_id, []).append(limit)
    approvers = {key: Approver(each.as_person, tuple(given.get(key, ()))) for key, each in people.items()}
    own = approvers.pop(who.person_id, Approver(who.as_person))
    return Authority(own, rules, tuple(approvers.values()))
