"""The mail to the approver who asked the sender of a revision that waits: what the sender answered."""

from schemas.commitment import Person, Summary
from schemas.events import QuestionAnswered
from services.notifier.rules.mails import about_commitment
from services.notifier.rules.mails.mail_type import ContentOptions, Contents, MailType
from services.notifier.rules.wording import lines_of, one_line


def _recipients(data: QuestionAnswered) -> tuple[Person, ...]:
    """Who asked; nobody where the event is of an older release, which does not say who it was or what they asked."""
    return (data.asked_by,) if data.asked_by and data.question and data.summary else ()


def _contents(data: QuestionAnswered, options: ContentOptions) -> Contents:
    return about_commitment.contents(data, _summary(data), options) | {
        "answered_by": one_line(data.answered_by.name),
        "question": lines_of(data.question or ""),
        "answer": lines_of(data.answer),
    }


def _summary(data: QuestionAnswered) -> Summary:
    if data.summary is None:
        raise ValueError("this event says of its commitment too little for a mail")
    return data.summary


ANSWERED = MailType(
    kind="answered",
    data_type=QuestionAnswered,
    recipients=_recipients,
    subject=lambda data: f"Answered: {about_commitment.subject_of(_summary(data))}",
    contents=_contents,
    thread=about_commitment.thread,
    useful_for=about_commitment.USEFUL_FOR,
    reply_to=lambda data: data.answered_by,
)
