"""Starts a server as a child process that logs to a file and never outlives the process that wanted it."""

import os
import pwd
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

# Blocks until its standard input closes, which the kernel does however our process ends, kill -9 included. The usual
# parent-death signal follows the thread that forked, so a server started from a pool would die with the pool's thread;
# this works from any thread and on every POSIX system. The pause lets the server go before its folder does.
_WATCHDOG = 'cat >/dev/null; kill -s "$1" "$2"; sleep 2; rm -rf -- "$3"'


class RunAs(TypedDict):
    """The arguments by which subprocess changes the user; all None to stay who we are."""

    user: str | None
    group: int | None
    extra_groups: list[int] | None


def run_as(account: str | None) -> RunAs:
    """What subprocess needs to run a command as `account`, without any of our own groups."""
    if account is None:
        return RunAs(user=None, group=None, extra_groups=None)
    return RunAs(user=account, group=pwd.getpwnam(account).pw_gid, extra_groups=[])


class Child:
    """One running server process; `orphan_signal` is what it gets when we die, before `folder` is removed."""

    def __init__(
        self, command: list[str], *, folder: Path, log: Path, account: str | None, orphan_signal: signal.Signals
    ) -> None:
        with log.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal is for us, and we stop our servers in good order.
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
        """Whether the server has stopped by itself."""
        return self._process.poll() is not None

    def end(self, with_signal: signal.Signals, *, patience_seconds: float) -> None:
        """Returns when the process is gone: by `with_signal`, or by SIGKILL where it takes longer than allowed."""
        self._process.send_signal(with_signal)
        try:
            self._process.wait(patience_seconds)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._dismiss_watchdog()

    def kill(self) -> None:
        """Ends the process and its children at one moment, as a power cut would."""
        self._process.send_signal(signal.SIGSTOP)  # so that no child is born while we look
        children = _children_of(self.pid)
        self._process.kill()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        self._process.wait()
        self._dismiss_watchdog()

    def _dismiss_watchdog(self) -> None:
        self._watchdog.kill()
        self._watchdog.communicate()


def _children_of(pid: int) -> list[int]:
    """Its children where Linux tells; elsewhere none, and they end when they notice that their parent has gone."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
