"""The load is what upstream would send, and every contender can read it."""

from datetime import UTC, datetime

from benchmarks.contenders.work import SentEvent, encoded_status
from benchmarks.events import TOPIC, Run
from schemas.envelope import decode
from schemas.events import CommitmentSent

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


def test_countersign_reads_the_events() -> None:
    key, value = Run("run-1").event(42)

    event = decode(TOPIC, key, value, [], NOW)

    assert isinstance(event.data, CommitmentSent)
    assert event.subject == "run-1-0000042"
    assert event.data.company_id == "company-042"


def test_the_other_contenders_read_the_events() -> None:
    key, value = Run("run-1").event(42)

    event = SentEvent.model_validate_json(value)

    assert event.subject == event.data.commitment.id == key.decode()
    assert b'"revision": 1' in encoded_status(event)


def test_an_event_has_between_1600_and_2000_bytes() -> None:
    assert 1600 < len(Run.new().event(0)[1]) < 2000


def test_all_events_of_a_run_differ_and_lie_between_its_ids() -> None:
    run = Run.new()
    events = [SentEvent.model_validate_json(value) for _, value in run.events(200)]

    assert len({event.id for event in events}) == len({event.subject for event in events}) == 200
    assert all(run.first_id <= event.subject < run.end_id for event in events)
    assert len({event.data.company_id for event in events}) == 50


def test_a_run_knows_the_number_of_its_own_events_only() -> None:
    run, other = Run.new(), Run.new()

    assert run.number_of(run.event(7)[0]) == 7
    assert run.number_of(other.event(7)[0]) is None
    assert run.number_of(None) is None
