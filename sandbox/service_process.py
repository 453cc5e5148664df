"""Runs one of our services as a child process that tests can kill and start again."""

import http.client
import signal
import sys
from collections.abc import Mapping
from time import monotonic, sleep
from typing import ClassVar

from sandbox.configuration import KEPT_OUT
from sandbox.servers.local_server import POLL_SECONDS, LocalServer, Report, free_ports, no_report

PROBE_SECONDS = 2
HOST = "127.0.0.1"


class ServiceProcess(LocalServer):
    """`python -m services.<service>` with `environment`; `start` waits until it reports ready."""

    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGKILL
    stop_seconds: ClassVar[float] = 15

    def __init__(
        self, service: str, environment: Mapping[str, str], *, port: int = 0, report: Report = no_report
    ) -> None:
        super().__init__(report=report)
        self.name = service
        self.environment = dict(environment)
        self._wanted_port = port

    @property
    def url(self) -> str:
        """The address of its HTTP server."""
        return f"http://{HOST}:{self.port}"

    @property
    def address(self) -> str:
        """As `url`."""
        return self.url

    def ends_within(self, seconds: float) -> bool:
        """Wait for at most `seconds`, and return whether the process has ended by itself."""
        deadline = monotonic() + seconds
        while not self.has_ended and monotonic() < deadline:
            sleep(POLL_SECONDS)
        return self.has_ended

    def prepare_data(self) -> None:
        """Choose the port."""
        self.port = self._wanted_port or free_ports(1)[0]

    def command(self) -> list[str]:
        """The service's command, with its environment set by env(1): ours, without what leads elsewhere."""
        given = self.environment | {"HTTP_HOST": HOST, "HTTP_PORT": str(self.port), "COUNTERSIGN_SANDBOX": "1"}
        changes = [*(f"-u{name}" for name in KEPT_OUT), *(f"{name}={value}" for name, value in given.items())]
        return ["env", *changes, sys.executable, "-m", self._module]

    def is_ready(self) -> bool:
        """Whether it reports ready: partitions assigned, database reachable."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", "/health/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @property
    def _module(self) -> str:
        return f"services.{self.name}"
