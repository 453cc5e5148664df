"""A mail server that keeps mails instead of delivering them, with pages and an API to read them."""

from sandbox.mailbox.catcher import Mailbox, MailFault, MailFaultKind
from sandbox.mailbox.message import CaughtMail
from sandbox.mailbox.running import running_mailbox

__all__ = ["CaughtMail", "MailFault", "MailFaultKind", "Mailbox", "running_mailbox"]
