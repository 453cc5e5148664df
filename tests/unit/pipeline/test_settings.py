"""Settings come from the environment; errors name the variable and never show its value."""

from pathlib import Path
from typing import Any

import pytest
import trustme
from pydantic import SecretStr, ValidationError

from schemas.topics import RETENTION_DAYS
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


def error_text(settings_type: type[ServiceSettings]) -> str:
    with pytest.raises(SettingsError) as raised:
        load(settings_type)
    return str(raised.value)


@pytest.mark.parametrize("settings_type", SERVICES)
def test_all_missing_variables_are_named_at_once(settings_type: type[ServiceSettings]) -> None:
    text = error_text(settings_type)
    required = {name.upper() for name, field in settings_type.model_fields.items() if field.is_required()}
    assert "KAFKA_BOOTSTRAP_SERVERS" in required
    assert {name for name in required if name not in text} == set()
    assert text.endswith("See .env.example.")


@pytest.mark.parametrize("settings_type", SERVICES)
def test_an_error_never_shows_a_value(settings_type: type[ServiceSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, field in settings_type.model_fields.items():
        if field.annotation is not str:
            monkeypatch.setenv(name.upper(), SECRET)
    text = error_text(settings_type)
    assert "HTTP_PORT" in text
    assert SECRET not in text


def test_a_secret_that_is_too_short_is_told_in_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINK_SECRET", "short")
    assert "LINK_SECRET: needs at least 16 characters" in error_text(ApprovalSettings)


@pytest.mark.parametrize("token", ["Schlüssel-der-Nacht", "line\nbreak-in-the-token"])
def test_a_token_that_no_header_carries_is_refused_at_start(token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATIONS_TOKEN", token)
    assert "OPERATIONS_TOKEN: must have letters, digits and signs of ASCII only" in error_text(ApprovalSettings)


def test_an_api_whose_audience_is_the_desks_own_is_refused_at_start(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {name: "http://x.example" for name, field in ApprovalSettings.model_fields.items() if field.is_required()}
    for name, value in (given | {"link_secret": "l" * 32, "oidc_client_id": "desk", "oidc_audience": "desk"}).items():
        monkeypatch.setenv(name.upper(), value)
    assert "OIDC_AUDIENCE must differ from OIDC_CLIENT_ID" in error_text(ApprovalSettings)
    monkeypatch.setenv("OIDC_AUDIENCE", "desk-api")
    assert load(ApprovalSettings).oidc_audience == "desk-api"


@pytest.mark.parametrize("name", ["PUBLIC_URL", "OIDC_ISSUER"])
def test_an_address_without_its_scheme_is_told_in_words(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "sign-in.example")
    assert f"{name}: must be an http or https address" in error_text(ApprovalSettings)


def test_the_cause_with_the_values_is_suppressed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PORT", SECRET)
    with pytest.raises(SettingsError) as raised:
        load(ServiceSettings)
    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("settings_type", SERVICES)
def test_each_service_can_have_its_own_database(
    settings_type: type[ServiceSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    service = settings_type.__name__.removesuffix("Settings").upper()
    given = {name: "http://x.example" for name, field in settings_type.model_fields.items() if field.is_required()}
    given |= {
        "smtp_url": "smtp://mail.example",
        "mail_from": "erp@desk.example",
        "link_secret": "l" * 32,
        "oidc_audience": "api",
    }
    for name in settings_type.model_fields.keys() & given.keys() - {"database_url"}:
        monkeypatch.setenv(name.upper(), given[name])
    monkeypatch.setenv("DATABASE_URL", "postgresql://shared.example/all")
    assert load(settings_type).database_url.get_secret_value() == "postgresql://shared.example/all"
    monkeypatch.setenv(f"{service}_DATABASE_URL", "postgresql://own.example/one")
    assert load(settings_type).database_url.get_secret_value() == "postgresql://own.example/one"


@pytest.mark.parametrize("settings_type", [*SERVICES, KafkaSettings])
def test_every_setting_has_a_description(settings_type: type[ServiceSettings]) -> None:
    assert {name for name, field in settings_type.model_fields.items() if not field.description} == set()


@pytest.mark.parametrize("settings_type", SERVICES)
def test_every_secret_is_a_secret_str(settings_type: type[ServiceSettings]) -> None:
    words = ("secret", "password", "database_url", "smtp_url")
    secret = {name for name in settings_type.model_fields if any(word in name for word in words)}
    assert {name for name in secret if "SecretStr" not in str(settings_type.model_fields[name].annotation)} == set()


def test_logged_settings_show_no_secret() -> None:
    settings = ServiceSettings(
        kafka_bootstrap_servers="k:9092",
        kafka_sasl_password=SecretStr(SECRET),
        database_url=SecretStr(f"postgresql://u:{SECRET}@h/d"),
    )
    assert SECRET not in str(settings.model_dump(mode="json"))
    assert SECRET not in repr(settings)


@pytest.fixture
def secured(tmp_path: Path) -> dict[str, Any]:
    """Settings for a broker with TLS, with real files."""
    authority = trustme.CA()
    issued = authority.issue_cert("kafka.example")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "our.pem"))
    issued.private_key_pem.write_to_path(str(tmp_path / "our.key"))
    return {
        "kafka_bootstrap_servers": "k:9092",
        "kafka_security_protocol": "SASL_SSL",
        "kafka_sasl_mechanism": "SCRAM-SHA-512",
        "kafka_sasl_username": "us",
        "kafka_sasl_password": SecretStr(SECRET),
        "kafka_ssl_ca_location": tmp_path / "ca.pem",
        "kafka_ssl_certificate_location": tmp_path / "our.pem",
        "kafka_ssl_key_location": tmp_path / "our.key",
        "kafka_ssl_key_password": SecretStr("key"),
    }


def test_the_kafka_configuration_contains_only_what_is_set(secured: dict[str, Any], tmp_path: Path) -> None:
    assert KafkaSettings(kafka_bootstrap_servers="k:9092").client_config() == {
        "bootstrap.servers": "k:9092",
        "security.protocol": "PLAINTEXT",
    }
    assert KafkaSettings(**secured).client_config() == {
        "bootstrap.servers": "k:9092",
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": "us",
        "sasl.password": SECRET,
        "ssl.ca.location": f"{tmp_path}/ca.pem",
        "ssl.certificate.location": f"{tmp_path}/our.pem",
        "ssl.key.location": f"{tmp_path}/our.key",
        "ssl.key.password": "key",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"kafka_sasl_mechanism": None}, "needs KAFKA_SASL_MECHANISM as well"),
        ({"kafka_sasl_username": None, "kafka_sasl_password": None}, "KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD"),
        ({"kafka_ssl_ca_location": Path("/nowhere/ca.pem")}, "KAFKA_SSL_CA_LOCATION=/nowhere/ca.pem: No such file"),
        ({"kafka_ssl_key_location": Path("/nowhere/our.key")}, "KAFKA_SSL_KEY_LOCATION=/nowhere/our.key: No such file"),
        ({"kafka_ssl_ca_location": Path(__file__)}, r"The files in KAFKA_SSL_\* cannot be used"),
    ],
)
def test_settings_that_no_client_could_use_are_refused_at_start(
    secured: dict[str, Any], given: dict[str, Any], words: str
) -> None:
    with pytest.raises(SettingsError, match=words) as refused:
        load(KafkaSettings, **(secured | given))
    assert SECRET not in str(refused.value)


def test_a_key_of_another_certificate_is_refused_at_start(secured: dict[str, Any], tmp_path: Path) -> None:
    other = trustme.CA().issue_cert("other.example")
    other.private_key_pem.write_to_path(str(tmp_path / "our.key"))
    with pytest.raises(SettingsError, match=r"The files in KAFKA_SSL_\* cannot be used"):
        load(KafkaSettings, **secured)


def test_a_mechanism_without_a_password_needs_none(secured: dict[str, Any]) -> None:
    given = {"kafka_sasl_mechanism": "GSSAPI", "kafka_sasl_username": None, "kafka_sasl_password": None}
    assert load(KafkaSettings, **(secured | given)).kafka_sasl_mechanism == "GSSAPI"


@pytest.mark.parametrize("service", ["approval", "exporter", "notifier", "digest"])
def test_a_missing_database_url_error_names_the_variables_to_set(service: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match=f"Set DATABASE_URL, or {service.upper()}_DATABASE_URL"):
        database_url(service)
    monkeypatch.setenv("DATABASE_URL", "postgresql://shared.example/all")
    assert database_url(service).get_secret_value() == "postgresql://shared.example/all"
    monkeypatch.setenv(f"{service.upper()}_DATABASE_URL", "postgresql://own.example/one")
    assert database_url(service).get_secret_value() == "postgresql://own.example/one"


KEPT = ["keep_mails_days", "keep_finished_days", "keep_dead_letters_days", "keep_summaries_days", "keep_history_days"]


@pytest.mark.parametrize("name", KEPT)
def test_what_makes_a_repeat_harmless_cannot_be_deleted_while_a_repeat_may_come(name: str) -> None:
    """Three times 14 days: on a topic, in a backup, and on a topic again after a restored service has published it."""
    settings_type = next(each for each in SERVICES if name in each.model_fields)
    with pytest.raises(ValidationError, match=name):
        settings_type.model_validate({name: 3 * RETENTION_DAYS})
    assert settings_type.model_fields[name].default > 3 * RETENTION_DAYS
