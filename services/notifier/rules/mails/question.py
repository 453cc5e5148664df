"""The mail with an approver's question to the sender of a revision that waits."""

from schemas.events import QuestionAsked
from services.notifier.rules.mails import about_commitment
from services.notifier.rules.mails.mail_type import ContentOptions, Contents, MailType
from services.notifier.rules.wording import lines_of, one_line


def _contents(data: QuestionAsked, options: ContentOptions) -> Contents:
    return about_commitment.contents(data, data.summary, options) | {
        "approver": one_line(data.asked_by.name),
        "question": lines_of(data.question),
        "answer_url": data.answer_url,
    }


QUESTION = MailType(
    kind="question",
    data_type=QuestionAsked,
    recipients=lambda data: (data.summary.sent_by,),
    subject=lambda data: f"Question: {about_commitment.subject_of(data.summary)}",
    contents=_contents,
    thread=about_commitment.thread,
    useful_for=about_commitment.USEFUL_FOR,
    reply_to=lambda data: data.asked_by,
)
