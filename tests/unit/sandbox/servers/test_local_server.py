"""Starts, restarts and failures of a server, with a line of shell in place of a real one."""

import signal
from pathlib import Path

import pytest

from sandbox.servers import ServerStartFailed
from sandbox.servers.local_server import LocalServer


class ShellServer(LocalServer):
    """A server that is a line of shell; it is ready once the file `ready` exists."""

    name = "Shell"
    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGKILL
    stop_seconds = 0.3

    def __init__(self, *lines: str) -> None:
        self.reported: list[str] = []
        super().__init__(report=self.reported.append)
        self._lines = list(lines)
        self.times_prepared = 0

    def prepare_data(self) -> None:
        self.times_prepared += 1

    def command(self) -> list[str]:
        line = self._lines.pop(0) if len(self._lines) > 1 else self._lines[0]
        return ["sh", "-c", f"cd {self.folder}; {line}"]

    def is_ready(self) -> bool:
        return (self.folder / "ready").exists()


SERVES = "touch ready; exec sleep 60"


def test_a_failed_start_reports_the_end_of_the_servers_log() -> None:
    with pytest.raises(ServerStartFailed, match=r"Shell did not start(.|\n)*no space left on device"):
        ShellServer("seq 1000; echo no space left on device; exit 1").__enter__()


def test_a_failed_start_leaves_no_folder_behind() -> None:
    server = ShellServer("exit 1")

    with pytest.raises(ServerStartFailed), server:
        pass

    assert not server.folder.exists()


def test_a_start_whose_port_was_taken_meanwhile_is_retried_with_another_one() -> None:
    with ShellServer("echo bind: Address already in use; exit 1", SERVES) as server:
        assert server.times_prepared == 2
        assert server.pid is not None


def test_a_restart_keeps_the_data_of_the_first_start() -> None:
    with ShellServer(SERVES) as server:
        first = server.pid
        server.restart()

        assert server.times_prepared == 1
        assert server.pid not in {None, first}
        assert server.reported == ["Starting Shell"] * 2


def test_a_second_start_changes_nothing() -> None:
    with ShellServer(SERVES) as server:
        first = server.pid
        server.start()

        assert server.pid == first


def test_a_server_that_ignores_its_stop_signal_is_killed() -> None:
    server = ShellServer("trap '' TERM; touch ready; while :; do sleep 0.1; done")
    server.start()
    process = Path(f"/proc/{server.pid}")

    server.close()

    assert server.pid is None
    assert not process.exists()
