"""The mail about a submission that could not be taken: why, and what has to be done before it is sent again."""

from schemas.events import SubmissionRefused
from services.notifier.rules.mails import about_commitment
from services.notifier.rules.mails.mail_type import ContentOptions, Contents, MailType
from services.notifier.rules.wording import lines_of, one_line

_MAX_NAME_CHARACTERS = 150


def _name(data: SubmissionRefused) -> str:
    """The commitment as far as it could be read, for example "SC-014 Concrete works (Riverside Tower)"."""
    words = [data.number or data.commitment_id, data.title or "", f"({data.project})" if data.project else ""]
    return " ".join(one_line(word, _MAX_NAME_CHARACTERS) for word in words if word)


def _contents(data: SubmissionRefused, options: ContentOptions) -> Contents:
    del options
    return {
        "name": _name(data),
        "why": lines_of(data.message),
        "next_step": one_line(data.next_step),
        "project_url": data.url,
        "revision": data.revision,
    }


SUBMISSION_REFUSED = MailType(
    kind="submission_refused",
    data_type=SubmissionRefused,
    recipients=lambda data: tuple(person for person in (data.creator, data.sent_by) if person),
    subject=lambda data: f"Not received by accounting: {_name(data)}",
    contents=_contents,
    thread=lambda data: ("commitment", data.commitment_id),
    useful_for=about_commitment.USEFUL_FOR,
)
