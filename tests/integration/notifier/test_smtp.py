"""The gateway with real mail servers: encrypted, refusing, silent, or disconnecting midway."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import pytest
from aiosmtpd.handlers import Message
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import REGISTRY

from sandbox.mailbox import Mailbox, MailFault, MailFaultKind
from services.notifier.rules.addresses import Address
from services.notifier.rules.delivery import Delivery, SmtpAnswer
from services.notifier.smtp import NO_SMTPUTF8, SmtpGateway, SmtpServer
from services.pipeline.periodic import every
from tests.waiting import eventually

MESSAGE = b"Subject: Rejected\r\nMessage-ID: <1@desk.example>\r\n\r\n.\r\nA line that begins with a dot.\r\n"
LOOPBACK = "127.0.0.1"
RELAY = "550 5.7.1 Your host 5.7.1 may not relay"


@asynccontextmanager
async def gateway_to(
    url: str, *, tls_context: ssl.SSLContext | None = None, send_seconds: float = 10.0
) -> AsyncIterator[SmtpGateway]:
    gateway = SmtpGateway(SmtpServer.from_url(url), tls_context=tls_context, send_seconds=send_seconds)
    yield gateway
    await gateway.hang_up()


async def send(gateway: SmtpGateway, local: str = "sam", message: bytes = MESSAGE) -> SmtpAnswer:
    return await gateway.send("erp@desk.example", Address(local, "pm.example"), message)


class Certificate(NamedTuple):
    """The server's and the client's context for one self-signed certificate."""

    server: ssl.SSLContext
    client: ssl.SSLContext
    expires_at: datetime


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    folder = tmp_path_factory.mktemp("certificate")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, LOOPBACK)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - timedelta(minutes=5))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(LOOPBACK))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    chain = _written(folder / "chain.pem", made.public_bytes(serialization.Encoding.PEM))
    private = _written(
        folder / "key.pem",
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(chain, private)
    return Certificate(server, ssl.create_default_context(cafile=str(chain)), made.not_valid_after_utc)


def _written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


class Inbox(Message):
    """Keeps the subjects of received messages."""

    def __init__(self) -> None:
        super().__init__()
        self.subjects: list[str] = []

    def handle_message(self, message: object) -> None:
        self.subjects.append(message["Subject"])  # type: ignore[index]


@asynccontextmanager
async def serving(
    protocol: Callable[[], asyncio.BaseProtocol], tls: ssl.SSLContext | None = None
) -> AsyncIterator[int]:
    """Serve `protocol` on a free loopback port and yield the port."""
    connections: list[asyncio.BaseProtocol] = []

    def connected() -> asyncio.BaseProtocol:
        connections.append(protocol())
        return connections[-1]

    server = await asyncio.get_running_loop().create_server(connected, LOOPBACK, 0, ssl=tls)
    yield server.sockets[0].getsockname()[1]
    server.close()
    for connection in connections:
        transport = getattr(connection, "transport", None)
        if transport is not None:
            transport.close()
    await server.wait_closed()


async def test_a_message_arrives_unchanged(mailbox: Mailbox) -> None:
    async with gateway_to(mailbox.smtp_url) as gateway:
        answer = await send(gateway)
    assert answer == SmtpAnswer(Delivery.ACCEPTED, "250 OK")
    assert mailbox.messages[0].source == MESSAGE
    assert mailbox.messages[0].recipients == ("sam@pm.example",)
    assert mailbox.messages[0].sender == "erp@desk.example"


async def test_a_connection_is_reused_until_it_is_closed_as_idle() -> None:
    inbox = Inbox()
    opened: list[SMTP] = []

    def protocol() -> SMTP:
        opened.append(SMTP(inbox, hostname="mail.localhost"))
        return opened[-1]

    async with serving(protocol) as port, gateway_to(f"smtp://{LOOPBACK}:{port}") as gateway:
        for _ in range(3):
            await send(gateway)
        assert len(opened) == 1
        await gateway.hang_up()
        await send(gateway)
        assert len(opened) == 2
    assert inbox.subjects == ["Rejected"] * 4


async def test_idle_connections_are_closed_periodically(mailbox: Mailbox) -> None:
    gateway = SmtpGateway(SmtpServer.from_url(mailbox.smtp_url))
    stopping = asyncio.Event()
    tidying = asyncio.create_task(every(0.02, gateway.hang_up)(stopping))
    await send(gateway)

    async def is_hung_up() -> bool:
        return not gateway._idle

    await eventually(is_hung_up)
    stopping.set()
    await tidying


async def test_concurrent_mails_are_all_sent(mailbox: Mailbox) -> None:
    async with gateway_to(mailbox.smtp_url) as gateway:
        answers = await asyncio.gather(*(send(gateway, f"p{number}") for number in range(4)))
    assert {answer.delivery for answer in answers} == {Delivery.ACCEPTED}
    assert mailbox.recipients() == [f"p{number}@pm.example" for number in range(4)]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (MailFaultKind.REFUSE_FOR_NOW, SmtpAnswer(Delivery.DEFERRED, "451 4.7.1 Try again later")),
        (MailFaultKind.REFUSE_FOR_GOOD, SmtpAnswer(Delivery.REFUSED, "550 5.1.1 No such mailbox")),
        (MailFaultKind.REFUSE_TO_RELAY, SmtpAnswer(Delivery.BLOCKED, "554 5.7.1 Relay access denied")),
    ],
)
async def test_a_refusal_does_not_affect_the_next_mail(
    mailbox: Mailbox, kind: MailFaultKind, expected: SmtpAnswer
) -> None:
    mailbox.faults.switch_on(MailFault(kind=kind, times=1))
    async with gateway_to(mailbox.smtp_url) as gateway:
        assert await send(gateway) == expected
        assert (await send(gateway)).delivery is Delivery.ACCEPTED


async def test_a_connection_lost_after_the_final_dot_is_an_unknown_outcome(mailbox: Mailbox) -> None:
    mailbox.faults.switch_on(MailFault(kind=MailFaultKind.CUT_AFTER_DOT, times=1))
    async with gateway_to(mailbox.smtp_url) as gateway:
        answer = await send(gateway)
        assert answer.delivery is Delivery.UNKNOWN
        assert len(mailbox.messages) == 1
        assert (await send(gateway)).delivery is Delivery.ACCEPTED


async def test_an_unreachable_server_defers_the_mail() -> None:
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))
        port = taken.getsockname()[1]
    async with gateway_to(f"smtp://{LOOPBACK}:{port}") as gateway:
        answer = await send(gateway)
    assert answer.delivery is Delivery.DEFERRED
    assert answer.text.startswith("SMTPConnectError")


async def test_a_silent_server_defers_the_mail_after_the_timeout() -> None:
    async with (
        serving(asyncio.Protocol) as port,
        gateway_to(f"smtp://{LOOPBACK}:{port}", send_seconds=0.2) as gateway,
    ):
        assert (await send(gateway)).delivery is Delivery.DEFERRED


class Scripted(asyncio.Protocol):
    """A mail server that replies to each command from the script, and to no other."""

    def __init__(self, script: dict[bytes, bytes]) -> None:
        polite = {b"EHLO": b"250 mail.localhost", b"MAIL": b"250 OK", b"RCPT": b"250 OK", b"QUIT": b"221 Bye"}
        self._script = polite | script

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(b"220 mail.localhost\r\n")

    def data_received(self, data: bytes) -> None:
        answer = self._script.get(data[:4]) or (self._script.get(b".") if data.endswith(b"\r\n.\r\n") else None)
        if answer:
            self.transport.write(answer + b"\r\n")


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ({b"EHLO": b"550 No", b"HELO": b"550 No"}, SmtpAnswer(Delivery.BLOCKED, "550 No")),
        ({b"MAIL": b"550 Who are you?"}, SmtpAnswer(Delivery.BLOCKED, "550 Who are you?")),
        ({b"MAIL": b"451 Later"}, SmtpAnswer(Delivery.DEFERRED, "451 Later")),
        ({b"RCPT": b"550-5.7.1 Your host\r\n550 5.7.1 may not relay"}, SmtpAnswer(Delivery.BLOCKED, RELAY)),
        ({b"RCPT": b"550 Not here"}, SmtpAnswer(Delivery.REFUSED, "550 Not here")),
        ({b"RCPT": b"550 5.1.1 \xff\x00\xe2\x80\xae?"}, SmtpAnswer(Delivery.REFUSED, "550 5.1.1 ?")),
        ({b"DATA": b"503 No recipients"}, SmtpAnswer(Delivery.BLOCKED, "503 No recipients")),
        ({b"DATA": b"354 Go on", b".": b"554 Spam"}, SmtpAnswer(Delivery.REFUSED, "554 Spam")),
        ({b"DATA": b"354 Go on", b".": b"452 Full"}, SmtpAnswer(Delivery.DEFERRED, "452 Full")),
        ({b"DATA": b"354 Go on", b".": b"???"}, SmtpAnswer(Delivery.UNKNOWN, "-1 Malformed SMTP response line: ???")),
    ],
)
async def test_a_refusal_of_recipient_or_message_is_final_and_one_of_ours_is_not(
    script: dict[bytes, bytes], expected: SmtpAnswer
) -> None:
    async with serving(lambda: Scripted(script)) as port, gateway_to(f"smtp://{LOOPBACK}:{port}") as gateway:
        assert await send(gateway) == expected


async def test_a_server_that_knows_only_helo_gets_its_mails() -> None:
    script = {b"EHLO": b"502 What?", b"HELO": b"250 mail.localhost", b"DATA": b"354 Go on", b".": b"250 OK"}
    async with serving(lambda: Scripted(script)) as port, gateway_to(f"smtp://{LOOPBACK}:{port}") as gateway:
        assert (await send(gateway)).delivery is Delivery.ACCEPTED
        assert await send(gateway, "größe") == SmtpAnswer(Delivery.REFUSED, NO_SMTPUTF8)


async def test_an_address_in_utf_8_is_used_with_a_server_that_takes_it(mailbox: Mailbox) -> None:
    async with gateway_to(mailbox.smtp_url) as gateway:
        message = "To: Sam <größe@pm.example>\r\n\r\nRejected.\r\n".encode()
        assert (await send(gateway, "größe", message)).delivery is Delivery.ACCEPTED
        assert (await send(gateway)).delivery is Delivery.ACCEPTED
    assert [mail.recipients for mail in mailbox.messages] == [("größe@pm.example",), ("sam@pm.example",)]
    assert mailbox.messages[0].source == message
    assert mailbox.messages[0].headers["To"] == "Sam <größe@pm.example>"


async def test_smtputf8_is_asked_for_only_where_an_address_needs_it() -> None:
    asked: list[bytes] = []

    class Listening(Scripted):
        def data_received(self, data: bytes) -> None:
            asked.append(data)
            super().data_received(data)

    script = {b"EHLO": b"250-mail.localhost\r\n250-8BITMIME\r\n250 SMTPUTF8", b"DATA": b"354 Go on", b".": b"250 OK"}
    async with serving(lambda: Listening(script)) as port, gateway_to(f"smtp://{LOOPBACK}:{port}") as gateway:
        await send(gateway)
        await send(gateway, "größe")
    assert [each for each in asked if each[:4] in (b"MAIL", b"RCPT")] == [
        b"MAIL FROM:<erp@desk.example>\r\n",
        b"RCPT TO:<sam@pm.example>\r\n",
        b"MAIL FROM:<erp@desk.example> SMTPUTF8 BODY=8BITMIME\r\n",
        "RCPT TO:<größe@pm.example>\r\n".encode(),
    ]


async def test_an_address_in_utf_8_fails_where_the_server_does_not_take_it(mailbox: Mailbox) -> None:
    mailbox.takes_utf8 = False
    async with gateway_to(mailbox.smtp_url) as gateway:
        assert await send(gateway, "größe") == SmtpAnswer(Delivery.REFUSED, NO_SMTPUTF8)
        assert (await send(gateway)).delivery is Delivery.ACCEPTED
    assert [mail.recipients for mail in mailbox.messages] == [("sam@pm.example",)]


async def test_silence_after_the_final_dot_is_an_unknown_outcome() -> None:
    async with (
        serving(lambda: Scripted({b"DATA": b"354 Go on"})) as port,
        gateway_to(f"smtp://{LOOPBACK}:{port}", send_seconds=0.3) as gateway,
    ):
        assert (await send(gateway)).delivery is Delivery.UNKNOWN


class Users:
    """Accepts one user and records each login."""

    def __init__(self) -> None:
        self.signed_in: list[bytes] = []

    def __call__(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: object) -> AuthResult:
        del server, session, envelope, mechanism
        if given != LoginPassword(b"erp@desk", b"p/w"):
            return AuthResult(success=False, handled=False)
        self.signed_in.append(b"erp@desk")
        return AuthResult(success=True)


def secured(inbox: Inbox, users: Users, starttls: ssl.SSLContext | None) -> SMTP:
    return SMTP(
        inbox,
        hostname="mail.localhost",
        tls_context=starttls,
        require_starttls=starttls is not None,
        authenticator=users,
        # with TLS from the start, the test server does not see that a connection is encrypted and would refuse AUTH
        auth_require_tls=starttls is not None,
    )


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_a_mail_is_sent_encrypted_and_authenticated(certificate: Certificate, scheme: str) -> None:
    inbox, users = Inbox(), Users()
    starttls, tls = (certificate.server, None) if scheme == "smtp+starttls" else (None, certificate.server)
    async with (
        serving(lambda: secured(inbox, users, starttls), tls) as port,
        gateway_to(f"{scheme}://erp%40desk:p%2Fw@{LOOPBACK}:{port}", tls_context=certificate.client) as gateway,
    ):
        assert (await send(gateway)).delivery is Delivery.ACCEPTED
    assert inbox.subjects == ["Rejected"]
    assert users.signed_in == [b"erp@desk"]
    shown = REGISTRY.get_sample_value("server_certificate_expiry_timestamp_seconds", {"server": "mail"})
    assert shown == certificate.expires_at.timestamp()


async def test_a_wrong_password_blocks_the_mail(certificate: Certificate) -> None:
    async with (
        serving(lambda: secured(Inbox(), Users(), certificate.server)) as port,
        gateway_to(f"smtp+starttls://erp:wrong@{LOOPBACK}:{port}", tls_context=certificate.client) as gateway,
    ):
        answer = await send(gateway)
    assert answer.delivery is Delivery.BLOCKED
    assert answer.text.startswith("535")


@pytest.mark.parametrize("scheme", ["smtp+starttls", "smtps"])
async def test_nothing_is_sent_to_a_server_with_an_untrusted_certificate(certificate: Certificate, scheme: str) -> None:
    inbox = Inbox()
    starttls, tls = (certificate.server, None) if scheme == "smtp+starttls" else (None, certificate.server)
    async with (
        serving(lambda: secured(inbox, Users(), starttls), tls) as port,
        gateway_to(f"{scheme}://erp%40desk:p%2Fw@{LOOPBACK}:{port}") as gateway,
    ):
        answer = await send(gateway)
    assert answer.delivery is Delivery.BLOCKED
    assert "CERTIFICATE_VERIFY_FAILED" in answer.text
    assert inbox.subjects == []


async def test_nothing_is_sent_unencrypted_if_encryption_is_required(mailbox: Mailbox) -> None:
    port = mailbox.smtp_url.rpartition(":")[2]
    async with gateway_to(f"smtp+starttls://{LOOPBACK}:{port}") as gateway:
        answer = await send(gateway)
    assert answer.delivery is Delivery.BLOCKED
    assert mailbox.messages == []


async def test_nothing_is_sent_to_a_server_that_knows_no_passwords_if_there_is_one(mailbox: Mailbox) -> None:
    port = mailbox.smtp_url.rpartition(":")[2]
    async with gateway_to(f"smtp://erp:secret@{LOOPBACK}:{port}") as gateway:
        answer = await send(gateway)
    assert answer.delivery is Delivery.BLOCKED
    assert mailbox.messages == []


async def test_a_server_that_says_nothing_is_a_problem_in_words() -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        async with gateway_to(f"smtp://{LOOPBACK}:{silent.getsockname()[1]}", send_seconds=0.2) as gateway:
            assert await gateway.problem() == "it does not answer in time"
