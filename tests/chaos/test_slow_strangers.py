"""Strangers of several networks send and read as slowly as they can; whoever wants to sign in does so as ever."""

from collections.abc import Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from sandbox.world import WorldOptions, running_world
from tests.chaos.hostile_clients import Attack, half_body, half_form, many_requests
from tests.chaos.sign_ins import longest_sign_in

MORE_SECONDS = 2.0
"""For thousands of answers to the attack itself, on a busy machine; whoever finds no place is refused by then."""
NETWORKS = 4
OF_ONE_NETWORK = 24
"""More than it has places for."""


SHORT, LONG = 3, 40
"""How many sign-ins are measured under each attack."""


@pytest.mark.alone
async def test_slow_strangers_keep_nobody_from_signing_in(
    tmp_path: Path, size: int, report: Callable[[str], None]
) -> None:
    slowest: dict[str, float] = {}
    variables = {"SIGN_INS_PER_MINUTE": "10000"}
    async with running_world(tmp_path, WorldOptions(services=("approval",), variables=variables)) as world:
        quiet = await longest_sign_in(world, rounds=size)
        for name, request in attacks():
            port = world.services["approval"].port
            async with AsyncExitStack() as under_way:
                for network in range(NETWORKS):
                    attack = Attack(port, [request], OF_ONE_NETWORK, address=f"127.0.7.{network + 1}")
                    await under_way.enter_async_context(attack.under_way())
                slowest[name] = await longest_sign_in(world, rounds=size)
            report(f"slow strangers: {name}: {slowest[name]:.2f} s for the slowest of {size} sign-ins")
    assert not {name: seconds for name, seconds in slowest.items() if seconds > quiet + MORE_SECONDS}


def attacks() -> Iterator[tuple[str, bytes]]:
    yield "forms", half_form(b"/q/made-up")
    yield "forms of whoever is signed out", half_form(b"/marks")
    yield "bodies of the API", half_body(b"/api/v1/answers")
    yield "unread assets", many_requests(b"/assets/desk.css", 60)
