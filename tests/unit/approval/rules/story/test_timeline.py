"""Everything that happened in its order, and what comes next: in words, with places, without repeats."""

import pytest

from schemas.fields import Status
from schemas.story import AttemptKind, Place, ToldOrder
from services.approval.rules.story.part import HeldAnswer
from services.approval.rules.story.story import Parts
from services.approval.rules.story.timeline import timeline, upcoming
from tests.unit.approval.rules.story.parts import (
    MINUTE,
    NOW,
    SINCE,
    approval,
    attempt,
    digest,
    export,
    exporter,
    line,
    mail,
    notifier,
    summary,
)

READ = Place(topic="commitment.sent", partition=3, offset=1207)
ORDERED = Place(topic="decision.accepted", partition=3, offset=9)


def test_all_services_tell_one_line_in_the_order_of_time() -> None:
    parts = Parts(
        approval(lines=(line("commitment.sent", "Sam Lee sent revision 1.", SINCE - MINUTE, READ),)),
        exporter(export(), attempts=(attempt(),)),
        notifier(mail()),
        digest(Status.READY, stood_in=(summary("Dana Ruiz", SINCE + 2 * MINUTE),)),
    )
    told = timeline(parts)
    assert [(each.service, each.text) for each in told] == [
        ("approval", "Sam Lee sent revision 1."),
        ("exporter", "Revision 1: QuickBooks could not take it yet: The vendor is being edited."),
        ("notifier", "Mail about the failed export to Sam Lee (sender): sent."),
        ("digest", "It stood in the daily summary of Nov 29, 2026 to Dana Ruiz."),
    ]
    assert told[0].place == READ


def test_the_answer_of_the_erp_comes_before_what_approval_heard_at_the_same_moment() -> None:
    heard = approval(lines=(line("export.succeeded", "Revision 1 is in the ERP as PO-17."),))
    parts = Parts(heard, exporter(export(), attempts=(attempt(AttemptKind.IN_ERP, message="PO-17"),)))
    assert [each.service for each in timeline(parts)] == ["exporter", "approval"]


def test_an_order_has_the_place_at_which_the_exporter_read_it() -> None:
    ordered = approval(lines=(line("decision.accepted", "Dana Ruiz accepted revision 1."),))
    read, later = (ToldOrder(revision=1, round=number, read_at=ORDERED) for number in (1, 2))
    assert timeline(Parts(ordered, exporter(orders=(later, read))))[0].place == ORDERED
    assert timeline(Parts(ordered, exporter(orders=(later,))))[0].place is None
    assert timeline(Parts(ordered))[0].place is None


def test_mails_are_told_by_the_notifier_or_where_it_is_missing_by_approval() -> None:
    settled = approval(lines=(line("mail.settled", "Mail to Sam Lee about the failed export: sent."),))
    assert [each.service for each in timeline(Parts(settled))] == ["approval"]
    assert [each.service for each in timeline(Parts(settled, notifier=notifier(mail())))] == ["notifier"]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (AttemptKind.IN_ERP, "QuickBooks has it as PO-17."),
        (AttemptKind.FAILED, "QuickBooks did not take it: PO-17."),
        (AttemptKind.PUT_OFF, "QuickBooks could not take it yet: PO-17."),
        (AttemptKind.ANSWER_LOST, "The answer of QuickBooks was lost: PO-17."),
        (AttemptKind.NOT_DECIDED, "QuickBooks could not tell for certain whether it has it: PO-17."),
        (AttemptKind.NOT_WRITTEN, "It was not written, since it was rejected meanwhile."),
    ],
)
def test_each_outcome_has_its_words(outcome: AttemptKind, words: str) -> None:
    (told,) = timeline(Parts(exporter=exporter(attempts=(attempt(outcome, message="PO-17"),))))
    assert told.text == f"Revision 1: {words}"


def test_a_probe_says_so_and_the_code_of_the_erp_is_named_unless_its_words_have_it() -> None:
    probe = attempt(is_probe=True, code="3176")
    worded = attempt(minutes=1, code="3176", message="Error 3176: locked.")
    told = timeline(Parts(exporter=exporter(attempts=(probe, worded))))
    assert [each.text for each in told] == [
        "Asked after a lost answer: QuickBooks could not take it yet: The vendor is being edited (code 3176).",
        "Revision 1: QuickBooks could not take it yet: Error 3176: locked.",
    ]


def test_the_same_answer_several_times_in_a_row_is_one_moment() -> None:
    attempts = (
        attempt(),
        attempt(minutes=1),
        attempt(minutes=2),
        attempt(minutes=3, message="Other."),
        attempt(minutes=4),
    )
    told = timeline(Parts(exporter=exporter(attempts=attempts)))
    assert [(each.times, each.last_at) for each in told] == [(3, SINCE + 2 * MINUTE), (1, None), (1, None)]


def test_a_mail_says_how_it_went() -> None:
    mails = (
        mail(attempts=3, possibly_repeated=True),
        mail("failed", settled_at=SINCE + 2 * MINUTE, answer="550 unknown."),
        mail("pending", created_at=SINCE + 3 * MINUTE, attempts=2, answer="451 later"),
        mail("pending", created_at=SINCE + 4 * MINUTE, attempts=0, recipient=None, role=None),
    )
    assert [each.text for each in timeline(Parts(notifier=notifier(*mails)))] == [
        "Mail about the failed export to Sam Lee (sender): sent at attempt 3, perhaps twice.",
        "Mail about the failed export to Sam Lee (sender): failed (550 unknown).",
        "Mail about the failed export to Sam Lee (sender): waits after 2 attempts (451 later).",
        "Mail about the failed export to person-1: waits.",
    ]


def test_what_comes_next_is_told_the_soonest_first() -> None:
    parts = Parts(
        exporter=exporter(export("in_doubt", due_at=NOW + 2 * MINUTE)),
        notifier=notifier(mail("pending"), mail()),
        digest=digest(Status.READY, next=tuple(summary(name, NOW + 3 * MINUTE) for name in ("Lee Park", "Dana Ruiz"))),
    )
    assert [each.text for each in upcoming(parts)] == [
        "Mail about the failed export to Sam Lee (sender): the next attempt.",
        "QuickBooks is asked again whether it has it.",
        "It is in the daily summary of Nov 29, 2026 to Dana Ruiz and Lee Park.",
    ]


def test_what_is_done_has_nothing_next() -> None:
    assert upcoming(Parts(exporter=exporter(export("succeeded"), export("failed", revision=2, due_at=NOW)))) == ()


def test_a_call_that_is_under_way_says_until_when() -> None:
    (told,) = upcoming(Parts(exporter=exporter(export("in_flight"), leased_until=NOW + MINUTE)))
    assert (told.at, told.text) == (NOW + MINUTE, "QuickBooks is being called; by then, the call is over.")


def test_what_somebody_has_accepted_and_can_still_undo_comes_next() -> None:
    held = HeldAnswer(by="Dana Ruiz", revision=2, due_at=NOW + MINUTE)
    [next_] = upcoming(Parts(approval().model_copy(update={"held": held})))
    assert (next_.service, next_.at) == ("approval", NOW + MINUTE)
    assert next_.text == "Dana Ruiz has accepted revision 2, and can undo that until then."
