"""Starts a server as a child process that logs to a file and never outlives its parent."""

import os
import pwd
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from time import sleep
from typing import TypedDict

# Blocks until its standard input closes, which the kernel does however our process ends, including kill -9. The usual
# parent-death signal is tied to the thread that forked, so a server started from a pool would die with the pool's
# thread; this works from any thread and on every POSIX system. The pause lets the server end before its folder goes.
_WATCHDOG = 'cat >/dev/null; kill -s "$1" "$2"; sleep 2; rm -rf -- "$3"'

_POLL_SECONDS = 0.01
_ENDED = ("Z", "X")
"""The states of a process that has ended, reaped or not."""


class RunAs(TypedDict):
    """The arguments with which subprocess changes the user; all None to keep ours."""

    user: str | None
    group: int | None
    extra_groups: list[int] | None


def run_as(account: str | None) -> RunAs:
    """Return the subprocess arguments to run a command as `account`, without our own groups; None keeps our user."""
    if account is None:
        return RunAs(user=None, group=None, extra_groups=None)
    return RunAs(user=account, group=pwd.getpwnam(account).pw_gid, extra_groups=[])


class ChildProcess:
    """One running server process; when we die, it gets `orphan_signal` and `folder` is removed."""

    def __init__(
        self, command: list[str], *, folder: Path, log: Path, account: str | None, orphan_signal: signal.Signals
    ) -> None:
        with log.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal is for us, and we shut our servers down cleanly.
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **run_as(account),
            )
        self._watchdog = subprocess.Popen(
            ["sh", "-c", _WATCHDOG, "watchdog", orphan_signal.name[3:], str(self.pid), str(folder)],
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The server's process id."""
        return self._process.pid

    def has_ended(self) -> bool:
        """Whether the process is no longer running."""
        return self._process.poll() is not None

    @property
    def exit_status(self) -> int | None:
        """The status with which the process ended, negative for a signal; None while it runs."""
        return self._process.poll()

    def end(self, with_signal: signal.Signals, *, patience_seconds: float) -> None:
        """Send `with_signal` and wait until the process has ended; after `patience_seconds`, kill it."""
        self._process.send_signal(with_signal)
        try:
            self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._dismiss_watchdog()

    def kill(self) -> None:
        """Kill the process and its children at the same moment, as a power cut would, and wait until all have ended."""
        self._process.send_signal(signal.SIGSTOP)  # so that it starts no child while we look
        children = _children_of(self.pid)
        self._process.kill()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.wait()
        while any(map(_is_running, children)):  # until it gets a processor to end
            sleep(_POLL_SECONDS)
        self._dismiss_watchdog()

    def pause(self) -> None:
        """Stop the process and, on Linux, its children where they stand, as on a machine that is suspended."""
        self._process.send_signal(signal.SIGSTOP)  # first, so that it starts no child while we look
        self._signal_children(signal.SIGSTOP)

    def resume(self) -> None:
        """Let the process and its children go on after `pause`."""
        self._signal_children(signal.SIGCONT)
        self._process.send_signal(signal.SIGCONT)

    def _signal_children(self, number: signal.Signals) -> None:
        for child in _children_of(self.pid):
            with suppress(ProcessLookupError):
                os.kill(child, number)

    def _dismiss_watchdog(self) -> None:
        self._watchdog.kill()
        self._watchdog.communicate()


def _is_running(pid: int) -> bool:
    """Whether a process on Linux has not ended; one that nobody has reaped yet has."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in _ENDED


def _children_of(pid: int) -> list[int]:
    """The children of `pid` on Linux; none elsewhere, where they end once they notice that a killed parent has gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
