"""An ERP, a mail server and a sign-in provider answer without end, and the services neither grow nor stand still."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import httpx2
import pytest

from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.service_process import ServiceProcess
from sandbox.world import World, WorldOptions, running_world
from schemas.envelope import encode, new_event
from schemas.events import QuestionAsked
from schemas.examples.cast import COMPANY
from schemas.examples.questions import EXAMPLES
from services.pipeline.broker import EventProducer
from services.pipeline.clock import utc_now
from tests.chaos.hostile_servers import HTTP_ANSWERS, SMTP_ANSWERS, Answer, HostileServer, hostile_http, hostile_smtp
from tests.chaos.memory import MAX_MEMORY_MB, memory_mb
from tests.log_lines import lines_in
from tests.waiting import eventually

ANSWER_SECONDS = 2.0
READ_ON_SECONDS = 5.0
MAX_LINES_PER_MINUTE = 60
"""Among them one for each attempt to export, which has an outcome."""
OF_KINDS = {
    "http": "",
    "tryton": 'database = "books"\nuser = "countersign"\nhas_products = false\n',
    "lambda_erp": 'company = "Harbor Builders"\n',
}


@dataclass(frozen=True)
class Size:
    rounds: int


SHORT = Size(rounds=1)
LONG = Size(rounds=10)


@pytest.mark.parametrize("kind", OF_KINDS)
async def test_an_erp_that_answers_without_end(
    tmp_path: Path, size: Size, kind: str, report: Callable[[str], None]
) -> None:
    """Each kind of answer comes `rounds` times, or more often; then the exporter is still well."""
    async with hostile_http() as erp:
        options = WorldOptions(
            services=("approval", "exporter"),
            erp_connections=connections_file(tmp_path, kind, erp),
            variables={"LOG_FORMAT": "json", "HOSTILE_TOKEN": "s3cret"},
        )
        async with running_world(tmp_path, options) as world, watching(world.services["exporter"]) as watch:
            await send(world, some_ids("h", 40))
            async with accepting(world):
                await eventually(lambda: has_given(erp, HTTP_ANSWERS, size.rounds), 240)
            await asyncio.sleep(READ_ON_SECONDS)  # the last answer has only begun
            assert_well(world.services["exporter"], watch, f"{kind} connector", erp, report)


async def test_a_mail_server_that_answers_without_end(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    async with hostile_smtp() as server:
        smtp = {"SMTP_URL": f"smtp://127.0.0.1:{server.port}"}
        options = WorldOptions(services=("notifier",), variables={"LOG_FORMAT": "json"} | smtp)
        async with running_world(tmp_path, options) as world, watching(world.services["notifier"]) as watch:
            await ask(world, 20)
            await eventually(lambda: has_given(server, SMTP_ANSWERS, size.rounds), 240)
            await asyncio.sleep(READ_ON_SECONDS)  # the last answer has only begun
            assert_well(world.services["notifier"], watch, "mail server", server, report)


@pytest.mark.parametrize("is_known", [False, True])
async def test_a_sign_in_provider_that_answers_without_end(
    tmp_path: Path, size: Size, report: Callable[[str], None], *, is_known: bool
) -> None:
    """Its configuration is endless, or says where the endless keys and tokens are."""
    known: dict[bytes, object] = {}
    async with hostile_http(known) as provider:
        if is_known:
            known[b"/.well-known/openid-configuration"] = configuration(provider.url)
        options = WorldOptions(services=("approval",), variables={"LOG_FORMAT": "json", "OIDC_ISSUER": provider.url})
        async with running_world(tmp_path, options) as world, watching(world.services["approval"]) as watch:
            async with httpx2.AsyncClient(base_url=world.desk_url, timeout=60, trust_env=False) as browser:
                while not has_given(provider, HTTP_ANSWERS, size.rounds):
                    assert (await asks_provider(browser, is_known=is_known)).status_code in {401, 429, 503}
                    await asyncio.sleep(1)  # or it would soon be refused, and ask nothing
            await asyncio.sleep(READ_ON_SECONDS)  # the last answer has only begun
            assert_well(world.services["approval"], watch, "sign-in provider", provider, report)


async def asks_provider(browser: httpx2.AsyncClient, *, is_known: bool) -> httpx2.Response:
    """Begin to sign in, or call the API with a token whose key nobody knows."""
    if is_known:
        return await browser.get("/api/v1/commitments", headers={"authorization": "Bearer e30.e30.e30"})
    return await browser.get("/sign-in")


def configuration(url: str) -> Mapping[str, str]:
    return {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "jwks_uri": f"{url}/keys",
    }


def connections_file(folder: Path, kind: str, erp: HostileServer) -> Path:
    path = folder / "hostile.toml"
    path.write_text(
        f'[[connection]]\nname = "hostile"\nkind = "{kind}"\ntitle = "Hostile books"\nurl = "{erp.url}"\n'
        f'companies = ["{COMPANY}"]\ntoken_env = "HOSTILE_TOKEN"\ntimeout_seconds = 3.0\nsettle_seconds = 3.0\n'
        f"first_probe_seconds = 0.2\nmax_missed_calls = 1000\n{OF_KINDS[kind]}"
    )
    return path


async def ask(world: World, count: int) -> None:
    """Publish questions, of which each is one mail."""
    asked = next(each.event.data for each in EXAMPLES if isinstance(each.event.data, QuestionAsked))
    producer = EventProducer(world.kafka_settings, "tests")
    events = [
        new_event(asked.model_copy(update={"commitment_id": f"SC-{place}"}), source="tests", time=utc_now())
        for place in range(count)
    ]
    await producer.send([(QuestionAsked.topic, event.subject, encode(event)) for event in events])
    await asyncio.to_thread(producer.close)


def has_given(server: HostileServer, answers: tuple[Answer, ...], rounds: int) -> bool:
    return all(server.given[each.__name__] >= rounds for each in answers)


@dataclass
class Watch:
    """How long the service took to say that it is live, at most."""

    slowest_seconds: float = 0.0
    began: float = 0.0


@asynccontextmanager
async def watching(service: ServiceProcess) -> AsyncIterator[Watch]:
    """Ask all the time whether the service is live."""
    watch = Watch(began=monotonic())

    async def look() -> None:
        async with httpx2.AsyncClient(base_url=service.url, timeout=30, trust_env=False) as prober:
            while True:
                began = monotonic()
                assert (await prober.get("/health/live")).is_success
                watch.slowest_seconds = max(watch.slowest_seconds, monotonic() - began)
                await asyncio.sleep(0.1)

    looking = asyncio.create_task(look())
    try:
        yield watch
    finally:
        looking.cancel()
        outcome: Any = (await asyncio.gather(looking, return_exceptions=True))[0]
        assert isinstance(outcome, asyncio.CancelledError), outcome


def assert_well(
    service: ServiceProcess, watch: Watch, name: str, server: HostileServer, report: Callable[[str], None]
) -> None:
    lines = [line for line in lines_in(service.log.read_text()) if line["level"] != "info"]
    report(
        f"hostile answers: {name}: {server.given.total()} answers, memory at most {memory_mb(service):.0f} MB, live "
        f"within {watch.slowest_seconds:.2f} s, {len(lines)} warnings in {monotonic() - watch.began:.0f} s"
    )
    assert not service.has_ended
    assert memory_mb(service) < MAX_MEMORY_MB
    assert watch.slowest_seconds < ANSWER_SECONDS
    minutes = 1 + (monotonic() - watch.began) / 60
    assert len(lines) <= MAX_LINES_PER_MINUTE * minutes, Counter(line["event"] for line in lines)
