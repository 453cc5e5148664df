"""Who is answered at /operations, how often, and with what: a service's own database behind its real application."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient
from pydantic import BaseModel, SecretStr

from schemas.story import PATH, NotifierPart
from services.notifier.explaining import TOPICS, explain
from services.notifier.storage.migrations import MIGRATIONS
from services.pipeline.asking import address, ask
from services.pipeline.database import Database
from services.pipeline.errors import NotToldError
from services.pipeline.explaining import Explain, TailsOf
from services.pipeline.http import new_app
from services.pipeline.migrations import Migrations
from services.pipeline.operations_endpoint import (
    ANSWER_SECONDS,
    ASKED_PER_MINUTE,
    WRONG_PER_MINUTE,
    with_operations,
)
from services.pipeline.settings import ServiceSettings

TOKEN = "a secret of these tests"
RIGHT = {"authorization": f"Bearer {TOKEN}"}
URL = "http://notifier"


@pytest.fixture
def template(migrated: Callable[[Migrations], str]) -> str:
    """A database with the notifier's tables and no rows."""
    return migrated(MIGRATIONS)


@asynccontextmanager
async def service(url: str, *, token: str | None = TOKEN, explain: Explain = explain) -> AsyncIterator[AsyncClient]:
    settings = ServiceSettings(
        kafka_bootstrap_servers="127.0.0.1:9",
        database_url=SecretStr(url),
        operations_token=SecretStr(token) if token else None,
    )
    database = Database(settings.database_url, application_name="tests", pool_size=2)
    app = with_operations(new_app("tests"), settings, database, explain)
    async with AsyncClient(transport=ASGITransport(app), base_url=URL) as client:
        yield client
    await database.close()


async def told(client: AsyncClient, asked: str) -> NotifierPart:
    return await ask(client, URL, SecretStr(TOKEN), asked, NotifierPart.model_validate_json)


async def test_with_the_token_the_part_is_told_and_kept_out_of_caches(database_url: str) -> None:
    async with service(database_url) as client:
        answer = await client.get(f"{PATH}/8841", headers=RIGHT)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    part = NotifierPart.model_validate_json(answer.content)
    assert [each.topic for each in part.traffic.readings] == TOPICS


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"authorization": "Bearer wrong"},
        {"authorization": f"Basic {TOKEN}"},
        {"authorization": TOKEN},
        {"authorization": f"Bearer {TOKEN}x"},
        {"authorization": b"Bearer \xff\xfe"},
    ],
)
async def test_without_it_nothing_is_told(database_url: str, headers: Any) -> None:
    async with service(database_url) as client:
        answer = await client.get(f"{PATH}/8841", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert "traffic" not in answer.text


async def test_where_no_token_is_set_there_is_no_such_path(database_url: str) -> None:
    async with service(database_url, token=None) as client:
        assert (await client.get(f"{PATH}/8841", headers=RIGHT)).status_code == 404
        with pytest.raises(NotToldError, match="no OPERATIONS_TOKEN"):
            await told(client, "8841")


async def test_whoever_guesses_is_refused_sooner_and_the_right_token_still_works(database_url: str) -> None:
    async with service(database_url) as client:
        statuses = [(await client.get(f"{PATH}/8841")).status_code for _ in range(WRONG_PER_MINUTE + 1)]
        assert statuses == [401] * WRONG_PER_MINUTE + [429]
        await told(client, "8841")


async def test_questions_are_bounded_in_a_minute(database_url: str) -> None:
    async with service(database_url, explain=_echo) as client:
        for _ in range(ASKED_PER_MINUTE):
            await client.get(f"{PATH}/8841", headers=RIGHT)
        with pytest.raises(NotToldError, match="asked too often"):
            await told(client, "8841")


class _Echo(BaseModel):
    asked: str


async def _echo(_database: Database, asked: str, _tails: TailsOf) -> BaseModel:
    return _Echo(asked=asked)


ODD = ["a/b", "..", ".", "../../etc/passwd", "/", "//x", "a?b#c", "%2F%2e", "Büro 7", "\u202eabc", "a b", "x" * 400]


@pytest.mark.parametrize("odd", ODD)
async def test_odd_ids_arrive_as_they_are(database_url: str, odd: str) -> None:
    async with service(database_url, explain=_echo) as client:
        found = await ask(client, URL, SecretStr(TOKEN), odd, _Echo.model_validate_json)
    assert found.asked == odd


@pytest.mark.parametrize("asked", ["x" * 401, "a\x00b"])
async def test_what_can_be_no_id_is_not_looked_for(database_url: str, asked: str) -> None:
    async with service(database_url) as client:
        assert (await client.get(address(URL, asked), headers=RIGHT)).status_code == 400
        with pytest.raises(NotToldError, match="no commitment has such an id or number"):
            await told(client, asked)


async def test_a_database_that_is_away_is_said() -> None:
    async with service("postgresql://nobody@127.0.0.1:9/none") as client:
        with pytest.raises(NotToldError, match="its database refuses, or does not answer in time"):
            await told(client, "8841")


async def test_an_answer_that_takes_too_long_is_given_up(database_url: str) -> None:
    async def endless(_database: Database, asked: str, _tails: TailsOf) -> BaseModel:
        await asyncio.Event().wait()
        return _Echo(asked=asked)

    async with service(database_url, explain=endless) as client:
        answer = await asyncio.wait_for(client.get(f"{PATH}/8841", headers=RIGHT), ANSWER_SECONDS * 5)
    assert answer.status_code == 503


async def test_an_answer_of_another_kind_is_not_believed(database_url: str) -> None:
    async with service(database_url, explain=_echo) as client:
        with pytest.raises(NotToldError, match="another release"):
            await told(client, "8841")


async def test_kafka_that_is_away_leaves_the_ends_unknown(database_url: str) -> None:
    async with service(database_url) as client:
        part = await told(client, "8841")
    assert {each.end_offset for each in part.traffic.readings} == {None}
