"""Which actions are offered in which status, and to whom."""

from dataclasses import replace

import pytest

from sandbox.commitments.actions import STATUS_LABELS, TrackedCommitment, edit, resend, retrieve, send
from sandbox.commitments.draft import Draft, DraftLine
from schemas.events import CommitmentStatus
from schemas.examples.cast import ACME, ANA, COMPANY, RIVERSIDE
from schemas.fields import Ribbon, Status, ToolLevel

ADMIN = ToolLevel.ADMIN
YELLOW_OR_GREEN = (Status.REJECTED, Status.RETRIEVED, Status.SYNCED)
WAITING = (Status.READY, Status.DISPUTED)

DRAFT = Draft(
    number="SC-014", title="Concrete works", vendor=ACME.id, lines=(DraftLine(quantity="1", unit_cost="480250.00"),)
)
UNSENT = TrackedCommitment(DRAFT.new_commitment("c-1", url="http://pm.example/c-1", creator=ANA, project=RIVERSIDE))


def a_status(status: Status, *, revision: int = 1, locked_fields: tuple[str, ...] = ()) -> CommitmentStatus:
    return CommitmentStatus.model_construct(
        company_id=COMPANY,
        commitment_id="c-1",
        revision=revision,
        version=1,
        status=status,
        ribbon=Ribbon.BLUE,
        editable=status in YELLOW_OR_GREEN,
        locked_fields=locked_fields,
        message="",
    )


def sent(status: Status | None, *, revision: int = 1) -> TrackedCommitment:
    return replace(UNSENT, sent_revision=revision, status=a_status(status, revision=revision) if status else None)


def test_a_new_commitment_can_only_be_edited_and_sent() -> None:
    assert edit(UNSENT, ADMIN).is_enabled
    assert send(UNSENT, ADMIN).is_enabled
    assert not resend(UNSENT, ADMIN).is_shown
    assert not retrieve(UNSENT, ADMIN).is_shown


def test_no_action_is_possible_until_the_submission_is_confirmed() -> None:
    unconfirmed = sent(None)
    assert not any(rule(unconfirmed, ADMIN).is_enabled for rule in (edit, send, resend, retrieve))
    resent = replace(sent(Status.REJECTED), sent_revision=2)
    assert not any(rule(resent, ADMIN).is_enabled for rule in (edit, send, resend, retrieve))


@pytest.mark.parametrize("status", list(Status))
def test_editing_and_resending_need_a_yellow_or_green_ribbon(status: Status) -> None:
    is_possible = status in YELLOW_OR_GREEN
    assert edit(sent(status), ADMIN).is_enabled == is_possible
    assert resend(sent(status), ADMIN).is_shown == is_possible
    assert resend(sent(status), ADMIN).is_enabled == is_possible
    assert not send(sent(status), ADMIN).is_shown


@pytest.mark.parametrize("status", list(Status))
def test_retrieving_is_possible_until_somebody_answers_and_then_disabled_with_a_reason(status: Status) -> None:
    action = retrieve(sent(status), ADMIN)
    assert action.is_shown
    assert action.is_enabled == (status in WAITING)
    assert action.is_enabled or action.reason


def test_a_revision_that_is_being_retrieved_cannot_be_retrieved_again() -> None:
    assert not retrieve(replace(sent(Status.READY), retrieved_revision=1), ADMIN).is_enabled
    assert retrieve(replace(sent(Status.READY, revision=2), retrieved_revision=1), ADMIN).is_enabled


@pytest.mark.parametrize("level", [ToolLevel.NONE, ToolLevel.READ_ONLY, ToolLevel.STANDARD])
def test_sending_resending_and_retrieving_need_admin(level: ToolLevel) -> None:
    for rule, tracked in ((send, UNSENT), (resend, sent(Status.REJECTED)), (retrieve, sent(Status.READY))):
        action = rule(tracked, level)
        assert action.is_shown
        assert action.reason == "This needs Admin on the project's Commitments tool."


@pytest.mark.parametrize(("level", "is_enabled"), [(ToolLevel.READ_ONLY, False), (ToolLevel.STANDARD, True)])
def test_editing_needs_standard(level: ToolLevel, *, is_enabled: bool) -> None:
    assert edit(UNSENT, level).is_enabled == is_enabled


def test_a_commitment_without_lines_cannot_be_sent() -> None:
    empty = replace(UNSENT, commitment=UNSENT.commitment.model_copy(update={"lines": ()}))
    assert send(empty, ADMIN).reason == "It has no lines yet. Edit it, and enter at least one."


def test_each_submission_is_one_revision_higher() -> None:
    assert UNSENT.next_revision == 1
    assert sent(Status.REJECTED).next_revision == 2
    forgotten = replace(UNSENT, status=a_status(Status.REJECTED, revision=4))
    assert forgotten.next_revision == 5


def test_the_locked_fields_are_those_of_the_status() -> None:
    assert UNSENT.locked_fields == frozenset()
    synced = replace(UNSENT, status=a_status(Status.SYNCED, locked_fields=("number", "vendor")))
    assert synced.locked_fields == {"number", "vendor"}


def test_every_status_has_a_label() -> None:
    assert set(STATUS_LABELS) == set(Status)


def test_a_commitment_is_changed_until_what_was_sent_last_has_its_content() -> None:
    assert UNSENT.is_changed
    resent = replace(sent(Status.REJECTED), sent=UNSENT.commitment)
    assert not resent.is_changed
    assert replace(resent, commitment=UNSENT.commitment.model_copy(update={"title": "Other"})).is_changed
