"""Addresses of databases, and what each kind of database error means."""

import pytest
from pydantic import SecretStr
from sqlalchemy.exc import DBAPIError, InvalidRequestError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from services.pipeline.database import Database, is_data_error, is_unavailable, may_succeed_later
from services.pipeline.errors import SettingsError


@pytest.mark.parametrize("url", ["", "nonsense", "postgresql://sam:hunter2@host:port/x"])
def test_an_invalid_address_is_reported_without_its_password(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL is no address") as raised:
        Database(SecretStr(url), application_name="tests")
    assert "hun" not in str(raised.value)
    assert raised.value.__suppress_context__


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+asyncpg", "postgresql+psycopg"])
def test_an_address_can_name_any_driver(scheme: str) -> None:
    database = Database(SecretStr(f"{scheme}://sam:secret@db.example:5433/x"), application_name="tests")
    assert str(database.engine.url) == "postgresql+asyncpg://sam:***@db.example:5433/x"


class Refusal(Exception):  # noqa: N818 - like the driver's errors, which have a SQLSTATE
    def __init__(self, sqlstate: str | None) -> None:
        self.sqlstate = sqlstate


def refused(sqlstate: str | None, *, is_lost: bool = False) -> DBAPIError:
    return DBAPIError("select", None, Refusal(sqlstate), connection_invalidated=is_lost)


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(),
        TimeoutError(),
        PoolTimeoutError("no connection is free"),
        refused(None, is_lost=True),
        refused("08003"),
        refused("40P01"),
        refused("53300"),
        refused("57P03"),
    ],
)
def test_an_unavailable_database_is_recognised(error: Exception) -> None:
    assert is_unavailable(error)


@pytest.mark.parametrize(
    "error", [refused(None), refused("22P02"), refused("23505"), refused("42P01"), InvalidRequestError()]
)
def test_our_own_defect_is_not_taken_for_an_unavailable_database(error: Exception) -> None:
    assert not is_unavailable(error)


@pytest.mark.parametrize(
    ("sqlstate", "is_data", "may_succeed"),
    [
        ("22001", True, False),  # too long
        ("22P05", True, False),  # no such character
        ("23514", True, False),  # a check
        ("54000", True, False),  # beyond a limit of the program
        ("40P01", False, True),  # a deadlock
        ("40001", False, True),  # not serialisable
        ("57P01", False, True),  # shut down
        ("08006", False, True),  # connection lost
        ("42P01", False, True),  # no such table: a migration is missing
        (None, False, False),
    ],
)
def test_only_errors_in_the_data_cannot_be_fixed_by_a_retry(
    sqlstate: str | None, *, is_data: bool, may_succeed: bool
) -> None:
    assert is_data_error(refused(sqlstate)) is is_data
    assert may_succeed_later(refused(sqlstate)) is may_succeed


@pytest.mark.parametrize("error", [refused(None, is_lost=True), ConnectionRefusedError(), PoolTimeoutError()])
def test_a_lost_connection_is_no_error_in_the_data_and_may_come_back(error: Exception) -> None:
    assert not is_data_error(error)
    assert may_succeed_later(error)


def test_an_error_that_never_reached_the_database_is_not_an_error_in_the_data() -> None:
    assert not is_data_error(DBAPIError("insert", None, OSError("away")))
    assert not is_data_error(ValueError())
    assert not may_succeed_later(ValueError())
