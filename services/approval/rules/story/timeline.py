"""What happened to a commitment at any service, in its order, and what happens next by itself."""

from collections.abc import Iterable, Iterator
from itertools import groupby

from schemas.events import DecisionAccepted, MailSettled
from schemas.story import AttemptKind, DigestPart, ExporterPart, Place, ToldAttempt, ToldMail
from services.approval.rules.history import OCCASIONS
from services.approval.rules.story.part import ApprovalPart, HeldAnswer, ToldLine
from services.approval.rules.story.story import Moment, Parts, Upcoming
from services.approval.rules.times import day_text
from services.pipeline.formats import enumeration

OPEN_EXPORTS = ("pending", "in_flight", "in_doubt")
_UNNAMED_ERP = "The ERP"
_ANSWERS = {
    AttemptKind.IN_ERP: "{erp} has it as {message}",
    AttemptKind.FAILED: "{erp} did not take it: {message}",
    AttemptKind.PUT_OFF: "{erp} could not take it yet: {message}",
    AttemptKind.ANSWER_LOST: "The answer of {erp} was lost: {message}",
    AttemptKind.NOT_DECIDED: "{erp} could not tell for certain whether it has it: {message}",
    AttemptKind.NOT_WRITTEN: "It was not written, since it was rejected meanwhile",
}


def timeline(parts: Parts) -> tuple[Moment, ...]:
    """Everything that is known to have happened, oldest first; the same several times in a row is one moment."""
    told: list[Moment] = []
    if parts.approval:
        told += _decisions(parts.approval, parts.exporter, has_mails=parts.notifier is not None)
    if parts.exporter:
        told += _attempts(parts.exporter)
    if parts.notifier:
        told += [_mail(each) for each in parts.notifier.mails]
    if parts.digest:
        told += _summaries(parts.digest)
    return tuple(_without_repeats(sorted(told, key=lambda each: (each.at, each.service == "approval"))))


def upcoming(parts: Parts) -> tuple[Upcoming, ...]:
    """What happens next by itself, the soonest first."""
    found: list[Upcoming] = []
    if parts.approval and parts.approval.held:
        found.append(_held(parts.approval.held))
    if parts.exporter:
        found += _next_attempts(parts.exporter)
    if parts.notifier:
        found += [_next_mail(each) for each in parts.notifier.mails if each.next_at]
    if parts.digest:
        found += _next_summaries(parts.digest)
    return tuple(sorted(found, key=lambda each: each.at))


def mail_words(mail: ToldMail) -> str:
    """A mail with its occasion and its reader: "Mail about the rejection to Sam Lee (sender)"."""
    reader = mail.recipient or mail.recipient_id
    role = f" ({mail.role})" if mail.role else ""
    return f"Mail about {OCCASIONS.get(mail.kind, mail.kind.replace('_', ' '))} to {reader}{role}"


def erp_of(exporter: ExporterPart) -> str:
    """What people call the ERP, at the beginning of a sentence."""
    return exporter.connection.title if exporter.connection else _UNNAMED_ERP


def _decisions(approval: ApprovalPart, exporter: ExporterPart | None, *, has_mails: bool) -> Iterator[Moment]:
    """The history; each order with where the exporter read it, and mails only if their sender does not tell them."""
    for line in approval.lines:
        if has_mails and line.kind == MailSettled.topic:
            continue
        place = line.place or _order_place(line, exporter)
        yield Moment(at=line.at, service="approval", text=line.text, place=place)


def _order_place(line: ToldLine, exporter: ExporterPart | None) -> Place | None:
    if exporter is None or line.kind != DecisionAccepted.topic:
        return None
    named = (line.revision, line.round)
    return next((each.read_at for each in exporter.orders if (each.revision, each.round) == named), None)


def _attempts(exporter: ExporterPart) -> Iterator[Moment]:
    erp = erp_of(exporter)
    for attempt in exporter.attempts:
        yield Moment(at=attempt.ended_at, service="exporter", text=_attempt(attempt, erp))


def _attempt(attempt: ToldAttempt, erp: str) -> str:
    said = _ANSWERS[attempt.outcome].format(erp=erp, message=(attempt.message or "nothing").rstrip("."))
    code = f" (code {attempt.code})" if attempt.code and attempt.code not in said else ""
    asked = "Asked after a lost answer: " if attempt.is_probe else f"Revision {attempt.revision}: "
    return f"{asked}{said}{code}."


def _mail(mail: ToldMail) -> Moment:
    words, answer = mail_words(mail), f" ({mail.answer.rstrip('.')})" if mail.answer else ""
    if mail.settled_at is None:
        waits = f"waits after {mail.attempts} attempts{answer}" if mail.attempts else "waits"
        return Moment(at=mail.created_at, service="notifier", text=f"{words}: {waits}.", place=mail.read_at)
    often = f" at attempt {mail.attempts}" if mail.attempts > 1 else ""
    twice = ", perhaps twice" if mail.possibly_repeated else ""
    why = "" if mail.state == "sent" else answer
    text = f"{words}: {mail.state}{often}{twice}{why}."
    return Moment(at=mail.settled_at, service="notifier", text=text, place=mail.read_at)


def _summaries(digest: DigestPart) -> Iterator[Moment]:
    for day, made in groupby(digest.stood_in, key=lambda each: each.local_date):
        several = list(made)
        names = enumeration([each.recipient for each in several])
        text = f"It stood in the daily summary of {day_text(day)} to {names}."
        yield Moment(at=several[0].at, service="digest", text=text)


def _held(held: HeldAnswer) -> Upcoming:
    text = f"{held.by} has accepted revision {held.revision}, and can undo that until then."
    return Upcoming(at=held.due_at, service="approval", text=text)


def _next_attempts(exporter: ExporterPart) -> Iterator[Upcoming]:
    erp = erp_of(exporter)
    for export in exporter.exports:
        if export.due_at is None or export.state not in OPEN_EXPORTS or exporter.leased_until:
            continue
        text = f"{erp} is asked again whether it has it." if export.state == "in_doubt" else f"It is sent to {erp}."
        yield Upcoming(at=export.due_at, service="exporter", text=text)
    if exporter.leased_until:
        text = f"{erp} is being called; by then, the call is over."
        yield Upcoming(at=exporter.leased_until, service="exporter", text=text)


def _next_mail(mail: ToldMail) -> Upcoming:
    assert mail.next_at is not None  # noqa: S101 - its caller has looked
    doing = "it is being sent; by then, that is over" if mail.state == "sending" else "the next attempt"
    return Upcoming(at=mail.next_at, service="notifier", text=f"{mail_words(mail)}: {doing}.")


def _next_summaries(digest: DigestPart) -> Iterator[Upcoming]:
    ordered = sorted(digest.next, key=lambda each: (each.at, each.local_date, each.recipient))
    for (at, day), people in groupby(ordered, key=lambda each: (each.at, each.local_date)):
        names = enumeration([each.recipient for each in people])
        text = f"It is in the daily summary of {day_text(day)} to {names}."
        yield Upcoming(at=at, service="digest", text=text)


def _without_repeats(moments: Iterable[Moment]) -> Iterator[Moment]:
    """Yield one moment for those that say the same one after the other, with how often and until when."""
    for _, same in groupby(moments, key=lambda each: (each.service, each.text)):
        first, *others = same
        yield first.model_copy(update={"times": 1 + len(others), "last_at": others[-1].at}) if others else first
