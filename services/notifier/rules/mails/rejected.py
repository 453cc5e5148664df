"""The mail about rejected commitments: the approver's reason, and what to do next."""

from collections.abc import Sequence

from schemas.events import DecisionRejected
from services.notifier.rules.mails import about_commitment
from services.notifier.rules.mails.mail_type import ContentOptions, Contents, MailType, Several
from services.notifier.rules.wording import lines_of, one_line


def _contents(data: DecisionRejected, options: ContentOptions) -> Contents:
    return about_commitment.contents(data, data.summary, options) | {
        "approver": one_line(data.decided_by.name),
        "reason": lines_of(data.reason),
        "unlinked": data.unlinks and one_line(data.unlinks.name),
    }


def _occasion(data: DecisionRejected) -> tuple[str, ...] | None:
    """One approver, one reason; a rejection that unlinks a document says more, and goes alone."""
    if data.unlinks:
        return None
    return data.decided_by.id, data.decided_by.email or "", data.reason


def _subject_of_several(several: Sequence[DecisionRejected]) -> str:
    return f"Rejected: {about_commitment.subject_of_several([data.summary for data in several])}"


def _contents_of_several(several: Sequence[DecisionRejected], options: ContentOptions) -> Contents:
    return about_commitment.contents_of_several([data.summary for data in several], options) | {
        "approver": one_line(several[0].decided_by.name),
        "reason": lines_of(several[0].reason),
    }


REJECTED = MailType(
    kind="rejected",
    data_type=DecisionRejected,
    recipients=lambda data: (data.summary.creator, data.summary.sent_by),
    subject=lambda data: f"Rejected: {about_commitment.subject_of(data.summary)}",
    contents=_contents,
    thread=about_commitment.thread,
    useful_for=about_commitment.USEFUL_FOR,
    several=Several(occasion=_occasion, subject=_subject_of_several, contents=_contents_of_several),
    reply_to=lambda data: data.decided_by,
)
