"""Measures Countersign next to other ways to write the same consumer, on servers of its own.

Progress goes to standard error, Markdown tables to standard output.
"""

import signal
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import NoReturn

from benchmarks.measured import Results
from benchmarks.plan import FULL, QUICK, SECTIONS, Plan
from benchmarks.plot import as_svg
from benchmarks.processes import BY_NAME, Contender, ContenderFailed
from benchmarks.report import as_json, as_markdown
from benchmarks.sections import Sections
from benchmarks.servers import Servers
from benchmarks.where_time_goes import profile
from sandbox.servers import ServerStartFailed

EPILOG = "Contenders: " + ", ".join(BY_NAME)


def main() -> int:
    """Measure what the arguments say; return 0, 1 if something failed, or 130 if a person stopped it."""
    signal.signal(signal.SIGTERM, _interrupt)  # so that servers are stopped as on Ctrl-C
    wanted = _parser().parse_args()
    try:
        with Servers(_report) as servers:
            if wanted.profile:
                print(profile(servers, _plan(wanted).events))
            else:
                _measure(servers, wanted)
    except KeyboardInterrupt:
        _report("Stopped")
        return 130
    except (ContenderFailed, ServerStartFailed) as error:
        _report(str(error))
        return 1
    return 0


def _measure(servers: Servers, wanted: Namespace) -> None:
    """Measure, and show what there is even if it is stopped before the end."""
    sections = Sections(servers, _plan(wanted), wanted.contenders, _report)
    try:
        sections.run()
    finally:
        _show(sections.results, wanted)


def _show(results: Results, wanted: Namespace) -> None:
    print(as_markdown(results), flush=True)
    if wanted.json:
        wanted.json.write_text(as_json(results) + "\n")
    if wanted.plot:
        wanted.plot.write_text(as_svg(results))


def _plan(wanted: Namespace) -> Plan:
    plan = QUICK if wanted.quick else FULL
    given = {"rounds": wanted.rounds, "events": wanted.events, "sections": wanted.only}
    return replace(plan, **{name: value for name, value in given.items() if value is not None})


def _parser() -> ArgumentParser:
    parser = ArgumentParser(
        prog="benchmarks", description=__doc__, epilog=EPILOG, formatter_class=RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="a first look: one short round of throughput and latency")
    parser.add_argument("--rounds", type=int, help=f"how often everybody gets a turn ({FULL.rounds})")
    parser.add_argument("--events", type=int, help=f"events in the backlog ({FULL.events:,})")
    parser.add_argument("--only", type=_sections, metavar="SECTION,…", help=", ".join(SECTIONS))
    parser.add_argument(
        "--contenders", type=_contenders, metavar="NAME,…", default=list(BY_NAME.values()), help="all, unless given"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single measurement to FILE")
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw throughput and latency")
    parser.add_argument("--profile", action="store_true", help="show where Countersign's time for an event goes")
    return parser


def _sections(text: str) -> tuple[str, ...]:
    return tuple(_known(name, SECTIONS) for name in text.split(","))


def _contenders(text: str) -> list[Contender]:
    return [BY_NAME[_known(name, list(BY_NAME))] for name in text.split(",")]


def _known(name: str, names: Sequence[str]) -> str:
    if name not in names:
        raise ArgumentTypeError(f"{name!r} is none of {', '.join(names)}")
    return name


def _interrupt(_signal: int, _frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _report(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
