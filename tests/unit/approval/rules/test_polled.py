"""What people read of the client of an ERP that asks for work."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas.events import ErpConnection, ErpPoller
from services.approval.rules.polled import heartbeat_words, is_in_trouble, line_words, needs_somebody

NOW = datetime(2026, 11, 16, 15, 13, tzinfo=UTC)
ASKED = NOW - timedelta(minutes=11)
CLOSED = "QuickBooks is closed on the Web Connector's machine."


def erp(**state: Any) -> ErpConnection:
    poller = ErpPoller(every_seconds=300, **state) if state else None
    return ErpConnection(
        name="books", version=1, kind="quickbooks", title="QuickBooks", companies=("c",), poller=poller
    )


WELL, NEVER = erp(last_asked=ASKED), erp(last_asked=None)
AWAY, CLOSED_THERE = erp(last_asked=ASKED, is_away=True), erp(last_asked=ASKED, trouble=CLOSED)


def test_a_place_stands_before_how_the_client_is_doing() -> None:
    assert line_words(WELL, 3, NOW, "America/Chicago") == (
        "3rd in line. The Web Connector last asked 11 minutes ago (Nov 16, 2026, 09:02 CST); it asks every 5 minutes."
    )


def test_without_a_place_only_the_client_is_told_of() -> None:
    assert line_words(WELL, None, NOW, "UTC") == heartbeat_words(WELL, NOW, "UTC")


def test_of_a_client_that_never_asked_is_told_how_to_set_it_up() -> None:
    assert heartbeat_words(NEVER, NOW, "UTC") == (
        "The Web Connector has not asked yet. Set it up: on the machine with QuickBooks, add the file of the "
        "connection books to the Web Connector, enter its password, and tick Auto-Run."
    )


def test_of_a_client_that_stays_away_is_told_since_when_and_what_to_do() -> None:
    assert heartbeat_words(AWAY, NOW, "America/Chicago") == (
        "The Web Connector has stayed away since Nov 16, 2026, 09:02 CST (it should ask every 5 minutes). See that the "
        "Windows machine is on and the Web Connector runs."
    )


def test_its_trouble_is_told_in_its_words() -> None:
    assert heartbeat_words(CLOSED_THERE, NOW, "UTC") == (
        f"{CLOSED} The Web Connector last asked 11 minutes ago (Nov 16, 2026, 15:02 UTC); it asks every 5 minutes."
    )


def test_one_that_stays_away_after_trouble_is_told_with_both() -> None:
    words = heartbeat_words(erp(last_asked=ASKED, is_away=True, trouble=CLOSED), NOW, "UTC")
    assert words.endswith(f"and the Web Connector runs. Last trouble: {CLOSED}")


def test_of_an_erp_that_can_be_called_nothing_is_told() -> None:
    assert (heartbeat_words(erp(), NOW, "UTC"), line_words(erp(), 3, NOW, "UTC")) == ("", "")


@pytest.mark.parametrize(
    ("connection", "in_trouble", "waits"),
    [(erp(), False, False), (WELL, False, False), (NEVER, False, True), (AWAY, True, True), (CLOSED_THERE, True, True)],
    ids=["can be called", "well", "never asked", "away", "in trouble"],
)
def test_who_has_to_see_to_it(connection: ErpConnection, in_trouble: bool, waits: bool) -> None:  # noqa: FBT001 - a case
    assert (is_in_trouble(connection), needs_somebody(connection)) == (in_trouble, waits)
