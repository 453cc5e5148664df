"""What the address of a database must be, and what is said where it is not."""

import pytest
from pydantic import SecretStr

from services.pipeline.database import Database
from services.pipeline.errors import SettingsError


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://sam:hunter2@host:port/x"])
def test_an_address_that_cannot_be_read_is_told_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is no address") as raised:
        Database(SecretStr(url), application_name="tests")
    assert "hun" not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"])
def test_an_address_may_name_any_driver(scheme: str) -> None:
    database = Database(SecretStr(f"{scheme}://sam:secret@db.example:5433/x"), application_name="tests")
    assert str(database.engine.url) == "postgresql+asyncpg://sam:***@db.example:5433/x"
