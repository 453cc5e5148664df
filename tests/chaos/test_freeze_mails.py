"""Notifiers, digests and the servers that they use stand still, and every summary is built once and every mail sent."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from time import monotonic

import orjson

from sandbox.servers.local_server import LocalServer
from sandbox.service_process import ServiceProcess
from sandbox.world import World, WorldOptions, running_world
from schemas.commitment import Person
from schemas.envelope import encode, new_event
from schemas.events import DigestReady, DirectoryPerson, EventData, QuestionAsked
from schemas.examples.questions import EXAMPLES
from services.digest.projection import SESSION_SECONDS as DIGEST_SESSION_SECONDS
from services.notifier.work import CONCURRENCY, LEASE
from services.pipeline.broker import EventProducer, TopicReader
from tests.chaos.brokers import SESSION_SECONDS
from tests.chaos.lag_at_the_brokers import assert_lags_agree
from tests.chaos.second_processes import second_processes
from tests.unit.digest.rules import samples
from tests.waiting import eventually

SERVICES = ("notifier", "digest")
COMPANY = "company-1"
LONGEST_WAIT_SECONDS = LEASE.total_seconds() + 40
"""What a frozen notifier holds is free after its lease; what a frozen digest has not read, after its session."""
READY_WITHIN_SECONDS = 120.0


@dataclass(frozen=True)
class Size:
    freezes: int
    people: int
    servers_seconds: float
    longest_seconds: float | None


SHORT = Size(freezes=6, people=20, servers_seconds=20.0, longest_seconds=None)
LONG = Size(freezes=20, people=60, servers_seconds=20.0, longest_seconds=75.0)


@dataclass(frozen=True)
class Freeze:
    """Who stands still, and for how long; with `takes_messages`, Kafka goes on meanwhile."""

    name: str
    who: Sequence[LocalServer]
    seconds: float
    takes_messages: bool = True

    @contextmanager
    def under_way(self) -> Iterator[None]:
        with ExitStack() as stack:
            for each in self.who:
                stack.enter_context(each.paused())
            yield


@dataclass
class Office:
    """People for whom a summary is due as soon as the digest knows them, and who are asked something."""

    world: World
    producer: EventProducer
    people: list[str] = field(default_factory=list)

    async def opens(self) -> None:
        """Let something wait since yesterday, so that there is a summary."""
        data = samples.status("SC-1", company_id=COMPANY, commitment_id="SC-1", version=1, since=yesterday())
        await self._publish([data])

    async def greet(self, count: int, *, over_seconds: float = 0.0) -> None:
        """Publish more people, and a question to each."""
        began = monotonic()
        for place in range(count):
            await asyncio.sleep(began + over_seconds * place / count - monotonic())
            name = f"p{len(self.people):04}"
            self.people.append(name)
            await self._publish([person(name), question(name)])

    async def _publish(self, events: Sequence[EventData]) -> None:
        made = [new_event(each, source="tests", time=datetime.now(UTC)) for each in events]
        outcomes = await self.producer.send([(each.data.topic, each.subject, encode(each)) for each in made])
        assert outcomes == [None] * len(events)

    def mails(self) -> dict[str, Counter[str]]:
        """Count the mails to each person, by their Message-ID: one of the summary, one of the question."""
        found: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for mail in self.world.mailbox.messages:
            found[mail.recipients[0].partition("@")[0]][str(mail.parsed["Message-ID"])] += 1
        return found

    def has_everybody_got_theirs(self) -> bool:
        mails = self.mails()
        return all(len(mails.get(name, ())) >= 2 for name in self.people)

    def missing(self) -> list[str]:
        mails = self.mails()
        return [name for name in self.people if len(mails.get(name, ())) < 2]


async def test_every_summary_is_built_once_and_every_mail_sent_whoever_stands_still(
    tmp_path: Path, size: Size, chance: Random, report: Callable[[str], None]
) -> None:
    """Two notifiers and two digests; people are published before and during every freeze."""
    options = WorldOptions(services=SERVICES, variables={"DIGEST_AT": "00:00"})
    async with running_world(tmp_path, options) as world, second_processes(world, SERVICES) as second:
        members = [*world.services.values(), *second.values()]
        office = Office(world, EventProducer(world.kafka_settings, "tests"))
        await office.opens()
        waited: dict[str, float] = {}
        for freeze in freezes(world, second, size, chance):
            waited[freeze.name] = max(await stood_still(office, freeze, size.people), waited.get(freeze.name, 0.0))
            for each in members:
                await eventually(lambda each=each: asyncio.to_thread(each.is_ready), READY_WITHIN_SECONDS)
            assert [member.name for member in members if member.has_ended] == []
        await asyncio.to_thread(office.producer.close)
        await assert_lags_agree(world, members)
        summaries = await asyncio.to_thread(summaries_built, world)
        mails = office.mails()
        repeated = sum(count - 1 for of_person in mails.values() for count in of_person.values())
        figures = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in waited.items())
        report(
            f"freeze of mails: {size.freezes} freezes, {len(office.people)} people: each one summary and one question, "
            f"{repeated} mails repeated; longest wait after the freeze: {figures}"
        )

        assert summaries == dict.fromkeys(office.people, 1)
        assert {name: len(of_person) for name, of_person in mails.items()} == dict.fromkeys(office.people, 2)
        assert repeated <= CONCURRENCY * len(members) * size.freezes


async def stood_still(office: Office, freeze: Freeze, people: int) -> float:
    """Freeze, and return after how many seconds from then on everybody had their mails."""
    await office.greet(people // 2)
    with freeze.under_way():
        if freeze.takes_messages:
            await office.greet(people // 2, over_seconds=freeze.seconds)
        else:
            await asyncio.sleep(freeze.seconds)  # it stands still for so long; nothing else is waited for
        for each in freeze.who:
            assert not await asyncio.to_thread(each.is_ready)
    resumed_at = monotonic()
    if not freeze.takes_messages:
        await office.greet(people // 2)
    try:
        await eventually(office.has_everybody_got_theirs, LONGEST_WAIT_SECONDS, every=0.5)
    except AssertionError as error:
        raise AssertionError(f"after {freeze.name}: nothing for {office.missing()}") from error
    return monotonic() - resumed_at


def freezes(world: World, second: dict[str, ServiceProcess], size: Size, chance: Random) -> Iterator[Freeze]:
    """Yield each kind once, and then any."""
    pairs = {name: [world.services[name], second[name]] for name in SERVICES}
    sessions = {"notifier": SESSION_SECONDS, "digest": DIGEST_SESSION_SECONDS}

    def seconds(name: str) -> float:
        shortest = sessions[name] + 2
        return shortest if size.longest_seconds is None else chance.uniform(shortest, size.longest_seconds)

    def kinds() -> Iterator[Freeze]:
        for name in SERVICES:
            yield Freeze(f"one {name}", [chance.choice(pairs[name])], seconds(name))
            yield Freeze(f"both {name}s", pairs[name], seconds(name))
        yield Freeze("Kafka", [world.kafka], size.servers_seconds, takes_messages=False)
        yield Freeze("PostgreSQL", [world.postgres], size.servers_seconds)

    for number in range(size.freezes):
        each_kind = list(kinds())
        yield each_kind[number % len(each_kind)]


def person(name: str) -> DirectoryPerson:
    """Somebody in UTC, where the summary is due at midnight."""
    return samples.person(
        company_id=COMPANY,
        person_id=name,
        name=name.title(),
        email=f"{name}@desk.example",
        time_zone="UTC",
    )


def question(name: str) -> QuestionAsked:
    """A question to the same person about a commitment of their own."""
    asked = next(each.event.data for each in EXAMPLES if isinstance(each.event.data, QuestionAsked))
    sender = Person(id=name, name=name.title(), email=f"{name}@desk.example")
    summary = asked.summary.model_copy(update={"sent_by": sender, "creator": sender})
    return asked.model_copy(update={"company_id": COMPANY, "commitment_id": f"SC-{name}", "summary": summary})


def yesterday() -> datetime:
    return datetime.now(UTC) - timedelta(days=1)


def summaries_built(world: World) -> dict[str, int]:
    """Count the different summaries of each person on the topic."""
    reader = TopicReader(world.kafka_settings, [DigestReady.topic])
    built: defaultdict[str, set[str]] = defaultdict(set)
    ends = reader.ends()
    while not reader.has_reached(ends):
        for record in reader.read():
            event = orjson.loads(record.value or b"{}")
            built[event["data"]["recipient"]["id"]].add(event["id"])
    reader.close()
    return {name: len(ids) for name, ids in built.items()}
