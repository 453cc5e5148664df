"""What does not fit together between the services: each kind with who acts and the command, and when it is none."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from schemas.fields import Status
from schemas.story import OutboxState
from services.approval.rules.story.missing_events import GRACE
from services.approval.rules.story.story import OPERATOR, Parts, Trouble
from services.approval.rules.story.troubles import troubles
from tests.unit.approval.rules.story.parts import (
    MINUTE,
    NOW,
    SINCE,
    approval,
    connection,
    digest,
    export,
    exporter,
    mail,
    notifier,
    reading,
    set_aside,
    summary,
    unsent,
)


def found(now: datetime = NOW, **parts: Any) -> tuple[Trouble, ...]:
    return troubles(Parts(**parts), now)


def only(now: datetime = NOW, **parts: Any) -> Trouble:
    (trouble,) = found(now, **parts)
    return trouble


def test_a_story_in_which_all_fits_has_no_trouble() -> None:
    assert (
        found(
            approval=approval(),
            exporter=exporter(export()),
            notifier=notifier(),
            digest=digest(Status.EXPORTING),
        )
        == ()
    )


def test_an_order_that_the_exporter_has_not_read_is_found_on_its_topic() -> None:
    trouble = only(approval=approval(), exporter=exporter(traffic=reading("decision.accepted", 17, 21)))
    assert trouble.text == "The exporter has not received the order to export it from approval."
    assert (trouble.who, trouble.since, trouble.holds_up) == (OPERATOR, SINCE, True)
    assert trouble.details == "decision.accepted/3: read up to 17, ends at 21, so 4 messages unread"
    assert trouble.command == "countersign lag exporter"


def test_a_partition_that_was_never_read_is_unread_from_its_beginning() -> None:
    trouble = only(approval=approval(), exporter=exporter(traffic=reading("decision.accepted", None, 1)))
    assert trouble.details == "decision.accepted/3: read up to 0, ends at 1, so 1 message unread"


def test_an_order_is_not_missed_while_it_may_be_on_its_way() -> None:
    parts: dict[str, Any] = {"approval": approval(), "exporter": exporter(traffic=reading("decision.accepted", 17, 21))}
    assert found(SINCE + GRACE, **parts) == ()
    assert len(found(SINCE + GRACE + timedelta(seconds=1), **parts)) == 1


def test_an_order_that_waits_in_the_outbox_is_found_there() -> None:
    waiting = unsent("decision.accepted", OutboxState.WAITING)
    trouble = only(approval=approval(traffic=waiting), exporter=exporter())
    assert trouble.details == "decision.accepted waits in the outbox of approval as row 4711"
    assert trouble.command == "countersign doctor"
    assert trouble.what == "See that approval runs and reaches Kafka."


def test_an_order_that_is_nowhere_is_said_to_be_lost() -> None:
    trouble = only(approval=approval(), exporter=exporter(traffic=reading("decision.accepted", 21, 21)))
    assert trouble.details is not None
    assert trouble.details.endswith("nothing is unread, parked or set aside, so it was skipped or lost")


def test_where_kafka_says_nothing_the_order_is_missed_all_the_same() -> None:
    trouble = only(approval=approval(), exporter=exporter(traffic=reading("decision.accepted", 21, None)))
    assert trouble.details == "Kafka did not say how far decision.accepted is read"


def test_an_order_of_an_earlier_round_is_not_the_one_that_is_waited_for() -> None:
    trouble = only(approval=approval(round=2), exporter=exporter(export("failed")))
    assert trouble.text == "The exporter has not received the order to export it from approval."


@pytest.mark.parametrize(
    ("state", "command"),
    [(OutboxState.REFUSED, "countersign outbox retry approval 4711"), (OutboxState.RETRIED, "countersign outbox list")],
)
def test_a_parked_order_is_told_once_as_what_kafka_does_not_take(state: OutboxState, command: str) -> None:
    trouble = only(approval=approval(traffic=unsent("decision.accepted", state)), exporter=exporter())
    assert trouble.text == "Kafka does not take an event of approval about it."
    assert (trouble.command, trouble.holds_up) == (command, True)
    assert trouble.details == "decision.accepted, row 4711 of the outbox: Broker: Message size too large"


def test_an_order_that_was_set_aside_is_told_once_with_the_command_that_redrives_it() -> None:
    trouble = only(approval=approval(), exporter=exporter(traffic=set_aside("decision.accepted")))
    assert trouble.text == "The exporter could not process a message about it."
    assert trouble.details == "decision.accepted/3/17, handler_failed: KeyError: 'x'"
    assert trouble.command == "countersign dead-letters redrive exporter decision.accepted/3/17"


def test_a_dead_letter_that_is_settled_is_no_trouble() -> None:
    assert found(notifier=notifier(traffic=set_aside("export.failed", "discarded"))) == ()


@pytest.mark.parametrize(
    ("state", "topic"),
    [
        ("succeeded", "export.succeeded"),
        ("superseded", "export.succeeded"),
        ("failed", "export.failed"),
        ("in_doubt", "export.in_doubt"),
    ],
)
def test_an_outcome_that_approval_has_not_read_is_found_on_its_topic(state: str, topic: str) -> None:
    trouble = only(approval=approval(traffic=reading(topic, 1, 2)), exporter=exporter(export(state)))
    assert trouble.text == "Approval has not received the outcome of the export from exporter."
    assert trouble.details == f"{topic}/3: read up to 1, ends at 2, so 1 message unread"


def test_an_export_that_was_overruled_has_no_outcome_to_wait_for() -> None:
    assert found(approval=approval(), exporter=exporter(export("failed", is_closed=True))) == ()


@pytest.mark.parametrize(
    ("status", "topic"), [(Status.REJECTED, "decision.rejected"), (Status.FAILED, "export.failed")]
)
def test_an_occasion_for_a_mail_that_the_notifier_does_not_know_is_found(status: Status, topic: str) -> None:
    trouble = only(approval=approval(status), notifier=notifier(traffic=reading(topic, 1, 2)))
    assert trouble.text.startswith("The notifier has not received the occasion for a mail from ")
    assert not trouble.holds_up


def test_a_mail_of_the_same_occasion_is_enough() -> None:
    assert found(approval=approval(Status.FAILED), notifier=notifier(mail())) == ()


def test_a_mail_of_an_earlier_occasion_is_not() -> None:
    assert len(found(approval=approval(Status.FAILED), notifier=notifier(mail(occurred_at=SINCE - 9 * MINUTE)))) == 1


def test_an_occasion_is_not_missed_once_mails_are_forgotten() -> None:
    long_ago = NOW - timedelta(days=61)
    assert found(approval=approval(Status.REJECTED, since=long_ago), notifier=notifier()) == ()


@pytest.mark.parametrize("listed", [digest(None), digest(Status.READY), digest(Status.EXPORTING, SINCE - MINUTE)])
def test_a_status_that_the_digest_has_not_read_is_found(listed: Any) -> None:
    assert only(approval=approval(), digest=listed).text == (
        "The digest has not received its present status from approval."
    )


def test_an_erp_that_does_not_answer_names_the_reason_and_who_restores_it() -> None:
    held = connection(open_since=SINCE, reason="nothing listens on erp, port 80.")
    trouble = only(exporter=exporter(export(), connection=held))
    assert trouble.text == "QuickBooks does not answer: nothing listens on erp, port 80."
    assert (trouble.who, trouble.since, trouble.holds_up) == ("The ERP administrator", SINCE, True)


def test_an_erp_that_does_not_answer_is_no_trouble_of_what_is_done() -> None:
    assert found(exporter=exporter(export("succeeded"), connection=connection(open_since=SINCE))) == ()


@pytest.mark.parametrize("gone", [None, connection(is_configured=False)])
def test_a_connection_that_no_exporter_has_is_named(gone: Any) -> None:
    trouble = only(exporter=exporter(export(), connection=gone))
    assert trouble.text == "No running exporter has the connection books in its file."
    assert trouble.command == "countersign connections list"


def test_a_client_that_does_not_get_in_is_told() -> None:
    trouble = only(
        exporter=exporter(export(), connection=connection(is_polled=True, trouble="No company file is open."))
    )
    assert trouble.text == "The client of QuickBooks does not get into it: No company file is open."


def test_what_is_due_and_not_taken_up_is_told_after_a_minute() -> None:
    assert found(exporter=exporter(export(due_at=NOW - MINUTE))) == ()
    trouble = only(exporter=exporter(export(due_at=NOW - 2 * MINUTE)))
    assert (trouble.text, trouble.command) == ("It is due, and no exporter takes it up.", "countersign lag exporter")


def test_what_is_leased_is_due_at_the_end_of_its_lease() -> None:
    taken = exporter(export(due_at=NOW - 9 * MINUTE), leased_until=NOW + MINUTE)
    assert found(exporter=taken) == ()


@pytest.mark.parametrize(
    "held", [connection(is_polled=True), connection(paused_until=NOW + MINUTE)], ids=["polled", "asked to wait"]
)
def test_what_waits_for_its_erp_is_not_overdue(held: Any) -> None:
    assert found(exporter=exporter(export(due_at=NOW - 9 * MINUTE), connection=held)) == ()


def test_work_that_is_set_aside_is_told_with_its_reason() -> None:
    trouble = only(exporter=exporter(export(due_at=None), set_aside="ValidationError: document"))
    assert (trouble.details, trouble.holds_up) == ("ValidationError: document", True)
    aside = only(notifier=notifier(mail("set_aside", settled_at=None, answer="KeyError: 'x'")))
    assert aside.text.startswith("Mail about the failed export to Sam Lee (sender) is set aside")


def test_a_mail_that_failed_names_its_reader_and_the_answer() -> None:
    trouble = only(notifier=notifier(mail("failed", answer="550 no such user")))
    assert trouble.text == "Mail about the failed export to Sam Lee (sender) failed: 550 no such user"


def test_a_mail_that_does_not_get_through_is_told_from_the_third_attempt_on() -> None:
    assert found(notifier=notifier(mail("pending", attempts=2))) == ()
    assert "in 3 attempts" in only(notifier=notifier(mail("pending", attempts=3))).text


def test_a_summary_that_is_overdue_is_told_once_for_all_readers() -> None:
    late = tuple(summary(name, NOW - 20 * MINUTE) for name in ("Dana Ruiz", "Lee Park"))
    trouble = only(digest=digest(Status.READY, next=late))
    assert trouble.text == "The daily summary that lists it is overdue for 2 of its readers."
    assert found(digest=digest(Status.READY, next=(summary("Dana Ruiz", NOW - 10 * MINUTE),))) == ()


def test_what_holds_it_up_comes_first() -> None:
    told = found(
        approval=approval(),
        exporter=exporter(traffic=reading("decision.accepted", 1, 2)),
        notifier=notifier(mail("failed"), traffic=set_aside("export.failed")),
    )
    assert [each.holds_up for each in told] == [True, False, False]
