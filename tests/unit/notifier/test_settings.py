"""The notifier's settings: what is read, and what is refused."""

import pytest

from services.notifier.settings import NotifierSettings
from services.notifier.smtp import SmtpServer
from services.pipeline.errors import SettingsError
from services.pipeline.settings import load

GIVEN = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "DATABASE_URL": "postgresql://all@db/countersign",
    "SMTP_URL": "smtp+starttls://erp%40desk:p%2Fw@mail.example",
    "MAIL_FROM": "Countersign <erp@desk.example>",
    "PUBLIC_URL": "https://desk.example",
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.delenv("NOTIFIER_DATABASE_URL", raising=False)
    for name, value in GIVEN.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_settings_come_from_the_environment_and_hide_secrets() -> None:
    settings = load(NotifierSettings)
    assert settings.mail_from == GIVEN["MAIL_FROM"]
    assert settings.smtp_url.get_secret_value() == GIVEN["SMTP_URL"]
    assert "p%2Fw" not in repr(settings)


def test_the_notifiers_own_database_url_takes_precedence(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("NOTIFIER_DATABASE_URL", "postgresql://own@db/notifier")
    assert load(NotifierSettings).database_url.get_secret_value() == "postgresql://own@db/notifier"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "mail.example:25"),
        ("SMTP_URL", "http://mail.example"),
        ("SMTP_URL", "smtp://:25"),
        ("SMTP_URL", "smtp://mail.example:99999"),
        ("MAIL_FROM", "Countersign"),
        ("MAIL_FROM", "erp@"),
        ("MAIL_FROM", "Countersign <erp@desk.example>\r\nBcc: x@evil.example"),
        ("MAIL_FROM", "größe@desk.example"),
        ("MAIL_FROM", "erp@straße.example"),
        ("MAIL_FROM", "erp@desk.example, x@evil.example"),
        ("MAIL_FROM", "erp:x@desk.example"),
        ("MAIL_FROM", "erp(x)@desk.example"),
        ("MAIL_FROM", "=?utf-8?q?erp?=@desk.example"),
        ("MAIL_FROM", "erp@mailhost"),
        ("PUBLIC_URL", "desk.example"),
    ],
)
def test_an_invalid_value_is_refused_with_the_name_of_its_variable(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        load(NotifierSettings)


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    "sender", ["erp@desk.example", "erp@Desk.Example", '"Größe, Inc." <erp@desk.example>', "ERP <erp@mail.corp.local>"]
)
def test_a_sender_is_an_address_with_or_without_a_name(environment: pytest.MonkeyPatch, sender: str) -> None:
    environment.setenv("MAIL_FROM", sender)
    assert load(NotifierSettings).mail_from == sender


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", SmtpServer("mail.example", 25, "none")),
        ("smtp://127.0.0.1:2525", SmtpServer("127.0.0.1", 2525, "none")),
        (GIVEN["SMTP_URL"], SmtpServer("mail.example", 587, "starttls", "erp@desk", "p/w")),
        ("smtps://u:p@mail.example", SmtpServer("mail.example", 465, "tls", "u", "p")),
    ],
)
def test_the_url_gives_server_encryption_and_credentials(url: str, expected: SmtpServer) -> None:
    assert SmtpServer.from_url(url) == expected


def test_a_password_is_not_in_the_repr() -> None:
    assert "p/w" not in repr(SmtpServer.from_url(GIVEN["SMTP_URL"]))
