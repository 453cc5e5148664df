from datetime import time

import pytest

from services.digest.settings import DigestSettings
from services.pipeline.errors import SettingsError
from services.pipeline.settings import load

COMPLETE = {
    "KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:9092",
    "DATABASE_URL": "postgresql://u:p@127.0.0.1/d",
    "PUBLIC_URL": "https://desk.example",
    "LINK_SECRET": "sixteen characters",
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DIGEST_AT", "DIGEST_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    for name, value in COMPLETE.items():
        monkeypatch.setenv(name, value)


def test_the_summary_is_due_at_six_by_default(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load(DigestSettings).digest_at == time(6)
    monkeypatch.setenv("DIGEST_AT", "07:45")
    assert load(DigestSettings).digest_at == time(7, 45)


@pytest.mark.parametrize("wrong", ["06:00+01:00", "24:00", "soon", "6"])
def test_an_invalid_time_of_day_is_reported_by_variable(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("DIGEST_AT", wrong)
    with pytest.raises(SettingsError, match="DIGEST_AT"):
        load(DigestSettings)


@pytest.mark.parametrize("missing", ["LINK_SECRET", "PUBLIC_URL", "DATABASE_URL"])
def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    monkeypatch.delenv(missing)
    with pytest.raises(SettingsError, match=missing):
        load(DigestSettings)


def test_its_own_database_takes_precedence_over_the_shared_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGEST_DATABASE_URL", "postgresql://u:p@127.0.0.1/own")
    assert load(DigestSettings).database_url.get_secret_value().endswith("/own")
