"""Measurements for the tests, with round figures."""

from benchmarks.measured import CpuSeconds, Latency, Throughput


def throughput(contender: str, events_per_second: float, *, cpu_seconds: float = 1.0) -> Throughput:
    cpu = CpuSeconds(cpu_seconds, cpu_seconds / 2, cpu_seconds / 4)
    return Throughput(contender, events=1000, seconds=1000 / events_per_second, cpu=cpu, peak_mb=100)


def latency(contender: str, p50_ms: float | None, *, rate: float = 200) -> Latency:
    figures = [None] * 4 if p50_ms is None else [p50_ms, p50_ms * 2, p50_ms * 4, p50_ms * 8]
    return Latency(contender, rate, *figures, sender_late_p99_ms=0.1)
