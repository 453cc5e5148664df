"""Somebody signs in while a service is attacked."""

import asyncio
from time import monotonic

from sandbox.world import World
from schemas.examples.cast import KIM
from tests.end_to_end.signing_in import signed_in


async def longest_sign_in(world: World, rounds: int) -> float:
    """How long the slowest of `rounds` sign-ins took in seconds, with a page after it."""
    slowest = 0.0
    for _ in range(rounds):
        began = monotonic()
        async with signed_in(world, KIM.id) as browser:
            page = await browser.get("/access")
            assert page.status_code == 200, page.text
        slowest = max(slowest, monotonic() - began)
        await asyncio.sleep(0.5)
    return slowest
