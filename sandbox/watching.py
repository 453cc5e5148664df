"""Lets a Prometheus watch the services of a world, as Compose's does, so that the dashboard has something to show."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click

from sandbox.servers.local_server import Report, no_report
from sandbox.servers.prometheus import LocalPrometheus
from sandbox.service_process import ServiceProcess
from sandbox.started import started

SCRAPE_SECONDS = 2
RULES = Path(__file__).parents[1] / "ops" / "prometheus"
"""Where a checkout has the rules; an installed package has none."""


@asynccontextmanager
async def watched(
    services: Iterable[ServiceProcess], *, port: int = 0, report: Report = no_report
) -> AsyncIterator[LocalPrometheus]:
    """A Prometheus scrapes `services` every two seconds while the block runs.

    Raises ServerStartFailed if it is not installed or does not start.
    """
    async with AsyncExitStack() as stack:
        yield await started(stack, LocalPrometheus(configuration(services), port=port, report=report))


def configuration(services: Iterable[ServiceProcess]) -> dict[str, Any]:
    """The configuration of ops/prometheus for `services`, for a run of minutes instead of weeks."""
    targets = [{"targets": [urlsplit(each.url).netloc], "labels": {"service": each.name}} for each in services]
    interval = f"{SCRAPE_SECONDS}s"
    return {
        "global": {"scrape_interval": interval, "evaluation_interval": interval},
        "rule_files": [f"{RULES}/*.rules.yml"],
        "scrape_configs": [{"job_name": "countersign", "honor_labels": True, "static_configs": targets}],
    }


def dashboard_command(url: str) -> str:
    """The command that draws the dashboard from the Prometheus at `url`."""
    drawing = f"python -m ops.grafana.drawing --prometheus {url} --scrape-seconds {SCRAPE_SECONDS}"
    return f"{drawing} --minutes 15 --to dashboard.html"


@asynccontextmanager
async def watched_if_chosen(
    services: Iterable[ServiceProcess], port: int | None, report: Report
) -> AsyncIterator[None]:
    """A Prometheus watches the services while the block runs, if its port was chosen."""
    if port is None:
        yield
        return
    async with watched(services, port=port, report=report) as prometheus:
        click.echo(f"Alerts that fire: {prometheus.url}/alerts. Each has a section in docs/runbook.md.")
        click.echo(f"Dashboard: a Grafana of your own on {prometheus.url}; or draw it, where the commands run:")
        click.echo(f"  {dashboard_command(prometheus.url)}")
        yield
