"""While one network opens thousands of connections and misuses all of them, everybody else gets every page."""

import asyncio
import resource
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

import httpx2
import pytest

from sandbox.drill.statuses import following
from sandbox.drill.traffic import send, some_ids
from sandbox.erp_under_demo import ErpKind
from sandbox.service_process import ServiceProcess
from sandbox.world import World, WorldOptions, running_world
from schemas.examples.cast import DANA, KIM
from tests.chaos.hostile_clients import HALF, Attack, half_body, many_requests
from tests.chaos.memory import MAX_MEMORY_MB, memory_mb
from tests.end_to_end.signing_in import signed_in
from tests.log_lines import lines_in
from tests.waiting import eventually

PAGE_SECONDS = 2.0
BACKLOG_SECONDS = 240.0
MAX_LINES_PER_MINUTE = 5
OWN_FILES = 8_000
PAGES = (
    "/commitments",
    "/directory",
    "/help",
    "/access",
    "/sessions",
    "/delegations",
    "/reasons",
    "/print",
    "/commitments.csv",
)
EXPORTER_PAGES = ("/quickbooks", "/health/live", "/metrics")


@dataclass(frozen=True)
class Size:
    halves: int
    others: int
    rounds: int
    open_files: tuple[int, ...]


SHORT = Size(halves=3_500, others=450, rounds=1, open_files=(256,))
LONG = Size(halves=3_500, others=1_500, rounds=20, open_files=(1_024, 256))


class FewFiles(ServiceProcess):
    """A service that may open only so many files, as `ulimit -n` says."""

    open_files = 0

    def command(self) -> list[str]:
        """The service's command, below a limit."""
        return ["sh", "-c", f'ulimit -n {self.open_files}; exec "$@"', "limited", *super().command()]


class Person:
    """Opens pages, each on a connection of its own, and notes how long the slowest one took."""

    def __init__(self, browser: httpx2.AsyncClient) -> None:
        self._cookies = dict(browser.cookies)
        self._url = str(browser.base_url)
        self.slowest_seconds = 0.0
        self.opened = 0

    async def opens(self, pages: Sequence[str]) -> None:
        async with httpx2.AsyncClient(
            base_url=self._url, cookies=self._cookies, timeout=30, trust_env=False, headers={"connection": "close"}
        ) as browser:
            for page in pages:
                began = monotonic()
                answer = await browser.get(page)
                assert answer.is_success, (page, answer.status_code)
                self.slowest_seconds = max(self.slowest_seconds, monotonic() - began)
                self.opened += 1


@pytest.mark.alone
async def test_one_network_keeps_nobody_else_out(tmp_path: Path, size: Size, report: Callable[[str], None]) -> None:
    """Once with 1,024 open files and once with 256, half requests, half bodies, clients that read nothing or sip."""
    services = ("approval", "exporter")
    options = WorldOptions(services=services, erp=ErpKind.QUICKBOOKS, variables={"LOG_FORMAT": "json"})
    async with running_world(tmp_path, options) as world, following(world) as statuses:
        with many_own_files():
            ids = some_ids("h", 40)
            await send(world, ids)
            await eventually(lambda: all(statuses.courses[each].ribbons for each in ids))
            for open_files in size.open_files:
                with limited(world, "approval", open_files) as approval:
                    await attacked(world, approval, size, f"/commitments/{ids[0]}", report)
            with limited(world, "exporter", size.open_files[-1]) as exporter:
                await attacked_exporter(exporter, size, report)


async def attacked(
    world: World, approval: ServiceProcess, size: Size, commitment: str, report: Callable[[str], None]
) -> None:
    """Attack approval in each way while Dana opens all pages; she can also sign in meanwhile."""
    async with signed_in(world, DANA.id) as approver:
        quiet = Person(approver)
        await quiet.opens([*PAGES, commitment])
    async with signed_in(world, KIM.id) as viewer:
        cookie = "; ".join(f"{name}={value}" for name, value in viewer.cookies.items()).encode()
    attacked_at = monotonic()
    for name, attack in approval_attacks(approval.port, size, cookie):
        async with attack.under_way():
            await eventually(lambda: is_quick(approval), BACKLOG_SECONDS)
            began = monotonic()
            async with signed_in(world, DANA.id) as browser:
                person = Person(browser)
                sign_in_seconds = monotonic() - began
                for _ in range(size.rounds):
                    await person.opens([*PAGES, commitment])
            report_figures(report, name, approval, attack, person, quiet)
        assert_held(approval, person, quiet)
        assert sign_in_seconds < 3 * (PAGE_SECONDS + quiet.slowest_seconds)
    assert "http.connection_ended" in approval.latest_log
    assert_says_little(approval, monotonic() - attacked_at)


def approval_attacks(port: int, size: Size, cookie: bytes) -> Iterator[tuple[str, Attack]]:
    large = many_requests(b"/commitments", 20, b"cookie: " + cookie + b"\r\n")
    assets = many_requests(b"/assets/desk.css", 60)
    yield "half requests", Attack(port, [HALF, b"G"], size.halves)
    yield "half bodies", Attack(port, [half_body(b"/api/v1/answers"), half_body(b"/marks")], size.others)
    yield "nothing read", Attack(port, [*[assets] * 63, large], size.others)
    yield "sips", Attack(port, [*[assets] * 63, large], size.others, sips=True)


async def attacked_exporter(exporter: ServiceProcess, size: Size, report: Callable[[str], None]) -> None:
    """Attack the port at which QuickBooks Web Connector calls."""
    attacks = {
        "half requests": Attack(exporter.port, [HALF], size.halves),
        "half bodies": Attack(exporter.port, [half_body(b"/quickbooks")], size.others),
    }
    async with httpx2.AsyncClient(base_url=exporter.url) as browser:
        quiet = Person(browser)
        await quiet.opens(EXPORTER_PAGES)
    for name, attack in attacks.items():
        async with attack.under_way():
            person = Person(browser)
            for _ in range(size.rounds):
                await person.opens(EXPORTER_PAGES)
            report_figures(report, name, exporter, attack, person, quiet)
        assert_held(exporter, person, quiet)


async def is_quick(service: ServiceProcess) -> bool:
    """Whether it has answered what was asked at the beginning of an attack; what is held then is what stays."""
    began = monotonic()
    return await asyncio.to_thread(service.is_ready) and monotonic() - began < PAGE_SECONDS / 2


def report_figures(
    report: Callable[[str], None], name: str, service: ServiceProcess, attack: Attack, person: Person, quiet: Person
) -> None:
    report(
        f"hostile clients: {service.name}, {open_files_of(service)} files, {name}: "
        f"{attack.opened:,} connections opened, {attack.open_now} held at the end; "
        f"slowest of {person.opened} pages {person.slowest_seconds:.2f} s, "
        f"{quiet.slowest_seconds:.2f} s before the attack, memory at most {memory_mb(service):.0f} MB, "
        f"{len(list(Path(f'/proc/{service.pid}/fd').iterdir()))} files open"
    )


def assert_held(service: ServiceProcess, person: Person, quiet: Person) -> None:
    """No page takes two seconds longer than it took before, which on a quiet machine was next to nothing."""
    assert not service.has_ended
    assert person.slowest_seconds < PAGE_SECONDS + quiet.slowest_seconds
    assert memory_mb(service) < MAX_MEMORY_MB


def assert_says_little(service: ServiceProcess, seconds: float) -> None:
    """Under attack, a service says no more than a few lines a minute."""
    lines = [line for line in lines_in(service.latest_log) if line["level"] != "info"]
    assert len(lines) <= MAX_LINES_PER_MINUTE * (1 + seconds / 60), Counter(line["event"] for line in lines)


@contextmanager
def limited(world: World, name: str, open_files: int) -> Iterator[ServiceProcess]:
    """Run the service `name` of `world` with so few files while the block runs, at its address."""
    world.services[name].stop()
    service = FewFiles(name, world.environment_of(name), port=world.services[name].port)
    service.open_files = open_files
    with service:
        yield service


@contextmanager
def many_own_files() -> Iterator[None]:
    """Let this process open the connections of an attack."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, OWN_FILES), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def open_files_of(service: ServiceProcess) -> int:
    assert service.pid is not None
    return resource.prlimit(service.pid, resource.RLIMIT_NOFILE)[0]
