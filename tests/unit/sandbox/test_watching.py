from pathlib import Path

import pytest
import yaml

from sandbox.servers import ServerStartFailed
from sandbox.servers.prometheus import program
from sandbox.service_process import ServiceProcess
from sandbox.watching import configuration, dashboard_command
from services.pipeline.names import SERVICES

OPS = Path(__file__).parents[3] / "ops"


def services() -> list[ServiceProcess]:
    made = [ServiceProcess(name, {}, port=9_000 + place) for place, name in enumerate(SERVICES)]
    for each in made:
        each.prepare_data()
    return made


def test_prometheus_watches_a_world_under_the_same_names_as_in_compose() -> None:
    composed = yaml.safe_load((OPS / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    own = configuration(services())["scrape_configs"]

    for scraping in (*composed, *own):
        for target in scraping["static_configs"]:
            target["targets"] = len(target["targets"])
    assert own == composed


def test_each_service_is_scraped_at_its_own_address() -> None:
    [job] = configuration(services())["scrape_configs"]

    found = {each["labels"]["service"]: each["targets"] for each in job["static_configs"]}
    assert found == {name: [f"127.0.0.1:{9_000 + place}"] for place, name in enumerate(SERVICES)}


def test_without_prometheus_a_sentence_says_how_to_get_it() -> None:
    for environment in ({"PATH": "/nowhere"}, {"PATH": "/bin", "PROMETHEUS": "/nowhere/prometheus"}):
        with pytest.raises(ServerStartFailed, match=r"not installed here\. Install it .* set PROMETHEUS"):
            program(environment)


def test_the_demo_prints_the_command_that_draws_its_dashboard() -> None:
    command = "python -m ops.grafana.drawing --prometheus http://127.0.0.1:9090 --scrape-seconds 2 --minutes 15 --to "
    assert dashboard_command("http://127.0.0.1:9090") == f"{command}dashboard.html"
