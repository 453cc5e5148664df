"""What upstream was told about each commitment, in which order, and when."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from time import monotonic

import orjson

from sandbox.erp import Erp
from sandbox.world import World
from schemas.events import CommitmentSent, CommitmentStatus
from services.pipeline.broker import TopicReader
from services.pipeline.records import Record

GREEN = "GREEN"
POLL_SECONDS = 0.05


@dataclass(slots=True)
class Course:
    """One commitment: when it was sent and when each status came, in the order of the topic."""

    partition: int = -1
    sent_at: float = float("inf")
    versions: list[int] = field(default_factory=list)
    ribbons: list[str] = field(default_factory=list)
    status_at: list[float] = field(default_factory=list)

    @property
    def ribbon(self) -> str:
        """The ribbon that upstream shows; readers ignore lower versions."""
        return max(zip(self.versions, self.ribbons, strict=True), default=(0, ""))[1]

    @property
    def has_gone_back(self) -> bool:
        """Whether a status came after a newer one; a repeat of the newest is none."""
        return any(later < earlier for earlier, later in pairwise(self.versions))

    @property
    def repeats(self) -> int:
        """How many statuses came more than once."""
        return len(self.versions) - len(set(self.versions))

    @property
    def longest_wait_seconds(self) -> float:
        """The longest time without any news, from when it was sent to its latest status."""
        return max((later - earlier for earlier, later in pairwise([self.sent_at, *self.status_at])), default=0.0)

    @property
    def green_after_seconds(self) -> float:
        """How long it took from when it was sent to its first GREEN."""
        return self.status_at[self.ribbons.index(GREEN)] - self.sent_at


class Statuses:
    """Follows the topics of a world from their beginning; times are those of `monotonic`."""

    def __init__(self, world: World) -> None:
        self._reader = TopicReader(world.kafka_settings, [CommitmentSent.topic, CommitmentStatus.topic])
        self.courses: defaultdict[str, Course] = defaultdict(Course)
        self._is_added = asyncio.Event()

    async def follow(self, stopping: asyncio.Event) -> None:
        """Read until `stopping` is set."""
        while not stopping.is_set():
            records = await asyncio.to_thread(self._reader.read)
            self._add(records, monotonic())
            self._is_added.set()
        await asyncio.to_thread(self._reader.close)

    def _add(self, records: Iterable[Record], at: float) -> None:
        for record in records:
            course = self.courses[(record.key or b"").decode()]
            if record.partition.topic == CommitmentSent.topic:
                course.partition, course.sent_at = record.partition.number, at
            else:
                status = orjson.loads(record.value or b"{}")["data"]
                course.versions.append(status["version"])
                course.ribbons.append(status["ribbon"])
                course.status_at.append(at)

    def ribbons(self) -> Counter[str]:
        """Count the commitments by their ribbon."""
        return Counter(course.ribbon for course in self.courses.values())

    def is_green(self, ids: Collection[str]) -> bool:
        """Whether all of `ids` are GREEN."""
        return all(self.courses[each].ribbon == GREEN for each in ids)

    async def until_green(self, ids: Collection[str], seconds: float) -> bool:
        """Return once all of `ids` are GREEN, or after `seconds`, and say whether they are."""
        deadline = monotonic() + seconds
        while not self.is_green(ids) and monotonic() < deadline:  # noqa: ASYNC110 - a topic sets no event
            await asyncio.sleep(POLL_SECONDS)
        return self.is_green(ids)

    async def until_read(self) -> None:
        """Return once everything has been read that is on the topics now."""
        ends = await asyncio.to_thread(self._reader.ends)
        is_read = False
        while not is_read:
            is_read = self._reader.has_reached(ends)
            self._is_added.clear()  # what was read last may not have been added yet
            await self._is_added.wait()

    def gone_back(self) -> list[str]:
        """Return the commitments of which a status came after a newer one."""
        return [each for each, course in self.courses.items() if course.has_gone_back]

    def longest_wait_seconds(self) -> float:
        """The longest time that a commitment stood still."""
        return max(course.longest_wait_seconds for course in self.courses.values())

    def came_between(self, begin: float, end: float) -> list[float]:
        """Return when statuses came from `begin` to `end`, earliest first."""
        return sorted(at for course in self.courses.values() for at in course.status_at if begin <= at <= end)


@asynccontextmanager
async def following(world: World) -> AsyncIterator[Statuses]:
    """Follow the statuses while the block runs."""
    statuses = await asyncio.to_thread(Statuses, world)
    stopping = asyncio.Event()
    reading = asyncio.create_task(statuses.follow(stopping))
    try:
        yield statuses
    finally:
        stopping.set()
        await reading


def created(world: World) -> Counter[str]:
    """Return how many documents the small ERP created for each commitment, by its own journal."""
    if not isinstance(world.own_erp, Erp):
        raise LookupError("only the small ERP keeps a journal")  # noqa: TRY004 - as World.erp does
    return world.own_erp.journal.created()


def doubled(world: World) -> dict[str, int]:
    """Return the commitments of which the ERP created more than one document, by its own journal."""
    return {each: number for each, number in created(world).items() if number > 1}


def in_figures(world: World, statuses: Statuses, ids: Collection[str]) -> str:
    """Say what became of `ids`: the figures that every run ends with."""
    green = sum(statuses.courses[each].ribbon == GREEN for each in ids)
    documents = created(world)
    written = sum(documents[each] > 0 for each in ids)
    back = len(statuses.gone_back())
    order = "order kept" if back == 0 else f"the statuses of {back} went back"
    repeats = sum(course.repeats for course in statuses.courses.values())
    return (
        f"{green:,} of {len(ids):,} GREEN, {written:,} in the ERP, {len(doubled(world))} of them twice, "
        f"{order}, {repeats} statuses repeated"
    )
