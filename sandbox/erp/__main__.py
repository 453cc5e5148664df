"""Runs the ERP in a process of its own: `python -m sandbox.erp PORT JOURNAL`, with its token in a variable."""

import asyncio
import os
import sys
from pathlib import Path

from pydantic import SecretStr

from sandbox.erp.running import running_erp
from sandbox.erp.server import TOKEN_VARIABLE


async def main(port: str, journal: str) -> None:
    """Serve the ERP until the process ends; it continues an earlier journal."""
    token = SecretStr(os.environ[TOKEN_VARIABLE])
    async with running_erp(token=token, port=int(port), journal_path=Path(journal)):
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
