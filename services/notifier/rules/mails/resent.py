"""The mail to the approver who rejected a commitment that has been re-sent: what changed since."""

from schemas.events import ApprovalRequested, Change
from services.notifier.rules.mails import about_commitment
from services.notifier.rules.mails.mail_type import ContentOptions, Contents, MailType
from services.notifier.rules.wording import first_name, lines_of, one_line

MAX_CHANGES = 20
_MAX_CHANGE_CHARACTERS = 120


def _contents(data: ApprovalRequested, options: ContentOptions) -> Contents:
    return about_commitment.contents(data, data.summary, options) | {
        "previous_revision": data.previous_revision,
        "reason": lines_of(data.previous_reason),
        "changes": tuple(map(_change, data.changes[:MAX_CHANGES])),
        "more_changes": len(data.changes[MAX_CHANGES:]),
        "is_total_unchanged": not any(change.field.casefold() == "total" for change in data.changes),
        "sender_first_name": first_name(data.summary.sent_by.name),
        "note": lines_of(data.note or ""),
    }


def _change(change: Change) -> dict[str, str]:
    return {
        "field": one_line(change.field[:1].lower() + change.field[1:]),
        "before": one_line(change.before, _MAX_CHANGE_CHARACTERS) or "(empty)",
        "after": one_line(change.after, _MAX_CHANGE_CHARACTERS) or "(empty)",
        "delta": one_line(change.delta or ""),
    }


RESENT = MailType(
    kind="resent",
    data_type=ApprovalRequested,
    recipients=lambda data: (data.approver,),
    subject=lambda data: f"Re-sent: {about_commitment.subject_of(data.summary)}, revision {data.revision}",
    contents=_contents,
    thread=about_commitment.thread,
    useful_for=about_commitment.USEFUL_FOR,
)
