"""The demo: runs everything on this machine until Ctrl-C, or plays the story and stops."""

import asyncio
import errno
import json
import logging
import os
import shlex
import signal
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from time import monotonic
from typing import cast

import click
import httpx2
from pydantic import Field, FilePath
from pydantic_settings import BaseSettings, SettingsConfigDict
from rich.console import Console
from rich.table import Table

from sandbox.commitments.tool import NotPublishedError
from sandbox.erp import Erp
from sandbox.erp_under_demo import ErpKind
from sandbox.filling import fill
from sandbox.people import JOBS, PEOPLE
from sandbox.servers import ServerStartFailed
from sandbox.servers.local_server import LocalServer, Report
from sandbox.servers.prometheus import program
from sandbox.serving import listen
from sandbox.story import StepFailedError, Timeline, play
from sandbox.supervisor import keep_running
from sandbox.variables import write_variables
from sandbox.watching import watched_if_chosen
from sandbox.world import Ports, World, WorldOptions, running_world
from schemas.examples.cast import DANA
from schemas.fields import ToolLevel
from services.pipeline.settings import load

DONE, FAILED = 0, 1
MAX_PORT = 65535
MAX_ATTEMPTS = 4
"""After so many, an export that the ERP puts off has failed: nobody waits at a demo as long as in production."""

UNDO_SECONDS = 10
"""As by default in production, so that people see the button that takes an acceptance back."""


class DemoSettings(BaseSettings):
    """The demo's ports, of which 0 takes any free port, and other ERPs than its own."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore")

    demo_desk_port: int = Field(default=8080, ge=0, le=MAX_PORT, description="Port of the approval desk.")
    demo_commitments_port: int = Field(default=8081, ge=0, le=MAX_PORT, description="Port of the Commitments tool.")
    demo_mailbox_port: int = Field(default=8082, ge=0, le=MAX_PORT, description="Port of the mailbox.")
    demo_erp_port: int = Field(default=8083, ge=0, le=MAX_PORT, description="Port of the ERP's pages.")
    demo_sign_in_port: int = Field(default=8084, ge=0, le=MAX_PORT, description="Port of the sign-in.")
    demo_erp_connections: FilePath | None = Field(
        default=None, description="File of ERP connections to use instead of the small ERP; not for the story."
    )
    demo_prometheus_port: int | None = Field(
        default=None,
        ge=0,
        le=MAX_PORT,
        description="Port of a Prometheus that watches the services; without it, none is started.",
    )

    @property
    def options(self) -> WorldOptions:
        """The settings in the form that a world takes."""
        file = self.demo_erp_connections
        ports = Ports(
            desk=self.demo_desk_port,
            commitments=self.demo_commitments_port,
            mailbox=self.demo_mailbox_port,
            erp=0 if file else self.demo_erp_port,
            sign_in=self.demo_sign_in_port,
        )
        return WorldOptions(
            ports=ports,
            erp_connections=file.absolute() if file else None,
            erp_settings={"max_attempts": MAX_ATTEMPTS},
            undo_seconds=UNDO_SECONDS,
            has_approval_rules=True,
        )


def run_demo(*, folder: Path | None, is_story: bool, erp: str = ErpKind.SMALL, waiting: int = 0) -> int:
    """Run the demo, or the story on free ports, and return the exit status; files go to `folder`, if given.

    With the small ERP, every view of the desk is filled, and `waiting` commitments wait for an answer; 0 fills nothing.
    """
    with ExitStack() as stack:
        options = WorldOptions() if is_story else load(DemoSettings).options
        try:
            folder = folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="countersign-demo-")))
            folder.mkdir(parents=True, exist_ok=True)
            options = replace(options, erp=ErpKind(erp))
            prometheus_port = None if is_story else load(DemoSettings).demo_prometheus_port
            if prometheus_port is not None:
                program(os.environ)  # before anything is started for it
            if taken := _taken({**asdict(options.ports), "prometheus": prometheus_port}):
                _say(taken)
                return FAILED
            stack.enter_context(logs_in(folder / "demo.log"))
            return asyncio.run(_run(folder, options, is_story=is_story, waiting=waiting))
        except (ServerStartFailed, StepFailedError) as error:
            _say(str(error))
        except OSError as error:
            _say(f"The demo cannot run: {error}")
    return FAILED


@contextmanager
def logs_in(path: Path) -> Iterator[None]:
    """Write what is logged to `path` alone, and not between the lines of the demo, of which it says nothing new."""
    root = logging.getLogger()
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
    others, root.handlers = root.handlers, [handler]
    try:
        yield
    finally:
        root.handlers = others
        handler.close()


def _taken(ports: Mapping[str, int | None]) -> str:
    """Which chosen ports cannot be had, and how to choose others, before any server starts; empty if all are free."""
    sentences = []
    with ExitStack() as held:  # so that two pages with one port are noticed as well
        for page, port in [(page, port) for page, port in ports.items() if port]:
            try:
                held.enter_context(listen(port))
            except OSError as error:
                sentences.append(_refused(page, port, error))
    return "\n".join(sentences)


def _refused(page: str, port: int, error: OSError) -> str:
    name = f"demo_{page}_port"
    whose = (DemoSettings.model_fields[name].description or "").removeprefix("Port ").rstrip(".").partition(" that ")[0]
    why = "is taken by another program or page" if error.errno == errno.EADDRINUSE else f"cannot be had ({error})"
    return (
        f"The demo cannot run: port {port} {whose} {why}. "
        f"Set {name.upper()} to another port; {name.upper()}=0 takes any free one."
    )


async def _run(folder: Path, options: WorldOptions, *, is_story: bool, waiting: int) -> int:
    """Run until the story ends, or a signal stops it at any moment."""
    running = cast("asyncio.Task[int]", asyncio.current_task())

    def stop() -> None:
        _say("Stopping, which takes some seconds")
        running.cancel()

    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop)
    try:
        return await _play_or_wait(folder, options, is_story=is_story, waiting=waiting)
    except asyncio.CancelledError:
        _say("Stopped")
        return FAILED if is_story else DONE


async def _play_or_wait(folder: Path, options: WorldOptions, *, is_story: bool, waiting: int) -> int:
    began = monotonic()

    def report(sentence: str) -> None:
        _say(f"{monotonic() - began:5.1f} s  {sentence}")

    async with running_world(folder, options, report) as world:
        report("Ready")
        if is_story:
            timeline = Timeline(click.echo)
            await play(world, timeline)
            click.echo(f"\nAll {timeline.steps} steps were seen.")
            return DONE
        _print_addresses(world)
        write_variables(world, folder)
        click.echo("Ctrl-C stops everything and removes its data.")
        async with watched_if_chosen(world.services.values(), load(DemoSettings).demo_prometheus_port, report):
            await _fill_and_keep_running(world, waiting if isinstance(world.own_erp, Erp) else 0, report)
        return FAILED


async def _fill_and_keep_running(world: World, waiting: int, report: Report) -> None:
    """Fill the views while people look around already; a demo that cannot be filled says so, and goes on."""

    async def filling() -> None:
        try:
            await fill(world, waiting, report)
        except* (StepFailedError, NotPublishedError, httpx2.HTTPError) as group:
            report(f"The desk could not be filled with all examples: {group.exceptions[0]}")

    is_filling = asyncio.create_task(filling()) if waiting else None
    try:
        await keep_running(_processes(world), report)
    finally:
        if is_filling:
            is_filling.cancel()
            await asyncio.wait({is_filling})


def _print_addresses(world: World) -> None:
    places = Table("Open", "Address", title="Ready", title_justify="left")
    for title, address in (
        ("Commitments tool: create, send, see ribbons", world.commitments.url),
        ("Approval desk: accept, reject", world.desk_url),
        ("Mailbox: everything that was mailed", world.mailbox.url),
        *([(world.own_erp.title, world.own_erp.url)] if world.own_erp else []),
    ):
        places.add_row(title, address)
    Console().print(places, people_table(world.commitments.url, world.desk_url))
    click.echo("Nobody has a password. Who acts in the Commitments tool is chosen at the top of its pages.")
    click.echo(f"A bearer token for the API, as Dana Ruiz: {token_command(world.sign_in.issuer)}\n")
    Console().print(process_table(_processes(world)))
    for line in log_lines(_processes(world)):
        click.echo(line)
    click.echo("What ends, or what you end (kill PROCESS_ID), is started again with another process id.")


def _processes(world: World) -> list[LocalServer]:
    return [*world.services.values(), world.kafka, world.postgres]


def people_table(tool_url: str, desk_url: str) -> Table:
    """Who the people are, and where each of them works; one address a line, to be clicked or copied."""
    people = Table("Sign in as", "Who is", "At", title="People", title_justify="left")
    for person_id, entry in PEOPLE.items():
        uses_tool = ToolLevel.ADMIN in entry.commitments_tool.values() or entry.erp_tool is ToolLevel.NONE
        people.add_row(entry.name, JOBS[person_id], tool_url if uses_tool else f"{desk_url}/sign-in")
    return people


def token_command(issuer: str) -> str:
    """The command that prints a bearer token for the API."""
    return f"curl -s {issuer}/sandbox/tokens --json {shlex.quote(json.dumps({'person_id': DANA.id}))}"


def process_table(processes: Iterable[LocalServer]) -> Table:
    """What runs, with what is needed to look at it or to end it."""
    table = Table("Process", "Process id", "Address", title="Processes", title_justify="left")
    for each in processes:
        table.add_row(each.name, str(each.pid), each.address)
    return table


def log_lines(processes: Iterable[LocalServer]) -> list[str]:
    """Where the logs of what runs are, each path whole on a line, however narrow the terminal is."""
    return [f"Log of {each.name}: {each.log}" for each in processes]


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
