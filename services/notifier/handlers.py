"""The events that the notifier consumes, one for each mail in MAIL_TYPES, and what it publishes."""

from schemas.events import DigestReady, MailSettled
from services.notifier.rules.event_handlers import queue_mails
from services.notifier.rules.mails import MAIL_TYPES
from services.pipeline.fold import On

COMMITMENT_HANDLERS = tuple(On(each.data_type, queue_mails) for each in MAIL_TYPES if each.data_type is not DigestReady)
DIGEST_HANDLERS = tuple(On(each.data_type, queue_mails) for each in MAIL_TYPES if each.data_type is DigestReady)

PUBLISHED = (MailSettled,)
