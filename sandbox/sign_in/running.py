"""Runs the OpenID provider on the loopback, in the current event loop."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from sandbox.serving import listen, served, url_of
from sandbox.sign_in.app import build_sign_in
from sandbox.sign_in.provider import Client, Provider


@asynccontextmanager
async def running_sign_in(
    client: Client, *, port: int = 0, neighbours: Mapping[str, str] | None = None
) -> AsyncIterator[Provider]:
    """A provider that is served at its `issuer` while the block runs. Raises OSError if the port is taken."""
    with listen(port) as listener:
        provider = Provider(issuer=url_of(listener), client=client)
        async with served(build_sign_in(provider, neighbours), listener):
            yield provider
