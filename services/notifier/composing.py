"""Composes the message of a mail: header, text and HTML. A repeat is the same byte for byte."""

from collections.abc import Iterator
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from hashlib import sha256

from css_inline import CSSInliner
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from schemas.commitment import Person
from schemas.limits import MAX_DIGEST_ROWS
from services.notifier.rules.addresses import Address, address_of
from services.notifier.rules.mails.mail import Mail, message_id, thread_id
from services.notifier.rules.mails.mail_type import ContentOptions, Contents
from services.notifier.rules.wording import one_line

MAX_MESSAGE_BYTES = 72 * 1024
_ROW_LIMITS = (MAX_DIGEST_ROWS, 75, 50, 25, 10, 0)
_MAX_PERSON_CHARACTERS = 80
_MAX_LINE_CHARACTERS = 998
_BODY_POLICY = SMTP.clone(cte_type="7bit")


class Composer:
    """Composes mails that are sent from `mail_from` and link to the desk at `public_url`."""

    def __init__(self, mail_from: str, public_url: str) -> None:
        name, self.sender = parseaddr(mail_from)
        self._from = _mailbox(name, self.sender)
        self._domain = self.sender.rpartition("@")[2]
        self._public_url = public_url
        self._templates = Environment(
            loader=PackageLoader("services.notifier.rules.mails"),
            autoescape=select_autoescape(("html.j2",)),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._inliner = CSSInliner(load_remote_stylesheets=False)

    def compose(self, mail: Mail, address: Address) -> bytes:
        """The whole message to `address`; it lists fewer rows where it would exceed MAX_MESSAGE_BYTES.

        It is in ASCII, but for a recipient whose address is not: then the header is in UTF-8 (RFC 6532).
        """
        header = "".join(f"{name}: {value}\r\n" for name, value in self._header(mail, address)).encode()
        message = b""
        for max_rows in _ROW_LIMITS:
            message = header + _body(*self.parts(mail, max_rows))
            if len(message) <= MAX_MESSAGE_BYTES:
                break
        return message

    def parts(self, mail: Mail, max_rows: int = MAX_DIGEST_ROWS) -> tuple[str, str]:
        """The text part and the HTML part of `mail`."""
        contents = mail.contents(ContentOptions(self._public_url, max_rows))
        return self._render(mail, "txt", contents), self._inliner.inline(self._render(mail, "html", contents))

    def _render(self, mail: Mail, form: str, contents: Contents) -> str:
        return self._templates.get_template(f"{mail.kind}/{mail.template}.{form}.j2").render(contents)

    def _header(self, mail: Mail, address: Address) -> Iterator[tuple[str, str]]:
        """Yield encoded header fields; the standard library would break up long ids and links in them."""
        yield "From", self._from
        yield "To", _mailbox(mail.recipient.name, str(address))
        yield from _reply_to(mail.type.reply_to(mail.data), address)
        yield "Subject", _encoded(mail.subject, "Subject")
        yield "Date", format_datetime(mail.created_at)
        yield "Message-ID", message_id(mail, self._domain)
        yield "References", thread_id(mail, self._domain)
        yield "Auto-Submitted", "auto-generated"
        yield "X-Auto-Response-Suppress", "OOF, AutoReply"
        yield from mail.type.extra_headers(mail.data, self._domain)


def _reply_to(person: Person | None, recipient: Address) -> Iterator[tuple[str, str]]:
    """Yield the field for answers to `person`; none where it alone would need UTF-8."""
    address = address_of(person.email) if person else None
    if person and isinstance(address, Address) and (address.is_ascii or not recipient.is_ascii):
        yield "Reply-To", _mailbox(person.name, str(address))


def _mailbox(full_name: str, address: str) -> str:
    name = one_line(full_name, _MAX_PERSON_CHARACTERS)
    if not name:
        return address
    if name.isascii() and "=?" not in name:
        quoted = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{quoted}" <{address}>'
    return f"{_encoded(name, 'To')} <{address}>"


def _encoded(text: str, field: str) -> str:
    """`text` folded; as encoded words where it is not ASCII or contains what looks like an encoded word."""
    is_plain = text.isascii() and "=?" not in text
    return Header(text, "us-ascii" if is_plain else "utf-8", header_name=field).encode(linesep="\r\n")


def _body(text: str, html: str) -> bytes:
    message = EmailMessage(policy=_BODY_POLICY)
    message.set_content(text, cte=_transfer_encoding(text))
    message.add_alternative(html, subtype="html", cte=_transfer_encoding(html))
    # a hash of the parts: the same for a repeat, and nobody can write it into a title
    message.set_boundary(sha256(f"{text}\n{html}".encode()).hexdigest()[:40])
    return message.as_bytes()


def _transfer_encoding(text: str) -> str:
    """7bit where SMTP allows it: links then stay in one piece in the source of the message."""
    is_plain = text.isascii() and all(len(line) <= _MAX_LINE_CHARACTERS for line in text.splitlines())
    return "7bit" if is_plain else "quoted-printable"
