"""The whole world around a commitment on one machine: real servers, our services, and everything they talk to."""

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from pydantic import SecretStr

from sandbox.commitments.running import running_commitments
from sandbox.commitments.tool import CommitmentsTool
from sandbox.erp.running import running_erp
from sandbox.erp.server import Erp
from sandbox.mailbox.catcher import Mailbox
from sandbox.mailbox.running import running_mailbox
from sandbox.servers import LocalKafka, LocalPostgres
from sandbox.servers.local_server import LocalServer, Report, free_ports, no_report
from sandbox.service_process import ServiceProcess
from sandbox.sign_in.provider import Client, Provider
from sandbox.sign_in.running import running_sign_in
from schemas.examples.cast import COMPANY
from schemas.topics import TOPICS
from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.broker import create_topics
from services.pipeline.migrations import migrate
from services.pipeline.settings import KafkaSettings

SERVICES = ("approval", "exporter", "notifier", "digest")
HISTORIES = (APPROVAL, EXPORTER, NOTIFIER, DIGEST)
CONNECTION = "small-erp"
CLIENT_ID = "countersign-desk"
AUDIENCE = "countersign-api"
DATABASE = "countersign"

TomlValue = float | bool | str | list[str]
ServerT = TypeVar("ServerT", bound=LocalServer)


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of what people look at; 0 takes any that is free."""

    desk: int = 0
    commitments: int = 0
    mailbox: int = 0
    erp: int = 0
    sign_in: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """How a world differs from the usual one."""

    ports: Ports = Ports()
    services: tuple[str, ...] = SERVICES
    environment: Mapping[str, str] = field(default_factory=dict)
    erp_settings: Mapping[str, TomlValue] = field(default_factory=dict)
    is_durable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that runs, each part by its name."""

    kafka: LocalKafka
    postgres: LocalPostgres
    mailbox: Mailbox
    erp: Erp
    sign_in: Provider
    commitments: CommitmentsTool
    services: Mapping[str, ServiceProcess]
    environment: Mapping[str, str]

    @property
    def desk_url(self) -> str:
        """Where approvers answer."""
        return self.environment["PUBLIC_URL"]

    @property
    def kafka_settings(self) -> KafkaSettings:
        """How to reach this world's Kafka."""
        return KafkaSettings(kafka_bootstrap_servers=self.kafka.bootstrap_servers)


@asynccontextmanager
async def running_world(folder: Path, wanted: Wanted | None = None, report: Report = no_report) -> AsyncIterator[World]:
    """Everything, ready for use while the block runs; `folder` takes configuration files.

    Raises ServerStartFailed where a server does not come up, OSError where a port is taken.
    """
    wanted = wanted or Wanted()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        kafka, postgres = await _start_servers(stack, wanted, report)
        report("Creating topics and tables")
        settings = await _prepare(kafka, postgres)
        desk_url = f"http://127.0.0.1:{wanted.ports.desk or free_ports(1)[0]}"
        erp_token = SecretStr(secrets.token_urlsafe(16))
        links = {"Approval desk": desk_url}
        report("Starting mailbox, ERP and sign-in")
        mailbox = await enter(running_mailbox(http_port=wanted.ports.mailbox, neighbours=links))
        erp = await enter(running_erp(token=erp_token, port=wanted.ports.erp, neighbours=links))
        sign_in = await enter(running_sign_in(_client(desk_url), port=wanted.ports.sign_in))
        environment = {
            **_environment(kafka, postgres, mailbox, sign_in),
            "PUBLIC_URL": desk_url,
            "ERP_CONNECTIONS": str(_write_connections(folder, erp.url, wanted.erp_settings)),
            "SMALL_ERP_TOKEN": erp_token.get_secret_value(),
            **wanted.environment,
        }
        commitments = await enter(running_commitments(settings, port=wanted.ports.commitments, neighbours=links))
        links |= {"Commitments": commitments.url, "Mailbox": mailbox.url, "ERP": erp.url}
        services = await _start_services(stack, wanted, environment, desk_url, report)
        yield World(
            kafka=kafka,
            postgres=postgres,
            mailbox=mailbox,
            erp=erp,
            sign_in=sign_in,
            commitments=commitments,
            services=services,
            environment=environment,
        )


async def _start_servers(stack: AsyncExitStack, wanted: Wanted, report: Report) -> tuple[LocalKafka, LocalPostgres]:
    return await asyncio.gather(
        _started(stack, LocalKafka(report=report)),
        _started(stack, LocalPostgres(fsync=wanted.is_durable, report=report)),
    )


async def _started(stack: AsyncExitStack, server: ServerT) -> ServerT:
    """Start a server in a thread, and stop it in one when the world ends."""
    stack.push_async_callback(asyncio.to_thread, server.close)
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        # a thread cannot be cancelled: what it starts must be there before it can be stopped
        await asyncio.wait({starting})
        raise
    return server


async def _prepare(kafka: LocalKafka, postgres: LocalPostgres) -> KafkaSettings:
    """Create topics and tables, and return how to reach Kafka."""
    settings = KafkaSettings(kafka_bootstrap_servers=kafka.bootstrap_servers)
    url = SecretStr(await asyncio.to_thread(postgres.create_database, DATABASE))
    await asyncio.gather(asyncio.to_thread(create_topics, settings, TOPICS), _migrate(url))
    return settings


async def _migrate(url: SecretStr) -> None:
    for history in HISTORIES:
        await migrate(url, history)


async def _start_services(
    stack: AsyncExitStack, wanted: Wanted, environment: Mapping[str, str], desk_url: str, report: Report
) -> Mapping[str, ServiceProcess]:
    desk_port = int(desk_url.rpartition(":")[2])
    processes = {
        name: ServiceProcess(name, environment, port=desk_port if name == "approval" else 0, report=report)
        for name in wanted.services
    }
    starting: list[Awaitable[ServiceProcess]] = [_started(stack, process) for process in processes.values()]
    await asyncio.gather(*starting)
    return processes


def _environment(kafka: LocalKafka, postgres: LocalPostgres, mailbox: Mailbox, sign_in: Provider) -> Mapping[str, str]:
    """What our services have to know of the servers around them."""
    return {
        "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap_servers,
        "DATABASE_URL": postgres.url_of(DATABASE),
        "SMTP_URL": mailbox.smtp_url,
        "MAIL_FROM": "Countersign <erp@desk.example>",
        "LINK_SECRET": secrets.token_urlsafe(32),
        "OIDC_ISSUER": sign_in.issuer,
        "OIDC_CLIENT_ID": sign_in.client.id,
        "OIDC_CLIENT_SECRET": sign_in.client.secret.get_secret_value(),
        "OIDC_AUDIENCE": sign_in.client.audience,
        "LOG_FORMAT": "console",
    }


def _client(desk_url: str) -> Client:
    return Client(
        id=CLIENT_ID,
        secret=SecretStr(secrets.token_urlsafe(16)),
        redirect_uris=(f"{desk_url}/sign-in/callback",),
        audience=AUDIENCE,
        post_logout_redirect_uris=(f"{desk_url}/",),
    )


def _write_connections(folder: Path, erp_url: str, given: Mapping[str, TomlValue]) -> Path:
    """Write the file that ERP_CONNECTIONS names: one connection, to the sandbox's ERP, with short patience."""
    known: dict[str, TomlValue] = {
        "name": CONNECTION,
        "kind": "http",
        "title": "Small ERP",
        "url": erp_url,
        "companies": [COMPANY],
        "token_env": "SMALL_ERP_TOKEN",
        "timeout_seconds": 5.0,
        "settle_seconds": 2.0,
        "first_probe_seconds": 1.0,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "erp-connections.toml"
    lines = [f"{name} = {_toml(value)}" for name, value in (known | dict(given)).items()]
    path.write_text("\n".join(["[[connection]]", *lines, ""]))
    return path


def _toml(value: TomlValue) -> str:
    """Return a value as TOML, which for these kinds is JSON."""
    return json.dumps(value)
