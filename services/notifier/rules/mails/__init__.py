"""Every mail that the notifier sends: one line here, one module, and one folder of templates each."""

from typing import Any

from services.notifier.rules.mails.answered import ANSWERED
from services.notifier.rules.mails.digest import DIGEST
from services.notifier.rules.mails.export_failed import EXPORT_FAILED
from services.notifier.rules.mails.mail_type import MailType
from services.notifier.rules.mails.question import QUESTION
from services.notifier.rules.mails.rejected import REJECTED
from services.notifier.rules.mails.resent import RESENT
from services.notifier.rules.mails.submission_refused import SUBMISSION_REFUSED

MAIL_TYPES: tuple[MailType[Any], ...] = (
    REJECTED,
    EXPORT_FAILED,
    RESENT,
    QUESTION,
    ANSWERED,
    SUBMISSION_REFUSED,
    DIGEST,
)
