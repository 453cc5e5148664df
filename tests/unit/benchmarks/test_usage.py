"""The cost of processes is read from /proc, with what their children used."""

import os
import subprocess
import sys

from benchmarks.usage import cpu_seconds, peak_mb

BUSY = "import time; end = time.process_time() + 0.3\nwhile time.process_time() < end: pass\nprint(flush=True); input()"

ROUNDED_DOWN = 0.25
"""/proc has whole ticks of 10 ms, rounded down for each process, in user and in system mode."""


def test_cpu_time_includes_running_children() -> None:
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BUSY!r}])"
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()

        used = cpu_seconds([process.pid], kafka=os.getpid(), postgres=os.getpid())

        process.communicate(b"\n")
    assert used.service >= ROUNDED_DOWN


def test_cpu_time_includes_children_that_have_ended() -> None:
    parent = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {BUSY!r}], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)\n"
        "print(flush=True); input()"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()
        process.stdout.readline()

        used = cpu_seconds([process.pid], kafka=os.getpid(), postgres=os.getpid())

        process.communicate(b"\n")
    assert used.service >= ROUNDED_DOWN


def test_a_process_that_has_ended_costs_nothing_more() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert cpu_seconds([ended.pid], kafka=os.getpid(), postgres=os.getpid()).service == 0


def test_the_peak_is_at_least_what_was_once_in_memory() -> None:
    code = "block = bytearray(80_000_000); del block; print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout
        process.stdout.readline()

        peak = peak_mb([process.pid])

        process.communicate(b"\n")
    assert peak > 75
