"""What an approver may accept by the company's rules, and what is told before they decide."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from schemas.commitment import Commitment, Person
from schemas.examples.cast import ANA, CONCRETE_1, DANA, KIM, SAM
from services.approval.rules.approval_rules import ApproverRules, CompanyRules, Duties
from services.approval.rules.checks import findings
from services.approval.rules.controls import DUTIES, LIMIT, SECOND, Approver, Authority
from services.approval.rules.finding import Finding
from services.approval.rules.first_approval import FirstApproval
from tests.unit.approval.rules.event_builders import NOW, A

USD_100K = {"USD": Decimal(100000)}
LEE = Person(id="person-6", name="Lee Park")
NO_LIMIT = ApproverRules(person=LEE.id, limits={"USD": "none"})


def rules(**members: Any) -> CompanyRules:
    return CompanyRules(id="company-204", **members)


def told(
    who: Person, company: CompanyRules, *others: Person, first: FirstApproval | None = None, **members: Any
) -> tuple[Finding, ...]:
    """The findings for `who` on a commitment that Ana created and Sam sent, of USD 480,250.00."""
    commitment = Commitment.model_validate(CONCRETE_1.model_dump() | members)
    authority = Authority(Approver(who), company, tuple(map(Approver, others)))
    rest = findings(commitment, SAM)
    every = findings(commitment, SAM, authority=authority, first=first)
    return tuple(each for each in every if each not in rest)


@pytest.mark.parametrize(
    ("who", "creator", "did"), [(SAM, ANA, "sent"), (ANA, ANA, "created"), (SAM, SAM, "created and sent")]
)
def test_who_sent_or_created_it_is_warned(who: Person, creator: Person, did: str) -> None:
    text = f"You {did} SC-014 yourself. If you accept it, its history says so."
    assert told(who, rules(), creator=creator.model_dump()) == (Finding(DUTIES, text, is_blocking=False),)


def test_who_sent_it_may_not_accept_it_where_that_is_blocked() -> None:
    expected = Finding(DUTIES, "You sent SC-014. Another approver has to accept it.")
    assert told(SAM, rules(separation_of_duties="block")) == (expected,)


def test_the_company_can_switch_it_off() -> None:
    assert told(SAM, rules(separation_of_duties=Duties.OFF)) == ()


def test_others_are_told_nothing() -> None:
    assert told(DANA, rules(separation_of_duties="block")) == ()


@pytest.mark.parametrize("total", ["100000.00", "99999.99", "-100000.00"])
def test_a_total_within_the_limit_is_no_finding(total: str) -> None:
    assert told(DANA, rules(limits=USD_100K), total=total) == ()


@pytest.mark.parametrize("total", ["100000.01", "-100000.01"])
def test_a_total_above_the_limit_blocks_also_a_credit(total: str) -> None:
    assert [each.rule for each in told(DANA, rules(limits=USD_100K), total=total)] == [LIMIT]


def test_the_limit_names_who_may_accept_instead() -> None:
    company = rules(limits=USD_100K, approver=(NO_LIMIT,))
    text = "SC-014 is USD 480,250.00. Your limit is USD 100,000.00; Lee Park may accept it."
    assert told(DANA, company, LEE, KIM) == (Finding(LIMIT, text),)


def test_the_limit_says_if_nobody_may() -> None:
    text = "SC-014 is USD 480,250.00. Your limit is USD 100,000.00, and no other approver may accept it either."
    assert told(DANA, rules(limits=USD_100K), LEE, KIM) == (Finding(LIMIT, text),)


def test_who_sent_it_is_not_named_where_that_is_blocked() -> None:
    company = rules(limits=USD_100K, approver=({"person": SAM.id, "limits": {"USD": "none"}},))
    assert "; Sam Lee may accept it" in told(DANA, company, SAM)[0].text
    blocked = company.model_copy(update={"separation_of_duties": Duties.BLOCK})
    assert "no other approver may" in told(DANA, blocked, SAM)[0].text


def test_of_many_who_may_only_the_first_are_named() -> None:
    many = [Person(id=f"person-{n}", name=f"Approver {n}") for n in range(5)]
    company = rules(approver=({"person": DANA.id, "limits": USD_100K},))
    assert "; Approver 0, Approver 1 or 3 others may accept it." in told(DANA, company, *many)[0].text
    assert "; Approver 0, Approver 1 or Approver 2 may accept it." in told(DANA, company, *many[:3])[0].text


def test_a_currency_without_a_limit_cannot_be_accepted() -> None:
    text = "SC-014 is EUR 480,250.00. Your limit is EUR 0.00, and no other approver may accept it either."
    assert told(DANA, rules(limits=USD_100K), currency="EUR") == (Finding(LIMIT, text),)


def test_a_warning_of_duties_does_not_hide_the_limit() -> None:
    assert [each.rule for each in told(SAM, rules(limits=USD_100K))] == [DUTIES, LIMIT]


BY_DANA = FirstApproval(1, A.content_hash, DANA, NOW)
TWO = rules(second_approval=USD_100K)


@pytest.mark.parametrize(("total", "is_told"), [("100000.00", False), ("100000.01", True), ("-100000.01", True)])
def test_above_the_amount_a_second_approver_is_needed(total: str, is_told: bool) -> None:  # noqa: FBT001 - a parameter
    text = "SC-014 is above USD 100,000.00: a second approver has to accept it after you."
    assert told(DANA, TWO, total=total) == ((Finding(SECOND, text, is_blocking=False),) if is_told else ())


def test_the_first_approver_is_told_to_wait() -> None:
    expected = Finding(SECOND, "You approved SC-014. A second approver has to accept it.")
    assert told(DANA, TWO, first=BY_DANA) == (expected,)


def test_the_second_approver_is_told_who_approved_it_and_what_they_asked_for() -> None:
    text = "Dana Ruiz approved this; a second approver has to accept it."
    assert told(KIM, TWO, first=BY_DANA) == (Finding(SECOND, text, is_blocking=False),)
    asked = replace(BY_DANA, erp_code="PO-7", accounting_date=date(2026, 11, 20))
    wishes = " They asked for the document number PO-7 and the accounting date 2026-11-20."
    assert told(KIM, TWO, first=asked)[0].text == text + wishes


def test_the_first_approver_is_not_named_as_who_may_accept() -> None:
    company = rules(
        second_approval=USD_100K, limits=USD_100K, approver=({"person": DANA.id, "limits": {"USD": "none"}},)
    )
    assert "no other approver may" in told(KIM, company, DANA, first=BY_DANA)[0].text


def test_an_approval_means_nothing_where_one_approver_is_enough() -> None:
    assert told(DANA, rules(), first=BY_DANA) == ()
