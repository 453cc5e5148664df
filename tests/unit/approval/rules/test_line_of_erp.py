"""Which line an accepted commitment stands in."""

import pytest

from schemas.events import ErpConnection
from services.approval.rules.commitment import current_status
from services.approval.rules.erp import target_erp
from services.approval.rules.line_of_erp import erp_on, route
from tests.unit.approval.rules.event_builders import COMPANY, accepted, after, failed, sent, succeeded

REST = ErpConnection(name="rest", version=1, kind="quickbooks", title="Rest", companies=(COMPANY,), priority=2)
DOLLARS = REST.model_copy(update={"name": "dollars", "priority": 1, "currencies": ("USD",)})
EUROS = REST.model_copy(update={"name": "euros", "priority": 0, "currencies": ("EUR",)})
ERPS = (EUROS, DOLLARS, REST)


@pytest.mark.parametrize("events", [(sent(),), (sent(), accepted(), failed())], ids=["waits for an answer", "failed"])
def test_only_what_is_exporting_stands_in_a_line(events: tuple[object, ...]) -> None:
    facts = after(*events)
    assert route(facts, current_status(facts)) is None


@pytest.mark.parametrize("erps", [ERPS, (REST,), (EUROS, REST), ()])
def test_the_line_is_that_of_the_erp_that_it_goes_to(erps: tuple[ErpConnection, ...]) -> None:
    facts = after(sent(), accepted())
    way = route(facts, current_status(facts))
    assert way
    assert erp_on(way, COMPANY, erps) == target_erp(facts, erps)


def test_an_update_stands_in_the_line_of_its_documents_erp_under_any_of_its_names() -> None:
    facts = after(sent(), accepted(), succeeded(), sent(2), accepted(2))
    way = route(facts, current_status(facts))
    assert way
    document = facts.document
    assert document
    renamed = REST.model_copy(update={"name": "new", "formerly": (document.connection,)})
    assert erp_on(way, COMPANY, (EUROS, DOLLARS, renamed)) == renamed
    assert erp_on(way, COMPANY, ERPS) is None
    assert erp_on(way, "company-900", (renamed,)) is None
