"""When calls to an ERP are held back, and how they resume."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from schemas.fields import FailureClass
from schemas.times import LAST
from services.exporter.connectors.types import Landed, Refused, Transient, Unknown
from services.exporter.rules.call_rate import CallRate
from services.exporter.rules.circuit import (
    MAX_PAUSE_SECONDS,
    MAX_RETRY_AFTER_SECONDS,
    Circuit,
    CircuitPolicy,
    Heard,
    after_call,
    charged,
    earliest_call,
    free_calls,
    plausible,
    start_trial,
)
from tests.unit.exporter.builders import NOW, found_document

PAUSE = timedelta(seconds=10)
POLICY = CircuitPolicy("main", max_in_flight=16, max_missed_calls=3, pause_seconds=10)
ANSWER = Heard(is_reached=True)
SILENCE = Heard(is_reached=False, message="No answer.")
BUSY = Heard(is_reached=True, retry_after_seconds=60, message="Come back later.")


def after(*heard: Heard, circuit: Circuit = Circuit(), seconds: float = 0) -> Circuit:  # noqa: B008 - it never changes
    for each in heard:
        circuit = after_call(circuit, each, POLICY, NOW + timedelta(seconds=seconds))
    return circuit


OPENED = after(SILENCE, SILENCE, SILENCE)


def test_a_closed_circuit_allows_as_many_calls_as_the_limit_leaves() -> None:
    assert free_calls(Circuit(), 3, POLICY, NOW) == 13
    assert free_calls(Circuit(), 20, POLICY, NOW) == 0


def test_a_circuit_opens_after_max_missed_calls_in_a_row() -> None:
    assert after(SILENCE, SILENCE).open_since is None
    assert (OPENED.open_since, OPENED.reason) == (NOW, "No answer.")


def test_an_open_circuit_puts_a_call_off_until_its_trial() -> None:
    assert earliest_call(Circuit(), NOW, POLICY, NOW) == NOW
    assert earliest_call(OPENED, NOW, POLICY, NOW) == OPENED.try_at == OPENED.next_call(NOW)
    assert earliest_call(OPENED, NOW + 2 * PAUSE, POLICY, NOW) == NOW + 2 * PAUSE


def test_an_answer_in_between_resets_the_count() -> None:
    assert after(SILENCE, SILENCE, ANSWER, SILENCE).open_since is None


def test_an_open_circuit_allows_one_trial_after_its_pause() -> None:
    assert free_calls(OPENED, 0, POLICY, NOW) == 0
    assert free_calls(OPENED, 0, POLICY, NOW + PAUSE) == 1


def test_no_trial_begins_while_another_call_is_under_way() -> None:
    assert free_calls(OPENED, 1, POLICY, NOW + PAUSE) == 0


def test_the_pauses_grow_up_to_five_minutes_and_are_never_longer() -> None:
    circuit, pauses = OPENED, []
    for _ in range(10):
        circuit = after(SILENCE, circuit=start_trial(circuit, NOW, POLICY))
        assert circuit.try_at is not None
        pauses.append((circuit.try_at - NOW).total_seconds())

    limits = [min(10 * 2.0**trial, MAX_PAUSE_SECONDS) for trial in range(1, 11)]
    assert all(0.75 * limit <= pause <= limit for pause, limit in zip(pauses, limits, strict=True))
    assert circuit.open_since == NOW


def test_calls_that_were_under_way_when_the_circuit_opened_do_not_make_the_pause_longer() -> None:
    assert after(SILENCE, SILENCE, circuit=OPENED).try_at == OPENED.try_at


def test_connections_that_lost_their_erp_together_do_not_try_it_together() -> None:
    other = replace(POLICY, name="other")

    assert POLICY.pause(0) != other.pause(0)
    assert POLICY.pause(0) == POLICY.pause(0)


def test_a_successful_trial_closes_the_circuit() -> None:
    closed = after(ANSWER, circuit=OPENED, seconds=10)

    assert (closed.open_since, closed.missed_calls, closed.reason) == (None, 0, None)
    assert closed.last_contact == NOW + PAUSE


def test_after_an_outage_each_answer_allows_one_more_call_at_a_time() -> None:
    circuit, allowed = OPENED, []
    for _ in range(16):
        circuit = after(ANSWER, circuit=circuit)
        allowed.append(free_calls(circuit, 0, POLICY, NOW))

    assert allowed == [*range(2, 17), 16]
    assert circuit.allowed is None


def test_an_outage_during_the_recovery_goes_on_with_longer_pauses() -> None:
    tried = start_trial(start_trial(OPENED, NOW, POLICY), NOW, POLICY)
    again = after(ANSWER, SILENCE, SILENCE, SILENCE, circuit=tried)

    assert again.try_at == NOW + POLICY.pause(2)


def test_a_closed_circuit_needs_no_trial() -> None:
    assert start_trial(Circuit(), NOW, POLICY) == Circuit()


def test_an_erp_that_asks_for_a_pause_gets_it_on_the_whole_connection() -> None:
    paused = after(BUSY)

    assert (free_calls(paused, 0, POLICY, NOW), paused.reason) == (0, "Come back later.")
    assert earliest_call(paused, NOW, POLICY, NOW) == NOW + timedelta(seconds=60) == paused.next_call(NOW)
    assert paused.is_held_back(NOW)
    assert not paused.is_held_back(NOW + timedelta(seconds=60))


def test_after_a_pause_one_call_goes_first() -> None:
    assert free_calls(after(BUSY), 0, POLICY, NOW + timedelta(seconds=60)) == 1


def test_an_answer_that_was_under_way_does_not_end_a_pause() -> None:
    assert free_calls(after(BUSY, ANSWER), 0, POLICY, NOW) == 0


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    shorter = Heard(is_reached=True, retry_after_seconds=1)

    assert after(BUSY, shorter).paused_until == NOW + timedelta(seconds=60)


def test_last_contact_is_not_updated_for_every_answer() -> None:
    circuit = after(ANSWER)

    assert after(ANSWER, circuit=circuit, seconds=1) == circuit
    assert after(ANSWER, circuit=circuit, seconds=5) != circuit


def test_a_limit_per_minute_leaves_no_more_exports_than_its_calls_allow() -> None:
    policy = replace(POLICY, rate=CallRate(60))

    assert free_calls(Circuit(), 0, policy, NOW) == 3
    assert free_calls(charged(Circuit(), 6, policy, NOW), 0, policy, NOW) == 0


def test_an_export_waits_until_its_calls_are_free() -> None:
    policy = replace(POLICY, rate=CallRate(60))
    circuit = charged(Circuit(), 6, policy, NOW)

    at = earliest_call(circuit, NOW, policy, NOW)
    assert free_calls(circuit, 0, policy, at) == 1
    assert free_calls(circuit, 0, policy, at - timedelta(milliseconds=10)) == 0


@pytest.mark.parametrize(("seconds", "bounded"), [(math.nan, 0), (-5, 0), (math.inf, MAX_RETRY_AFTER_SECONDS), (7, 7)])
def test_a_pause_is_bounded_whatever_a_connector_says(seconds: float, bounded: float) -> None:
    assert Heard.of(Transient("Busy.", retry_after_seconds=seconds)).retry_after_seconds == bounded


def test_every_answer_of_the_erp_itself_counts_as_contact() -> None:
    answers = [(), Landed((found_document(),)), Refused(FailureClass.FIX_DATA, "No."), Unknown("?", is_reached=True)]

    assert all(Heard.of(answer).is_reached for answer in answers)
    assert not Heard.of(Unknown("No answer.")).is_reached
    assert not Heard.of(Transient("No name.")).is_reached


def test_the_longest_pause_is_waited_for_also_by_a_process_that_is_a_moment_behind() -> None:
    asked = Heard(is_reached=True, retry_after_seconds=MAX_RETRY_AFTER_SECONDS, message="Come back tomorrow.")
    paused = after_call(Circuit(), asked, POLICY, NOW)
    assert plausible(paused, NOW - timedelta(minutes=5)) == paused


@pytest.mark.parametrize("ahead", [timedelta(days=3), LAST - NOW])
def test_what_is_years_ahead_is_not_waited_for(ahead: timedelta) -> None:
    odd = Circuit(open_since=NOW, try_at=NOW + ahead, paused_until=NOW + ahead, full_at=NOW + ahead, reason="Away.")
    assert plausible(odd, NOW) == Circuit(open_since=NOW, reason="Away.")
    assert free_calls(plausible(odd, NOW), 0, POLICY, NOW) == 1
