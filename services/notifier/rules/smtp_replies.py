"""Decides from a mail server's error reply whom it is about: the recipient, the message, or us who send it."""

import re
from dataclasses import dataclass
from enum import StrEnum

from services.notifier.rules.delivery import Delivery

_FIRST_TEMPORARY_CODE = 400
_FIRST_PERMANENT_CODE = 500
_LAST_ERROR_CODE = 599


class Stage(StrEnum):
    """How far the dialogue with the mail server had come; OPENING includes EHLO, STARTTLS and AUTH."""

    OPENING = "opening"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"


class About(StrEnum):
    """Whom a reply is about; what is about US has to be mended in our set-up or at the mail server."""

    US = "us"
    RECIPIENT = "recipient"
    MESSAGE = "message"


@dataclass(frozen=True, slots=True)
class Meaning:
    """Whom a reply is about, if all of this fits it; `status`, `code` and `words` are regular expressions.

    The status is the enhanced one without its class, "1.1" for 4.1.1 and 5.1.1, and "" for a reply without one. Words
    are looked for anywhere in the text, from which addresses are removed.
    """

    about: About
    status: str = r".*"
    code: str = r"[45].."
    words: str = ""
    stages: frozenset[Stage] = frozenset(Stage)

    def fits(self, code: int, status: str, words: str, stage: Stage) -> bool:
        """Whether the reply has this meaning, unless an earlier one fits it."""
        has_status = stage in self.stages and re.fullmatch(self.status, status) and re.fullmatch(self.code, str(code))
        return bool(has_status and re.search(self.words, words))


_PERMANENT = r"5.."
_AT_OPENING, _AT_MAIL, _AT_RCPT, _AT_DATA = (frozenset({stage}) for stage in Stage)
_VAGUE = r"|[0-57]\.0|7\.1"
"""The statuses, or none, which leave open whom the reply is about: the words decide."""

MEANINGS = (
    # About us, whatever was said before: passwords and encryption, the sender, limits of what we may send.
    Meaning(About.US, code=_PERMANENT, stages=_AT_OPENING),
    Meaning(About.US, code=r"53[0458]"),
    Meaning(About.US, status=r"1\.[78]"),
    Meaning(About.US, status=r"2\.252"),  # Exchange Online: we may not send as MAIL_FROM
    Meaning(About.US, status=r"4\.[35]", code=_PERMANENT),  # Gmail: our daily limit is reached
    # About this recipient: unknown, disabled, full, not reachable, or choosy about who may write.
    Meaning(About.RECIPIENT, status=r"[124]\.[1-9]\d*", stages=_AT_RCPT | _AT_DATA),  # Exchange Online: 4.1 is unknown
    Meaning(About.RECIPIENT, status=r"7\.(2|17|18|124|129|13[3-6])"),  # the last six are Exchange Online's
    # About this message: its size, its form.
    Meaning(About.MESSAGE, status=r"3\.4|6\..*"),
    # About us: authentication, policy, and what others think of our address (Exchange Online has three digits).
    Meaning(About.US, status=r"7\.([89]|\d\d+)"),
    # Vague statuses.
    Meaning(About.RECIPIENT, _VAGUE, words=r"no such|unknown|not found|does(n't| not) exist|unroute?able"),
    Meaning(About.US, _VAGUE, words=r"relay|rcpthosts"),
    Meaning(About.US, _VAGUE, words=r"your ip|client host|reverse|\bptr\b|\bhelo\b|\behlo\b"),
    Meaning(About.US, _VAGUE, words=r"block(ed|ing)? ?(list|using|by)|black ?list|\brbl\b|spamhaus|reputation|banned"),
    Meaning(About.RECIPIENT, _VAGUE, words=r"gr[ae]y ?list|temporar|recipient address rejected"),
    Meaning(About.US, _VAGUE, words=r"authenticat|\bauth\b|log ?in|credential|\b(start)?tls\b|encrypt"),
    Meaning(About.US, _VAGUE, words=r"\bsender\b|send ?as|\b(spf|dkim|dmarc)\b"),
    Meaning(About.US, _VAGUE, words=r"(daily|hourly|sending|rate) (limit|quota)|too many (messages|mails)"),
    Meaning(About.US, _VAGUE, words=r"policy|administrative", stages=_AT_MAIL | _AT_RCPT),
    # In doubt: what the stage is about, where the basic code says that it was understood (RFC 5321, 4.2.3); else us.
    Meaning(About.RECIPIENT, status=r"|[01245]\..*", code=r"55[012356]|501", stages=_AT_RCPT),
    Meaning(About.MESSAGE, code=r"55.", stages=_AT_DATA),
    Meaning(About.US, code=_PERMANENT),
)
"""The first that fits is meant; a temporary reply that fits none is about nobody. Statuses are registered at IANA by
RFC 5248; the remarks say where Exchange Online and Gmail have their own."""

_STATUS = re.compile(r"[245]\.(\d{1,3}\.\d{1,3})\b", re.ASCII)
_ADDRESS = re.compile(r"(?<!\S)\S+@\S+")
"""Looked for at the beginning of each word only, which takes no longer for a reply that is one long word."""


def meaning_of(code: int, text: str, stage: Stage) -> Meaning | None:
    """The meaning of an error reply at `stage`; None for a temporary one that says nothing about anybody."""
    found = _STATUS.match(text)
    status, words = found.group(1) if found else "", _ADDRESS.sub(" ", text.lower())
    return next((each for each in MEANINGS if each.fits(code, status, words, stage)), None)


def delivery_of(code: int, text: str, stage: Stage) -> Delivery:
    """The outcome of an attempt that ended at `stage` with an unwelcome reply.

    What is about us is tried again until it is mended or the mail expires; a permanent reply about the recipient or the
    message is final. A reply that is no SMTP, or none that belongs here, says nothing about what became of the message.
    """
    if not _FIRST_TEMPORARY_CODE <= code <= _LAST_ERROR_CODE:
        return Delivery.UNKNOWN if stage is Stage.DATA else Delivery.DEFERRED
    meaning = meaning_of(code, text, stage)
    if meaning is not None and meaning.about is About.US:
        return Delivery.BLOCKED
    return Delivery.DEFERRED if code < _FIRST_PERMANENT_CODE else Delivery.REFUSED
