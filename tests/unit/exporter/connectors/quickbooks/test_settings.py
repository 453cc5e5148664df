"""The settings of a connection begin with what QuickBooks takes, and with what the connector writes."""

from typing import Any

import pytest
from pydantic import ValidationError

from services.exporter.connectors.pull import PullConnector
from services.exporter.connectors.quickbooks.connector import QuickBooksDesktop
from services.exporter.connectors.quickbooks.ids import is_list_id, may_be_txn_id, next_message_set_id
from tests.unit.exporter.connectors.quickbooks.order_requests import settings


@pytest.mark.parametrize("given", [{}, {"limits": "quickbooks_desktop"}, {"limits": {"title_characters": 40}}])
def test_the_limits_are_those_of_the_profile_and_of_the_connector(given: dict[str, Any]) -> None:
    limits = settings(**given).limits
    assert (limits.profile, limits.number_characters, limits.truncates_number) == ("quickbooks_desktop", 11, False)
    assert (limits.amount_decimals, limits.quantity_decimals) == (2, 5)
    assert (limits.takes_erp_code, limits.takes_accounting_date, limits.needs_lines) == (True, True, True)


def test_a_connection_may_know_better() -> None:
    limits = settings(limits={"needs_cost_code": False, "takes_erp_code": False}).limits
    assert (limits.needs_cost_code, limits.takes_erp_code, limits.needs_vendor_code) == (False, False, True)


@pytest.mark.parametrize(
    "wrong",
    [{"limits": {"number_charcters": 5}}, {"limits": 7}, {"qbxml_version": "13"}, {"sends_job": "yes"}, {"vendor": {}}],
)
def test_what_is_wrong_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


async def test_the_entry_point_is_a_pull_connector() -> None:
    connector = QuickBooksDesktop(settings(), None)
    assert isinstance(connector, PullConnector)
    await connector.close()


@pytest.mark.parametrize(
    ("code", "is_id"),
    [("800000CD-1389650341", True), ("20000-933272658", True), ("03300-100", False), ("V-9", False), ("8-1-2", False)],
)
def test_a_list_id_is_told_from_a_code(code: str, *, is_id: bool) -> None:
    assert is_list_id(code) == is_id


def test_a_number_may_look_like_the_id_of_an_order() -> None:
    assert may_be_txn_id("A1-014")
    assert not may_be_txn_id("SC-014")


@pytest.mark.parametrize("first", ["a", "x" * 22, "x" * 23, "x" * 22 + "2"])
def test_the_second_write_of_an_attempt_has_another_id_that_is_always_the_same(first: str) -> None:
    second = next_message_set_id(first)
    assert second == next_message_set_id(first) != first
    assert len(second) <= 23


def test_a_default_item_lets_lines_without_a_cost_code_through() -> None:
    assert settings(default_item="Misc").limits.needs_cost_code is False
    assert settings(default_item="Misc", limits={"needs_cost_code": True}).limits.needs_cost_code is True
    assert settings().limits.needs_cost_code is True
