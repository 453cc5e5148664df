"""A mail server that keeps what it is given instead of delivering it, with a page and an API to read the mails."""

from services.sandbox.mailbox.catcher import Mailbox, MailFault, MailFaultKind
from services.sandbox.mailbox.message import CaughtMail
from services.sandbox.mailbox.running import running_mailbox

__all__ = ["CaughtMail", "MailFault", "MailFaultKind", "Mailbox", "running_mailbox"]
