"""A person and their rights, as the API tells of them."""

from schemas.events import DirectoryPerson
from services.approval.rules.accepting_rules import accepting_rules
from services.approval.rules.controls import Authority
from services.approval.rules.rights import rights_of
from services.approval.web.api.models import AcceptingState, Me, RightState


def me_of(who: DirectoryPerson, authority: Authority | None) -> Me:
    """Return what `who` reads of themselves; `authority` is what they may accept, None for nothing."""
    rights = rights_of(who)
    return Me(
        id=who.person_id,
        name=who.name,
        company_id=who.company_id,
        is_accounting_approver=who.is_approver,
        erp_tool=who.erp_tool,
        can_push_to_accounting=who.can_push_to_accounting,
        commitments_tool=dict(who.commitments_tool),
        rights=tuple(RightState.model_validate(each) for each in rights.entries),
        missing_to_view=rights.view.missing,
        missing_to_answer=rights.answer.missing,
        accepting=AcceptingState.model_validate(accepting_rules(authority)) if authority else None,
    )
