"""A real Prometheus for tests: the configuration and the rules of ops/prometheus, with other addresses and times."""

import http.client
import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

import pytest
import yaml

from sandbox.servers.local_server import LocalServer, free_ports

FOLDER = Path(__file__).parents[1] / "ops" / "prometheus"
HOST = "127.0.0.1"
SCRAPE_SECONDS = 2
MISSING = (
    "Prometheus is missing, which answers the dashboard's queries. Install it (Debian: apt-get install prometheus, "
    "macOS: brew install prometheus), or take its program alone as .ci/install-packages does; PROMETHEUS is its path."
)


def prometheus_in(environment: Mapping[str, str]) -> str:
    """The path of the program."""
    found = shutil.which(environment.get("PROMETHEUS", "prometheus"), path=environment.get("PATH", ""))
    if found is None:
        pytest.fail(MISSING)
    return found


class LocalPrometheus(LocalServer):
    """Scrapes our services, given by their names and addresses, every two seconds."""

    name = "Prometheus"
    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGKILL
    transient_errors: ClassVar[tuple[str, ...]] = ("address already in use",)

    def __init__(self, services: Mapping[str, str]) -> None:
        super().__init__()
        self._services = dict(services)
        self._program = prometheus_in(os.environ)

    @property
    def url(self) -> str:
        """The address of its HTTP API."""
        return f"http://{HOST}:{self.port}"

    def prepare_data(self) -> None:
        """Choose the port, and write the configuration."""
        self.port = free_ports(1)[0]
        self._configuration.write_text(yaml.safe_dump(configuration(self._services)))

    def command(self) -> list[str]:
        """Prometheus' command."""
        data, address = f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address={HOST}:{self.port}"
        return [self._program, f"--config.file={self._configuration}", data, address]

    def is_ready(self) -> bool:
        """Whether it has read its data."""
        connection = http.client.HTTPConnection(HOST, self.port, timeout=2)
        try:
            connection.request("GET", "/-/ready")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    @property
    def _configuration(self) -> Path:
        return self.folder / "prometheus.yml"


def configuration(services: Mapping[str, str]) -> dict[str, object]:
    """The configuration of Compose with the addresses of `services`, for a run of minutes instead of weeks."""
    read = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    read["global"] = {"scrape_interval": f"{SCRAPE_SECONDS}s", "evaluation_interval": f"{SCRAPE_SECONDS}s"}
    read["rule_files"] = [f"{FOLDER}/{pattern}" for pattern in read["rule_files"]]
    del read["alerting"]
    for target in read["scrape_configs"][0]["static_configs"]:
        target["targets"] = [urlsplit(services[target["labels"]["service"]]).netloc]
    return dict(read)
