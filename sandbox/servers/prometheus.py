"""A real Prometheus that scrapes the services of a world, where its program is installed."""

import http.client
import json
import os
import shutil
import signal
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from sandbox.servers.local_server import LocalServer, Report, ServerStartFailed, free_ports, no_report

HOST = "127.0.0.1"
PROBE_SECONDS = 2
MISSING = (
    "Prometheus is not installed here. Install it (Debian: apt-get install prometheus, macOS: brew install "
    "prometheus), or set PROMETHEUS to the path of its program."
)


class LocalPrometheus(LocalServer):
    """Prometheus with `configuration`, as its documentation describes it; 0 takes any free port."""

    name = "Prometheus"
    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGKILL
    transient_errors: ClassVar[tuple[str, ...]] = ("address already in use",)

    def __init__(self, configuration: Mapping[str, Any], *, port: int = 0, report: Report = no_report) -> None:
        super().__init__(report=report)
        self._configuration = configuration
        self._wanted_port = port

    @property
    def url(self) -> str:
        """The address of its HTTP server."""
        return f"http://{HOST}:{self.port}"

    def prepare_data(self) -> None:
        """Choose the port, and write the configuration."""
        self.port = self._wanted_port or free_ports(1)[0]
        (self.folder / "prometheus.yml").write_text(json.dumps(self._configuration))  # JSON is YAML, too

    def command(self) -> list[str]:
        """Prometheus' command; ServerStartFailed if it is not installed."""
        files = (f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/data")
        return [program(os.environ), *files, f"--web.listen-address={HOST}:{self.port}"]

    def is_ready(self) -> bool:
        """Whether it has read its data and answers queries."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=PROBE_SECONDS)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def program(environment: Mapping[str, str]) -> str:
    """The path of Prometheus' program; ServerStartFailed, which says how to get it, if there is none."""
    found = shutil.which(environment.get("PROMETHEUS", "prometheus"), path=environment.get("PATH", ""))
    if found is None:
        raise ServerStartFailed(MISSING)
    return found
