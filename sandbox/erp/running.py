"""Runs the ERP on the loopback, in the current event loop."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from sandbox.erp.app import build_erp
from sandbox.erp.rules import Rules
from sandbox.erp.server import Erp
from sandbox.serving import listen, served, url_of


@asynccontextmanager
async def running_erp(
    *,
    token: SecretStr,
    port: int = 0,
    rules: Rules | None = None,
    journal_path: Path | None = None,
    neighbours: Mapping[str, str] | None = None,
) -> AsyncIterator[Erp]:
    """An ERP that is served at its `url` while the block runs; it continues an earlier journal at `journal_path`."""
    with listen(port) as listener:
        erp = Erp(url=url_of(listener), token=token, rules=rules, journal_path=journal_path)
        async with served(build_erp(erp, neighbours), listener, erp.resets_connection):
            yield erp
