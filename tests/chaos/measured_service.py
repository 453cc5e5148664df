"""A real service in a process of its own, which writes down for how long and where its event loop is held."""

import asyncio
import gc
import json
import os
import runpy
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic, process_time, sleep

from sandbox.service_process import ServiceProcess

TICK_SECONDS = 0.005
LONGEST_SECONDS = 0.05
"""No hold may be longer."""

NOTED_SECONDS = 0.01
"""Shorter ones are not written down."""
_HOLDS = "HELD_LOOP_FILE"


@dataclass(frozen=True)
class Hold:
    """The loop did not come to its timer for so long; `where` is what ran meanwhile."""

    at: float
    seconds: float
    where: str


@dataclass
class Holds:
    """The holds that began while a block ran."""

    found: list[Hold] = field(default_factory=list)

    @property
    def longest(self) -> Hold:
        return max(self.found, key=lambda each: each.seconds, default=Hold(0.0, 0.0, ""))


class MeasuredService(ServiceProcess):
    """`python -m services.<service>`, measured; used as any service process."""

    def __init__(self, service: str, environment: Mapping[str, str], *, folder: Path, port: int = 0) -> None:
        self._file = folder / f"holds-of-{service}"
        super().__init__(service, {**environment, _HOLDS: str(self._file)}, port=port)

    @contextmanager
    def measured(self) -> Iterator[Holds]:
        """Yield what is filled with the holds of a block once that has ended."""
        holds, began = Holds(), monotonic()
        yield holds
        sleep(4 * TICK_SECONDS)
        lines = self._file.read_text().splitlines() if self._file.exists() else []
        holds.found += [hold for hold in (Hold(**json.loads(line)) for line in lines) if hold.at > began]

    @property
    def _module(self) -> str:
        return f"{__name__} {self.name}"

    def command(self) -> list[str]:
        """As that of the service, through this module."""
        *rest, module = super().command()
        return [*rest, *module.split()]


class Watch:
    """Ticks in the loop; a thread looks what runs while a tick is late.

    What counts is the time of the processor that the process used meanwhile, since others may keep this machine busy.
    That is also the time of a thread which does not let the loop run, and of the garbage collector.
    """

    def __init__(self, note: Callable[[Hold], None]) -> None:
        self._note = note
        self._due = float("inf")
        self._used = process_time()
        self._seen: list[str] = []
        self._collecting = 0.0
        self._loop_thread = threading.get_ident()

    def collected(self, phase: str, about: Mapping[str, int]) -> None:
        """Note how long the garbage collector took, which no thread can see while it runs."""
        if phase == "start":
            self._collecting = monotonic()
        else:
            self._seen.append(f"gc {about['generation']} {monotonic() - self._collecting:.4f}")

    async def tick(self) -> None:
        """Never end."""
        gc.callbacks.append(self.collected)
        threading.Thread(target=self._look, daemon=True).start()
        while True:
            self._due, self._used, self._seen = monotonic() + TICK_SECONDS, process_time(), []
            await asyncio.sleep(TICK_SECONDS)
            held = min(monotonic() - self._due, process_time() - self._used)
            if held > NOTED_SECONDS:
                self._note(Hold(monotonic(), held, "\n".join(self._seen)))

    def _look(self) -> None:
        while True:
            sleep(TICK_SECONDS)
            if monotonic() - self._due > NOTED_SECONDS and len(self._seen) < 60:
                frames = sys._current_frames()
                others = [each for each in threading.enumerate() if each.name.startswith("apart")]
                for ident in (self._loop_thread, *(each.ident or 0 for each in others)):
                    stack = traceback.extract_stack(frames[ident]) if ident in frames else []
                    self._seen.append(" < ".join(_place(each) for each in reversed(stack[-14:])))


def _place(frame: traceback.FrameSummary) -> str:
    return f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}"


def _noted(file: Path, hold: Hold) -> None:
    with file.open("a") as lines:
        lines.write(json.dumps(vars(hold)) + "\n")


def main() -> None:
    """Run the service that the command line names, on a loop that is watched."""
    import uvloop  # noqa: PLC0415 - only this process needs it

    def watched_loop() -> asyncio.AbstractEventLoop:
        loop = uvloop.new_event_loop()
        watch = Watch(partial(_noted, Path(os.environ[_HOLDS])))
        loop.call_soon(lambda: tasks.append(loop.create_task(watch.tick())))
        return loop

    tasks: list[asyncio.Task[None]] = []
    uvloop.run = partial(uvloop.run, loop_factory=watched_loop)
    service = sys.argv[1]
    sys.argv = sys.argv[1:]
    runpy.run_module(f"services.{service}", run_name="__main__")


if __name__ == "__main__":
    main()
