"""The restore drill: people work, a backup is made, the database is lost, restored, and has to catch up by itself."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from pydantic import SecretStr
from sqlalchemy import text

from sandbox.configuration import DATABASE
from sandbox.drill.statuses import Statuses, created, following
from sandbox.drill.traffic import accepting, send, some_ids
from sandbox.servers.local_server import Report
from sandbox.story import StepFailedError
from sandbox.story.actors import Actors
from sandbox.world import World, WorldOptions, running_world
from services.audit_check import check
from services.pipeline.database import DATABASE_ERRORS, Database

CAUGHT_UP_WITHIN_SECONDS = 180.0
GREEN_WITHIN_SECONDS = 180.0
POLL_SECONDS = 0.2
CHECKED_HISTORIES = 20
AFTERWARDS = 20
"""Commitments that are sent once everything is restored, to see that work goes on."""
REJECTED = ("rejected-before", "rejected-after")
"""One before the backup and one after it, to count the mails that are sent again."""

MAILS_OF_A_REJECTION = 2
"""One to the creator and one to the sender."""

_COUNTS = text(
    "select (select count(*) from approval.commitment where status = 'synced'), "
    "(select count(*) from exporter.export where state = 'succeeded'), "
    "(select count(*) from approval.outbox)"
)


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What a drill measured, and what it found wrong; counts are of commitments, times in seconds."""

    before_backup: int
    after_backup: int
    backup_bytes: int
    backup_seconds: float
    restore_seconds: float
    caught_up_seconds: float
    afterwards: int
    repeated_mails: int
    wrong: Sequence[str]


async def rehearse(folder: Path, commitments: int, per_second: float, report: Report) -> Rehearsed:
    """Play the drill with so many commitments before the backup and as many after it, and report each step."""
    batches = some_ids("before", commitments), some_ids("after", commitments)
    options = WorldOptions(erp_settings={"timeout_seconds": 2.0, "settle_seconds": 2.0, "max_in_flight": 64})
    async with running_world(folder / "world", options, report) as world, following(world) as statuses:
        drill = _Drill(world, statuses, report, per_second)
        await drill.work(batches[0], f"{commitments} commitments are sent, accepted and exported")
        await drill.reject(REJECTED[0])
        backup_seconds, file = await drill.back_up(folder / "countersign.dump")
        await drill.work(batches[1], f"{commitments} more, which the backup does not know")
        await drill.reject(REJECTED[1])
        ids = [*batches[0], *batches[1]]
        mails = len(world.mailbox.messages)
        restore_seconds = await drill.lose_and_restore(file)
        caught_up_seconds = await drill.catch_up(len(ids))
        later = some_ids("later", AFTERWARDS)
        await drill.work(later, f"{AFTERWARDS} new ones go through")
        wrong = await drill.end([*ids, *later])
        return Rehearsed(
            before_backup=commitments,
            after_backup=commitments,
            backup_bytes=file.stat().st_size,
            backup_seconds=backup_seconds,
            restore_seconds=restore_seconds,
            caught_up_seconds=caught_up_seconds,
            afterwards=len(later),
            repeated_mails=len(world.mailbox.messages) - mails,
            wrong=wrong,
        )


@dataclass(frozen=True, slots=True)
class _Drill:
    """The steps, each of which raises StepFailedError if it does not come to its end."""

    world: World
    statuses: Statuses
    report: Report
    per_second: float

    async def work(self, ids: Sequence[str], sentence: str) -> None:
        """Send `ids`, have them accepted, and wait until upstream shows them GREEN."""
        self.report(sentence)
        async with accepting(self.world):
            await send(self.world, ids, over_seconds=len(ids) / self.per_second)
            if not await self.statuses.until_green(ids, GREEN_WITHIN_SECONDS):
                raise StepFailedError(f"Not all of {len(ids)} commitments are GREEN after {GREEN_WITHIN_SECONDS:.0f} s")

    async def reject(self, commitment_id: str) -> None:
        """Reject a commitment, and wait until its creator has the mail."""
        try:
            async with asyncio.timeout(GREEN_WITHIN_SECONDS):
                await self._reject(commitment_id)
        except TimeoutError as error:
            raise StepFailedError(f"Nobody was told of a rejection after {GREEN_WITHIN_SECONDS:.0f} s") from error

    async def _reject(self, commitment_id: str) -> None:
        await send(self.world, [commitment_id])
        async with Actors(self.world) as actors:
            while not (row := await actors.row("ready", commitment_id)):  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(POLL_SECONDS)
            known = len(self.world.mailbox.messages)
            await actors.reject(row, "Rejected in the drill.")
            while len(self.world.mailbox.messages) < known + MAILS_OF_A_REJECTION:  # noqa: ASYNC110 - it sets no event
                await asyncio.sleep(POLL_SECONDS)

    async def back_up(self, file: Path) -> tuple[float, Path]:
        """Dump the database while everything runs; return how long it took."""
        self.report("The database is dumped while everything runs (pg_dump)")
        began = monotonic()
        await asyncio.to_thread(self.world.postgres.dump, DATABASE, file)
        return monotonic() - began, file

    async def lose_and_restore(self, file: Path) -> float:
        """Drop the database under the running services and restore it; return how long it was away."""
        self.report("The database is lost and restored from the dump, under the running services (pg_restore)")
        began = monotonic()
        await asyncio.to_thread(self.world.postgres.restore_dump, DATABASE, file)
        return monotonic() - began

    async def catch_up(self, commitments: int) -> float:
        """Wait until the database knows again what happened after the dump; return how long it took."""
        self.report("The services notice by themselves and read again what the dump does not know")
        began = monotonic()
        while not await is_caught_up(self.world, commitments):
            if monotonic() - began > CAUGHT_UP_WITHIN_SECONDS:
                raise StepFailedError(f"The services have not caught up after {CAUGHT_UP_WITHIN_SECONDS:.0f} s")
            await asyncio.sleep(POLL_SECONDS)
        return monotonic() - began

    async def end(self, ids: Sequence[str]) -> list[str]:
        """Return what is wrong in the end, in sentences; nothing if the drill has passed."""
        self.report(f"Documents, statuses and the histories of {CHECKED_HISTORIES} commitments are checked")
        await self.statuses.until_read()
        broken = await self._broken_histories(ids)
        return findings(ids, created(self.world), self.statuses.ribbons(), self.statuses.gone_back(), broken)

    async def _broken_histories(self, ids: Sequence[str]) -> list[str]:
        step = max(len(ids) // CHECKED_HISTORIES, 1)
        async with Actors(self.world) as actors:
            return [each for each in ids[::step] if check(await actors.audit(each)).problems]


async def is_caught_up(world: World, commitments: int) -> bool:
    """Whether as many are synced in approval's tables and exported in the exporter's, and upstream was told of them."""
    url = SecretStr(world.postgres.url_of(DATABASE))
    database = Database(url, application_name="countersign.drill", pool_size=1)
    try:
        async with database.begin() as db:
            counts = tuple((await db.execute(_COUNTS)).one())
    except DATABASE_ERRORS:
        return False
    finally:
        await database.close()
    return counts == (commitments, commitments, 0)


def findings(
    ids: Sequence[str],
    documents: Mapping[str, int],
    ribbons: Mapping[str, int],
    gone_back: Sequence[str],
    broken: Sequence[str],
) -> list[str]:
    """Return what is wrong with the accepted commitments `ids`, in sentences; `documents` counts those in the ERP."""
    wrong = {
        "are not in the ERP": [each for each in ids if not documents.get(each)],
        "have two documents": [each for each, number in documents.items() if number > 1],
        "went back to an earlier status": gone_back,
        "have a history whose chain of decisions is broken": broken,
    }
    found = [f"{len(each)} commitments {words}: {', '.join(each[:5])}" for words, each in wrong.items() if each]
    wanted = {"GREEN": len(ids), "YELLOW": len(REJECTED)}
    return found + ([] if ribbons == wanted else [f"The ribbons are {dict(ribbons)} instead of {wanted}"])


def explained(rehearsed: Rehearsed) -> list[tuple[str, str]]:
    """Return the figures of a drill as rows for people."""
    return [
        ("Commitments before the backup", f"{rehearsed.before_backup:,}"),
        ("Commitments after the backup, all back again", f"{rehearsed.after_backup:,}"),
        ("Size of the backup", f"{rehearsed.backup_bytes / 1e6:.1f} MB"),
        ("Time to back up, while people worked", f"{rehearsed.backup_seconds:.1f} s"),
        ("Time to restore", f"{rehearsed.restore_seconds:.1f} s"),
        ("Time until everything was known again", f"{rehearsed.caught_up_seconds:.1f} s"),
        ("New commitments afterwards", f"{rehearsed.afterwards:,}"),
        ("Mails that were sent again", f"{rehearsed.repeated_mails:,}"),
    ]
