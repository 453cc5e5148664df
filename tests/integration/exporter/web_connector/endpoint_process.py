"""The endpoint in a process of its own, which measures for how long its event loop is held at most."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import httpx2

TICK_SECONDS = 0.005


class HeldLoop:
    """The longest time of the processor for which the loop did not come to its timer; other processes do not count."""

    def __init__(self) -> None:
        self.seconds = 0.0

    async def watch(self) -> None:
        """Never end."""
        while True:
            before = process_time()
            await asyncio.sleep(TICK_SECONDS)
            self.seconds = max(self.seconds, process_time() - before - TICK_SECONDS)


@dataclass
class Endpoint:
    """A running process; `logged` reads its lines."""

    pid: int
    port: int
    log: Path
    megabytes: float = 0.0

    async def begin(self) -> None:
        """Measure from now on."""
        self._forget_peak()
        self.megabytes = self._memory("VmRSS")
        await self._held_seconds()

    async def measured(self) -> tuple[float, float]:
        """How many megabytes more it had at most, and for how long its loop was held at most in milliseconds."""
        return self._memory("VmHWM") - self.megabytes, 1_000 * await self._held_seconds()

    def logged(self) -> str:
        return self.log.read_text()

    async def _held_seconds(self) -> float:
        async with httpx2.AsyncClient() as client:
            return float((await client.get(f"http://127.0.0.1:{self.port}/held")).text)

    def _forget_peak(self) -> None:
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _memory(self, name: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


@asynccontextmanager
async def endpoint_process(folder: Path) -> AsyncIterator[Endpoint]:
    log = folder / "endpoint.log"
    with log.open("w") as stderr:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", __name__, stdout=asyncio.subprocess.PIPE, stderr=stderr, env=dict(os.environ)
        )
    assert process.stdout is not None
    try:
        endpoint = Endpoint(process.pid, int(await process.stdout.readline()), log)
        await endpoint.begin()
        yield endpoint
    finally:
        process.kill()
        await process.wait()


async def main() -> None:
    from services.exporter.web_connector.app import build_app  # noqa: PLC0415 - only this process needs them
    from services.pipeline.http import listen  # noqa: PLC0415
    from services.pipeline.logs import configure_logs  # noqa: PLC0415
    from tests.integration.exporter.web_connector.scripted_conversing import ScriptedConversing  # noqa: PLC0415
    from tests.integration.exporter.web_connector.served_endpoint import connections  # noqa: PLC0415

    configure_logs("json", "exporter")
    held = HeldLoop()
    app = build_app(connections(), Forgetting(ScriptedConversing()), None)

    @app.get("/held")
    async def tell_held() -> float:
        held_seconds, held.seconds = held.seconds, 0.0
        return held_seconds

    server, listening = listen(app, "127.0.0.1", 0)
    watching = asyncio.create_task(held.watch())
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve(sockets=[listening])
    watching.cancel()


class Forgetting:
    """Conversations that keep nothing of a reply but the length, as rows would."""

    def __init__(self, scripted: object) -> None:
        self._scripted = scripted

    def __getattr__(self, name: str) -> object:
        return getattr(self._scripted, name)

    async def take_reply(self, ticket: str, response: str, hresult: str, message: str) -> int:
        _ = ticket, hresult, message
        await asyncio.sleep(0.2)
        return len(response)


if __name__ == "__main__":
    asyncio.run(main())
