"""No request, and no event, holds the event loop of a service for long, however heavy the contract lets it be."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr

from sandbox.configuration import DATABASE
from sandbox.world import World, WorldOptions, running_world
from services.approval.identity.identity import SESSION
from services.approval.identity.sign_in.cookies import Cookies
from services.approval.storage import tallies
from services.approval.storage.sessions import Sessions
from services.approval.storage.views import DeskView
from services.pipeline.database import Database
from tests.chaos import heavy_contents as heavy
from tests.chaos.measured_service import LONGEST_SECONDS, Hold, MeasuredService
from tests.integration.approval import company
from tests.waiting import eventually

REPORTED, TRIES = 5, 4
API = "/api/v1"


@pytest.mark.alone
async def test_no_request_and_no_event_holds_the_loop(tmp_path: Path, report: Callable[[str], None]) -> None:
    longest: dict[str, Hold] = {}
    async with measured_desk(tmp_path) as (world, service, database):
        with service.measured() as holds:
            await heavy.publish(world, heavy.events())
            await eventually(lambda: is_read(database), 300)
        # once, while statements are made that are then kept, and in the middle of whatever the machine does besides
        assert holds.longest.seconds < 2 * LONGEST_SECONDS, holds.longest
        await heavy.fill(database)
        async with desk(world, database, heavy.DANA.person_id) as browser:
            for name, send in REQUESTS.items():
                said, hold = await shortest_of_some(service, lambda send=send: send(browser))
                longest[f"{name} ({said})"] = hold
    in_order = sorted(longest.items(), key=lambda pair: -pair[1].seconds)
    for name, hold in in_order[:REPORTED]:
        report(f"the loop was held for {1_000 * hold.seconds:.0f} ms at most by {name}")
    too_long = [each for each in in_order if each[1].seconds > LONGEST_SECONDS]
    assert not too_long, "\n".join(f"{name}: {hold.seconds:.3f} s\n{hold.where}" for name, hold in too_long)


async def shortest_of_some(
    service: MeasuredService, send: Callable[[], Awaitable[httpx2.Response]]
) -> tuple[str, Hold]:
    """What came back, and the longest hold; if that is too long, the shortest of TRIES: a busy machine is slower."""
    found: list[tuple[str, Hold]] = []
    while len(found) < TRIES and not (found and found[-1][1].seconds <= LONGEST_SECONDS):
        with service.measured() as holds:
            said = await answer(send())
        found.append((said, holds.longest))
    return min(found, key=lambda each: each[1].seconds)


async def answer(sending: Awaitable[httpx2.Response]) -> str:
    """What came back, in short; a body that is refused before it was read may end the connection."""
    try:
        response = await sending
    except httpx2.TransportError as error:
        return type(error).__name__
    return f"{response.status_code}, {len(response.content):,} B"


def get(path: str) -> Any:
    return lambda browser: browser.get(path)


def post(path: str, body: Any) -> Any:
    content = body if isinstance(body, str) else json.dumps(body)
    return lambda browser: browser.post(path, content=content, headers={"content-type": "application/json"})


def form(path: str, fields: int | str) -> Any:
    body = fields if isinstance(fields, str) else "&".join(f"choice-{n}=x{n}" for n in range(fields))
    kind = {"content-type": "application/x-www-form-urlencoded"}
    return lambda browser: browser.post(path, content=body, headers=kind)


COMMITMENTS = (
    heavy.DIFFERENT, heavy.SAME, heavy.RESENT, heavy.DISPUTED, heavy.UNKNOWN, heavy.FAILED, heavy.SYNCED, heavy.LONG,
)  # fmt: skip
VIEWS = ("ready", "failed", "exporting", "synced", "differing", "rejected", "all")
PER_COMMITMENT = ("", "/history", "/history.json", "/story")
PER_API = ("", "/history", "/audit", "/story")
GETS = (
    *(f"/commitments/{each}{what}" for each in COMMITMENTS for what in PER_COMMITMENT),
    *(f"{API}/commitments/{each}{what}" for each in COMMITMENTS for what in PER_API),
    *(f"/commitments?view={view}" for view in VIEWS),
    *(f"/commitments?view=ready&item={each}" for each in COMMITMENTS),
    *(f"{path}?view={view}" for view in ("ready", "failed", "all") for path in ("/print", "/commitments.csv")),
    *(f"{API}/commitments?view={view}&limit=200" for view in VIEWS),
    *(f"{API}/{each}" for each in ("marks", "people", "delegations", "reasons", "me", "sessions", "openapi.json")),
    *("/review", "/directory", "/delegations", "/access", "/reasons", "/help", "/reject-several"),
    *("/failed/reject?cause=No", "/metrics", "/health/ready"),
)
MANY = [{"verb": "accept", "commitment_id": "x", "answer": {"revision": 1, "content_hash": "0" * 64}}]
BIG = {"revision": 1, "content_hash": "0" * 64}
REQUESTS: dict[str, Any] = {
    **{path: get(path) for path in GETS},
    "50 answers that are refused": post(f"{API}/answers", {"answers": MANY * 50}),
    "1,900 items": post(f"{API}/answers", {"answers": [1] * 1_900, "x": "y" * 20_000}),
    "300,000 items": post(f"{API}/answers", {"answers": [1] * 300_000}),
    "250,000 objects": post(f"{API}/answers", {"answers": [{}] * 250_000}),
    "60,000 members": post(f"{API}/answers", {"answers": [], **{f"m{n}": n for n in range(60_000)}}),
    "deep": post(f"{API}/answers", "[" * 1_000_000),
    "deep and closed": post(f"{API}/answers", "[" * 500_000 + "]" * 500_000),
    "deep in a member": post(f"{API}/answers", '{"answers":' + "[" * 400 + "]" * 400 + "}"),
    "members of accept": post(f"{API}/commitments/few-000/accept", BIG | {f"m{n}": n for n in range(60_000)}),
    "items in accept": post(f"{API}/commitments/few-000/accept", BIG | {"note": [1] * 300_000}),
    "long reason": post(f"{API}/commitments/few-000/reject", BIG | {"reason": "\u200b" * 150_000}),
    "list for accept": post(f"{API}/commitments/few-000/accept", [[]] * 250_000),
    "accept of 2,000 lines": post(f"{API}/commitments/{heavy.DIFFERENT}/accept", BIG),
    "mark of 2,000 lines": post(f"{API}/marks", {"verb": "accept", "commitment_id": heavy.DIFFERENT, "answer": BIG}),
    "form of 900 fields": form("/review", 900),
    "form of 10,000 fields": form("/review", 10_000),
    "form of 60,000 fields": form("/review", 60_000),
    "form of ampersands": form("/review", "&" * 1_000_000),
    "form of escapes": form("/review", "a=" + "%e2%80%8b" * 110_000),
    "form of semicolons": form("/marks", "mark=" + ":" * 900_000),
    "a long search": get("/commitments?view=all&q=" + "x" * 10_000),
    "many projects": get(f"{API}/commitments?" + "&".join(f"project={n}" for n in range(4_000))),
}


async def is_read(database: Database) -> bool:
    """Whether approval has read the last events."""
    async with database.begin() as db:
        return (await tallies.counts(db, company.COMPANY))[DeskView.FAILED] == heavy.LISTED + 1


@asynccontextmanager
async def measured_desk(folder: Path) -> AsyncIterator[tuple[World, MeasuredService, Database]]:
    """Approval alone, measured."""
    async with running_world(folder, WorldOptions(services=())) as world:
        port = int(world.desk_url.rpartition(":")[2])
        service = MeasuredService("approval", world.environment_of("approval"), folder=folder, port=port)
        database = Database(SecretStr(world.postgres.url_of(DATABASE)), application_name="tests")
        await asyncio.to_thread(service.start)
        try:
            yield world, service, database
        finally:
            await asyncio.to_thread(service.close)
            await database.close()


@asynccontextmanager
async def desk(world: World, database: Database, person_id: str) -> AsyncIterator[httpx2.AsyncClient]:
    """A browser, and a program, of one person."""
    token = await Sessions(database, timedelta(hours=1)).begin(person_id, timedelta(hours=1))
    headers = {"sec-fetch-site": "same-origin", "authorization": f"Bearer {world.sign_in.bearer_token(person_id)}"}
    async with httpx2.AsyncClient(base_url=world.desk_url, headers=headers, timeout=60, trust_env=False) as browser:
        browser.cookies.set(Cookies(world.desk_url).name(SESSION), token)
        yield browser
