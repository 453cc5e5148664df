"""Realistic content fits the limits, and the largest event of each type fits a topic."""

from typing import Any

import orjson

from schemas import limits
from schemas.commitment import Person, Summary, summarise
from schemas.envelope import encode, new_event
from schemas.events import (
    ApprovalRequested,
    Change,
    CommitmentSent,
    DecisionAccepted,
    DigestReady,
    DigestRow,
    DigestSection,
    EventData,
)
from schemas.examples.cast import CONCRETE_1, DANA, SAM
from schemas.fields import Kind, Status
from tests.unit.schemas.messages import BROKER_TIME, message, read

WIDE = "🏗"  # four bytes, the most that a character of an id or a URL takes
WORST = "\x01"  # six bytes in JSON, more than any other allowed character


def size(data: EventData) -> int:
    return len(encode(new_event(data, source="s" * limits.MAX_URL_CHARACTERS, time=BROKER_TIME)))


def worst(characters: int) -> str:
    return WORST * characters


def url() -> str:
    return "https://" + WIDE * (limits.MAX_URL_CHARACTERS - 8)


def person() -> Person:
    return Person(
        id=WIDE * limits.MAX_ID_CHARACTERS, name=worst(limits.MAX_NAME_CHARACTERS), email=WIDE * 126 + "@" + WIDE * 127
    )


def summary() -> Summary:
    name = worst(limits.MAX_NAME_CHARACTERS)
    return Summary(
        number=name,
        title=worst(limits.MAX_TITLE_CHARACTERS),
        kind=Kind.SUBCONTRACT,
        project=name,
        vendor=name,
        currency="USD",
        total="9" * 15,
        creator=person(),
        sent_by=person(),
        url=url(),
        connection=WIDE * limits.MAX_ID_CHARACTERS,
    )


def about() -> dict[str, Any]:
    names = ("company_id", "project_id", "commitment_id")
    return dict.fromkeys(names, WIDE * limits.MAX_ID_CHARACTERS) | {"revision": limits.MAX_REVISION}


def realistic_line(position: int) -> dict[str, Any]:
    return {
        "position": position,
        "cost_code": f"03-{position:04}",
        "cost_type": "S",
        "description": f"Cast-in-place concrete, 5,000 psi, level {position}: columns, walls, slab; mix “Bürkle” B-7, "
        "pumped, with winter protection and testing by the owner's laboratory",
        "quantity": "1150.25",
        "unit": "cy",
        "unit_cost": "185.0000",
        "amount": "212796.25",
        "tax_code": "TX-EXEMPT",
    }


def submission_of(size_bytes: int) -> bytes:
    """A submission of exactly `size_bytes`, filled up by its commitment."""
    whole = message()
    whole["data"]["commitment"]["filler"] = ""
    whole["data"]["commitment"]["filler"] = "x" * (size_bytes - len(orjson.dumps(whole)))
    return orjson.dumps(whole)


def accepted_from(submission: CommitmentSent) -> DecisionAccepted:
    """The largest decision that can follow from `submission`."""
    return DecisionAccepted(
        **about() | {"commitment_id": submission.subject},
        round=limits.MAX_ROUND,
        content_hash=submission.commitment.content_hash,
        commitment=submission.commitment,
        decided_by=person(),
        sent_by=submission.sent_by,
        erp_code=worst(limits.MAX_NAME_CHARACTERS),
        note=worst(limits.MAX_NOTE_CHARACTERS),
    )


def test_two_thousand_realistic_lines_fit_a_submission() -> None:
    whole = message()
    whole["data"]["commitment"]["lines"] = [realistic_line(n) for n in range(1, limits.MAX_LINES + 1)]
    event = read(whole)
    assert isinstance(event.data, CommitmentSent)
    assert len(event.data.commitment.commitment.lines) == limits.MAX_LINES
    assert len(orjson.dumps(whole)) < 0.8 * limits.MAX_SUBMISSION_BYTES


def test_the_decision_on_the_largest_submission_fits_a_topic() -> None:
    event = read(submission_of(limits.MAX_SUBMISSION_BYTES), key=b"commitment-8841")
    assert isinstance(event.data, CommitmentSent)
    assert len(event.data.commitment.text) > 0.99 * limits.MAX_SUBMISSION_BYTES
    assert size(accepted_from(event.data)) < limits.MAX_MESSAGE_BYTES


def test_members_that_a_sender_adds_to_a_person_are_not_passed_on_in_the_decision() -> None:
    whole = message()
    slim = read(whole).data
    whole["data"]["sent_by"]["numbers"] = [1e15] * 50_000
    fat = read(whole).data
    assert isinstance(slim, CommitmentSent)
    assert isinstance(fat, CommitmentSent)
    assert size(accepted_from(fat)) == size(accepted_from(slim))


def test_a_decision_adds_less_to_its_submission_than_the_topic_has_room_for() -> None:
    room = limits.MAX_MESSAGE_BYTES - limits.MAX_SUBMISSION_BYTES
    largest = read(submission_of(limits.MAX_SUBMISSION_BYTES), key=b"commitment-8841").data
    assert isinstance(largest, CommitmentSent)
    assert size(accepted_from(largest)) - len(largest.commitment.text) < 0.05 * room


def test_the_largest_approval_request_fits_a_topic() -> None:
    change = Change(field=worst(limits.MAX_NAME_CHARACTERS), before=worst(20_000), after=worst(20_000))
    request = ApprovalRequested(
        **about(),
        approver=person(),
        previous_revision=1,
        previous_reason="x" + worst(limits.MAX_REASON_CHARACTERS - 1),
        changes=(change,) * limits.MAX_CHANGES,
        note=worst(limits.MAX_NOTE_CHARACTERS),
        summary=summary(),
    )
    assert size(request) < limits.MAX_MESSAGE_BYTES


def digest(row: DigestRow) -> DigestReady:
    section = DigestSection(count=5_000, rows=(row,) * limits.MAX_DIGEST_ROWS)
    return DigestReady(
        company_id="company-204",
        recipient=DANA,
        local_date=BROKER_TIME.date(),
        time_zone="America/Chicago",
        due_at=BROKER_TIME,
        waiting=section,
        failed=section,
        in_doubt=section,
        yesterday=section,
        desk_url="https://desk.example",
        unsubscribe_url=url(),
    )


def test_a_daily_summary_with_full_sections_fits_a_topic() -> None:
    long_winded = summarise(CONCRETE_1, SAM, "quickbooks-main").model_copy(
        update={
            "title": "Béton armé, " * 20,
            "vendor": "Acme Concrete & Sons of Greater Chicago, LLC",
            "url": "https://pm.example/" + "x" * 200,
        }
    )
    row = DigestRow(
        commitment_id="commitment-8841",
        revision=12,
        status=Status.FAILED,
        since=BROKER_TIME,
        age_days=9,
        message="é" * 20_000,
        summary=long_winded,
        url="https://desk.example/commitments/commitment-8841",
    )
    assert size(digest(row)) < limits.MAX_MESSAGE_BYTES
