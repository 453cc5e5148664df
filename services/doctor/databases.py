"""Whether each service's PostgreSQL answers, has the right schema, and is set up to keep what it was given."""

import importlib
from collections.abc import Iterable
from datetime import datetime

from services.doctor.findings import Finding, NotCheckedError, not_checked, ok, or_ok, warning, wrong
from services.doctor.surroundings import Surroundings, of_each_service, settings_of
from services.pipeline.behind import in_words
from services.pipeline.dead_letters import DeadLetters
from services.pipeline.errors import CountersignError
from services.pipeline.migrations import Standing, broken_checks, standing
from services.pipeline.names import SERVICES
from services.pipeline.operations import kernel_of, open_database
from services.pipeline.outbox import Backlog, Outbox
from services.pipeline.server_facts import ServerFacts, server_facts

OLDEST_VERSION = 15
SKEW_SECONDS, BROKEN_SKEW_SECONDS = 2.0, 30.0
SLOT_BYTES = 2**30
WRAPAROUND = 1_000_000_000
OUTBOX_SECONDS = 60.0
_PAGE = "docs/operations.md, “PostgreSQL”."


async def check_schemas(around: Surroundings) -> list[Finding]:
    """Whether each schema has the version that this release expects."""
    return await of_each_service(around, _schema_of)


async def _schema_of(around: Surroundings, service: str) -> list[Finding]:
    migrations = importlib.import_module(f"services.{service}.storage.migrations").MIGRATIONS
    async with open_database(around.database_url(service)) as database, database.begin() as db:
        schema = await db.run_sync(standing, migrations)
        broken = await db.run_sync(broken_checks, migrations) if schema.current else []
    return [judge_schema(service, schema), *(judge_check(service, *each) for each in broken)]


def judge_check(service: str, table: str, name: str) -> Finding:
    """Return what to think of a check that older rows break."""
    text = f"a row of {service}.{table} breaks the check {name}, so that it may be unreadable"
    return warning(service, text, "Mend the row, then countersign migrate; docs/runbook.md, “RowsUnreadable”.")


def judge_schema(service: str, schema: Standing) -> Finding:
    """Return what to think of one schema."""
    if schema.current is None:
        return wrong(service, "its schema was never made", "countersign migrate")
    if schema.missing is None:
        text = f"its schema has version {schema.current}, which is newer than this release ({schema.expected})"
        return warning(service, text, "Use the release that migrated it, also for this command.")
    if schema.missing:
        text = f"its schema has version {schema.current}, {schema.missing} behind this release ({schema.expected})"
        return wrong(service, text, "countersign migrate")
    return ok(service, f"its schema has version {schema.current}, as this release expects")


async def check_servers(around: Surroundings) -> list[Finding]:
    """Whether each PostgreSQL is new enough, has connections to spare, the right time, and keeps what is committed."""
    found: list[Finding] = []
    for services in _by_url(around).values():
        about = "/".join(services)
        try:
            facts, asked_at = await _asked(around, services[0])
        except CountersignError as error:
            found.append(wrong(about, str(error), "See whether it runs, and DATABASE_URL and its password are right."))
        else:
            found += [*judge_server(about, services, facts), judge_clock(about, facts.now, asked_at)]
    return found or [not_checked("servers", "DATABASE_URL is not set here")]


async def _asked(around: Surroundings, service: str) -> tuple[ServerFacts, datetime]:
    """Return what the server of `service` says, and when it said so by our clock."""
    async with open_database(around.database_url(service)) as database, database.begin() as db:
        asked_at = around.clock()
        facts = await server_facts(db)
        return facts, nearest(facts.now, asked_at, around.clock())


def _by_url(around: Surroundings) -> dict[str, list[str]]:
    """Return the services by their database, of those that are known."""
    urls: dict[str, list[str]] = {}
    for service in SERVICES:
        try:
            urls.setdefault(around.database_url(service).get_secret_value(), []).append(service)
        except NotCheckedError:
            continue
    return urls


def nearest(theirs: datetime, asked_at: datetime, answered_at: datetime) -> datetime:
    """Return our time that is nearest to theirs, of all that it may have been when they looked at their clock."""
    return min(max(theirs, asked_at), answered_at)


def judge_clock(about: str, theirs: datetime, ours: datetime) -> Finding:
    """Return what to think of a clock beside ours."""
    skew = (theirs - ours).total_seconds()
    text = f"its clock is {abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} ours"
    remedy = "Set both clocks by NTP: leases, tokens and ages depend on them."
    if abs(skew) > BROKEN_SKEW_SECONDS:
        return wrong(f"clock of {about}", text, remedy)
    if abs(skew) > SKEW_SECONDS:
        return warning(f"clock of {about}", text, remedy)
    return ok(f"clock of {about}", text)


def judge_server(about: str, services: Iterable[str], facts: ServerFacts) -> list[Finding]:
    """Return what to think of a PostgreSQL that `services` use."""
    found = [ok(about, f"PostgreSQL {facts.version_text}, {facts.database_bytes / 2**20:.0f} MiB")]
    if facts.version < OLDEST_VERSION * 10_000:
        text = f"PostgreSQL {facts.version_text} is older than {OLDEST_VERSION}"
        found = [wrong(about, text, f"Update it to {OLDEST_VERSION} or newer; {_PAGE}")]
    return [*found, *_judge_connections(about, services, facts), *_judge_durability(about, facts)]


def _judge_connections(about: str, services: Iterable[str], facts: ServerFacts) -> Iterable[Finding]:
    free, used = facts.max_connections - facts.reserved, sum(facts.connections.values())
    needed = sum(settings_of(service).pool_size for service in services)
    if free < needed:
        text = f"max_connections allows {free}, and one process of each service opens up to {needed}"
        yield wrong(about, text, f"Raise max_connections; {_PAGE}")
    elif used > 0.8 * free:
        yield warning(about, f"{used} of {free} connections are in use", f"Raise max_connections; {_PAGE}")
    else:
        yield ok(about, f"{used} of {free} connections are in use; one process of each service opens up to {needed}")


def _judge_durability(about: str, facts: ServerFacts) -> Iterable[Finding]:
    for name in ("fsync", "full_page_writes", "synchronous_commit"):
        if facts.settings.get(name) == "off":
            text = f"{name} is off: what was committed may be lost with the machine"
            yield wrong(about, text, f"Set {name} to on; {_PAGE}")
    for slot, kept_bytes in facts.slots.items():
        if kept_bytes > SLOT_BYTES:
            text = f"the idle replication slot {slot} keeps {kept_bytes / 2**30:.1f} GiB of WAL: the disk fills up"
            yield wrong(about, text, "Start its replica, or drop the slot.")
    if facts.oldest_transaction_age > WRAPAROUND:
        text = f"the oldest transaction is {facts.oldest_transaction_age:,} old: vacuum does not keep up"
        yield wrong(about, text, "Run vacuum freeze before PostgreSQL stops accepting writes (at 2 billion).")


async def check_open_work(around: Surroundings) -> list[Finding]:
    """Whether dead letters, parked events or unsent events wait for somebody."""
    return await of_each_service(around, _open_work_of)


async def _open_work_of(around: Surroundings, service: str) -> list[Finding]:
    async with open_database(around.database_url(service)) as database, database.begin() as db:
        letters = await DeadLetters(kernel_of(service)).count_by_reason(db)
        backlog = await Outbox(kernel_of(service)).backlog(db)
        aside = await _set_aside(service, db)
    return judge_open_work(service, letters, backlog, aside, around.clock())


async def _set_aside(service: str, db: object) -> int:
    modules = {"exporter": "services.exporter.storage.queries", "notifier": "services.notifier.storage.store"}
    if service not in modules:
        return 0
    return int(await importlib.import_module(modules[service]).count_set_aside(db))


def judge_open_work(
    service: str, letters: dict[str, int], backlog: Backlog, set_aside: int, now: datetime
) -> list[Finding]:
    """Return what of one service waits for somebody."""
    found = []
    if letters:
        reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(letters.items()))
        text, command = f"dead letters are open: {reasons}", "countersign dead-letters list"
        found.append(warning(service, text, f"{command} --service {service}; docs/operations.md, “Dead letters”."))
    if backlog.refused:
        text, command = f"Kafka refused {backlog.refused} events", "countersign outbox list"
        found.append(wrong(service, text, f"{command} --service {service}; docs/operations.md, “Events that Kafka…”."))
    age = (now - backlog.oldest).total_seconds() if backlog.oldest else 0.0
    if age > OUTBOX_SECONDS and not backlog.refused:
        text = f"{backlog.rows} events wait to be sent, the oldest for {in_words(age)}"
        remedy = f"See whether {service} runs and Kafka takes its events; docs/runbook.md, “OutboxWaits”."
        found.append(wrong(service, text, remedy))
    if set_aside:
        text = f"{set_aside} pieces of work cannot be read or recorded"
        found.append(wrong(service, text, "docs/operations.md, “Work that is set aside”."))
    return or_ok(found, service, "nothing waits for somebody")
