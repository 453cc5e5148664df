"""The approval service on one core, with a timer that notes a thousand times a second what its main thread is doing.

SIGUSR1 starts the notes, SIGUSR2 ends them and writes them to the file that BENCH_SAMPLES names. The service itself is
unchanged. Sampling disturbs it little; a tracing profiler would make small functions look expensive.
"""

import json
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from services.approval.__main__ import main

INTERVAL_SECONDS = 0.001
WAITING = "waiting for PostgreSQL, Kafka or messages"
READING = "copying messages, in the consumer's thread"
OTHER = "event loop and everything else"

# (part of the file's path, beginning of the function's name, phase); the innermost frame that matches decides
PHASES = (
    ("/schemas/envelope.py", "decode", "decode and validate"),
    ("/schemas/envelope.py", "encode", "encode"),
    ("/services/approval/rules/", "", "fold: the rules"),
    ("/services/pipeline/fold.py", "", "fold: the rules"),
    ("/sqlalchemy/", "", "SQL client"),
    ("/asyncpg/", "", "SQL client"),
    ("/services/pipeline/bulk.py", "", "rows: states and history to columns"),
    ("/services/approval/storage/", "", "rows: states and history to columns"),
    ("/services/pipeline/outbox.py", "", "outbox"),
    ("/services/pipeline/relay.py", "", "relay"),
    ("/services/pipeline/broker/producer.py", "", "relay"),
    ("/services/pipeline/batch_processor.py", "", "batch: metrics and order"),
    ("/selectors.py", "select", WAITING),
)
_READING = ("/services/pipeline/broker/messages.py", "/services/pipeline/records.py")


class Samples:
    """Counts how often each phase was seen."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._phases: Counter[str] = Counter()
        self._others: Counter[str] = Counter()

    def start(self, *_: object) -> None:
        """Start to take samples."""
        signal.setitimer(signal.ITIMER_REAL, INTERVAL_SECONDS, INTERVAL_SECONDS)

    def take(self, _signal: int, frame: FrameType | None) -> None:
        """Count what the main thread, which was interrupted in `frame`, is doing."""
        phase = phase_of(frame)
        if phase == WAITING and _is_reading():
            phase = READING
        self._phases[phase] += 1
        if phase == OTHER and frame:
            self._others[f"{Path(frame.f_code.co_filename).name}:{frame.f_code.co_name}"] += 1

    def stop(self, *_: object) -> None:
        """Take no more samples and write them."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        counts = {"phases": dict(self._phases.most_common()), "others": dict(self._others.most_common(5))}
        draft = self._file.with_suffix(".draft")
        draft.write_text(json.dumps(counts))
        draft.rename(self._file)


def phase_of(frame: FrameType | None) -> str:
    """Return the phase of the innermost frame that belongs to one."""
    return next((phase for each in _outwards(frame) for phase in _phases(each)), OTHER)


def _phases(frame: FrameType) -> Iterator[str]:
    path, function = frame.f_code.co_filename, frame.f_code.co_name
    return (phase for part, name, phase in PHASES if part in path and function.startswith(name))


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame:
        yield frame
        frame = frame.f_back


def _is_reading() -> bool:
    innermost = (frame.f_code.co_filename for frame in sys._current_frames().values())  # noqa: SLF001 - made for this
    return any(part in path for path in innermost for part in _READING)


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    samples = Samples(Path(os.environ["BENCH_SAMPLES"]))
    signal.signal(signal.SIGALRM, samples.take)
    signal.signal(signal.SIGUSR1, samples.start)
    signal.signal(signal.SIGUSR2, samples.stop)
    sys.exit(main())
