"""The mail about a rejected commitment: the approver's reason, and what to do next."""

from schemas.events import DecisionRejected
from services.notifier.rules.mails import about_commitment
from services.notifier.rules.mails.mail_type import ContentOptions, Contents, MailType
from services.notifier.rules.wording import lines_of, one_line


def _contents(data: DecisionRejected, options: ContentOptions) -> Contents:
    return about_commitment.contents(data, data.summary, options) | {
        "approver": one_line(data.decided_by.name),
        "reason": lines_of(data.reason),
        "unlinked": data.unlinks and one_line(data.unlinks.name),
    }


REJECTED = MailType(
    kind="rejected",
    data_type=DecisionRejected,
    recipients=lambda data: (data.summary.creator, data.summary.sent_by),
    subject=lambda data: f"Rejected: {about_commitment.subject_of(data.summary)}",
    contents=_contents,
    thread=about_commitment.thread,
    useful_for=about_commitment.USEFUL_FOR,
    reply_to=lambda data: data.decided_by,
)
