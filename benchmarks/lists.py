"""Measures the desk's lists, counts and searches on a database with a million commitments, half of them of one company.

It needs only PostgreSQL, which it starts and removes. A Markdown table goes to standard output.
"""

import asyncio
import random
import sys
from argparse import ArgumentParser
from collections.abc import Awaitable, Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import cycle
from statistics import quantiles
from time import perf_counter

from pydantic import SecretStr
from sqlalchemy import make_url, select, text

from benchmarks.listed_stock import Words, fill, words
from sandbox.servers import LocalPostgres
from schemas.examples.cast import COMPANY
from services.approval.storage import queries, tallies
from services.approval.storage.migrations import MIGRATIONS
from services.approval.storage.queries import ListFilter, Sort
from services.approval.storage.tables import COMMITMENT
from services.approval.storage.views import DeskView
from services.pipeline.clock import utc_now
from services.pipeline.database import Database, Transaction
from services.pipeline.migrations import migrate

SEED = 1

Ask = Callable[[Transaction], Awaitable[object]]


@dataclass(slots=True)
class Request:
    """Something that is asked `times` times."""

    name: str
    ask: Ask
    seconds: list[float] = field(default_factory=list)
    notes: str = ""


def filters(made: Words) -> dict[str, ListFilter]:
    """The filters that are measured, frequent and rare ones."""
    return {
        "": ListFilter(),
        "frequent project": ListFilter(projects=(made.projects[0],)),
        "rare project": ListFilter(projects=(made.projects[-5],)),
        "20 projects": ListFilter(projects=tuple(made.projects[3:23])),
        "frequent vendor": ListFilter(vendors=(made.vendors[0],)),
        "project and vendor": ListFilter(projects=(made.projects[1],), vendors=(made.vendors[2],)),
        "frequent project and rare vendor": ListFilter(projects=(made.projects[0],), vendors=(made.vendors[-9],)),
        "90 days or more": ListFilter(waited_days=90),
        "at least 1,000,000": ListFilter(min_total=Decimal(1_000_000)),
        "at least 10,000,000": ListFilter(min_total=Decimal(10_000_000)),
        "10,000 to 20,000": ListFilter(min_total=Decimal(10_000), max_total=Decimal(20_000)),
        "changed": ListFilter(is_changed=True),
        "changed, frequent project, 30 days": ListFilter(is_changed=True, projects=(made.projects[0],), waited_days=30),
    }


def searches_of(made: Words, number: str) -> dict[str, ListFilter]:
    """The searches that are measured."""
    sought = {
        "dense word": "concrete",
        "two dense words": "crane steel",
        "number": number,
        "end of a number": number[-5:],
        "vendor": made.vendors[-1],
        "vendor without accents, reversed": " ".join(reversed(made.vendors[100].split())).replace("ü", "u"),
        "rare vendor and trade": f"pump {made.vendors[700].split()[0]}",
        "amount": "48,025",
        "sender": made.people[-1],
        "nothing": "zzzyx",
        "nothing, of frequent parts": "concreteel",
        "two characters": "qx",
        "frequent project and word": f"{made.projects[0]} tile",
    }
    return {name: ListFilter(search=words_of) for name, words_of in sought.items()} | {
        "dense word in a project": ListFilter(search="concrete", projects=(made.projects[3],)),
    }


def requests(made: Words, number: str, ids: Iterator[str], now: datetime) -> Iterator[Request]:
    """Everything that is measured."""

    def listed(view: DeskView, only: ListFilter, sort: Sort | None) -> Ask:
        return lambda db: queries.page(db, COMPANY, view, only=only, sort=sort, now=now)

    def tallied(view: DeskView, only: ListFilter) -> Ask:
        return lambda db: queries.tally(db, COMPANY, view, only, now=now)

    async def second(db: Transaction, view: DeskView, sort: Sort) -> object:
        first = await queries.page(db, COMPANY, view, sort=sort, now=now)
        return await queries.page(db, COMPANY, view, sort=sort, after=first.next_after, now=now)

    yield Request("counts of all views", lambda db: queries.counts(db, COMPANY))
    yield Request("one commitment", lambda db: queries.find(db, COMPANY, next(ids)))
    for view in DeskView:
        yield Request(f"{view}: facets", lambda db, v=view: queries.facets(db, COMPANY, v))
        yield Request(f"{view}: newer", lambda db, v=view: queries.newer(db, COMPANY, v, now - timedelta(days=3)))
        for sort in Sort:
            yield Request(f"{view}: {sort}, two pages", lambda db, v=view, s=sort: second(db, v, s))
    for view in (DeskView.READY, DeskView.SYNCED, DeskView.REJECTED, DeskView.ALL):
        for name, only in (filters(made) | searches_of(made, number)).items():
            if name:
                for sort in Sort if not only.search else (None, Sort.LARGEST):
                    yield Request(f"{view}: {name}, {sort or 'default'}", listed(view, only, sort))
            yield Request(f"{view}: {name}, tally", tallied(view, only))


async def measure(url: str, made: Words, times: int) -> list[Request]:
    """Ask everything in turns, and return the times."""
    database = Database(SecretStr(url), application_name="benchmarks", pool_size=2)
    now = utc_now()
    await tallies.keep_folded(database)
    async with database.autocommit() as db:
        await db.execute(text("vacuum analyze approval.tally, approval.tally_change"))
    async with database.begin() as db:
        table = COMMITMENT.c
        rows = (await db.execute(select(table.id, table.number).where(table.company_id == COMPANY).limit(500))).all()
    asked = list(requests(made, rows[250].number, cycle([row.id for row in rows]), now))
    for number in range(times + 1):
        for each in asked:
            async with database.begin() as db:
                started_at = perf_counter()
                answer = await each.ask(db)
                if number:
                    each.seconds.append(perf_counter() - started_at)
                each.notes = _notes(answer)
    await database.close()
    return asked


def _notes(answer: object) -> str:
    if isinstance(answer, queries.Page):
        return f"{len(answer.commitments)} rows{', partial' if answer.is_partial else ''}"
    if isinstance(answer, queries.Tally):
        return f"{answer.count:,}{'' if answer.is_complete else '+'}"
    return ""


def main() -> int:
    """Fill a database, measure, and print the table."""
    parser = ArgumentParser(prog="benchmarks.lists", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--url", help="the database of an earlier run, which filled it; nothing is started")
    wanted = parser.parse_args()
    with LocalPostgres() if wanted.url is None else nullcontext() as server:
        url = wanted.url or filled(server, wanted.rows)
        asked = asyncio.run(measure(url, words(chance()), wanted.times))
    print("| request | p50 ms | p95 ms | answer |\n| --- | --- | --- | --- |")
    for each in asked:
        p50, p95 = quantiles(each.seconds, n=20)[9], quantiles(each.seconds, n=20)[18]
        print(f"| {each.name} | {p50 * 1e3:.1f} | {p95 * 1e3:.1f} | {each.notes} |")
    return 0


def chance() -> random.Random:
    """Return the source of chance of the stock, which is the same each time."""
    return random.Random(SEED)  # noqa: S311 - nothing secret is made of it


def filled(server: LocalPostgres, rows: int) -> str:
    """Return the address of a new database with `rows` commitments."""
    url, started_at = server.create_database("lists"), perf_counter()
    asyncio.run(migrate(SecretStr(url), MIGRATIONS))
    fill(make_url(url).set(drivername="postgresql").render_as_string(hide_password=False), rows, chance())
    print(f"Filled in {perf_counter() - started_at:.0f} s", file=sys.stderr, flush=True)
    return url


if __name__ == "__main__":
    sys.exit(main())
