"""What services tell stays below what its readers take, however much others have said."""

from datetime import UTC, datetime
from uuid import uuid4

from schemas.story import (
    MAX_PASSAGE_CHARACTERS,
    AttemptKind,
    DigestPart,
    ExporterPart,
    OutboxState,
    Place,
    SetAsideMessage,
    Told,
    ToldAttempt,
    ToldExport,
    Traffic,
    UnsentEvent,
)
from services.exporter.storage.attempts import MAX_ATTEMPTS
from services.exporter.storage.told import MAX_REVISIONS
from services.pipeline.bounded_answer import MAX_ANSWER_BYTES
from services.pipeline.explaining import MAX_ROWS
from services.pipeline.unreadable import MAX_NOTED

NOW = datetime(2026, 11, 29, tzinfo=UTC)
PAGE = "😀" * 20_000
ROW = f"exporter.attempt has a row for {'😀' * 128} {uuid4()} that cannot be read"
PLACE = Place(topic="decision.accepted", partition=11, offset=10**9)


def attempt() -> ToldAttempt:
    return ToldAttempt(
        revision=1,
        round=1,
        connection="books",
        outcome=AttemptKind.PUT_OFF,
        is_probe=False,
        calls=2,
        code="temporarily_unavailable",
        message=PAGE,
        ended_at=NOW,
        next_at=NOW,
    )


def export() -> ToldExport:
    return ToldExport(
        revision=1,
        round=1,
        ordered_round=1,
        state="in_doubt",
        state_since=NOW,
        accepted_at=NOW,
        due_at=NOW,
        connection="books",
        attempts=100,
        probes=100,
        marker=f"{uuid4()}/1/{'f' * 64}",
        document=None,
        failure=PAGE,
        doubt=PAGE,
        is_closed=False,
    )


def test_an_erp_that_says_much_at_each_attempt_makes_no_answer_that_is_too_large() -> None:
    letter = SetAsideMessage(place=PLACE, reason="schema", why=PAGE, recorded_at=NOW)
    event = UnsentEvent(id=10**9, topic=PLACE.topic, state=OutboxState.REFUSED, created_at=NOW, why=PAGE)
    part = ExporterPart(
        as_of=NOW,
        attempts=(attempt(),) * MAX_ATTEMPTS,
        exports=(export(),) * MAX_REVISIONS,
        traffic=Traffic(dead_letters=(letter,) * MAX_ROWS, unsent=(event,) * MAX_ROWS),
        unreadable=(ROW,) * MAX_NOTED,
    )
    assert len(part.model_dump_json().encode()) < MAX_ANSWER_BYTES


def test_what_is_cut_ends_with_an_ellipsis_and_the_rest_stays_as_it_is() -> None:
    message = attempt().message
    assert message is not None
    assert (len(message), message[-1]) == (MAX_PASSAGE_CHARACTERS, "…")
    assert UnsentEvent(id=1, topic="t", state=OutboxState.WAITING, created_at=NOW, why="Too large.").why == "Too large."


def test_parts_of_a_release_that_names_no_unreadable_rows_are_read_and_its_readers_ignore_them() -> None:
    part = DigestPart(as_of=NOW, unreadable=("digest.item has a row for c-1 that cannot be read",))
    assert DigestPart.model_validate_json(part.model_dump_json(exclude={"unreadable"})).unreadable == ()

    class OlderPart(Told):
        as_of: datetime

    assert OlderPart.model_validate_json(part.model_dump_json()).as_of == NOW
