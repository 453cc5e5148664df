"""Which of its company's ERP connections a commitment goes to."""

from typing import Any

import pytest

from schemas.envelope import Event
from schemas.events import ErpConnection, EventData
from schemas.examples.cast import CONCRETE_1
from services.approval.rules.erp import target_erp, target_reason, why_unreachable
from tests.unit.approval.rules.event_builders import COMPANY, EXPORTING, FAILED, IN_DOUBT, SYNCED, after, sent


def erp(name: str, **conditions: Any) -> ErpConnection:
    return ErpConnection(name=name, version=1, kind="http", title=name, companies=(COMPANY,), **conditions)


FIRST, QUICKBOOKS = erp("acumatica"), erp("quickbooks")


@pytest.mark.parametrize(
    ("events", "target"),
    [
        ((), FIRST),
        ((sent(),), FIRST),
        (EXPORTING, FIRST),
        (FAILED, FIRST),
        (IN_DOUBT, QUICKBOOKS),
        ((*SYNCED, sent(2)), QUICKBOOKS),
    ],
)
def test_only_a_document_or_a_doubt_binds_a_commitment_to_an_erp(
    events: tuple[Event[EventData], ...], target: ErpConnection
) -> None:
    assert target_erp(after(*events), [FIRST, QUICKBOOKS]) == target


@pytest.mark.parametrize("events", [IN_DOUBT, SYNCED, (*SYNCED, sent(2))])
def test_a_document_or_an_export_in_doubt_follows_its_erp_to_another_name(events: tuple[Event[EventData], ...]) -> None:
    renamed = erp("books", formerly=("ledger", "quickbooks"))

    assert target_erp(after(*events), [FIRST, renamed]) == renamed


@pytest.mark.parametrize("events", [FAILED, (*FAILED, sent(2))])
def test_without_a_document_it_follows_its_company_to_another_erp(events: tuple[Event[EventData], ...]) -> None:
    assert target_erp(after(*events), [FIRST]) == FIRST


@pytest.mark.parametrize("events", [IN_DOUBT, SYNCED, (*SYNCED, sent(2))])
def test_a_document_or_an_export_in_doubt_stays_in_its_erp(events: tuple[Event[EventData], ...]) -> None:
    assert target_erp(after(*events), [FIRST]) is None


@pytest.mark.parametrize(
    ("events", "erps", "why"),
    [
        ((sent(),), [FIRST], ""),
        ((sent(),), [], ""),
        ((sent(),), [erp("europe", currencies=("EUR",))], "No ERP connection takes SC-014: the export will fail until"),
        ((*SYNCED, sent(2)), [FIRST], "quickbooks is not configured, and PO-1001 is there: the export of SC-014 will"),
        ((*SYNCED, sent(2)), [], "quickbooks is not configured, and PO-1001 is there: the export of SC-014 will"),
        ((*SYNCED, sent(2)), [QUICKBOOKS], ""),
    ],
)
def test_an_export_that_no_connection_takes_is_certain_to_fail(
    events: tuple[Event[EventData], ...], erps: list[ErpConnection], why: str
) -> None:
    found = why_unreachable(after(*events), erps, CONCRETE_1)

    assert found.startswith(why)
    assert bool(found) == bool(why)


def test_a_company_without_an_erp_has_no_target() -> None:
    assert target_erp(after(sent()), []) is None


@pytest.mark.parametrize(
    ("conditions", "reason"),
    [
        ({"currencies": ("USD",)}, "currency USD"),
        ({"kinds": ("subcontract",), "currencies": ("EUR", "USD")}, "currency USD, kind subcontract"),
        ({"projects": (CONCRETE_1.project.id,)}, f"project {CONCRETE_1.project.number}"),
        ({"projects": (CONCRETE_1.project.number,)}, f"project {CONCRETE_1.project.number}"),
    ],
)
def test_where_a_company_has_several_erps_the_first_whose_conditions_hold_is_the_target(
    conditions: dict[str, Any], reason: str
) -> None:
    erps = [erp("elsewhere", currencies=("CHF",)), erp("special", **conditions), erp("rest")]
    facts = after(sent())
    target = target_erp(facts, erps)
    assert target is not None
    assert (target.name, target_reason(facts, erps)) == ("special", reason)


def test_the_desk_says_why_a_commitment_goes_to_an_erp_only_where_there_is_a_choice() -> None:
    special = erp("special", currencies=("CHF",))
    assert target_reason(after(sent()), [QUICKBOOKS]) == ""
    assert target_reason(after(sent()), [special]) == ""
    assert target_reason(after(sent()), [special, QUICKBOOKS]) == "no other one takes it"
    assert target_reason(after(*SYNCED, sent(2)), [special, QUICKBOOKS]) == "its document is there"
    assert target_reason(after(*IN_DOUBT), [special, QUICKBOOKS]) == "it may be there already"


def test_what_an_approver_reads_decides_where_it_would_go() -> None:
    event = sent()
    content = event.data.commitment.commitment.model_copy(update={"currency": "CHF"})
    special = erp("special", currencies=("CHF",))
    assert target_erp(after(event), [special, QUICKBOOKS], content) == special
    assert target_erp(after(event), [special, QUICKBOOKS]) == QUICKBOOKS
