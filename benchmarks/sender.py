"""A process of its own that sends events at a steady rate, so that neither pauses nor slow answers disturb the pace.

It says on its first line when event 0 is due, and on its last line how late it was itself.
"""

import gc
import json
import sys
from argparse import ArgumentParser, Namespace
from time import monotonic, sleep

from benchmarks.events import TOPIC, Run, producer
from benchmarks.spread import percentile

_LEAD_SECONDS = 0.3


def send(wanted: Namespace) -> list[float]:
    """Send each event when it is due; return the seconds by which each was late, in order of size."""
    events = list(Run(wanted.run).events(wanted.count))
    sender = producer(wanted.bootstrap_servers, linger_ms=0)
    sender.list_topics(TOPIC)
    gc.disable()
    late_seconds = []
    begin = monotonic() + _LEAD_SECONDS
    _say({"begin": begin})
    for number, (key, value) in enumerate(events):
        due = begin + number / wanted.rate
        sleep(max(0.0, due - monotonic()))
        late_seconds.append(monotonic() - due)
        sender.produce(TOPIC, value, key)
        sender.poll(0)
    sender.flush(30)
    return sorted(late_seconds)


def _say(what: dict[str, float]) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


def main() -> None:
    """Send what the arguments say."""
    parser = ArgumentParser(prog="benchmarks.sender", description=__doc__)
    parser.add_argument("bootstrap_servers")
    parser.add_argument("run", help="name of the run")
    parser.add_argument("rate", type=float, help="events a second")
    parser.add_argument("count", type=int)
    _say({"late_p99_ms": percentile(send(parser.parse_args()), 99) * 1000})


if __name__ == "__main__":
    main()
