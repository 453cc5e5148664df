"""Strangers of several networks send and read as slowly as they can; whoever wants to sign in does so as ever."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import pytest

from sandbox.world import World, WorldOptions, running_world
from schemas.examples.cast import KIM
from tests.chaos.hostile_clients import Attack, half_body, half_form, many_requests
from tests.end_to_end.signing_in import signed_in

MORE_SECONDS = 2.0
"""For thousands of answers to the attack itself, on a busy machine; whoever finds no place is refused by then."""
NETWORKS = 4
OF_ONE_NETWORK = 24
"""More than it has places for."""


@dataclass(frozen=True)
class Size:
    rounds: int


SHORT = Size(rounds=3)
LONG = Size(rounds=40)


@pytest.mark.alone
async def test_slow_strangers_keep_nobody_from_signing_in(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    slowest: dict[str, float] = {}
    variables = {"SIGN_INS_PER_MINUTE": "10000"}
    async with running_world(tmp_path, WorldOptions(services=("approval",), variables=variables)) as world:
        quiet = await longest_sign_in(world, size)
        for name, request in attacks():
            port = world.services["approval"].port
            async with AsyncExitStack() as under_way:
                for network in range(NETWORKS):
                    attack = Attack(port, [request], OF_ONE_NETWORK, address=f"127.0.7.{network + 1}")
                    await under_way.enter_async_context(attack.under_way())
                slowest[name] = await longest_sign_in(world, size)
            report(f"slow strangers: {name}: {slowest[name]:.2f} s for the slowest of {size.rounds} sign-ins")
    assert not {name: seconds for name, seconds in slowest.items() if seconds > quiet + MORE_SECONDS}


def attacks() -> Iterator[tuple[str, bytes]]:
    yield "forms", half_form(b"/q/made-up")
    yield "forms of whoever is signed out", half_form(b"/marks")
    yield "bodies of the API", half_body(b"/api/v1/answers")
    yield "unread assets", many_requests(b"/assets/desk.css", 60)


async def longest_sign_in(world: World, size: Size) -> float:
    """How long the slowest of some sign-ins took, with a page after it."""
    slowest = 0.0
    for _ in range(size.rounds):
        began = monotonic()
        async with signed_in(world, KIM.id) as browser:
            page = await browser.get("/access")
            assert page.status_code == 200, page.text
        slowest = max(slowest, monotonic() - began)
        await asyncio.sleep(0.5)
    return slowest
