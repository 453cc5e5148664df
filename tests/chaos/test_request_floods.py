"""Strangers flood the desk from several networks; approval stays small, and whoever is signed in is answered."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic

import httpx2
import pytest

from sandbox.world import World, WorldOptions, running_world
from schemas.examples.cast import DANA
from tests.end_to_end.signing_in import signed_in
from tests.log_lines import lines_in
from tests.waiting import eventually

STRANGERS_PER_MINUTE = 80
AT_ONCE = 30
"""Connections of one network."""
MAX_MEGABYTES = 300
PAUSE_SECONDS = 0.3
FORM = "content-type: application/x-www-form-urlencoded\r\n"
JSON = "content-type: application/json\r\n"


@dataclass(frozen=True)
class Size:
    networks: int
    sign_ins: int
    pages: int
    bodies: int


SHORT = Size(networks=2, sign_ins=300, pages=300, bodies=300)
LONG = Size(networks=8, sign_ins=600, pages=3_000, bodies=1_000)


@dataclass
class Answers:
    """What strangers got: how often each status, 0 for a connection that was cut, and refusals without advice."""

    statuses: Counter[int] = field(default_factory=Counter)
    without_advice: int = 0


@pytest.mark.alone
async def test_floods_of_strangers_are_refused_while_a_person_is_answered(
    tmp_path: Path, size: Size, report: Callable[[str], None]
) -> None:
    """All networks flood at once, `networks` with each kind of request."""
    variables = {"LOG_FORMAT": "json", "STRANGER_REQUESTS_PER_MINUTE": str(STRANGERS_PER_MINUTE)}
    async with (
        running_world(tmp_path, WorldOptions(services=("approval",), variables=variables)) as world,
        signed_in(world, DANA.id) as dana,
        one_who_reads(dana) as waits,
    ):
        before = megabytes(world, "VmRSS")
        answers = {kind: Answers() for kind in KINDS}
        await asyncio.gather(*(flood(world, size, kind, network, answers[kind]) for kind, network in floods(size)))
        peak = megabytes(world, "VmHWM")
        lines = lines_in(world.services["approval"].log.read_text())

    for kind, each in answers.items():
        report(f"request floods: {kind} from {size.networks} networks: {dict(sorted(each.statuses.items()))}")
    report(
        f"request floods: approval had {before:.0f} MB before and {peak:.0f} MB at its peak; meanwhile a person was "
        f"answered {len(waits)} times, after {sum(waits) / len(waits):.2f} s on average and {max(waits):.2f} s at most"
    )
    assert peak <= MAX_MEGABYTES
    assert answers["sign-ins"].statuses[303]
    assert all(each.statuses[429] for each in answers.values())
    assert not any(each.without_advice for each in answers.values())
    assert not any(each.statuses[500] for each in answers.values())
    assert any(line["event"] == "request.refused" for line in lines)
    assert not [line for line in lines if line["level"] in ("error", "critical")]


def megabytes(world: World, name: str) -> float:
    """What the kernel says of approval's memory: VmRSS, now, or VmHWM, at most until now."""
    lines = Path(f"/proc/{world.services['approval'].pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) / 1024


@asynccontextmanager
async def one_who_reads(browser: httpx2.AsyncClient) -> AsyncIterator[list[float]]:
    """Open pages one after the other, and collect how long each took; fails for one that was not shown."""
    waits: list[float] = []

    async def read() -> None:
        while True:
            began = monotonic()
            page = await browser.get("/commitments?view=ready")
            assert page.status_code == 200, page.text
            waits.append(monotonic() - began)
            await asyncio.sleep(PAUSE_SECONDS)

    await eventually(lambda: _has_read(browser))
    reading = asyncio.create_task(read())
    yield waits
    assert not reading.done(), reading.result()
    reading.cancel()


async def _has_read(browser: httpx2.AsyncClient) -> bool:
    """Whether approval has read the directory, which lists the person."""
    return (await browser.get("/commitments?view=ready")).status_code == httpx2.codes.OK


def floods(size: Size) -> Iterator[tuple[str, str]]:
    """The kind of requests that each network sends, by its address."""
    for block, kind in enumerate(KINDS):
        for number in range(size.networks):
            yield kind, f"127.0.{block + 2}.{number + 1}"


async def flood(world: World, size: Size, kind: str, address: str, answers: Answers) -> None:
    """Send the requests of a kind from `address`, AT_ONCE at a time."""
    port, left = int(world.desk_url.rpartition(":")[2]), KINDS[kind](size)
    await asyncio.gather(*(send_all(left, port, address, answers) for _ in range(AT_ONCE)))


async def send_all(left: Iterator[bytes], port: int, address: str, answers: Answers) -> None:
    """Send what is `left`, each on a connection of its own, and count the answers."""
    for request in left:
        try:
            head = await ask(port, address, request)
        except (ConnectionError, asyncio.IncompleteReadError):
            answers.statuses[0] += 1
            continue
        status = int(head.split(b" ", 2)[1])
        answers.statuses[status] += 1
        answers.without_advice += status == 429 and b"\r\nretry-after: " not in head


async def ask(port: int, address: str, request: bytes) -> bytes:
    """Send `request` from `address`; return the head of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(address, 0))
    try:
        writer.write(request)
        return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
    finally:
        writer.transport.abort()


def sign_ins(size: Size) -> Iterator[bytes]:
    for number in range(size.sign_ins):
        yield get(f"/sign-in?return_to=/commitments/{'x' * 1_900}{number}")


def pages(size: Size) -> Iterator[bytes]:
    paths = ("/commitments?view=all", "/directory", "/u/made-up", "/q/made-up", "/api/v1/commitments", "/nothing")
    for number in range(size.pages):
        token = f"authorization: Bearer {'x' * 4_000}.y.z\r\n" if number % 4 == 0 else ""
        yield get(paths[number % len(paths)], f"cookie: countersign-session={'x' * 2_000}{number}\r\n{token}")


def bodies(size: Size) -> Iterator[bytes]:
    """Forms, and bodies of the API, as large as they may be, and larger."""
    kinds = (
        ("/commitments/8841/reject", FORM, b"reason=" + b"x" * 262_000),
        ("/marks", FORM, b"a=1&" * 60_000),
        ("/u/made-up", FORM, b"x" * 65_000),
        ("/sign-out", FORM, b"x" * 1_048_576),
        ("/api/v1/answers", JSON, b'{"answers":[' + b"1," * 524_000 + b"1]}"),
        ("/api/v1/answers", JSON, b'{"answers":[' + b"[]," * 349_000 + b"[]]}"),
        ("/api/v1/commitments/8841/reject", JSON, b"[" * 131_000),
    )
    for number in range(size.bodies):
        path, content_type, body = kinds[number % len(kinds)]
        head = f"POST {path} HTTP/1.1\r\nhost: desk.example\r\n{content_type}content-length: {len(body)}\r\n\r\n"
        yield head.encode() + body


def get(path: str, headers: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: desk.example\r\n{headers}\r\n".encode()


KINDS: Mapping[str, Callable[[Size], Iterator[bytes]]] = {"sign-ins": sign_ins, "pages": pages, "bodies": bodies}
