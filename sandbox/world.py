"""The whole system on one machine: real servers, our services, and everything that they talk to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from sandbox.approval_rules import write_approval_rules
from sandbox.commitments.running import running_commitments
from sandbox.commitments.tool import CommitmentsTool
from sandbox.configuration import (
    DATABASE,
    TomlValue,
    desk_client,
    kafka_settings,
    service_environment,
    write_connections,
)
from sandbox.erp_under_demo import ErpKind, ErpUnderDemo, start_erp
from sandbox.mailbox.catcher import Mailbox
from sandbox.mailbox.running import running_mailbox
from sandbox.servers import LocalKafka, LocalPostgres
from sandbox.servers.local_server import Report, free_ports, no_report
from sandbox.service_process import HOST, ServiceProcess
from sandbox.sign_in.provider import Provider
from sandbox.sign_in.running import running_sign_in
from sandbox.started import started
from schemas.topics import TOPICS
from services.approval.storage.migrations import MIGRATIONS as APPROVAL
from services.digest.storage.migrations import MIGRATIONS as DIGEST
from services.exporter.storage.migrations import MIGRATIONS as EXPORTER
from services.notifier.storage.migrations import MIGRATIONS as NOTIFIER
from services.pipeline.broker import create_topics
from services.pipeline.migrations import migrate
from services.pipeline.names import SERVICES
from services.pipeline.settings import KafkaSettings

MIGRATIONS = (APPROVAL, EXPORTER, NOTIFIER, DIGEST)
APPROVAL_RULES = "APPROVAL_RULES"
OPERATOR, UPSTREAM = "operator", "upstream"
"""Who creates the topics, and whom the systems around our services are, where Kafka knows users."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of the pages; 0 takes any free port."""

    desk: int = 0
    commitments: int = 0
    mailbox: int = 0
    erp: int = 0
    sign_in: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldOptions:
    """How a world differs from the default.

    `erp_settings` override those of its ERP connection; `erp_connections` is a file that is used instead of it.
    `kafka` is a broker of one's own, whose life the world manages. `undo_seconds` is for how long what is accepted on
    the desk is held. With `has_approval_rules`, the company has those of `sandbox.approval_rules`.
    `variables` are more settings of our services.
    """

    ports: Ports = Ports()
    services: tuple[str, ...] = SERVICES
    erp_settings: Mapping[str, TomlValue] = field(default_factory=dict)
    erp_connections: Path | None = None
    erp: ErpKind = ErpKind.SMALL
    is_durable: bool = True
    kafka: LocalKafka | None = None
    undo_seconds: int = 0
    has_approval_rules: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The running system: servers, the parts around us, our services, and the environment that services get.

    `own_erp` is None where a file of connections is used instead.
    """

    kafka: LocalKafka
    postgres: LocalPostgres
    mailbox: Mailbox
    own_erp: ErpUnderDemo | None
    sign_in: Provider
    commitments: CommitmentsTool
    services: Mapping[str, ServiceProcess]
    environment: Mapping[str, str]

    @property
    def erp(self) -> ErpUnderDemo:
        """The ERP of this world; LookupError where a file of connections is used instead."""
        if self.own_erp is None:
            raise LookupError("this world has no ERP of its own")
        return self.own_erp

    @property
    def desk_url(self) -> str:
        """The address of the approval desk."""
        return self.environment["PUBLIC_URL"]

    @property
    def has_approval_rules(self) -> bool:
        """Whether its company has approval rules."""
        return APPROVAL_RULES in self.environment

    @property
    def kafka_settings(self) -> KafkaSettings:
        """The connection settings of this world's Kafka, for the systems around our services."""
        return kafka_settings(self.kafka, UPSTREAM)

    def environment_of(self, service: str) -> Mapping[str, str]:
        """The variables of one service, which has a user of its own where Kafka knows users."""
        return {**self.environment, **self.kafka.access(service)}


@asynccontextmanager
async def running_world(
    folder: Path, options: WorldOptions | None = None, report: Report = no_report
) -> AsyncIterator[World]:
    """Run everything while the block runs, with configuration files in `folder`; it is ready when the block starts.

    Raises ServerStartFailed if a server does not start, OSError if a port is taken.
    """
    options = options or WorldOptions()
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        kafka, postgres = await _start_servers(stack, options, report)
        await _prepare(kafka, postgres, report)
        desk_url = f"http://127.0.0.1:{options.ports.desk or free_ports(1)[0]}"
        links = {"Approval desk": desk_url}
        report("Starting mailbox and sign-in" if options.erp_connections else "Starting mailbox, ERP and sign-in")
        mailbox = await enter(running_mailbox(http_port=options.ports.mailbox, neighbours=links))
        ports = _service_ports(desk_url)
        erp = await _start_erp(stack, options, postgres, links, report, ports["exporter"])
        sign_in = await enter(running_sign_in(desk_client(desk_url), port=options.ports.sign_in))
        environment = service_environment(kafka, postgres, mailbox, sign_in) | {
            "PUBLIC_URL": desk_url,
            **{f"{name.upper()}_URL": f"http://{HOST}:{port}" for name, port in ports.items()},
            **_chosen_environment(folder, options),
            **_erp_environment(folder, options, erp),
        }
        upstream, port = kafka_settings(kafka, UPSTREAM), options.ports.commitments
        commitments = await enter(running_commitments(upstream, port=port, neighbours=links))
        links |= {"Commitments": commitments.url, "Mailbox": mailbox.url} | ({"ERP": erp.url} if erp else {})
        environments = {name: {**environment, **kafka.access(name)} for name in options.services}
        yield World(
            kafka=kafka,
            postgres=postgres,
            mailbox=mailbox,
            own_erp=erp,
            sign_in=sign_in,
            commitments=commitments,
            services=await _start_services(stack, environments, ports, report),
            environment=environment,
        )


def _service_ports(desk_url: str) -> Mapping[str, int]:
    """Choose the port of every service before any starts, since they know each other's addresses."""
    others = [name for name in SERVICES if name != "approval"]
    return {"approval": int(desk_url.rpartition(":")[2]), **dict(zip(others, free_ports(len(others)), strict=True))}


async def _start_servers(
    stack: AsyncExitStack, options: WorldOptions, report: Report
) -> tuple[LocalKafka, LocalPostgres]:
    return await asyncio.gather(
        started(stack, options.kafka or LocalKafka(report=report)),
        started(stack, LocalPostgres(fsync=options.is_durable, report=report)),
    )


async def _start_erp(
    stack: AsyncExitStack,
    options: WorldOptions,
    postgres: LocalPostgres,
    links: Mapping[str, str],
    report: Report,
    exporter_port: int,
) -> ErpUnderDemo | None:
    if options.erp_connections:
        return None
    return await start_erp(
        stack,
        options.erp,
        postgres,
        port=options.ports.erp,
        exporter_url=f"http://{HOST}:{exporter_port}",
        neighbours=links,
        report=report,
    )


def _chosen_environment(folder: Path, options: WorldOptions) -> Mapping[str, str]:
    """The variables that say by which rules answers are given, and those that the options name."""
    rules = {APPROVAL_RULES: str(write_approval_rules(folder))} if options.has_approval_rules else {}
    return {"UNDO_SECONDS": str(options.undo_seconds), **rules, **options.variables}


def _erp_environment(folder: Path, options: WorldOptions, erp: ErpUnderDemo | None) -> Mapping[str, str]:
    """The variables of the ERP connections; those to which a file of one's own refers are in ours."""
    if erp is None:
        return {"ERP_CONNECTIONS": str(options.erp_connections)}
    return {"ERP_CONNECTIONS": str(write_connections(folder, erp.connection, options.erp_settings)), **erp.secrets}


async def _prepare(kafka: LocalKafka, postgres: LocalPostgres, report: Report) -> None:
    """Create topics and tables."""
    report("Creating topics and tables")
    settings = kafka_settings(kafka, OPERATOR)
    url = SecretStr(await asyncio.to_thread(postgres.create_database, DATABASE))
    await asyncio.gather(asyncio.to_thread(create_topics, settings, TOPICS), _migrate(url))


async def _migrate(url: SecretStr) -> None:
    for migrations in MIGRATIONS:
        await migrate(url, migrations)


async def _start_services(
    stack: AsyncExitStack,
    environments: Mapping[str, Mapping[str, str]],
    ports: Mapping[str, int],
    report: Report,
) -> Mapping[str, ServiceProcess]:
    processes = {
        name: ServiceProcess(name, environment, port=ports.get(name, 0), report=report)
        for name, environment in environments.items()
    }
    starting: list[Awaitable[ServiceProcess]] = [started(stack, process) for process in processes.values()]
    await asyncio.gather(*starting)
    return processes
