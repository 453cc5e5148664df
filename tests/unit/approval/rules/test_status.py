"""The published status: ribbon, locked fields and message of every status."""

import pytest

from schemas.envelope import Event
from schemas.events import CommitmentStatus, EventData
from schemas.fields import Ribbon, Status
from schemas.limits import MAX_TEXT_CHARACTERS
from services.approval.rules.commitment import CommitmentFacts, current_status
from services.approval.rules.status import RIBBONS, commitment_status, message, status_event
from tests.unit.approval.rules.event_builders import (
    DISPUTED,
    EXPORTING,
    FAILED,
    ID,
    IN_DOUBT,
    NOW,
    READY,
    REJECTED,
    RETRIEVED,
    SYNCED,
    accepted,
    after,
    confirmed,
    document,
    erp_left,
    failed,
    in_doubt,
    rejected,
    resolved,
    retrieved,
    sent,
    succeeded,
)


def published(*events: Event[EventData]) -> CommitmentStatus:
    commitment = after(*events)
    shown = current_status(commitment)
    assert shown is not None
    return commitment_status(commitment, shown)


@pytest.mark.parametrize(
    ("events", "status", "colour", "editable"),
    [
        (READY, Status.READY, Ribbon.BLUE, False),
        (EXPORTING, Status.EXPORTING, Ribbon.BLUE, False),
        (IN_DOUBT, Status.IN_DOUBT, Ribbon.BLUE, False),
        (FAILED, Status.FAILED, Ribbon.BLUE, False),
        (REJECTED, Status.REJECTED, Ribbon.YELLOW, True),
        (RETRIEVED, Status.RETRIEVED, Ribbon.YELLOW, True),
        (SYNCED, Status.SYNCED, Ribbon.GREEN, True),
        (DISPUTED, Status.DISPUTED, Ribbon.BLUE, False),
    ],
)
def test_a_status_has_its_ribbon_and_says_whether_it_can_be_edited(
    events: tuple[Event[EventData], ...], status: Status, colour: Ribbon, *, editable: bool
) -> None:
    shown = published(*events)
    assert (shown.status, shown.ribbon, shown.editable) == (status, colour, editable)


def test_every_status_has_a_ribbon() -> None:
    assert set(RIBBONS) == set(Status)


@pytest.mark.parametrize(
    "events", [(sent(2),), (sent(2), accepted(2)), (sent(2), rejected(2)), (sent(2), retrieved(2)), (sent(1),)]
)
def test_fields_are_locked_in_every_status_once_there_is_a_document(events: tuple[Event[EventData], ...]) -> None:
    assert published(*events).locked_fields == ()
    assert published(*SYNCED, *events).locked_fields == ("number", "vendor", "title", "status")


def test_what_only_the_erp_administrator_can_do_is_told_on_the_desk_and_not_on_the_ribbon() -> None:
    left = (*SYNCED, sent(2), accepted(2), erp_left())
    facts = after(*left)
    current = current_status(facts)
    assert current

    assert message(facts, current).endswith("Next step, for the ERP administrator: Say formerly, or create it anew.")
    assert published(*left).message == (
        "SC-014 could not be exported to quickbooks yet: something in the set-up has to be corrected first. "
        "The ERP administrator has to act; the approval desk says what to do."
    )


@pytest.mark.parametrize(
    ("events", "sentence"),
    [
        (READY, "SC-014 was sent to ERP Integrations and is waiting for an accounting approver."),
        (EXPORTING, "Dana Ruiz accepted SC-014. It is being exported to the ERP."),
        (
            (*EXPORTING, sent(2)),
            "Dana Ruiz accepted SC-014. It is being exported to the ERP. Revision 2 waits until then.",
        ),
        (
            IN_DOUBT,
            "quickbooks did not confirm SC-014. We are asking whether it exists. Do not create it by hand.",
        ),
        (
            (*EXPORTING, in_doubt(is_probed=False)),
            (
                "quickbooks did not confirm SC-014. An accounting approver has to say whether it exists. "
                "Do not create it by hand."
            ),
        ),
        ((*IN_DOUBT, resolved()), "Dana Ruiz found SC-014 in quickbooks as PO-1001. This is being confirmed."),
        (
            FAILED,
            "Vendor ACME is not active. An accounting approver has to act.",
        ),
        (REJECTED, "Dana Ruiz rejected SC-014: Use 03-310."),
        (
            (*SYNCED, rejected(unlinks=document("PO-1001"), reopened=1)),
            "Dana Ruiz unlinked SC-014 from PO-1001, so it can be edited and sent again: Use 03-310.",
        ),
        (RETRIEVED, "Sam Lee retrieved SC-014. It can be edited and re-sent."),
        (SYNCED, "SC-014 is synced with quickbooks as PO-1001."),
        ((sent(), accepted(), succeeded(number=None)), "SC-014 is synced with quickbooks as ID 1."),
        ((*IN_DOUBT, resolved(), confirmed(), succeeded(2)), "SC-014 is synced with quickbooks as PO-1001."),
        (
            (*SYNCED, succeeded(number="PO-1002")),
            "SC-014 stands in quickbooks more than once: PO-1001, PO-1002. All but one must be removed there.",
        ),
        (
            DISPUTED,
            (
                "Revision 1 of SC-014 arrived twice with different content, so it cannot be accepted. "
                "An accounting approver rejects it, or the project retrieves it; then the project sends it again."
            ),
        ),
    ],
)
def test_a_status_is_explained_in_a_sentence(events: tuple[Event[EventData], ...], sentence: str) -> None:
    assert published(*events).message == sentence


def test_the_message_can_use_the_title_of_the_erp() -> None:
    commitment = after(*SYNCED)
    shown = current_status(commitment)
    assert shown is not None
    assert message(commitment, shown, "QuickBooks") == "SC-014 is synced with QuickBooks as PO-1001."


def test_an_explanation_fits_the_event_however_long_its_parts_are() -> None:
    assert len(published(*EXPORTING, failed(message="x" * MAX_TEXT_CHARACTERS)).message) == MAX_TEXT_CHARACTERS


def test_a_synced_status_has_document_and_connection() -> None:
    shown = published(*SYNCED)
    assert (shown.erp_document, shown.summary.connection) == (document(), "quickbooks")


def test_the_version_is_the_clock_in_milliseconds_and_never_decreases() -> None:
    first, _ = status_event(after(sent()), NOW, None)
    again, events = status_event(first, NOW, None)
    assert first.status_version >= int(NOW.timestamp() * 1000)
    assert again.status_version == first.status_version + 1
    assert events[0].data.model_dump()["version"] == again.status_version


def test_a_commitment_without_a_status_publishes_none() -> None:
    assert status_event(CommitmentFacts(ID), NOW, None) == (CommitmentFacts(ID), ())


def sentence(facts: CommitmentFacts) -> str:
    shown = current_status(facts)
    assert shown is not None
    return message(facts, shown)


def test_why_evidence_is_not_confirmed_yet_is_said_until_it_is() -> None:
    settled = after(*IN_DOUBT, resolved())
    waiting = after(in_doubt(probes=3, checks_evidence=1), known=settled)
    refused = after(in_doubt(probes=4, refused_evidence=1), known=waiting)
    named_again = after(resolved(evidence=2, number="PO-1002"), known=refused)

    assert sentence(waiting) == (
        "Dana Ruiz found SC-014 in quickbooks as PO-1001. This is being confirmed. quickbooks has not said yet whether "
        "that is so, and is asked again. PO by reference: no answer."
    )
    assert after(in_doubt(probes=3, checks_evidence=1), resolved(), known=after(*IN_DOUBT)) == waiting
    assert "PO-1001" not in sentence(refused)
    assert sentence(named_again) == "Dana Ruiz found SC-014 in quickbooks as PO-1002. This is being confirmed."
