"""What a measurement yields, as plain values."""

from dataclasses import dataclass, field

COUNTERSIGN, LOOP, LIMIT = "countersign", "loop", "limit"
TITLES = {
    COUNTERSIGN: "Countersign",
    "countersign-2": "Countersign, 2 processes",
    LOOP: "Per-message loop",
    "faststream-confluent": "FastStream (confluent)",
    "faststream-aiokafka": "FastStream (aiokafka)",
    "faust": "Faust agent",
    LIMIT: "Hand-written limit",
}
"""All contenders by name, with what people read."""


@dataclass(frozen=True, slots=True)
class CpuSeconds:
    """CPU time of the contender's processes, of Kafka, and of PostgreSQL with its sessions."""

    service: float
    kafka: float
    postgres: float

    def __sub__(self, earlier: "CpuSeconds") -> "CpuSeconds":
        return CpuSeconds(self.service - earlier.service, self.kafka - earlier.kafka, self.postgres - earlier.postgres)


@dataclass(frozen=True, slots=True)
class Throughput:
    """`events` were done in `seconds`, whether or not that was the whole backlog."""

    contender: str
    events: int
    seconds: float
    cpu: CpuSeconds
    peak_mb: float

    @property
    def events_per_second(self) -> float:
        """The rate."""
        return self.events / self.seconds

    @property
    def cpu_per_thousand(self) -> CpuSeconds:
        """CPU seconds for 1,000 events."""
        per_thousand = 1000 / self.events
        cpu = self.cpu
        return CpuSeconds(cpu.service * per_thousand, cpu.kafka * per_thousand, cpu.postgres * per_thousand)


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from event to status event; without figures if the contender did not keep up with the rate."""

    contender: str
    rate: float
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    max_ms: float | None
    sender_late_p99_ms: float


@dataclass(frozen=True, slots=True)
class Exports:
    """The rate of exports to a slow ERP, and the one at which a call would be under way all the time in every slot."""

    exports: int
    per_second: float
    ideal_per_second: float


@dataclass(frozen=True, slots=True)
class Window:
    """Milliseconds between two moments, of `count` exports."""

    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


@dataclass(frozen=True, slots=True)
class LateAnswers:
    """Of `exports` whose first write was stored `late_seconds` after our deadline, so many were there twice."""

    late_seconds: float
    settle_seconds: float
    exports: int
    doubled: int


@dataclass(slots=True)
class Results:
    """All that was measured, in the order of measuring."""

    throughput: list[Throughput] = field(default_factory=list)
    latency: list[Latency] = field(default_factory=list)
    empty: list[Throughput] = field(default_factory=list)
    million: list[Throughput] = field(default_factory=list)
    drain: list[Throughput] = field(default_factory=list)
    exports: list[Exports] = field(default_factory=list)
    starts: list[Window] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)
    late_answers: list[LateAnswers] = field(default_factory=list)
