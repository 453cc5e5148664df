"""Whoever cannot connect is told in one sentence what is wrong and what to do."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server

import pytest
import trustme

from services.pipeline.broker import wait_for_broker
from services.pipeline.broker.brokers import Brokers
from services.pipeline.errors import BrokerError
from tests.secured_kafka import OTHER_NAME, SecuredKafka, settings_from

USER = "notifier"


def told(variables: dict[str, str]) -> str:
    """What a command says; never the password."""
    with pytest.raises(BrokerError) as raised:
        wait_for_broker(settings_from(variables), 0)
    assert variables.get("KAFKA_SASL_PASSWORD", "no password") not in str(raised.value)
    return str(raised.value)


@pytest.fixture
def unknown_authority(tmp_path: Path) -> str:
    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other-ca.pem"))
    return str(tmp_path / "other-ca.pem")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"KAFKA_SASL_PASSWORD": "guessed"}, "check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM"),
        ({"KAFKA_SASL_USERNAME": "nobody"}, "check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD and KAFKA_SASL_MECHANISM"),
        ({"KAFKA_SASL_MECHANISM": "SCRAM-SHA-256"}, "supported mechanisms: SCRAM-SHA-512,PLAIN"),
        ({"KAFKA_SECURITY_PROTOCOL": "PLAINTEXT"}, "check KAFKA_SECURITY_PROTOCOL, which is PLAINTEXT"),
        ({"KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT"}, "check KAFKA_SECURITY_PROTOCOL, which is SASL_PLAINTEXT"),
        ({"KAFKA_SECURITY_PROTOCOL": "SSL"}, "check KAFKA_SECURITY_PROTOCOL, which is SSL"),
    ],
)
def test_wrong_variables_are_named(secured: SecuredKafka, wrong: dict[str, str], words: str) -> None:
    assert words in told(secured.access(USER) | wrong)


def test_an_unknown_authority_is_named(secured: SecuredKafka, unknown_authority: str) -> None:
    words = "KAFKA_SSL_CA_LOCATION must hold the CA that signed it"
    assert words in told(secured.access(USER) | {"KAFKA_SSL_CA_LOCATION": unknown_authority})


def test_a_name_that_the_certificate_lacks_is_named(secured: SecuredKafka) -> None:
    said = told(secured.access(USER, host=OTHER_NAME))
    assert "Hostname mismatch, certificate is not valid for 'localhost'" in said
    assert "use a name that is in it, in KAFKA_BOOTSTRAP_SERVERS and in advertised.listeners" in said


def test_a_client_without_a_certificate_is_told_which_variables(secured: SecuredKafka) -> None:
    variables = secured.access_by_certificate(USER)
    del variables["KAFKA_SSL_CERTIFICATE_LOCATION"], variables["KAFKA_SSL_KEY_LOCATION"]
    assert "check KAFKA_SSL_CERTIFICATE_LOCATION and KAFKA_SSL_KEY_LOCATION" in told(variables)


def test_an_expired_certificate_is_named(tmp_path: Path) -> None:
    with expired_server(tmp_path) as port:
        said = told(
            {
                "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{port}",
                "KAFKA_SECURITY_PROTOCOL": "SSL",
                "KAFKA_SSL_CA_LOCATION": str(tmp_path / "ca.pem"),
            }
        )
    assert "certificate has expired: renew it on the broker, or set the clocks right" in said


def test_nobody_at_the_address_is_said_as_before() -> None:
    assert "Connection refused" in told({"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9"})


async def test_a_service_is_told_the_same(secured: SecuredKafka) -> None:
    brokers = Brokers(settings_from(secured.access(USER) | {"KAFKA_SASL_PASSWORD": "guessed"}))
    with pytest.raises(BrokerError, match="check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD") as raised:
        await brokers.unreadable(["mail.settled"])
    assert "guessed" not in str(raised.value)


@contextmanager
def expired_server(folder: Path) -> Iterator[int]:
    """A server on the loopback whose certificate expired yesterday; it speaks TLS only."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", not_after=datetime.now(UTC) - timedelta(days=1)).configure_cert(context)
    with create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    with suppress(OSError):
                        context.wrap_socket(connection, server_side=True).close()

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1]
