"""How fast the exporter writes to a slow ERP, how soon after an acceptance it calls, and when an answer is too late.

The ERP's journal says when each call took effect; its clock is ours, so everything is seen from outside.
"""

import itertools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from benchmarks.erp_process import TOKEN, ErpCall, ErpProcess
from benchmarks.events import producer
from benchmarks.measured import Exports, LateAnswers, Window
from benchmarks.processes import ContenderFailed
from benchmarks.servers import Servers, prepare_for_exporter
from benchmarks.spread import percentile
from sandbox.erp.faults import Calls, ErpFault, ErpFaultKind
from sandbox.erp.journal import Did
from sandbox.service_process import ServiceProcess
from schemas.envelope import encode, new_event
from schemas.events import DecisionAccepted
from schemas.examples.cast import COMPANY, CONCRETE_1
from schemas.snapshot import Snapshot

CALL_SECONDS = 0.2
MAX_IN_FLIGHT = 16
CALLS = 2
"""A question and a write."""
IDEAL_RATE = MAX_IN_FLIGHT / (CALLS * CALL_SECONDS)
_POLL_SECONDS = 0.5
_PATIENCE_SECONDS = 120.0
_TIMEOUT_SECONDS, _SETTLE_SECONDS = 0.5, 1.0
_LATE = {"timeout_seconds": _TIMEOUT_SECONDS, "settle_seconds": _SETTLE_SECONDS, "first_probe_seconds": 0.1}


def throughput(servers: Servers, count: int) -> Exports:
    """Let the exporter work off `count` acceptances against an ERP whose every call takes CALL_SECONDS."""
    with _rig(servers, {"max_in_flight": MAX_IN_FLIGHT}) as (erp, accept):
        erp.set_faults([ErpFault(kind=ErpFaultKind.SLOW, calls=Calls.EVERY, seconds=CALL_SECONDS)])
        accept(count)
        created = sorted(each.at for each in _wait_for(erp, count))
    # while all calls are taken: the first ones end together, and after the last ones nothing begins
    full = created[MAX_IN_FLIGHT - 1 : -MAX_IN_FLIGHT]
    return Exports(count, (len(full) - 1) / (full[-1] - full[0]).total_seconds(), IDEAL_RATE)


def start(servers: Servers, count: int, rate: float) -> Window:
    """Accept `count` commitments at `rate` a second; return how long after each acceptance its first call arrived.

    The exporter has exported before: what a process does for the first time takes longer.
    """
    with _rig(servers, {"max_in_flight": MAX_IN_FLIGHT}) as (erp, accept):
        erp.set_faults([ErpFault(kind=ErpFaultKind.SLOW, calls=Calls.EVERY, seconds=CALL_SECONDS)])
        accept(MAX_IN_FLIGHT)
        _wait_for(erp, MAX_IN_FLIGHT)
        accepted = accept(count, rate)
        _wait_for(erp, MAX_IN_FLIGHT + count)
        first = {each.reference: each.at for each in reversed(erp.calls()) if each.did == Did.SEARCHED}
    arrived = {id_: at - timedelta(seconds=CALL_SECONDS) for id_, at in first.items()}
    return _window([(arrived[id_] - at).total_seconds() for id_, at in accepted.items()])


def between_question_and_write(servers: Servers, count: int) -> Window:
    """Return how long after the ERP's answer to the question its write took effect, with a fast ERP on this machine."""
    with _rig(servers, {"max_in_flight": MAX_IN_FLIGHT}) as (erp, accept):
        accept(count)
        created = {each.reference: each.at for each in _wait_for(erp, count)}
        asked = {each.reference: each.at for each in erp.calls() if each.did == Did.SEARCHED}
    return _window([(at - asked[id_]).total_seconds() for id_, at in created.items()])


def late_answers(servers: Servers, count: int, late_seconds: float) -> LateAnswers:
    """Let the ERP store each first write `late_seconds` after our deadline; count those that are there twice."""
    with _rig(servers, _LATE | {"max_in_flight": count, "max_missed_calls": 1_000}) as (erp, accept):
        seconds = _TIMEOUT_SECONDS + late_seconds
        erp.set_faults([ErpFault(kind=ErpFaultKind.SLOW, calls=Calls.WRITES, seconds=seconds, times=count)])
        accept(count)
        sleep(seconds + _SETTLE_SECONDS + 3)
        documents = Counter(each.reference for each in _wait_for(erp, count))
    return LateAnswers(late_seconds, _SETTLE_SECONDS, count, sum(each > 1 for each in documents.values()))


class _Approver:
    """Accepts commitments, each with a content of its own."""

    def __init__(self, servers: Servers) -> None:
        self._producer = producer(servers.bootstrap_servers, linger_ms=0)
        self._commitment: dict[str, Any] = json.loads(Snapshot.of(CONCRETE_1.model_dump(mode="json")).text)
        self._run = uuid4().hex[:8]
        self._numbers = itertools.count()

    def __call__(self, count: int, rate: float | None = None) -> Mapping[str, datetime]:
        """Accept `count` commitments, at once or at `rate` a second; return when each was."""
        began, accepted = monotonic(), {}
        for place in range(count):
            if rate:
                sleep(max(began + place / rate - monotonic(), 0))
            id_, now = f"bench-{self._run}-{next(self._numbers)}", datetime.now(UTC)
            self._producer.produce(DecisionAccepted.topic, self._event(id_, now), id_)
            self._producer.poll(0)
            accepted[id_] = now
        self._producer.flush(30)
        return accepted

    def _event(self, id_: str, now: datetime) -> bytes:
        snapshot = Snapshot.of({**self._commitment, "id": id_})
        person = CONCRETE_1.creator
        data = DecisionAccepted(
            company_id=COMPANY,
            project_id=CONCRETE_1.project.id,
            commitment_id=id_,
            revision=1,
            round=1,
            content_hash=snapshot.content_hash,
            commitment=snapshot,
            decided_by=person,
            sent_by=person,
        )
        return encode(new_event(data, source="benchmarks", time=now))


@contextmanager
def _rig(servers: Servers, settings: Mapping[str, float]) -> Iterator[tuple[ErpProcess, _Approver]]:
    """Run the exporter on a new database, with an ERP of its own."""
    servers.empty_topics()
    with servers.database() as database, TemporaryDirectory() as folder, ErpProcess() as erp:
        prepare_for_exporter(database)
        path = Path(folder) / "connections.toml"
        path.write_text(_connection(erp.url, settings))
        environment = {
            "KAFKA_BOOTSTRAP_SERVERS": servers.bootstrap_servers,
            "DATABASE_URL": database,
            "ERP_CONNECTIONS": str(path),
            "ERP_TOKEN": TOKEN,
        }
        with ServiceProcess("exporter", environment):
            yield erp, _Approver(servers)


def _connection(url: str, settings: Mapping[str, float]) -> str:
    members = {"name": "bench", "kind": "http", "title": "ERP", "url": url, "companies": [COMPANY]}
    members |= {"token_env": "ERP_TOKEN", **settings}
    return "\n".join(["[[connection]]", *(f"{name} = {json.dumps(value)}" for name, value in members.items()), ""])


def _wait_for(erp: ErpProcess, count: int) -> Sequence[ErpCall]:
    """Wait until `count` commitments have a document; return the calls that created one."""
    deadline = monotonic() + _PATIENCE_SECONDS
    while True:
        created = [each for each in erp.calls() if each.did == Did.CREATED]
        if len({each.reference for each in created}) >= count:
            return created
        if monotonic() > deadline:
            raise ContenderFailed(f"The exporter wrote {len(created)} of {count} documents.")
        sleep(_POLL_SECONDS)


def _window(seconds: Sequence[float]) -> Window:
    ordered = sorted(each * 1000 for each in seconds)
    return Window(len(ordered), percentile(ordered, 50), percentile(ordered, 99), ordered[-1])
