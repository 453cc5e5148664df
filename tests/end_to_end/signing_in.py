"""A browser without a screen, signed in on the desk of a running world."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2

from sandbox.world import World
from schemas.examples.cast import DANA

BROWSING = {"sec-fetch-site": "same-origin"}


@asynccontextmanager
async def signed_in(world: World, person_id: str = DANA.id) -> AsyncIterator[httpx2.AsyncClient]:
    """Somebody's browser, signed in through the world's provider; paths are those of the desk."""
    async with httpx2.AsyncClient(base_url=world.desk_url, timeout=30, trust_env=False, headers=BROWSING) as browser:
        begun = await browser.get("/sign-in")
        provider = begun.headers["location"]
        chosen = await browser.post(provider, data={"person_id": person_id})
        finished = await browser.get(chosen.headers["location"])
        assert finished.is_redirect
        yield browser
