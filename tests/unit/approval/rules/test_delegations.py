"""Delegations: when they hold, what is wrong with a new one, and what somebody may accept with one."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from schemas.commitment import Person
from schemas.events import DelegatedLimit, DirectoryPerson
from schemas.examples.cast import ANA, COMPANY, CONCRETE_1, DANA, KIM, SAM
from schemas.fields import ToolLevel
from services.approval.rules.answers import Accept, Granted
from services.approval.rules.approval_rules import CompanyRules
from services.approval.rules.commands import AnswerContext, carry_out
from services.approval.rules.controls import LIMIT, Approver, Authority, Mandate, control_findings, mandate
from services.approval.rules.delegations import Delegation, NewDelegation, wrong_members
from services.approval.rules.first_approval import FirstApproval
from services.approval.rules.rows import HistoryEntry
from tests.unit.approval.rules.event_builders import CHICAGO, NOW, A, after, first_approved, sent

DEC_1, DEC_4 = date(2026, 12, 1), date(2026, 12, 4)
FROM_DANA = DelegatedLimit(owner=DANA, until=DEC_4)
USD = {"USD": "100000"}


def approver(person: Person, **members: Any) -> DirectoryPerson:
    known: dict[str, Any] = {"company_id": COMPANY, "version": 1, "time_zone": "America/Chicago"}
    rights = {"erp_tool": ToolLevel.STANDARD, "can_push_to_accounting": True}
    return DirectoryPerson(person_id=person.id, name=person.name, **(known | rights | members))


@pytest.mark.parametrize(
    ("now", "is_in_force"),
    [
        (datetime(2026, 12, 1, 5, 59, tzinfo=UTC), False),
        (datetime(2026, 12, 1, 6, 0, tzinfo=UTC), True),
        (datetime(2026, 12, 5, 5, 59, tzinfo=UTC), True),
        (datetime(2026, 12, 5, 6, 0, tzinfo=UTC), False),
    ],
)
def test_it_holds_on_the_days_of_its_owner(now: datetime, is_in_force: bool) -> None:  # noqa: FBT001 - a parameter
    given = Delegation("1", DANA.id, KIM.id, DEC_1, DEC_4)
    assert given.is_in_force(approver(DANA), now) is is_in_force


@pytest.mark.parametrize(
    ("first", "last", "to", "wrong"),
    [
        pytest.param(DEC_1, DEC_4, approver(KIM), [], id="right"),
        pytest.param(DEC_1, DEC_1, approver(KIM), [], id="one day"),
        pytest.param(DEC_1, DEC_4, None, ["Choose an accounting approver of your company"], id="nobody"),
        pytest.param(
            DEC_1,
            DEC_4,
            approver(KIM, can_push_to_accounting=False),
            ["Choose an accounting approver of your company"],
            id="no approver",
        ),
        pytest.param(
            DEC_1,
            DEC_4,
            approver(KIM, company_id="company-900"),
            ["Choose an accounting approver of your company"],
            id="another company",
        ),
        pytest.param(DEC_1, DEC_4, approver(DANA), ["Choose somebody else than yourself"], id="oneself"),
        pytest.param(DEC_4, DEC_1, approver(KIM), ["The last day must not be before the first day"], id="backwards"),
        pytest.param(
            date(2026, 11, 1), date(2026, 11, 21), approver(KIM), ["The last day must not be over"], id="over"
        ),
        pytest.param(DEC_1, date(2027, 12, 1), approver(KIM), [], id="a year"),
        pytest.param(DEC_1, date(2027, 12, 2), approver(KIM), ["A delegation lasts at most 366 days"], id="too long"),
    ],
)
def test_what_is_wrong_with_a_new_one(first: date, last: date, to: DirectoryPerson | None, wrong: list[str]) -> None:
    wanted = NewDelegation(to=to.person_id if to else "nobody", first_day=first, last_day=last)
    assert [each.text for each in wrong_members(wanted, approver(DANA), to, NOW)] == wrong


def rules(**members: Any) -> CompanyRules:
    unlimited = {"person": DANA.id, "limits": {"USD": "none"}}
    return CompanyRules(id=COMPANY, limits=USD, approver=(unlimited,), **members)


KIM_FOR_DANA = Approver(KIM, (FROM_DANA,))


def findings(company: CompanyRules, sent_by: Person = SAM, first: FirstApproval | None = None) -> list[str]:
    found = control_findings(CONCRETE_1, sent_by, Authority(KIM_FOR_DANA, company, (Approver(DANA),)), first)
    return [each.rule for each in found]


def used(company: CompanyRules, sent_by: Person = SAM, first: FirstApproval | None = None) -> DelegatedLimit | None:
    return mandate(CONCRETE_1, sent_by, Authority(KIM_FOR_DANA, company), first).limit_of


def test_the_limit_of_another_is_used_where_their_own_does_not_suffice() -> None:
    assert (findings(rules()), used(rules())) == ([], FROM_DANA)
    enough = rules().model_copy(update={"limits": {"USD": Decimal(500000)}})
    assert used(enough) is None


def test_it_does_not_suffice_if_the_owners_does_not() -> None:
    too_low = CompanyRules(id=COMPANY, limits=USD)
    assert (findings(too_low), used(too_low)) == ([LIMIT], None)


def test_the_limit_of_who_may_not_accept_it_themselves_is_of_no_use() -> None:
    assert (findings(rules(separation_of_duties="block"), DANA), used(rules(), DANA)) == ([LIMIT], FROM_DANA)
    first = FirstApproval(1, A.content_hash, DANA, NOW)
    two = rules(second_approval={"USD": "1"})
    assert (findings(two, first=first)[0], used(two, first=first)) == (LIMIT, None)


def test_somebody_to_whom_a_limit_was_handed_is_named_as_who_may_accept() -> None:
    authority = Authority(Approver(ANA), rules(), (KIM_FOR_DANA,))
    [finding] = [each for each in control_findings(CONCRETE_1, SAM, authority) if each.rule == LIMIT]
    assert finding.text.endswith("; Kim Osei may accept it.")


def test_the_history_says_whose_limit_was_used_and_until_when() -> None:
    answer = Accept(revision=1, content_hash=A.content_hash)
    context = AnswerContext(KIM, CHICAGO, NOW)
    alone = carry_out(after(sent()), answer, context, snapshot=A, mandate=Mandate(limit_of=FROM_DANA))
    two = carry_out(after(sent()), answer, context, snapshot=A, mandate=Mandate(True, FROM_DANA))  # noqa: FBT003
    second = carry_out(after(sent(), first_approved()), answer, context, snapshot=A, mandate=Mandate(True))  # noqa: FBT003
    texts = []
    for result in (alone, two, second):
        assert isinstance(result, Granted)
        texts += [row.text for row in result.decided.rows if isinstance(row, HistoryEntry)]
    assert texts == [
        "Kim Osei accepted revision 1, for Dana Ruiz until Dec 4.",
        "Kim Osei approved revision 1, for Dana Ruiz until Dec 4; a second approver has to accept it.",
        "Kim Osei accepted revision 1 as the second approver, after Dana Ruiz.",
    ]
