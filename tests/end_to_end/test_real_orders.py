"""Orders as they occur in the field are sent, shown, exported or rejected, and mailed by the whole running system."""

import asyncio
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import httpx2
import pytest

from sandbox.story.actors import Actors
from sandbox.world import World, WorldOptions, running_world
from schemas.envelope import encode, new_event
from schemas.events import CommitmentSent
from schemas.examples.cast import ANA, SAM
from schemas.examples.example import submitted
from services.notifier.rules.wording import one_line
from services.pipeline.broker import EventProducer
from services.pipeline.formats import money
from services.pipeline.legible import legible
from tests.end_to_end.signing_in import signed_in
from tests.real_orders import ORDERS, RealOrder
from tests.waiting import eventually

pytestmark = pytest.mark.timeout(180)
GREEN_WITHIN_SECONDS = 60
REASON = "Please send it as accounting can book it: 工事 🏗️ <b>now</b>."


async def test_real_orders_are_shown_exported_and_mailed(tmp_path: Path) -> None:
    async with running_world(tmp_path, WorldOptions(is_durable=False)) as world, Actors(world) as dana:
        await send(world)
        await eventually(lambda: all_wait(dana), GREEN_WITHIN_SECONDS)

        await show(world)
        for order in ORDERS:
            row = await dana.row("ready", order.commitment.id)
            assert row is not None
            await (dana.reject(row, reason_for(order)) if order.blocked_by else dana.accept(row))

        await eventually(lambda: all_are_answered(dana), GREEN_WITHIN_SECONDS)
        for order in ORDERS:
            check_document(world, order)
            check_mails(dana, order)


async def send(world: World) -> None:
    producer = EventProducer(world.kafka_settings, "tests")
    messages = []
    for order in ORDERS:
        data = CommitmentSent(**submitted(order.commitment, 1))
        sent = new_event(data, source="tests", time=datetime.now(UTC))
        messages.append((data.topic, sent.subject, encode(sent)))
    assert await producer.send(messages) == [None] * len(ORDERS)
    await asyncio.to_thread(producer.close)


def reason_for(order: RealOrder) -> str:
    """A reason for each, since many rejections for the same one are told in one mail."""
    return f"{REASON} {order.name}"


async def all_wait(dana: Actors) -> bool:
    return {row["id"] for row in await dana.rows("ready")} == {order.commitment.id for order in ORDERS}


async def show(world: World) -> None:
    """Open the list and every page as Dana: they show the text without hidden characters, and no tag becomes markup."""
    async with signed_in(world) as browser:
        pages = {order: (await opened(browser, f"/commitments/{order.commitment.id}")) for order in ORDERS}
        for view in ("ready", "all"):
            await opened(browser, f"/commitments?view={view}")
    for order, page in pages.items():
        commitment, text = order.commitment, unescape(page)
        assert legible(commitment.title) in text, order.name
        assert money(commitment.total, commitment.currency) in text, order.name
        assert all(legible(line.description) in text for line in commitment.lines if line.description), order.name
        assert "<b>Painting</b>" not in page
        assert "<script>alert" not in page


async def opened(browser: httpx2.AsyncClient, path: str) -> str:
    answer = await browser.get(path)
    assert answer.status_code == httpx2.codes.OK, path
    return answer.text


async def all_are_answered(dana: Actors) -> bool:
    synced = {row["id"] for row in await dana.rows("synced")}
    accepted = {order.commitment.id for order in ORDERS if not order.blocked_by}
    rejected = [order for order in ORDERS if order.blocked_by]
    return synced == accepted and len(dana.mails(str(SAM.email), "Rejected: ")) == len(rejected)


def check_document(world: World, order: RealOrder) -> None:
    """What was accepted is in the ERP to the last digit and character, and nothing else is."""
    documents = world.erp.books.under(order.commitment.id)
    assert len(documents) == (0 if order.blocked_by else 1), order.name
    for document in documents:
        written, sent = document.order, order.commitment
        assert (written.lines, written.total, written.currency) == (sent.lines, sent.total, sent.currency), order.name
        assert (written.title, written.description, written.number) == (sent.title, sent.description, sent.number)


def check_mails(dana: Actors, order: RealOrder) -> None:
    """Creator and sender of what was rejected read its title and the reason, as text."""
    commitment = order.commitment
    subject = f"Rejected: {commitment.number} {one_line(commitment.title)}"
    for person in (ANA, SAM):
        mails = dana.mails(str(person.email), subject)
        assert len(mails) == bool(order.blocked_by), order.name
        assert all(reason_for(order) in mail.text for mail in mails)
