"""The people in the export storm: Sam sends and re-sends, Dana accepts, rejects and retries, all the time."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any

import httpx2

from sandbox.drill.traffic import ACCEPTS_AT_ONCE, PAUSE_SECONDS
from sandbox.story import StepFailedError
from sandbox.story.actors import Actors
from sandbox.world import World
from schemas.envelope import encode, new_event
from schemas.events import CommitmentResent, CommitmentSent
from schemas.examples.cast import CONCRETE_1
from schemas.examples.example import submitted
from services.pipeline.broker import EventProducer

REJECTED_AT_ONCE, REVISED_WHILE_EXPORTING, REJECTED_AFTER_FAILURE = 0.08, 0.25, 0.3
"""The chances that Dana rejects what is ready, that Sam re-sends what she accepts, that she rejects what has failed."""
REASON = "Please correct the cost codes."
ASKS_AN_APPROVER = "An accounting approver has to say whether it exists."
"""Of a doubt that the exporter cannot end by asking the ERP again."""
Row = Mapping[str, Any]


def waits_for_people(row: Row) -> bool:
    """Whether nothing happens to it until an approver answers."""
    return row["status"] == "failed" or (row["status"] == "in_doubt" and ASKS_AN_APPROVER in row["message"])


@dataclass(slots=True)
class Sent:
    """What Sam sent last of a commitment."""

    number: str
    revision: int
    content_hash: str


class People:
    """Everybody who works on the commitments; `sent` is the last revision of each, `acts` counts what was done."""

    def __init__(self, world: World, chance: Random) -> None:
        self.sent: dict[str, Sent] = {}
        self.acts = Counter[str]()
        self._producer = EventProducer(world.kafka_settings, "tests")
        self._actors = Actors(world)
        self._chance = chance
        self._rejects_first = True

    async def close(self) -> None:
        """End their connections."""
        await asyncio.to_thread(self._producer.close)

    async def send(self, ids: Sequence[str]) -> None:
        """Sam sends the first revision of each of `ids`."""
        await asyncio.gather(*(self._submit(each, f"SC-{each[-5:]}", 1) for each in ids))

    async def all_rows(self) -> Mapping[str, Row]:
        """Return what the desk shows of each commitment."""
        return {row["id"]: row for row in await self._actors.all_rows("all")}

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        """They answer whatever waits or has failed while the block runs; after it, Dana only accepts what waits."""
        stopping = asyncio.Event()
        async with self._actors:
            working = asyncio.create_task(self._work(stopping))
            try:
                yield
            finally:
                stopping.set()
                await working

    def only_accept(self) -> None:
        """From now on, Dana accepts what waits, and leaves alone what has failed."""
        self._rejects_first = False

    async def answer_all(self, written: Mapping[str, str]) -> int:
        """Dana answers everything that waits for her, by the ids of what is `written`; return how much that is."""
        waiting = [row for row in await self._actors.all_rows("all") if waits_for_people(row)]

        async def answer(row: Row) -> None:
            if row["status"] == "failed":
                await self._actors.retry(row)
                return
            found = written.get(row["id"])
            document = {"connection": "small-erp", "id": found} if found else None
            await self._actors.settle(row, "I have looked into the ERP.", document)

        await self._each(waiting, answer)
        return len(waiting)

    async def _work(self, stopping: asyncio.Event) -> None:
        while not stopping.is_set():
            with suppress(httpx2.HTTPError, StepFailedError):
                await self._each(await self._actors.rows("ready"), self._answer)
                if self._rejects_first:
                    await self._each(await self._actors.rows("failed"), self._after_failure)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _each(self, rows: Sequence[Row], act: Callable[[Row], Awaitable[None]]) -> None:
        gate = asyncio.Semaphore(ACCEPTS_AT_ONCE)

        async def one(row: Row) -> None:
            async with gate:
                with suppress(httpx2.HTTPError, StepFailedError):  # it has changed since the list was read
                    await act(row)

        await asyncio.gather(*(one(row) for row in rows))

    async def _answer(self, row: Row) -> None:
        is_first = self._rejects_first and row["revision"] == 1
        if is_first and self._chance.random() < REJECTED_AT_ONCE:
            await self._reject(row, "rejected unexported")
            return
        await self._actors.accept(row)
        self.acts["accepted"] += 1
        if is_first and self._chance.random() < REVISED_WHILE_EXPORTING:
            await self._resend(row["id"])
            self.acts["re-sent while exporting"] += 1

    async def _after_failure(self, row: Row) -> None:
        if self._chance.random() < REJECTED_AFTER_FAILURE:
            await self._reject(row, "rejected after a failure")
            return
        await self._actors.retry(row)
        self.acts["retried"] += 1

    async def _reject(self, row: Row, act: str) -> None:
        await self._actors.reject(row, REASON)
        self.acts[act] += 1
        if self.sent[row["id"]].revision == row["revision"]:
            await self._resend(row["id"])

    async def _resend(self, commitment_id: str) -> None:
        known = self.sent[commitment_id]
        await self._submit(commitment_id, known.number, known.revision + 1)

    async def _submit(self, commitment_id: str, number: str, revision: int) -> None:
        """Publish a revision, each with another content."""
        change = {"id": commitment_id, "number": number, "description": f"As of revision {revision}"}
        kind = CommitmentSent if revision == 1 else CommitmentResent
        data = kind(**submitted(CONCRETE_1.model_copy(update=change), revision))
        self.sent[commitment_id] = Sent(number, revision, data.commitment.content_hash)
        message = encode(new_event(data, source="tests", time=datetime.now(UTC)))
        assert await self._producer.send([(kind.topic, commitment_id, message)]) == [None]
