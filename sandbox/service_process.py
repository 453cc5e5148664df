"""One of our services as a process of its own, to be started, killed and started again."""

import http.client
import signal
import sys
from collections.abc import Mapping
from time import monotonic, sleep
from typing import ClassVar

from sandbox.servers.local_server import POLL_SECONDS, LocalServer, Report, free_ports, say_nothing

PROBE_SECONDS = 2
HOST = "127.0.0.1"


class ServiceProcess(LocalServer):
    """`python -m services.<service>` with `environment`; it answers once it is ready."""

    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGKILL
    stop_seconds: ClassVar[float] = 15

    def __init__(
        self, service: str, environment: Mapping[str, str], *, port: int = 0, report: Report = say_nothing
    ) -> None:
        super().__init__(report=report)
        self.name = service
        self.environment = dict(environment)
        self._wanted_port = port

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://{HOST}:{self.port}"

    @property
    def has_ended(self) -> bool:
        """Whether the process is gone, though nobody stopped it."""
        return self._child is not None and self._child.has_ended()

    def launch(self) -> None:
        """Start it without waiting until it is ready: it may be meant to die on the way."""
        self._begin()

    def ends_within(self, seconds: float) -> bool:
        """Whether the process ends by itself in time. Blocks."""
        deadline = monotonic() + seconds
        while not self.has_ended and monotonic() < deadline:
            sleep(POLL_SECONDS)
        return self.has_ended

    def lay_out(self) -> None:
        """Choose a port."""
        self.port = self._wanted_port or free_ports(1)[0]

    def command(self) -> list[str]:
        """Return the command, with the environment in front of it."""
        given = self.environment | {"HTTP_HOST": HOST, "HTTP_PORT": str(self.port), "COUNTERSIGN_SANDBOX": "1"}
        return ["env", *(f"{name}={value}" for name, value in given.items()), sys.executable, "-m", self._module]

    def answers(self) -> bool:
        """Whether it is ready: assigned, with its database."""
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
