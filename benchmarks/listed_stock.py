"""A database with many commitments as companies have them: few frequent and many rare projects, vendors and words."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from benchmarks.stock import SHARES, events_to
from schemas.envelope import new_event
from schemas.examples.cast import COMPANY
from services.approval.handlers import HANDLERS
from services.approval.rules.commitment import CommitmentFacts
from services.approval.storage.store import columns, search_text
from services.pipeline.fold import Fold

CHUNK = 10_000
MINUTES_APART, DAY_MINUTES = 2, 1440
SHARE_CHANGED = 0.05
PROJECTS, VENDORS, PEOPLE, OTHER_COMPANIES = 400, 2_000, 200, 49
_TRADE_WORDS = """
concrete steel roofing glazing electrical plumbing drywall painting elevator excavation masonry flooring insulation
carpentry sprinkler ductwork boiler generator paving landscaping demolition scaffolding waterproofing tile marble
fencing signage kitchen furniture security lighting cabling drainage piling formwork rebar crane pump
"""
_TRADES = tuple(_TRADE_WORDS.split())
_SYLLABLE_WORDS = "ba ko mar ten sil ver dor nak lu pe ri son han gra mül zá ko lin fer ost wes nor bru cal dis ek"
_SYLLABLES = tuple(_SYLLABLE_WORDS.split())


@dataclass(frozen=True, slots=True)
class Words:
    """What names are made of; the first are the most frequent."""

    projects: Sequence[str]
    vendors: Sequence[str]
    people: Sequence[str]


def words(chance: random.Random) -> Words:
    """Return names that are made up."""

    def name(parts: int) -> str:
        return "".join(chance.choice(_SYLLABLES) for _ in range(parts)).capitalize()

    return Words(
        [f"{name(3)} {chance.choice(('Tower', 'Park', 'Bridge', 'School', 'Terminal'))} {n}" for n in range(PROJECTS)],
        [f"{name(3)} {chance.choice(_TRADES).capitalize()} {n}" for n in range(VENDORS)],
        [f"{name(2)} {name(3)}" for _ in range(PEOPLE)],
    )


def fill(database: str, count: int, chance: random.Random) -> Words:
    """Add `count` commitments, half of them of one company, with what is searched; analyse the tables."""
    made = words(chance)
    samples = {status: _sample(status) for status in SHARES}
    with psycopg.connect(database, autocommit=True) as db:
        db.execute("set synchronous_commit = off")
        (index,) = db.execute("select pg_get_indexdef('approval.search_text_by_gram'::regclass)").fetchone() or ("",)
        db.execute("drop index approval.search_text_by_gram")  # it is built in a tenth of the time that filling takes
        for first in range(0, count, CHUNK):
            known = [_commitment(n, count, samples, made, chance) for n in range(first, min(first + CHUNK, count))]
            _copy(db, "commitment", [columns(facts) for facts in known])
            _copy(db, "search_text", [text for text in map(search_text, known) if text])
        db.execute("set maintenance_work_mem = '256MB'")
        db.execute(index)
        db.execute("vacuum (analyze)")
        db.execute("checkpoint")
    return made


def _sample(status: str) -> CommitmentFacts:
    """Return the facts of a commitment that the events of `status` have happened to."""
    events = [new_event(each, source="benchmarks", time=datetime.now(UTC)) for each in events_to(status)]
    key = events[0].subject
    fold = Fold(HANDLERS, {key: CommitmentFacts(key)}, datetime.now(UTC))
    for event in events:
        fold.apply(event)
    return fold.result().changes[0].after


def _commitment(
    number: int, count: int, samples: dict[str, CommitmentFacts], made: Words, chance: random.Random
) -> CommitmentFacts:
    """Return a commitment like one of the samples, of one project, and as many days old as it comes before the last."""
    (status,) = chance.choices(list(SHARES), list(SHARES.values()))
    at = datetime.now(UTC) - timedelta(minutes=(count - number) * MINUTES_APART + chance.random() * DAY_MINUTES)
    facts = samples[status]
    (sent,), ruling, retrieved = facts.submissions, facts.ruling, facts.retrieved
    summary = sent.summary.model_copy(
        update={
            "number": f"{chance.choice(('SC', 'PO'))}-{at:%Y}-{number:06}",
            "title": f"{chance.choice(_TRADES)} and {chance.choice(_TRADES)}, level {chance.randrange(40)}",
            "project": _often_first(made.projects, chance),
            "vendor": _often_first(made.vendors, chance),
            "currency": chance.choice(("USD", "USD", "USD", "EUR", "CAD")),
            "total": str(round(Decimal(chance.lognormvariate(10, 1.5)), 2)),
            "creator": sent.summary.creator.model_copy(update={"name": _often_first(made.people, chance)}),
            "sent_by": sent.summary.sent_by.model_copy(update={"name": _often_first(made.people, chance)}),
        }
    )
    revision = 2 if chance.random() < SHARE_CHANGED else 1
    return replace(
        facts,
        id=f"{facts.id}-{number:07}",
        company_id=COMPANY if number % 2 else f"company-{number % (2 * OTHER_COMPANIES)}",
        submissions=(replace(sent, sent_at=at, summary=summary, revision=revision),),
        ruling=ruling and replace(ruling, at=at, revision=revision),
        retrieved=retrieved and replace(retrieved, at=at, revision=revision),
    )


def _often_first(names: Sequence[str], chance: random.Random) -> str:
    """Choose a name; the first twentieth of them is as frequent as the others together."""
    return names[min(int(chance.paretovariate(0.6)) - 1, len(names) * 50) % len(names)]


def _copy(db: psycopg.Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
    names = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier("approval", table), names)
    with db.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(list(row.values()))
