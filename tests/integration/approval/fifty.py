"""Fifty commitments as an accountant finds them in the morning: 42 routine ones, and 8 that need eyes."""

from datetime import datetime, timedelta
from random import Random
from typing import Any

from tests.integration.approval import company
from tests.integration.approval.company import content, resent, sent, succeeded
from tests.integration.approval.desk import DeskUnderTest

ROUTINE = 42
VENDORS = (
    "Acme Concrete",
    "Ironline Steel",
    "Brightwater Plumbing and Heating of the Greater Metropolitan Area",
    "Müller",
)
PROJECTS = ("Riverside Tower", "Pier 9", "Harbor Library Extension")
TO_REJECT = frozenset({"look-1", "blocked-0", "blocked-1"})


def some_content(commitment_id: str, number: str, chance: Random) -> dict[str, Any]:
    """A commitment with one line, of some vendor and project."""
    total = f"{chance.randint(100_000, 90_000_000) / 100:.2f}"
    place = chance.randrange(12)
    return content(
        commitment_id,
        number,
        total=total,
        currency="EUR" if place == 0 else "USD",
        vendor={"id": f"vendor-{place % 4}", "name": VENDORS[place % 4]},
        project={"id": company.PROJECT, "name": PROJECTS[place % 3]},
        lines=[company.line(1, "03-100", "Formwork, slabs and core walls", total)],
    )


async def receive_fifty(desk: DeskUnderTest, now: datetime) -> None:
    """Let fifty commitments wait: blocked ones, changed ones, one with a note, and an update of a document."""
    chance = Random(50)  # noqa: S311 - the same fifty each time
    for place in range(ROUTINE):
        at = now - timedelta(hours=chance.randint(1, 300))
        await desk.receive(sent(some_content(f"routine-{place}", f"SC-{100 + place}", chance)), at=at)
    for place in range(2):
        wrong = some_content(f"blocked-{place}", f"SC-{200 + place}", chance)
        await desk.receive(sent(wrong | {"total": "1.00"}), at=now - timedelta(days=6))
    for place in range(5):
        before = some_content(f"look-{place}", f"SC-{300 + place}", chance)
        lines = [company.line(1, "03-110", "Formwork, slabs and core walls", before["total"])]
        at = now - timedelta(days=11)
        await desk.receive(sent(before), resent(before | {"lines": lines}, note="Moved to 03-110."), at=at)
    synced = some_content("update", "SC-400", chance)
    await desk.receive(sent(synced), company.accepted(synced), succeeded(synced))
    await desk.receive(resent(synced | {"title": "Concrete works, corrected"}), at=now - timedelta(days=3))
