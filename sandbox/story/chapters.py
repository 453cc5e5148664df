"""The chapters: both user stories, a failed export with its retry, a retrieve, and a lost ERP answer."""

import asyncio
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.people import PEOPLE
from sandbox.story.actors import Actors
from sandbox.story.timeline import StepFailedError, Timeline
from sandbox.world import World
from schemas.commitment import Person
from schemas.events import ExportInDoubt
from schemas.examples.cast import ANA, DANA, SAM

DOUBT = ExportInDoubt.topic
DIGEST_SUBJECT = "ERP Integrations Daily Summary"
REASON = "Line 1: cost code 03-300 is closed. Use 03-310."


async def play(world: World, timeline: Timeline) -> None:
    """Play every chapter; raises StepFailedError at the first step that fails."""
    async with Actors(world) as actors:
        story = _Story(actors, timeline)
        await story.accepted()
        await story.rejected_and_resent()
        await story.rejected_for_one_person()
        await story.retrieved()
        await story.failed_and_retried()
        await story.answer_lost()
        await story.nothing_twice()


@dataclass(frozen=True, slots=True)
class _Story:
    """Each chapter is a method; the private ones are steps that several chapters share."""

    actors: Actors
    timeline: Timeline

    async def accepted(self) -> None:
        self.timeline.chapter("A commitment is accepted for export")
        commitment_id = await self.actors.create("SC-014", "Concrete works")
        await self.actors.send(commitment_id, note="As agreed on site.")
        self.timeline.step("Ana Gil created SC-014, Sam Lee pressed Send to ERP")
        await self._ribbon(commitment_id, "BLUE", "ready")
        await self._accept(commitment_id)
        shown = await self._ribbon(commitment_id, "GREEN", "synced")
        document = shown["erp_document"]
        name = document.get("number") or f"document {document['id']}"
        await self._is_one_document(commitment_id, f"SC-014 is {name} in the ERP, and nothing else")
        opens = f"opens at {document['url']}" if document.get("url") else "has no address: its ERP has no pages"
        self.timeline.step(f"It {opens}")

    async def rejected_and_resent(self) -> None:
        self.timeline.chapter("A commitment is rejected, corrected and re-sent")
        commitment_id = await self.actors.create("PO-099", "Structural steel", kind="purchase_order")
        await self.actors.send(commitment_id)
        await self._reject(commitment_id)
        for person in (ANA, SAM):
            mail = await self._mail(person, "Rejected: PO-099")
            self.timeline.check(f"The mail to {person.name} gives the reason", is_so=REASON in mail)
        await self.actors.edit(commitment_id, "PO-099", "Structural steel", kind="purchase_order", cost_code="03-310")
        await self.actors.resend(commitment_id, note="Moved to 03-310.")
        self.timeline.step("Sam Lee corrected PO-099 and pressed Re-send to ERP")
        await self._ribbon(commitment_id, "BLUE", "ready", revision=2)
        mail = await self._mail(DANA, "Re-sent: PO-099")
        self.timeline.check("The mail to Dana Ruiz shows what changed", is_so="03-310" in mail)
        await self._daily_summary()
        await self._accept(commitment_id)
        await self._ribbon(commitment_id, "GREEN", "synced", revision=2)
        await self._is_one_document(commitment_id, "PO-099 is one document in the ERP")

    async def rejected_for_one_person(self) -> None:
        self.timeline.chapter("Creator and sender are the same person")
        commitment_id = await self.actors.create("PO-100", "Rebar", kind="purchase_order", by=SAM.id)
        await self.actors.send(commitment_id)
        await self._reject(commitment_id)
        await self._mail(SAM, "Rejected: PO-100")

    async def retrieved(self) -> None:
        self.timeline.chapter("A commitment is retrieved before it is answered")
        commitment_id = await self.actors.create("SC-015", "Formwork")
        await self.actors.send(commitment_id)
        await self._ribbon(commitment_id, "BLUE", "ready")
        await self.actors.retrieve(commitment_id)
        await self._ribbon(commitment_id, "YELLOW", "retrieved")
        row = await self.actors.row("ready", commitment_id)
        self.timeline.check("SC-015 no longer waits at the desk", is_so=row is None)

    async def failed_and_retried(self) -> None:
        self.timeline.chapter("An export fails, and is retried without a second approval")
        commitment_id = await self.actors.create("SC-016", "Waterproofing")
        self.actors.world.erp.refuse_once(commitment_id, "The accounting period is closed.")
        await self.actors.send(commitment_id)
        await self._accept(commitment_id)
        await self._ribbon(commitment_id, "BLUE", "failed")
        for person in (ANA, SAM, DANA):
            await self._mail(person, "Export failed: SC-016")
        await self.actors.retry(await self._row("SC-016 is listed in Failed to Export", "failed", commitment_id))
        self.timeline.step("Dana Ruiz retried the export")
        await self._ribbon(commitment_id, "GREEN", "synced")
        await self._is_one_document(commitment_id, "SC-016 is one document in the ERP")

    async def answer_lost(self) -> None:
        self.timeline.chapter("The ERP stores a document, and its answer is lost")
        commitment_id = await self.actors.create("SC-017", "Masonry")
        self.actors.world.erp.lose_answer_once(commitment_id)
        await self.actors.send(commitment_id)
        await self._accept(commitment_id)
        # a doubt may be over sooner than anybody looks, but it stays in the history
        await self.timeline.wait_for("SC-017 was in doubt", lambda: self.actors.happened(commitment_id, DOUBT))
        await self._ribbon(commitment_id, "GREEN", "synced")
        await self._is_one_document(commitment_id, "The ERP has exactly one document of SC-017")

    async def nothing_twice(self) -> None:
        self.timeline.chapter("In the end")
        mails = Counter((mail.recipients, mail.subject) for mail in self.actors.world.mailbox.to(None))
        is_each_once = set(mails.values()) == {1}
        self.timeline.check(f"{len(mails)} mails, one per person and occasion", is_so=is_each_once)
        created = await self.actors.world.erp.created()
        accepted = f"{len(created)} commitments accepted, {len(created)} documents in the ERP"
        self.timeline.check(accepted, is_so=set(created.values()) == {1})

    async def _daily_summary(self) -> None:
        """An operator asks for tomorrow's summary twice; Dana gets it once."""
        zone = ZoneInfo(PEOPLE[DANA.id].time_zone)
        tomorrow = (datetime.now(zone) + timedelta(days=1)).replace(hour=6, minute=1).isoformat(timespec="seconds")
        environment = self.actors.world.environment_of("digest")

        async def ask_and_look() -> str | None:
            await _countersign(environment, "digest", "--at", tomorrow)
            return self._text_of_mail(DANA, DIGEST_SUBJECT)

        text = await self.timeline.wait_for(f"Mail to Dana Ruiz: {DIGEST_SUBJECT}", ask_and_look)
        self.timeline.check("It lists PO-099 as waiting", is_so="PO-099" in text)
        await _countersign(environment, "digest", "--at", tomorrow)

    async def _accept(self, commitment_id: str) -> None:
        row = await self._waiting(commitment_id)
        await self.actors.accept(row)
        self.timeline.step(f"Dana Ruiz accepted {row['summary']['number']}")

    async def _reject(self, commitment_id: str) -> None:
        row = await self._waiting(commitment_id)
        await self.actors.reject(row, REASON)
        self.timeline.step(f"Dana Ruiz rejected {row['summary']['number']}: {REASON}")
        await self._ribbon(commitment_id, "YELLOW", "rejected")

    async def _waiting(self, commitment_id: str) -> Mapping[str, Any]:
        return await self._row("Dana Ruiz sees it in Ready to Export", "ready", commitment_id)

    async def _row(self, what: str, view: str, commitment_id: str) -> Mapping[str, Any]:
        return await self.timeline.wait_for(what, lambda: self.actors.row(view, commitment_id))

    async def _ribbon(self, commitment_id: str, colour: str, status: str, revision: int = 1) -> Mapping[str, Any]:
        what = f"Upstream shows {colour}: {status.replace('_', ' ')}"
        return await self.timeline.wait_for(what, lambda: self.actors.ribbon(commitment_id, colour, status, revision))

    async def _mail(self, person: Person, subject: str) -> str:
        async def look() -> str | None:
            return self._text_of_mail(person, subject)

        return await self.timeline.wait_for(f"Mail to {person.email}: {subject}", look)

    def _text_of_mail(self, person: Person, subject: str) -> str | None:
        mails = self.actors.mails(person.email or "", subject)
        return mails[0].text if mails else None

    async def _is_one_document(self, commitment_id: str, what: str) -> None:
        self.timeline.check(what, is_so=await self.actors.documents(commitment_id) == 1)


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
        raise StepFailedError(f"countersign {' '.join(arguments)} failed: {output.decode()[-500:]}")
