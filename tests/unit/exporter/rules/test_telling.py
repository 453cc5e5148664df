"""What the exporter tells of an export and of its connection."""

import json
from dataclasses import replace
from datetime import timedelta

from schemas.story import Place
from services.exporter.rules.circuit import Circuit
from services.exporter.rules.event_handlers import accepted
from services.exporter.rules.export import CommitmentExports, Doubt, ExportState
from services.exporter.rules.telling import told_connection, told_export, told_order
from tests.unit.exporter.builders import NOW, SOON, accepted_event

EXPORT = accepted(CommitmentExports("c-1"), accepted_event(), NOW, "main").state.by_revision[1]


def test_an_export_tells_its_marker_and_its_doubt() -> None:
    doubted = replace(EXPORT, state=ExportState.IN_DOUBT, doubt=Doubt(message="The connection was reset."))
    told = told_export(doubted)
    assert (told.state, told.doubt, told.failure) == ("in_doubt", "The connection was reset.", None)
    assert told.marker == doubted.marker


def test_an_order_tells_where_it_was_read() -> None:
    told = told_order(1, 2, 3, 17)
    assert (told.revision, told.round) == (1, 2)
    assert told.read_at == Place(topic="decision.accepted", partition=3, offset=17)


def test_a_connection_is_called_by_its_announced_title_and_is_polled_if_that_says_so() -> None:
    announced = json.dumps({"name": "main", "title": "QuickBooks", "queue_length": 3, "poller": {"x": 1}})
    told = told_connection("main", announced, Circuit(), {"last_asked": NOW}, is_configured=True, now=NOW)
    assert (told.title, told.is_polled, told.queue_length, told.last_asked) == ("QuickBooks", True, 3, NOW)


def test_one_that_was_never_announced_is_called_by_its_name() -> None:
    told = told_connection("main", None, Circuit(), {}, is_configured=False, now=NOW)
    assert (told.title, told.is_polled, told.reason) == ("main", False, None)


def test_calls_that_are_held_back_tell_why_and_until_when() -> None:
    circuit = Circuit(open_since=NOW, try_at=NOW + SOON, reason="The ERP is away.", paused_until=NOW + SOON)
    told = told_connection("main", None, circuit, {}, is_configured=True, now=NOW)
    assert (told.open_since, told.try_at, told.reason) == (NOW, NOW + SOON, "The ERP is away.")
    assert told.paused_until == NOW + SOON


def test_a_pause_that_is_over_and_its_reason_are_not_told() -> None:
    circuit = Circuit(paused_until=NOW, reason="Too many requests.")
    told = told_connection("main", None, circuit, {}, is_configured=True, now=NOW + timedelta(minutes=1))
    assert (told.paused_until, told.reason) == (None, None)
