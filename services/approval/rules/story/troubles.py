"""What does not fit together between the services, or does not go on by itself, and who does what about it."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from schemas.events import (
    CommitmentStatus,
    DecisionAccepted,
    DecisionRejected,
    ExportFailed,
    ExportInDoubt,
    ExportSucceeded,
)
from schemas.fields import Owner, Status
from schemas.story import OutboxState, SetAsideMessage, ToldExport, UnsentEvent
from services.approval.rules.next_steps import ACTORS
from services.approval.rules.story.missing_events import Journey, not_arrived
from services.approval.rules.story.story import OPERATOR, Parts, Trouble, named
from services.approval.rules.story.timeline import OPEN_EXPORTS, erp_of, mail_words

OVERDUE = timedelta(minutes=1)
SUMMARY_OVERDUE = timedelta(minutes=15)
MAILS_KEPT = timedelta(days=60)
"""For at least so long it is known that there was a mail."""
FEW_ATTEMPTS = 3

_OUTCOMES = {
    "succeeded": ExportSucceeded.topic,
    "superseded": ExportSucceeded.topic,
    "failed": ExportFailed.topic,
    "in_doubt": ExportInDoubt.topic,
}
_MAILED = {
    Status.REJECTED: ("rejected", DecisionRejected.topic, "approval"),
    Status.FAILED: ("export_failed", ExportFailed.topic, "exporter"),
}
Look = Callable[[Parts, datetime], Iterator[Trouble]]


def troubles(parts: Parts, now: datetime) -> tuple[Trouble, ...]:
    """Everything that does not fit together; what holds the commitment up comes first."""
    found = [trouble for look in _LOOKS for trouble in look(parts, now)]
    return tuple(sorted(found, key=lambda each: not each.holds_up))


def _order_not_arrived(parts: Parts, now: datetime) -> Iterator[Trouble]:
    """Approval waits for an export of which the exporter does not know."""
    if parts.approval is None or parts.exporter is None:
        return
    told = parts.approval.explanation
    if told.status is not Status.EXPORTING or _export_of(parts, told.revision, told.round):
        return
    journey = Journey(DecisionAccepted.topic, "the order to export it", "approval", "exporter", told.since)
    yield from not_arrived(journey, parts, now, holds_up=True)


def _outcome_not_arrived(parts: Parts, now: datetime) -> Iterator[Trouble]:
    """The exporter is done, and approval still waits."""
    if parts.approval is None or parts.approval.explanation.status is not Status.EXPORTING:
        return
    told = parts.approval.explanation
    export = _export_of(parts, told.revision, told.round)
    topic = _OUTCOMES.get(export.state) if export and not export.is_closed else None
    if export is None or topic is None:
        return
    journey = Journey(topic, "the outcome of the export", "exporter", "approval", export.state_since)
    yield from not_arrived(journey, parts, now, holds_up=True)


def _mail_not_queued(parts: Parts, now: datetime) -> Iterator[Trouble]:
    """Somebody has to be told, and the notifier does not know of it."""
    if parts.approval is None or parts.notifier is None:
        return
    told = parts.approval.explanation
    kind, topic, sender = _MAILED.get(told.status, ("", "", ""))
    is_queued = any(each.kind == kind and each.occurred_at >= told.since - OVERDUE for each in parts.notifier.mails)
    if kind and not is_queued and now - told.since < MAILS_KEPT:
        yield from not_arrived(Journey(topic, "the occasion for a mail", sender, "notifier", told.since), parts, now)


def _status_not_arrived(parts: Parts, now: datetime) -> Iterator[Trouble]:
    """The daily summary would list it by an old status."""
    if parts.approval is None or parts.digest is None:
        return
    told = parts.approval.explanation
    if parts.digest.status is not told.status or (parts.digest.since and parts.digest.since < told.since):
        journey = Journey(CommitmentStatus.topic, "its present status", "approval", "digest", told.since)
        yield from not_arrived(journey, parts, now)


def _set_aside_messages(parts: Parts, now: datetime) -> Iterator[Trouble]:
    del now
    for service, part in parts.by_service:
        for letter in part.traffic.dead_letters:
            if letter.settled_as is None:
                yield _dead_letter(service, letter)


def _dead_letter(service: str, letter: SetAsideMessage) -> Trouble:
    return Trouble(
        text=f"{named(service)} could not process a message about it.",
        who=OPERATOR,
        what="Mend the cause and have it processed again, or discard it if its sender has sent it again.",
        since=letter.recorded_at,
        holds_up=service in ("approval", "exporter"),
        details=f"{letter.place}, {letter.reason}: {letter.why}",
        command=f"countersign dead-letters redrive {service} {letter.place}",
    )


def _unreadable_rows(parts: Parts, now: datetime) -> Iterator[Trouble]:
    """Rows are left out; what stands still because of one is set aside, or a dead letter, which is told as well."""
    del now
    if parts.unreadable:
        yield _unreadable("Approval cannot read what it stores of it.", parts.unreadable, holds_up=True)
    for service, part in parts.by_service:
        if part.unreadable:
            text = f"{named(service)} cannot read some of what it stores, which is missing here."
            yield _unreadable(text, part.unreadable, holds_up=False)


def _unreadable(text: str, rows: Sequence[str], *, holds_up: bool) -> Trouble:
    return Trouble(
        text=text,
        who=OPERATOR,
        what="Restore it: see “RowsUnreadable” in docs/runbook.md; the log names it under rows.unreadable.",
        holds_up=holds_up,
        details="; ".join(rows),
    )


def _parked_events(parts: Parts, now: datetime) -> Iterator[Trouble]:
    del now
    for service, part in parts.by_service:
        for event in part.traffic.unsent:
            if event.state is not OutboxState.WAITING:
                yield _parked(service, event)


def _parked(service: str, event: UnsentEvent) -> Trouble:
    is_refused = event.state is OutboxState.REFUSED
    return Trouble(
        text=f"Kafka does not take an event of {service} about it.",
        who=OPERATOR,
        what="Change the topic's limit or the ACL, then send it again."
        if is_refused
        else "See to Kafka: the partition takes nothing. It is sent again every 30 s by itself.",
        since=event.created_at,
        holds_up=True,
        details=f"{event.topic}, row {event.id} of the outbox: {event.why}",
        command=f"countersign outbox {'retry ' + service + ' ' + str(event.id) if is_refused else 'list'}",
    )


def _set_aside_work(parts: Parts, now: datetime) -> Iterator[Trouble]:
    del now
    what = "Mend the cause, and let it be taken up again: see “Work that is set aside” in docs/operations.md."
    if parts.exporter and parts.exporter.set_aside:
        text = "The exporter has set it aside, since its rows cannot be read or written."
        yield Trouble(text=text, who=OPERATOR, what=what, holds_up=True, details=parts.exporter.set_aside)
    for mail in parts.notifier.mails if parts.notifier else ():
        if mail.state == "set_aside":
            text = f"{mail_words(mail)} is set aside, since it cannot be read or recorded."
            yield Trouble(text=text, who=OPERATOR, what=what, since=mail.created_at, details=mail.answer)


def _connection(parts: Parts, now: datetime) -> Iterator[Trouble]:
    """The ERP that an open export waits for does not answer, is not configured, or nobody works for it."""
    exporter = parts.exporter
    export = _open_export(parts)
    if exporter is None or export is None or (exporter.connection is None and exporter.unreadable):
        return
    connection, erp, admin = exporter.connection, erp_of(exporter), ACTORS[Owner.ERP_ADMIN]
    if connection is None or not connection.is_configured:
        text = f"No running exporter has the connection {export.connection or 'that it needs'} in its file."
        what = "Add the connection, or its new name with `formerly`, and have the exporter read the file again."
        yield Trouble(text=text, who=admin, what=what, holds_up=True, command="countersign connections list")
    elif connection.open_since:
        text = f"{erp} does not answer: {connection.reason or 'no reason is known'}"
        what = f"Restore {erp}. It is tried again by itself, and nothing else has to be done."
        yield Trouble(text=text, who=admin, what=what, since=connection.open_since, holds_up=True)
    elif connection.trouble:
        text = f"The client of {erp} does not get into it: {connection.trouble}"
        yield Trouble(text=text, who=admin, what="See to its Web Connector.", holds_up=True)
    elif not connection.is_polled and not connection.paused_until and _is_overdue(export, exporter.leased_until, now):
        text = "It is due, and no exporter takes it up."
        what = "See that an exporter runs and is ready, and that it has caught up."
        command = "countersign lag exporter"
        yield Trouble(text=text, who=OPERATOR, what=what, since=export.due_at, holds_up=True, command=command)


def _mails(parts: Parts, now: datetime) -> Iterator[Trouble]:
    del now
    for mail in parts.notifier.mails if parts.notifier else ():
        answer = mail.answer or "no answer"
        if mail.state == "failed":
            text = f"{mail_words(mail)} failed: {answer}"
            what = "Correct the address in the directory, and tell them what happened."
            yield Trouble(text=text, who="Whoever keeps the directory", what=what, since=mail.settled_at)
        elif mail.state in ("pending", "sending") and mail.attempts >= FEW_ATTEMPTS:
            text = f"{mail_words(mail)} has not got through in {mail.attempts} attempts: {answer}"
            what = "See to the mail server; docs/mails.md says what its answers mean. It is tried again by itself."
            yield Trouble(text=text, who=OPERATOR, what=what, since=mail.created_at)


def _summaries(parts: Parts, now: datetime) -> Iterator[Trouble]:
    late = [each for each in parts.digest.next if now - each.at > SUMMARY_OVERDUE] if parts.digest else []
    if late:
        text = f"The daily summary that lists it is overdue for {len(late)} of its readers."
        what = "See that the digest runs and is ready."
        yield Trouble(
            text=text, who=OPERATOR, what=what, since=min(each.at for each in late), command="countersign lag digest"
        )


_LOOKS: tuple[Look, ...] = (
    _unreadable_rows,
    _parked_events,
    _set_aside_messages,
    _set_aside_work,
    _order_not_arrived,
    _outcome_not_arrived,
    _connection,
    _mail_not_queued,
    _status_not_arrived,
    _mails,
    _summaries,
)


def _export_of(parts: Parts, revision: int, round: int) -> ToldExport | None:  # noqa: A002 - the contract's word
    """The export of that order; None if the exporter did not get it."""
    exports = parts.exporter.exports if parts.exporter else ()
    return next((each for each in exports if each.revision == revision and each.ordered_round >= round), None)


def _open_export(parts: Parts) -> ToldExport | None:
    """The export that is worked on."""
    exports = parts.exporter.exports if parts.exporter else ()
    return next((each for each in exports if each.state in OPEN_EXPORTS), None)


def _is_overdue(export: ToldExport, leased_until: datetime | None, now: datetime) -> bool:
    due_at = leased_until or export.due_at
    return due_at is not None and now - due_at > OVERDUE
