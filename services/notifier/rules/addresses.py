"""Which mail addresses we write to: only those that every mail program and server reads as the same mailbox."""

from dataclasses import dataclass
from unicodedata import normalize

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

NO_ADDRESS = "no address"
_MEANT_FOR_SERVERS = ("!", "%", "=?")
"""Some servers read the first two as the way to another mailbox, and some programs the third as encoded text."""
_MAX_LOCAL_BYTES = 64
_PRIVATE_DOMAIN = "local"

# The library's documented way to accept a domain that it reserves: many companies run their own mail server under it.
if _PRIVATE_DOMAIN in SPECIAL_USE_DOMAIN_NAMES:
    SPECIAL_USE_DOMAIN_NAMES.remove(_PRIVATE_DOMAIN)


@dataclass(frozen=True, slots=True)
class Address:
    """A mail address; its domain is in ASCII (IDNA 2008), and what stands before the @ as it was given."""

    local: str
    domain: str

    def __str__(self) -> str:
        return f"{self.local}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """Whether any mail server can take it; the others need SMTPUTF8 (RFC 6531)."""
        return self.local.isascii()

    @property
    def owner(self) -> str:
        """The same for all ways to write it that, on any usual server, are one person's mailbox."""
        return str(self).lower()


@dataclass(frozen=True, slots=True)
class Unusable:
    """Why nothing can be sent to somebody, as the end of a sentence."""

    reason: str


def address_of(email: str | None) -> Address | Unusable:
    """The address that `email` is, or why it is none that we use.

    It has a dot-atom of at most 64 bytes before the @, without look-alikes of other characters, and after it a domain
    name with a period (RFC 5321 and RFC 6531, without quotes, comments and numbers of hosts); 254 characters in all.
    """
    if not email:
        return Unusable(NO_ADDRESS)
    try:
        valid = validate_email(email, strict=True, test_environment=True, check_deliverability=False)
    except EmailNotValidError as error:
        return Unusable(_end_of_sentence(str(error)))
    given, local = email.rpartition("@")[0], valid.local_part
    if any(each in local for each in _MEANT_FOR_SERVERS):
        return Unusable("mail servers do not agree what !, % or =? before the @-sign means")
    if normalize("NFKC", given) != local or given.isascii() != local.isascii():
        return Unusable("mail servers do not agree which characters those before the @-sign are")
    if len(local.encode()) > _MAX_LOCAL_BYTES:
        return Unusable("the email address is too long before the @-sign")
    return Address(local, valid.ascii_domain)


def _end_of_sentence(sentence: str) -> str:
    return (sentence[:1].lower() + sentence[1:]).removesuffix(".")
