"""The plot: both user stories, a failing export with its retry, a retrieve, and an ERP answer that got lost."""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.story.actors import Actors
from sandbox.story.timeline import NotSeenError, Timeline
from sandbox.world import World
from schemas.examples.cast import ANA, DANA, DIRECTORY, SAM
from schemas.fields import FailureClass

DIGEST_SUBJECT = "ERP Integrations Daily Summary"
REASON = "Line 1: cost code 03-300 is closed. Use 03-310."


async def play(world: World, timeline: Timeline) -> None:
    """Play everything; NotSeenError at the first step that was not seen."""
    async with Actors(world) as actors:
        await _accepted(actors, timeline)
        await _rejected_and_resent(actors, timeline)
        await _rejected_of_one_person(actors, timeline)
        await _retrieved(actors, timeline)
        await _failed_and_retried(actors, timeline)
        await _answer_lost(actors, timeline)
        _one_mail_per_person_and_occasion(actors, timeline)


async def _accepted(actors: Actors, timeline: Timeline) -> None:
    timeline.chapter("A commitment is accepted for export")
    commitment_id = await actors.create("SC-014", "Concrete works")
    await actors.send(commitment_id, note="As agreed on site.")
    timeline.tell("Ana Gil created SC-014, Sam Lee pressed Send to ERP")
    await _ribbon(actors, timeline, commitment_id, "BLUE", "ready")
    await _accept(actors, timeline, commitment_id)
    shown = await _ribbon(actors, timeline, commitment_id, "GREEN", "synced")
    number = shown["erp_document"]["number"]
    timeline.check(f"SC-014 is {number} in the ERP, and nothing else", is_so=actors.documents(commitment_id) == 1)


async def _rejected_and_resent(actors: Actors, timeline: Timeline) -> None:
    timeline.chapter("A commitment is rejected, corrected and re-sent")
    commitment_id = await actors.create("PO-099", "Structural steel", kind="purchase_order")
    await actors.send(commitment_id)
    row = await _waiting(actors, timeline, commitment_id)
    await actors.reject(row, REASON)
    timeline.tell(f"Dana Ruiz rejected PO-099: {REASON}")
    await _ribbon(actors, timeline, commitment_id, "YELLOW", "rejected")
    for person in (ANA, SAM):
        mail = await _mail(actors, timeline, person.email, "Rejected: PO-099")
        timeline.check(f"The mail to {person.name} gives the reason", is_so=REASON in mail)
    await actors.edit(commitment_id, "PO-099", "Structural steel", kind="purchase_order", cost_code="03-310")
    await actors.resend(commitment_id, note="Moved to 03-310.")
    timeline.tell("Sam Lee corrected PO-099 and pressed Re-send to ERP")
    await _ribbon(actors, timeline, commitment_id, "BLUE", "ready", revision=2)
    mail = await _mail(actors, timeline, DANA.email, "Re-sent: PO-099")
    timeline.check("The mail to Dana Ruiz shows what changed", is_so="03-310" in mail)
    await _daily_summary(actors, timeline)
    await _accept(actors, timeline, commitment_id)
    await _ribbon(actors, timeline, commitment_id, "GREEN", "synced", revision=2)
    timeline.check("PO-099 is one document in the ERP", is_so=actors.documents(commitment_id) == 1)


async def _daily_summary(actors: Actors, timeline: Timeline) -> None:
    """An operator asks for tomorrow's summary; asking twice sends it once."""
    zone = ZoneInfo(DIRECTORY[DANA.id].time_zone)
    tomorrow = (datetime.now(zone) + timedelta(days=1)).replace(hour=6, minute=1)
    environment = dict(actors.world.environment)

    async def listed() -> str | None:
        await _countersign(environment, "digest", "--at", tomorrow.isoformat(timespec="seconds"))
        mails = actors.mails(DANA.email, DIGEST_SUBJECT)
        return mails[0].text if mails else None

    text = await timeline.see(f"Mail to Dana Ruiz: {DIGEST_SUBJECT}", listed)
    timeline.check("It lists PO-099 as waiting", is_so="PO-099" in text)
    await _countersign(environment, "digest", "--at", tomorrow.isoformat(timespec="seconds"))


async def _rejected_of_one_person(actors: Actors, timeline: Timeline) -> None:
    timeline.chapter("Creator and sender are the same person")
    commitment_id = await actors.create("PO-100", "Rebar", kind="purchase_order", by=SAM.id)
    await actors.send(commitment_id)
    await actors.reject(await _waiting(actors, timeline, commitment_id), REASON)
    await _ribbon(actors, timeline, commitment_id, "YELLOW", "rejected")
    await _mail(actors, timeline, SAM.email, "Rejected: PO-100")


async def _retrieved(actors: Actors, timeline: Timeline) -> None:
    timeline.chapter("A commitment is retrieved before it is answered")
    commitment_id = await actors.create("SC-015", "Formwork")
    await actors.send(commitment_id)
    await _ribbon(actors, timeline, commitment_id, "BLUE", "ready")
    await actors.retrieve(commitment_id)
    await _ribbon(actors, timeline, commitment_id, "YELLOW", "retrieved")
    gone = await actors.listed("ready", commitment_id)
    timeline.check("SC-015 no longer waits at the desk", is_so=gone is None)


async def _failed_and_retried(actors: Actors, timeline: Timeline) -> None:
    timeline.chapter("An export fails, and is retried without a second approval")
    commitment_id = await actors.create("SC-016", "Waterproofing")
    refusal = ErpFault(
        kind=ErpFaultKind.REFUSE,
        times=1,
        reference=commitment_id,
        code="period_closed",
        failure_class=FailureClass.WAIT_FOR_DEPENDENCY,
        message="The accounting period is closed.",
    )
    actors.world.erp.faults.switch_on(refusal)
    await actors.send(commitment_id)
    await _accept(actors, timeline, commitment_id)
    await _ribbon(actors, timeline, commitment_id, "BLUE", "failed")
    for person in (ANA, SAM, DANA):
        await _mail(actors, timeline, person.email, "Export failed: SC-016")
    row = await timeline.see("SC-016 stands in Failed to Export", lambda: actors.listed("failed", commitment_id))
    await actors.retry(row)
    timeline.tell("Dana Ruiz ordered a retry")
    await _ribbon(actors, timeline, commitment_id, "GREEN", "synced")
    timeline.check("SC-016 is one document in the ERP", is_so=actors.documents(commitment_id) == 1)


async def _answer_lost(actors: Actors, timeline: Timeline) -> None:
    timeline.chapter("The ERP stores a document, and its answer is lost")
    commitment_id = await actors.create("SC-017", "Masonry")
    lost = ErpFault(kind=ErpFaultKind.LOSE_ANSWER, times=1, calls=Calls.WRITES, reference=commitment_id)
    actors.world.erp.faults.switch_on(lost)
    await actors.send(commitment_id)
    await _accept(actors, timeline, commitment_id)
    await _ribbon(actors, timeline, commitment_id, "BLUE", "in_doubt")
    await _ribbon(actors, timeline, commitment_id, "GREEN", "synced")
    timeline.check("The ERP's journal has exactly one document of SC-017", is_so=actors.documents(commitment_id) == 1)


def _one_mail_per_person_and_occasion(actors: Actors, timeline: Timeline) -> None:
    timeline.chapter("In the end")
    told = Counter((mail.recipients, mail.subject) for mail in actors.world.mailbox.to(None))
    repeated = [occasion for occasion, count in told.items() if count > 1]
    timeline.check(f"{len(told)} mails, one per person and occasion", is_so=not repeated)
    created = actors.world.erp.journal.created()
    timeline.check(
        f"{len(created)} commitments accepted, {len(created)} documents in the ERP", is_so=set(created.values()) == {1}
    )


async def _waiting(actors: Actors, timeline: Timeline, commitment_id: str) -> Mapping[str, Any]:
    return await timeline.see("Dana Ruiz sees it in Ready to Export", lambda: actors.listed("ready", commitment_id))


async def _accept(actors: Actors, timeline: Timeline, commitment_id: str) -> None:
    row = await _waiting(actors, timeline, commitment_id)
    await actors.accept(row)
    timeline.tell(f"Dana Ruiz accepted {row['summary']['number']}")


async def _ribbon(
    actors: Actors, timeline: Timeline, commitment_id: str, colour: str, status: str, revision: int = 1
) -> Mapping[str, Any]:
    what = f"Upstream shows {colour}: {status.replace('_', ' ')}"
    return await timeline.see(what, lambda: actors.ribbon(commitment_id, colour, status, revision))


async def _mail(actors: Actors, timeline: Timeline, address: str, subject: str) -> str:
    async def look() -> str | None:
        mails = actors.mails(address, subject)
        return mails[0].text if mails else None

    return await timeline.see(f"Mail to {address}: {subject}", look)


async def _countersign(environment: Mapping[str, str], *arguments: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.command",
        *arguments,
        env=dict(environment),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise NotSeenError(f"countersign {' '.join(arguments)} failed: {output.decode()[-500:]}")
