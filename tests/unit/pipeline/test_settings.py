"""Settings come from the environment; what is wrong with them is told by name and never by value."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from services.approval.settings import ApprovalSettings
from services.digest.settings import DigestSettings
from services.exporter.settings import ExporterSettings
from services.notifier.settings import NotifierSettings
from services.pipeline.errors import SettingsError
from services.pipeline.settings import KafkaSettings, ServiceSettings, database_url, load

SERVICES: list[type[ServiceSettings]] = [ApprovalSettings, ExporterSettings, NotifierSettings, DigestSettings]
SECRET = "hunter2-very-secret"


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    names = {name for settings in SERVICES for name in settings.model_fields}
    for name in names:
        monkeypatch.delenv(name.upper(), raising=False)
    for service in ("APPROVAL", "EXPORTER", "NOTIFIER", "DIGEST"):
        monkeypatch.delenv(f"{service}_DATABASE_URL", raising=False)


def complaint(settings_type: type[ServiceSettings]) -> str:
    with pytest.raises(SettingsError) as raised:
        load(settings_type)
    return str(raised.value)


@pytest.mark.parametrize("settings_type", SERVICES)
def test_every_missing_variable_is_named_at_once(settings_type: type[ServiceSettings]) -> None:
    said = complaint(settings_type)
    required = {name.upper() for name, field in settings_type.model_fields.items() if field.is_required()}
    assert "KAFKA_BOOTSTRAP_SERVERS" in required
    assert {name for name in required if name not in said} == set()
    assert said.endswith("See .env.example.")


@pytest.mark.parametrize("settings_type", SERVICES)
def test_a_complaint_never_repeats_a_value(
    settings_type: type[ServiceSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, field in settings_type.model_fields.items():
        if field.annotation is not str:
            monkeypatch.setenv(name.upper(), SECRET)
    said = complaint(settings_type)
    assert "HTTP_PORT" in said
    assert SECRET not in said


def test_the_cause_that_holds_the_values_is_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", SECRET)
    with pytest.raises(SettingsError) as raised:
        load(ServiceSettings)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("settings_type", SERVICES)
def test_each_service_may_have_a_database_of_its_own(
    settings_type: type[ServiceSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = settings_type.__name__.removesuffix("Settings").upper()
    given = {name: "http://x.example" for name, field in settings_type.model_fields.items() if field.is_required()}
    given |= {"smtp_url": "smtp://mail.example", "mail_from": "erp@desk.example", "link_secret": "l" * 32}
    for name in settings_type.model_fields.keys() & given.keys() - {"database_url"}:
        monkeypatch.setenv(name.upper(), given[name])
    monkeypatch.setenv("DATABASE_URL", "postgresql://shared.example/all")
    assert load(settings_type).database_url.get_secret_value() == "postgresql://shared.example/all"
    monkeypatch.setenv(f"{service}_DATABASE_URL", "postgresql://own.example/one")
    assert load(settings_type).database_url.get_secret_value() == "postgresql://own.example/one"


@pytest.mark.parametrize("settings_type", [*SERVICES, KafkaSettings])
def test_every_setting_is_described(settings_type: type[ServiceSettings]) -> None:
    assert {name for name, field in settings_type.model_fields.items() if not field.description} == set()


@pytest.mark.parametrize("settings_type", SERVICES)
def test_every_secret_is_kept_as_one(settings_type: type[ServiceSettings]) -> None:
    words = ("secret", "password", "database_url", "smtp_url")
    secret = {name for name in settings_type.model_fields if any(word in name for word in words)}
    assert {name for name in secret if "SecretStr" not in str(settings_type.model_fields[name].annotation)} == set()


def test_what_is_logged_of_settings_shows_no_secret() -> None:
    settings = ServiceSettings(
        kafka_bootstrap_servers="k:9092",
        kafka_sasl_password=SecretStr(SECRET),
        database_url=SecretStr(f"postgresql://u:{SECRET}@h/d"),
    )
    assert SECRET not in str(settings.model_dump(mode="json"))
    assert SECRET not in repr(settings)


def test_kafka_is_told_only_what_is_set() -> None:
    assert KafkaSettings(kafka_bootstrap_servers="k:9092").client_config() == {
        "bootstrap.servers": "k:9092",
        "security.protocol": "PLAINTEXT",
    }
    secured = KafkaSettings(
        kafka_bootstrap_servers="k:9092",
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_mechanism="SCRAM-SHA-512",
        kafka_sasl_username="us",
        kafka_sasl_password=SecretStr(SECRET),
        kafka_ssl_ca_location=Path("/ca.pem"),
        kafka_ssl_certificate_location=Path("/our.pem"),
        kafka_ssl_key_location=Path("/our.key"),
        kafka_ssl_key_password=SecretStr("key"),
    )
    assert secured.client_config() == {
        "bootstrap.servers": "k:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "us",
        "sasl.password": SECRET,
        "ssl.ca.location": "/ca.pem",
        "ssl.certificate.location": "/our.pem",
        "ssl.key.location": "/our.key",
        "ssl.key.password": "key",
    }


@pytest.mark.parametrize("service", ["approval", "exporter", "notifier", "digest"])
def test_operators_are_told_which_database_variable_to_set(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=f"Set DATABASE_URL, or {service.upper()}_DATABASE_URL"):
        database_url(service)
    monkeypatch.setenv("DATABASE_URL", "postgresql://shared.example/all")
    assert database_url(service).get_secret_value() == "postgresql://shared.example/all"
    monkeypatch.setenv(f"{service.upper()}_DATABASE_URL", "postgresql://own.example/one")
    assert database_url(service).get_secret_value() == "postgresql://own.example/one"
