"""Which of its company's ERP connections a commitment goes to."""

import pytest

from schemas.envelope import Event
from schemas.events import ErpConnection, EventData
from services.approval.rules.erp import target_erp
from tests.unit.approval.rules.event_builders import COMPANY, EXPORTING, FAILED, IN_DOUBT, SYNCED, after, sent


def erp(name: str) -> ErpConnection:
    return ErpConnection(name=name, version=1, kind="http", title=name, companies=(COMPANY,))


FIRST, QUICKBOOKS = erp("acumatica"), erp("quickbooks")


@pytest.mark.parametrize(
    ("events", "target"),
    [
        ((), FIRST),
        ((sent(),), FIRST),
        (EXPORTING, FIRST),
        (FAILED, QUICKBOOKS),
        (IN_DOUBT, QUICKBOOKS),
        ((*SYNCED, sent(2)), QUICKBOOKS),
    ],
)
def test_a_commitment_goes_to_the_erp_that_it_went_to_before(
    events: tuple[Event[EventData], ...], target: ErpConnection
) -> None:
    assert target_erp(after(*events), [FIRST, QUICKBOOKS]) == target


@pytest.mark.parametrize("events", [FAILED, (*FAILED, sent(2))])
def test_without_a_document_it_follows_its_company_to_another_erp(events: tuple[Event[EventData], ...]) -> None:
    assert target_erp(after(*events), [FIRST]) == FIRST


@pytest.mark.parametrize("events", [IN_DOUBT, SYNCED, (*SYNCED, sent(2))])
def test_a_document_or_an_export_in_doubt_stays_in_its_erp(events: tuple[Event[EventData], ...]) -> None:
    assert target_erp(after(*events), [FIRST]) is None


def test_a_company_without_an_erp_has_no_target() -> None:
    assert target_erp(after(sent()), []) is None
