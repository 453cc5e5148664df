"""A counting service in a process of its own, which tests stop, continue and kill, or let fail in a chosen way."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from services.pipeline import metrics
from services.pipeline.runtime import run_service
from tests.integration.pipeline.counting_service import CountingService
from tests.waiting import eventually

STARTS_WITHIN_SECONDS = 40.0


async def at_once(stopping: asyncio.Event) -> None:
    """A part that fails while the others start."""
    del stopping
    raise ZeroDivisionError


async def has_partitions(stopping: asyncio.Event) -> None:
    """Return once the consumer has its partitions, whose lag it then shows."""
    await eventually(lambda: stopping.is_set() or bool(next(iter(metrics.CONSUMER_LAG.collect())).samples))


async def later(stopping: asyncio.Event) -> None:
    """A part that fails while the others work."""
    await has_partitions(stopping)
    raise ZeroDivisionError


async def returns(stopping: asyncio.Event) -> None:
    """A part that ends by itself, without an error."""
    await has_partitions(stopping)


async def hangs(stopping: asyncio.Event) -> None:
    """A part that does not care that the service ends."""
    del stopping
    await asyncio.Event().wait()


async def blocks(stopping: asyncio.Event) -> None:
    """A part that leaves a thread behind, for which the interpreter would wait for ever."""
    await stopping.wait()
    asyncio.get_running_loop().run_in_executor(None, threading.Event().wait)


PARTS: Mapping[str, tuple[Any, ...]] = {
    "nothing": (),
    "at_once": (at_once,),
    "later": (later,),
    "returns": (returns,),
    "later_and_hangs": (later, hangs),
    "later_and_blocks": (later, blocks),
}


@contextmanager
def counting_process(
    service: CountingService, log: Path, fails: str = "nothing"
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a process of `service` while the block runs; afterwards it is killed."""
    environment = {
        "COUNTING_NAME": service.name,
        "KAFKA_BOOTSTRAP_SERVERS": service.settings.kafka_bootstrap_servers,
        "DATABASE_URL": service.settings.database_url.get_secret_value(),
        "FAILS": fails,
    }
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__], env=os.environ | environment, stdout=output, stderr=output
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def main() -> int:
    """Run the service that the environment describes."""
    environ = os.environ
    counting = CountingService(environ["COUNTING_NAME"], environ["KAFKA_BOOTSTRAP_SERVERS"], environ["DATABASE_URL"])
    return run_service(
        environ["COUNTING_NAME"], lambda: (counting.service(loops=PARTS[environ["FAILS"]]), counting.settings)
    )


if __name__ == "__main__":
    sys.exit(main())
