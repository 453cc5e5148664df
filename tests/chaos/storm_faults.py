"""The faults of the export storm: those of an ERP in a process of its own, and those of the network before it."""

import asyncio
import os
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import httpx2

from sandbox.configuration import write_connections
from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.erp.process import ErpProcess
from sandbox.service_process import ServiceProcess
from tests.chaos.storm_settings import PATIENCE, SETTLE_SECONDS, TIMEOUT_SECONDS
from tests.waiting import eventually

TICK_SECONDS = 0.15
MAX_WAITING = 8
"""How many faults wait for a call at a time; the next one is switched on once there are fewer."""
STORM_CALLS = 6
CALLS_BETWEEN = 2
"""How many calls are only slow before one is hit by the next fault."""
DOWN_SECONDS = 0.5
SEEN_WITHIN_SECONDS = 60.0
SLOW, SOON, LATE = 0.05, TIMEOUT_SECONDS / 5, TIMEOUT_SECONDS + SETTLE_SECONDS / 3
"""Answers in time, and one after the deadline, but before the exporter relies on what it is shown."""
TOO_LATE = TIMEOUT_SECONDS + SETTLE_SECONDS + 3
SECONDS: Mapping[ErpFaultKind, tuple[float, ...]] = {
    ErpFaultKind.SLOW: (SOON, LATE),
    ErpFaultKind.LATE_ANSWER: (SOON, LATE),
    ErpFaultKind.LOSE_REQUEST: (0, LATE),
}
BAD_ADDRESSES = {"name not known": "http://erp.invalid", "no TLS": "https://127.0.0.1:{port}"}
_TRANSIENT = re.compile(r'^erp_export_seconds_count\{[^}]*outcome="transient"[^}]*\} (\S+)$', re.MULTILINE)


def deck(chance: Random, *, may_write_twice: bool) -> Iterator[ErpFault]:
    """Yield faults without end, each kind as often as the others, with slow calls between them.

    Only with `may_write_twice` come those from which a second document may follow, of which people are told a minute
    later: writes that are carried out once the exporter no longer waits for them, and searches that hide documents.
    """
    while True:
        for kind in chance.sample(list(ErpFaultKind), len(ErpFaultKind)):
            yield ErpFault(kind=ErpFaultKind.SLOW, times=CALLS_BETWEEN, calls=Calls.EVERY, seconds=SLOW)
            yield _fault(kind, chance, may_write_twice=may_write_twice)


def _fault(kind: ErpFaultKind, chance: Random, *, may_write_twice: bool) -> ErpFault:
    hides = kind is ErpFaultKind.CONTRADICT and not may_write_twice
    calls = Calls.WRITES if hides or chance.random() < 2 / 3 else Calls.EVERY
    seconds = SECONDS.get(kind, (0,))
    if kind is ErpFaultKind.SLOW and may_write_twice:
        seconds = (*seconds, TOO_LATE)
    is_storm = kind in (ErpFaultKind.UNAVAILABLE, ErpFaultKind.TOO_MANY) and chance.random() < 1 / 3
    times = STORM_CALLS if is_storm else 1
    return ErpFault(kind=kind, times=times, calls=calls, seconds=chance.choice(seconds), code=f"told_{kind.value}"[:20])


@asynccontextmanager
async def failing(erp: ErpProcess, faults: Iterator[ErpFault]) -> AsyncIterator[None]:
    """Let calls to the ERP fail while the block runs, and none any more afterwards."""
    stopping = asyncio.Event()
    running = asyncio.create_task(_keep_failing(erp, faults, stopping))
    try:
        yield
    finally:
        stopping.set()
        await running


async def fail_next(erp: ErpProcess, faults: Sequence[ErpFault]) -> None:
    """Let the next calls that `faults` can hit fail."""
    async with httpx2.AsyncClient(trust_env=False) as client:
        await _switch_on(client, erp, [each.model_dump(mode="json") for each in faults])


async def _keep_failing(erp: ErpProcess, faults: Iterator[ErpFault], stopping: asyncio.Event) -> None:
    given: list[object] = []
    given_to = erp.pid
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
        while not stopping.is_set():
            with suppress(httpx2.HTTPError):  # it is being killed just now
                waiting = (await client.get(f"{erp.url}/faults")).json()["faults"]
                is_forgotten, given_to = erp.pid != given_to, erp.pid
                if is_forgotten:  # it was killed
                    waiting = given
                if is_forgotten or len(waiting) < MAX_WAITING:
                    given = [*waiting, *(next(faults).model_dump(mode="json") for _ in range(2))]
                    await _switch_on(client, erp, given)
            await asyncio.sleep(TICK_SECONDS)
        await _switch_on(client, erp, [])


async def _switch_on(client: httpx2.AsyncClient, erp: ErpProcess, faults: list[object]) -> None:
    (await client.put(f"{erp.url}/faults", json={"faults": faults})).raise_for_status()


@dataclass(slots=True)
class Troubles:
    """Counts what happened to the ERP's process, and to those of the exporter."""

    deaths: Counter[str] = field(default_factory=Counter)
    survived: dict[str, str] = field(default_factory=dict)
    """The points at which a process did not die, and what it logged last."""
    stops: int = 0
    erp_kills: int = 0
    unreachable: Counter[str] = field(default_factory=Counter)
    """Calls that ended before anything was sent, by what was wrong."""


async def kill_erp(erp: ErpProcess, troubles: Troubles) -> None:
    """Kill the ERP in the middle of its calls, and start it again with the same books."""
    await asyncio.to_thread(erp.kill)
    await asyncio.sleep(DOWN_SECONDS)
    await asyncio.to_thread(erp.start)
    troubles.erp_kills += 1


async def lose_the_way(exporter: ServiceProcess, erp: ErpProcess, folder: Path, what: str) -> int:
    """Let one exporter look for the ERP at a bad address, and return how many of its calls failed meanwhile."""
    bad = BAD_ADDRESSES[what].format(port=erp.port)
    before = await _unreached(exporter)
    _call_at(exporter, erp, folder, bad)
    with suppress(AssertionError):
        await eventually(lambda: _has_more(exporter, before), SEEN_WITHIN_SECONDS)
    after = await _unreached(exporter)
    _call_at(exporter, erp, folder, erp.url)
    return after - before


async def _has_more(exporter: ServiceProcess, before: int) -> bool:
    return await _unreached(exporter) > before


def _call_at(exporter: ServiceProcess, erp: ErpProcess, folder: Path, url: str) -> None:
    write_connections(folder, {**erp.connection, "url": url}, PATIENCE)
    if exporter.pid is not None:
        os.kill(exporter.pid, signal.SIGHUP)


async def _unreached(exporter: ServiceProcess) -> int:
    """Return how many calls of this process have stored nothing for certain."""
    async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
        page = (await client.get(f"{exporter.url}/metrics")).text
    return int(sum(float(each) for each in _TRANSIENT.findall(page)))
