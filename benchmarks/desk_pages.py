"""Measures the desk's pages and the API over HTTP, with a million commitments, half of them of one company.

The web application is that of approval, in a process of its own and without Kafka. A Markdown table is printed.
"""

import asyncio
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from multiprocessing import get_context
from statistics import quantiles
from time import perf_counter, sleep
from typing import Any
from urllib.parse import urlencode

import httpx2
import psycopg
import uvicorn
from pydantic import SecretStr
from sqlalchemy import insert, make_url, select, text, update

from benchmarks.listed_stock import Words, words
from benchmarks.lists import chance, filled
from sandbox.servers import LocalPostgres
from sandbox.servers.local_server import free_ports
from schemas.events import DirectoryPerson, ErpConnection, LimitsProfile
from schemas.examples.cast import COMPANY, CONCRETE_1, CONNECTION, DANA, DIRECTORY, snapshot
from schemas.fields import Status
from services.approval.identity.identity import SESSION, Identity
from services.approval.rules.answers import Accept
from services.approval.rules.commitment import CommitmentFacts
from services.approval.rules.marks import mark_of
from services.approval.settings import ApprovalSettings
from services.approval.storage import marks, tables, tallies
from services.approval.storage.store import STATE
from services.approval.web.app import build_app
from services.pipeline.clock import utc_now
from services.pipeline.database import Database
from services.pipeline.garbage import tune_garbage_collector
from services.pipeline.lateness import Lateness
from services.pipeline.outbox import Outbox

ERP = ErpConnection(
    name=CONNECTION,
    version=1,
    kind="http",
    title="Main books",
    companies=(COMPANY,),
    limits=LimitsProfile(number_characters=30, title_characters=100, vendor_name_characters=60),
)
MARKED, SHOWN = 50, 100
_READY_SECONDS = 30


@dataclass(slots=True)
class Page:
    """An address, and how long its responses took."""

    name: str
    address: str
    seconds: list[float] = field(default_factory=list)
    characters: int = 0


def pages(made: Words, ids: list[str]) -> list[Page]:
    """Return everything that is measured; `ids` are of commitments that wait."""

    def listed(name: str, **query: str) -> Page:
        return Page(f"desk: {name}", f"/commitments?{urlencode(query)}")

    ready = {"view": "ready"}
    return [
        listed("ready to export", **ready),
        listed("ready to export, with an item", **ready, item=ids[7]),
        listed("ready to export, largest first", **ready, sort="largest"),
        listed("ready to export, of a frequent project", **ready, project=made.projects[0]),
        listed("ready to export, search for a frequent word", **ready, q="concrete"),
        listed("ready to export, search for a rare vendor", **ready, q=made.vendors[-1]),
        *(listed(view, view=view) for view in ("failed", "exporting", "synced", "rejected", "all")),
        listed("all, search for a sender", view="all", q=made.people[-1]),
        Page("desk: one commitment", f"/commitments/{ids[3]}"),
        Page("desk: its history", f"/commitments/{ids[3]}/history"),
        Page(f"desk: check before export, {MARKED} answers", "/review"),
        Page("API: ready", "/api/v1/commitments?view=ready"),
        Page("API: all, largest first", "/api/v1/commitments?view=all&sort=largest"),
        Page("API: one commitment", f"/api/v1/commitments/{ids[3]}"),
    ]


def settings(url: str, port: int) -> ApprovalSettings:
    """Return approval's settings; nothing but the database exists."""
    return ApprovalSettings(
        kafka_bootstrap_servers="127.0.0.1:9",
        database_url=SecretStr(url),
        public_url=f"http://127.0.0.1:{port}",
        oidc_issuer="http://127.0.0.1:9",
        oidc_client_id="countersign",
        oidc_client_secret=SecretStr("of the benchmarks"),
        oidc_audience="countersign-api",
        link_secret=SecretStr("a secret for links in the benchmarks"),
    )


def serve(url: str, port: int) -> None:
    """Run the web application until the process is ended."""
    tune_garbage_collector()
    wanted = settings(url, port)
    database = Database(wanted.database_url, application_name="benchmarks.desk")
    app = build_app(wanted, database, Outbox(tables.KERNEL), lambda: None, Lateness(database, tables.KERNEL))
    uvicorn.run(app, port=port, log_level="warning", access_log=False)


@contextmanager
def running_desk(url: str, port: int) -> Iterator[None]:
    """Run the web application in a process of its own while the block runs."""
    process = get_context("spawn").Process(target=serve, args=(url, port))
    process.start()
    try:
        until = perf_counter() + _READY_SECONDS
        while perf_counter() < until and not _responds(port):
            sleep(0.1)
        yield
    finally:
        process.terminate()
        process.join()


def _responds(port: int) -> bool:
    try:
        return httpx2.get(f"http://127.0.0.1:{port}/signed-out").status_code == 200
    except httpx2.HTTPError:
        return False


async def prepared(url: str, port: int) -> tuple[str, str, list[str]]:
    """Add an approver who is signed in and has marked some, the ERP, and the contents of what waits.

    Return the name and the value of the session's cookie, and the ids of the commitments that have waited longest.
    """
    wanted = settings(url, port)
    database = Database(wanted.database_url, application_name="benchmarks", pool_size=2)
    who = DIRECTORY[DANA.id]
    table = tables.COMMITMENT.c
    is_waiting = (table.company_id == COMPANY) & (table.status == Status.READY.value)
    async with database.begin() as db:
        states = (await db.execute(select(table.state).where(is_waiting).order_by(table.since, table.id))).scalars()
        waiting = [_with_content(STATE.validate_json(state)) for state in states]
        await db.execute(insert(tables.PERSON).values(_record(who, who.person_id) | {"company_id": COMPANY}))
        await db.execute(insert(tables.ERP_CONNECTION).values(_record(ERP, ERP.name)))
        for facts, _ in waiting[:SHOWN]:
            changed = update(tables.COMMITMENT).where(table.id == facts.id)
            await db.execute(changed.values(state=STATE.dump_json(facts).decode()))
        await marks.save(db, who, [_mark(facts) for facts, _ in waiting[:MARKED]])
    _add_contents(url, waiting)
    await tallies.keep_folded(database)
    async with database.autocommit() as db:
        await db.execute(text("vacuum analyze"))
    identity = Identity(wanted, database)
    token = await identity.sessions.begin(who.person_id, timedelta(hours=1))
    await database.close()
    return identity.cookies.name(SESSION), token, [facts.id for facts, _ in waiting[:SHOWN]]


def _record(record: DirectoryPerson | ErpConnection, key: str) -> dict[str, Any]:
    return {"id": key, "version": record.version, "record": record.model_dump_json()}


def _mark(facts: CommitmentFacts) -> marks.Mark:
    (sent,) = facts.submissions
    answer = Accept(revision=sent.revision, content_hash=sent.content_hash)
    return mark_of(facts.id, answer, sent.summary, utc_now())


def _add_contents(url: str, waiting: list[tuple[CommitmentFacts, str]]) -> None:
    """Add a submission for each of those that wait: as large as the example's, with what its summary says."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    names = "commitment_id, revision, content_hash, company_id, snapshot, sent_by, note, sent_at"
    statement = f"copy approval.submission ({names}) from stdin"
    with psycopg.connect(address) as db, db.cursor() as cursor, cursor.copy(statement) as copy:
        for facts, content in waiting:
            (sent,) = facts.submissions
            key, sender = (facts.id, sent.revision, sent.content_hash), sent.summary.sent_by.model_dump_json()
            copy.write_row((*key, COMPANY, content, sender, None, sent.sent_at))


def _with_content(facts: CommitmentFacts) -> tuple[CommitmentFacts, str]:
    """Return the facts with the hash of a content as its summary has it, and that content."""
    (sent,) = facts.submissions
    read = sent.summary
    members = {
        "id": facts.id,
        "number": read.number,
        "title": read.title,
        "currency": read.currency,
        "total": read.total,
        "project": CONCRETE_1.project.model_copy(update={"name": read.project}),
        "vendor": CONCRETE_1.vendor.model_copy(update={"name": read.vendor}),
        "lines": _lines(Decimal(read.total)),
    }
    content = snapshot(CONCRETE_1.model_copy(update=members))
    return replace(facts, submissions=(replace(sent, content_hash=content.content_hash),)), content.text


def _lines(total: Decimal) -> tuple[Any, ...]:
    """The lines of the example; the last one makes up the total."""
    *lines, last = CONCRETE_1.lines
    rest = str(total - sum(Decimal(line.amount) for line in lines))
    return *lines, last.model_copy(update={"quantity": "1", "unit_cost": rest, "amount": rest})


def measure(port: int, cookie: dict[str, str], asked: list[Page], times: int) -> None:
    """Ask for every page in turns."""
    with httpx2.Client(base_url=f"http://127.0.0.1:{port}", cookies=cookie) as client:
        for number in range(times + 3):
            for each in asked:
                started_at = perf_counter()
                response = client.get(each.address)
                if number >= 3:
                    each.seconds.append(perf_counter() - started_at)
                response.raise_for_status()
                each.characters = len(response.text)


def main() -> int:
    """Fill a database, measure, and print the table."""
    parser = ArgumentParser(prog="benchmarks.desk_pages", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=40)
    wanted = parser.parse_args()
    (port,) = free_ports(1)
    with LocalPostgres() as server:
        url = filled(server, wanted.rows)
        name, token, ids = asyncio.run(prepared(url, port))
        asked = pages(words(chance()), ids)
        with running_desk(url, port):
            measure(port, {name: token}, asked, wanted.times)
    print("| page | p50 ms | p95 ms | kB |\n| --- | --- | --- | --- |")
    for each in asked:
        p50, p95 = quantiles(each.seconds, n=20)[9], quantiles(each.seconds, n=20)[18]
        print(f"| {each.name} | {p50 * 1e3:.1f} | {p95 * 1e3:.1f} | {each.characters / 1000:.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
