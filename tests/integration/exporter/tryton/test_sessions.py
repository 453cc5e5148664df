"""All calls share one session, a new one begins when it has ended, and a wrong password is not repeated."""

import asyncio
from collections.abc import Iterator

import pytest
from pydantic import SecretStr

from sandbox.tryton.books import CONNECTOR_USER
from sandbox.tryton.running import FilledTryton
from services.exporter.connectors.tryton import TrytonConnector
from services.exporter.connectors.types import Landed, Refused, Transient
from tests.integration.exporter.tryton.conftest import Connect, Sql, settings_for
from tests.integration.exporter.tryton.requests import a_request, id_in

SESSIONS = "select count(*) from ir_session s join res_user u on u.id = s.create_uid where u.login = :login"
ATTEMPTS = "select count(*) from res_user_login_attempt where login = :login"
MANY = 12


@pytest.fixture(autouse=True)
def _nobody_is_signed_in(sql: Sql) -> Iterator[None]:
    sql("delete from ir_session")
    sql("delete from res_user_login_attempt")
    yield
    sql("delete from res_user_login_attempt")


async def test_many_calls_at_once_sign_in_once(connector: TrytonConnector, sql: Sql) -> None:
    answers = await asyncio.gather(*(connector.find(f"c-{number}") for number in range(MANY)))

    assert answers == [()] * MANY
    assert await asyncio.to_thread(sql, SESSIONS, login=CONNECTOR_USER) == [(1,)]


async def test_many_calls_whose_session_has_ended_sign_in_once_more(connector: TrytonConnector, sql: Sql) -> None:
    await connector.find("c-1")
    await asyncio.to_thread(sql, "delete from ir_session")

    answers = await asyncio.gather(*(connector.create(a_request()) for _ in range(MANY)))

    assert all(isinstance(each, Landed) for each in answers)
    assert await asyncio.to_thread(sql, SESSIONS, login=CONNECTOR_USER) == [(1,)]


async def test_a_write_whose_session_has_ended_is_stored_once(connector: TrytonConnector, sql: Sql) -> None:
    request = a_request()
    await connector.find(request.reference)
    await asyncio.to_thread(sql, "update ir_session set create_date = create_date - interval '60 days'")

    assert id_in(await connector.create(request))

    found = await connector.find(request.reference)
    assert isinstance(found, tuple)
    assert len(found) == 1


async def test_a_closed_connector_has_signed_out(tryton: FilledTryton, sql: Sql) -> None:
    connector = TrytonConnector(settings_for(tryton.server.base_url), tryton.connector_password)
    await connector.find("c-1")

    await connector.close()

    assert await asyncio.to_thread(sql, SESSIONS, login=CONNECTOR_USER) == [(0,)]


async def test_a_wrong_password_is_tried_once_for_many_exports(connect: Connect, sql: Sql) -> None:
    """Six failures in five minutes would lock the user."""
    connector = connect(password=SecretStr("wrong"))

    answers = await asyncio.gather(*(connector.create(a_request()) for _ in range(MANY)))

    assert {each.code for each in answers if isinstance(each, Refused)} == {"bad_login"}
    assert len([each for each in answers if isinstance(each, Refused)]) == MANY
    assert await asyncio.to_thread(sql, ATTEMPTS, login=CONNECTOR_USER) == [(1,)]


async def test_a_locked_user_waits_for_as_long_as_tryton_counts(connect: Connect, sql: Sql) -> None:
    await asyncio.to_thread(
        sql,
        "insert into res_user_login_attempt (login, ip_address, ip_network, create_date) "
        "select :login, '127.0.0.1', '127.0.0.1/32', now() at time zone 'utc' from generate_series(1, 10)",
        login=CONNECTOR_USER,
    )
    connector = connect()

    first = await connector.find("c-1")
    second = await connector.find("c-1")

    assert isinstance(first, Transient)
    assert (first.code, first.retry_after_seconds, first.is_reached) == ("rate_limit", 300.0, True)
    assert isinstance(second, Transient)
    assert 290 < second.retry_after_seconds <= 300
    assert await asyncio.to_thread(sql, ATTEMPTS, login=CONNECTOR_USER) == [(11,)]
