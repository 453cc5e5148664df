"""The heaviest that the contract allows: commitments, people, ERPs and histories at the edges of every limit."""

import asyncio
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any
from uuid import uuid4

from sqlalchemy import insert

from sandbox.people import PEOPLE
from sandbox.world import World
from schemas import limits
from schemas.envelope import encode
from schemas.events import DirectoryPerson, EventData
from schemas.events.references import MappedNames
from schemas.fields import FailureClass, Kind, ToolLevel
from schemas.snapshot import Snapshot
from services.approval.storage import tables
from services.approval.storage.desk_tables import DELEGATION, MARK
from services.pipeline.broker import EventProducer
from services.pipeline.bulk import insert_many
from services.pipeline.database import Database
from tests.integration.approval import company

HIDDEN = "\u202e\u200b"
LISTED = 200
HISTORY_LINES = 20_000
MAPPED = limits.MAX_MAPPED_NAMES // 2
DANA, KIM = company.DANA, company.KIM
AT = datetime.now(UTC) - timedelta(days=3)


def lines(cost_code: str, *, is_one_position: bool = False, price: str = "1.01") -> list[dict[str, Any]]:
    """As many lines as are allowed, with as much text as fits, half of it hidden."""
    return [
        {
            "position": 1 if is_one_position else place,
            "cost_code": f"{cost_code}-{place}",
            "cost_type": f"S{HIDDEN}",
            "description": f"{place} " + f'{HIDDEN}<&">' * 20,
            "quantity": "1.5",
            "unit": f"m{HIDDEN}3",
            "unit_cost": price,
            "amount": f"{place}.{place % 1000:03}",
            "tax_code": f"T{HIDDEN}",
        }
        for place in range(1, limits.MAX_LINES + 1)
    ]


def heavy(commitment_id: str, cost_code: str = "03", **members: Any) -> dict[str, Any]:
    """A commitment with all of that."""
    texts = {"title": f"{HIDDEN}T" * 150, "description": f"{HIDDEN}<" * 6_000}
    is_one = members.pop("is_one_position", False)
    return company.content(
        commitment_id, f"SC-{commitment_id}{HIDDEN}", **texts, lines=lines(cost_code, is_one_position=is_one), **members
    )


def nested(commitment_id: str, member: str) -> dict[str, Any]:
    """A commitment with as many unknown members as fit."""
    return company.content(commitment_id, f"SC-{commitment_id}", extra={f"{member}{n}": n for n in range(60_000)})


DIFFERENT, SAME, RESENT, DISPUTED, UNKNOWN, FAILED, SYNCED, LONG = (
    "different", "same", "resent", "disputed", "unknown", "failed", "synced", "long",
)  # fmt: skip


def events() -> Iterator[EventData]:
    """All that is published to approval."""
    yield from PEOPLE.values()
    yield from people()
    names = {f"{n:06}" + "m" * 50: f"{n:06}" + "n" * 60 for n in range(MAPPED)}
    yield company.QUICKBOOKS.model_copy(update={"mapped": MappedNames.told(names, {}, {})})
    for n in range(1, 11):
        others = {"name": f"erp-{n}", "priority": n, "kinds": (Kind.PURCHASE_ORDER,), "title": f"ERP {n}"}
        yield company.QUICKBOOKS.model_copy(update={**others, "mapped": MappedNames.told(names, {}, {})})
    yield company.sent(heavy(DIFFERENT))
    yield company.sent(heavy(SAME, is_one_position=True))
    yield company.sent(heavy(RESENT))
    yield company.resent(heavy(RESENT, "04", price="1.02"))
    for n in range(6):
        yield company.sent(heavy(DISPUTED, f"0{n}"))
    yield company.sent(nested(UNKNOWN, "a"))
    yield company.resent(nested(UNKNOWN, "b"))
    yield company.sent(company.content(LONG, LONG))
    for each in (FAILED, SYNCED):
        content = heavy(each)
        yield company.sent(content)
        yield company.accepted(content)
    yield company.failed(heavy(FAILED), FailureClass.RETRY_LATER, f"{HIDDEN}No <" * 1_000)
    yield company.succeeded(heavy(SYNCED))
    for n in range(LISTED):
        few = company.content(f"few-{n:03}", f"F-{n}{HIDDEN}", title=f"{HIDDEN}<{n}" * 40)
        yield company.sent(few, note=f"{HIDDEN}N" * 1_000)
    for n in range(12):
        yield company.sent(heavy(f"many-{n}"))
    for n in range(LISTED):
        few = company.content(f"fail-{n:03}", f"E-{n}{HIDDEN}", title=f"{HIDDEN}<{n}" * 40)
        yield company.sent(few)
        yield company.accepted(few)
        yield company.failed(few, FailureClass.RETRY_LATER, f"{HIDDEN}No <" * 400)


def people() -> Iterator[DirectoryPerson]:
    """A large company, and one person on very many projects."""
    for n in range(1_500):
        yield company.directory_person(f"p-{n}", f"{HIDDEN}Person {n}", erp_tool=ToolLevel.STANDARD)
    levels = {f"project-{n:06}": ToolLevel.ADMIN for n in range(40_000)}
    yield company.directory_person("p-many", f"Many {HIDDEN}", erp_tool=ToolLevel.ADMIN, commitments_tool=levels)
    for n in range(60):
        rights = {"erp_tool": ToolLevel.ADMIN, "can_push_to_accounting": True}
        yield company.directory_person(f"a-{n}", f"Approver {n}", **rights)


async def publish(world: World, told: Iterable[EventData]) -> None:
    """Publish everything, and return once Kafka has it."""
    producer, left = EventProducer(world.kafka_settings, "tests"), iter(told)
    while some := list(islice(left, 50)):
        messages = [(each.topic, each.subject, encode(company.event(each, AT))) for each in some]
        assert not [error for error in await producer.send(messages) if error]
    await asyncio.to_thread(producer.close)


async def fill(database: Database) -> None:
    """Write what would take long to bring about: a long history, marks, delegations."""
    hashes = {n: Snapshot.of(few(n)).content_hash for n in range(LISTED)}
    line = {"company_id": company.COMPANY, "actor": "Dana", "revision": 1, "round": 1}
    places = dict.fromkeys(("position", "hash", "decision", "read_partition", "read_offset"))
    told = {"kind": "mail.settled", "commitment_id": LONG, "text": f"Told {HIDDEN}<" * 20}
    history = [
        {"event_id": uuid4(), "at": AT + timedelta(seconds=n), **line, **told, **places} for n in range(HISTORY_LINES)
    ]
    mark = {"person_id": DANA.person_id, "company_id": company.COMPANY, "verb": "accept", "revision": 1, "at": AT}
    mark |= {"number": "F", "currency": "USD", "total": 1}
    heavy_hashes = [(f"many-{n}", Snapshot.of(heavy(f"many-{n}")).content_hash) for n in range(12)]
    marked = [*heavy_hashes, *((f"few-{n:03}", hashes[n]) for n in range(LISTED))]
    day = AT.date()
    delegation = {"company_id": company.COMPANY, "first_day": day, "last_day": day + timedelta(days=90), "at": AT}
    async with database.begin() as db:
        await insert_many(db, tables.HISTORY, history)
        for commitment_id, content_hash in marked:
            await db.execute(insert(MARK).values(**mark, commitment_id=commitment_id, content_hash=content_hash))
        for n in range(600):
            people = {"owner_id": f"a-{n % 60}", "to_id": DANA.person_id if n % 2 else f"a-{(n + 1) % 60}"}
            await db.execute(insert(DELEGATION).values(id=f"d-{n}", **people, **delegation))


def few(n: int) -> dict[str, Any]:
    """A small commitment of a long list."""
    return company.content(f"few-{n:03}", f"F-{n}{HIDDEN}", title=f"{HIDDEN}<{n}" * 40)
