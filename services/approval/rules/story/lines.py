"""A story as it reads on a command line; times are in UTC."""

from collections.abc import Iterator
from datetime import UTC, datetime

from schemas.story import ExporterPart, NotifierPart, Part, ToldConnection, ToldExport
from services.approval.rules import explanation
from services.approval.rules.story.story import Moment, Parts, Story, Trouble, Upcoming
from services.approval.rules.story.timeline import OPEN_EXPORTS, mail_words
from services.pipeline.counting import counted

_STATES = {"pending": "waits to be sent", "in_flight": "is being sent", "in_doubt": "in doubt"}


def lines(story: Story, parts: Parts) -> Iterator[str]:
    """The story, line by line."""
    if parts.approval:
        yield from explanation.lines(parts.approval.explanation, story.who, story.step)
    else:
        yield f"Commitment {story.commitment_id}"
        yield f"Who acts next: {story.who}"
    for missing in story.missing:
        yield f"Missing: {missing.text}{f' ({missing.why})' if missing.why else ''}"
    for trouble in story.troubles:
        yield from _trouble(trouble)
    if parts.exporter:
        yield from _exporter(parts.exporter)
    if parts.notifier:
        yield from _notifier(parts.notifier)
    if story.upcoming:
        yield "What comes next by itself, in UTC:"
        yield from (_upcoming(each, story.as_of) for each in story.upcoming)
    if on_the_way := list(_on_the_way(parts)):
        yield "On the way through Kafka:"
        yield from on_the_way
    yield "Time line, in UTC:"
    yield from (_moment(each) for each in story.timeline)


def _trouble(trouble: Trouble) -> Iterator[str]:
    since = f" Since {_time(trouble.since)}." if trouble.since else ""
    yield f"Does not fit: {trouble.text}{since}"
    yield f"  {trouble.who}: {trouble.what}"
    if trouble.details:
        yield f"  {trouble.details}"
    if trouble.command:
        yield f"  $ {trouble.command}"


def _exporter(exporter: ExporterPart) -> Iterator[str]:
    if exporter.connection:
        yield _connection(exporter.connection)
    for export in exporter.exports:
        yield from _export(export)


def _connection(connection: ToldConnection) -> str:
    state = _connection_state(connection)
    heard = f", last heard {_time(connection.last_contact)}" if connection.last_contact else ", not heard yet"
    asked = f", its client last asked {_time(connection.last_asked)}" if connection.last_asked else ""
    queue = "" if connection.queue_length is None else f", {counted(connection.queue_length, 'commitment')} waiting"
    return f"Connection: {connection.title} ({connection.name}) {state}{heard}{asked}{queue}"


def _connection_state(connection: ToldConnection) -> str:
    if not connection.is_configured:
        return "is in the file of no running exporter"
    if connection.open_since:
        return f"does not answer since {_time(connection.open_since)}"
    if connection.paused_until:
        return f"asked us to wait until {_time(connection.paused_until)}"
    if connection.is_polled:
        return "is polled"
    return "answers" if connection.last_contact else "was not called yet"


def _export(export: ToldExport) -> Iterator[str]:
    state = _STATES.get(export.state, export.state)
    counts = f"{counted(export.attempts, 'attempt')}, {counted(export.probes, 'probe')}"
    named = f"Export of revision {export.revision}, round {export.round}"
    yield f"{named}: {state} since {_time(export.state_since)}; {counts}"
    if export.doubt and export.state in OPEN_EXPORTS:
        yield f"  In doubt because of this: {export.doubt}"
    if export.failure and export.state == "failed":
        yield f"  Failed because of this: {export.failure}"
    yield f"  Marker: {export.marker}"


def _notifier(notifier: NotifierPart) -> Iterator[str]:
    if not notifier.mails and not notifier.unreadable:
        yield "Mails: none"
    for mail in notifier.mails:
        tried = f" after {counted(mail.attempts, 'attempt')}" if mail.attempts else ""
        yield f"{mail_words(mail)}: {mail.state.replace('_', ' ')}{tried}"


def _upcoming(upcoming: Upcoming, now: datetime) -> str:
    overdue = " (due since then)" if upcoming.at < now else ""
    return f"  {_time(upcoming.at)}  {upcoming.service:<8}  {upcoming.text}{overdue}"


def _on_the_way(parts: Parts) -> Iterator[str]:
    """What is not sent, and where messages are unread; a topic that is read to its end is left out."""
    for service, part in parts.by_service:
        yield from _unsent(service, part)
        for reading in part.traffic.readings:
            if reading.unread:
                where = f"{reading.topic}/{reading.partition}"
                unread = counted(reading.unread, "message")
                yield f"  {service} reads {where} from {reading.next_offset or 0}, {unread} before its end"


def _unsent(service: str, part: Part) -> Iterator[str]:
    for event in part.traffic.unsent:
        yield f"  {service} has not sent {event.topic} of {_time(event.created_at)}: row {event.id}, {event.state}"


def _moment(moment: Moment) -> str:
    again = f" {counted(moment.times, 'time')}, last at {_time(moment.last_at)}." if moment.last_at else ""
    place = f"  [{moment.place}]" if moment.place else ""
    return f"  {_time(moment.at)}  {moment.service:<8}  {moment.text}{again}{place}"


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
