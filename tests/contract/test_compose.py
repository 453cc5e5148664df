"""docker-compose.yml and the Dockerfile are valid, safe, and match our settings.

Each check is a function that lists problems; a test violates each of them on purpose.
"""

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator

from schemas.topics import BY_NAME
from services.approval.settings import ApprovalSettings
from services.commands.migrate import MigrationSettings
from services.digest.settings import DigestSettings
from services.exporter.settings import ExporterSettings
from services.notifier.settings import NotifierSettings
from services.pipeline.settings import KafkaSettings, OperationsSettings
from tests.contract.settings_classes import SERVICES, missing, variables

ROOT = Path(__file__).parents[2]
SPECIFICATION = Draft7Validator(json.loads((ROOT / "tests/contract/data/compose-spec.json").read_text()))
TEXT = (ROOT / "docker-compose.yml").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
PROMETHEUS = yaml.safe_load((ROOT / "ops/prometheus/prometheus.yml").read_text())
PROVISIONED = ROOT / "ops/grafana/provisioning"
WATCHING = ("prometheus", "grafana", "alertmanager")
IMAGE = re.compile(r"\$\{[A-Z]+_IMAGE:-[a-z][a-z/-]*:(?!latest\})[\w.-]+\}")
ROOT_USERS = {"", "0", "root"}
OWN_SERVERS = re.compile(r"KAFKA_|([A-Z]+_)?(MIGRATION_)?DATABASE_URL|HTTP_(HOST|PORT)")
"""Variables that a second Compose file sets for a Kafka or PostgreSQL of one's own, and those that the image sets."""

Compose = dict[str, Any]


class MigrateSettings(MigrationSettings):
    """What `countersign migrate` reads: the one database of all services, unless it has addresses of its own."""

    database_url: str


class OperatorSettings(ApprovalSettings, ExporterSettings, NotifierSettings, DigestSettings, OperationsSettings):
    """What `countersign doctor` reads: the variables of all services, and where they are."""


SETTINGS = {f"run {name}": settings for name, settings in SERVICES.items()} | {
    "migrate": MigrateSettings,
    "topics": KafkaSettings,
    "doctor": OperatorSettings,
}
"""The settings class of each command that the file runs."""


@pytest.fixture
def compose() -> Compose:
    return yaml.safe_load(TEXT)


def ours(compose: Compose) -> dict[str, Compose]:
    """The services that run our image, by their command."""
    return {
        " ".join(service["command"]): service
        for service in compose["services"].values()
        if "COUNTERSIGN_IMAGE" in service["image"]
    }


def against_specification(compose: Compose) -> list[str]:
    return [error.json_path for error in SPECIFICATION.iter_errors(compose)]


def wrong_commands(compose: Compose) -> list[str]:
    return sorted(ours(compose).keys() ^ SETTINGS.keys())


def unknown_variables(compose: Compose) -> list[str]:
    return [
        f"{command}: {name}"
        for command, service in ours(compose).items()
        for name in service.get("environment", {})
        if name not in variables(SETTINGS[command])
    ]


def missing_variables(compose: Compose) -> list[str]:
    return [
        f"{command}: {name}"
        for command, service in ours(compose).items()
        for name in missing(SETTINGS[command], service.get("environment", {}))
    ]


def unreachable_variables(compose: Compose) -> list[str]:
    """Variables that a service reads and that do nothing in .env, since the file does not pass them on."""
    return [
        f"{command}: {name}"
        for command, service in ours(compose).items()
        for name in sorted(variables(SETTINGS[command]) - service.get("environment", {}).keys())
        if not OWN_SERVERS.match(name)
    ]


def unpinned_images(compose: Compose) -> list[str]:
    """Images that no variable can replace, or whose default is not a fixed version."""
    return [name for name, service in compose["services"].items() if not IMAGE.fullmatch(service["image"])]


def privileged_containers(compose: Compose) -> list[str]:
    """Containers of ours with more privileges than a service needs."""
    return [
        command
        for command, service in ours(compose).items()
        if str(service.get("user", "unset")).partition(":")[0] in ROOT_USERS
        or service.get("privileged")
        or not service.get("read_only")
        or service.get("cap_drop") != ["ALL"]
    ]


def unchecked_services(compose: Compose) -> list[str]:
    """Services without a readiness check, or that start before their tables and topics exist."""
    done = {name: {"condition": "service_completed_successfully"} for name in ("migrate", "topics")}
    return [
        command
        for command, service in ours(compose).items()
        if command.startswith("run ")
        and not ("/health/ready" in str(service.get("healthcheck")) and service.get("depends_on") == done)
    ]


def secrets_with_values(compose: Compose) -> list[str]:
    """Secrets with a value or a default in the file, instead of an error message that asks for them."""
    return [
        f"{name}: {variable}"
        for name, service in compose["services"].items()
        for variable, value in service.get("environment", {}).items()
        if re.search("PASSWORD|SECRET|TOKEN|DATABASE_URL", variable) and not re.search(r"\$\{(\w+):\?Set \1 ", value)
    ]


def named_topics(compose: Compose) -> list[str]:
    """Topics named in the file: only `countersign topics` should know them."""
    return [name for name in BY_NAME if name in json.dumps(compose)]


def open_ports(compose: Compose) -> list[str]:
    """Ports that other machines can reach."""
    return [
        port
        for service in compose["services"].values()
        for port in service.get("ports", ())
        if not port.startswith("127.0.0.1:")
    ]


def careless_watchers(compose: Compose) -> list[str]:
    """What watches us with more privileges than it needs, or without a health check."""
    wanted = {"read_only": True, "cap_drop": ["ALL"], "security_opt": ["no-new-privileges:true"]}
    services = {name: compose["services"][name] for name in WATCHING}
    return [name for name, each in services.items() if each | wanted != each or not each.get("healthcheck")]


def open_grafana(compose: Compose) -> list[str]:
    """Settings of Grafana by which somebody gets in without the password, or by which it asks the Internet."""
    wanted = {
        "GF_AUTH_ANONYMOUS_ENABLED": "false",
        "GF_USERS_ALLOW_SIGN_UP": "false",
        "GF_ANALYTICS_REPORTING_ENABLED": "false",
        "GF_PLUGINS_PREINSTALL_DISABLED": "true",
    }
    given = compose["services"]["grafana"]["environment"]
    return [name for name, value in wanted.items() if given.get(name) != value]


def missing_mounts(compose: Compose) -> list[str]:
    """Folders of the checkout that a container reads and that are not there, or that it could write to."""
    mounts = [mount for service in compose["services"].values() for mount in service.get("volumes", ())]
    folders = [mount.split(":") for mount in mounts if mount.startswith("./")]
    return [parts[0] for parts in folders if parts[2:] != ["ro"] or not (ROOT / parts[0]).is_dir()]


def port_of_metrics(compose: Compose, service: str) -> str:
    """The port at which a service of ours serves /metrics."""
    return str(compose["services"][service].get("environment", {}).get("METRICS_PORT", "8000"))


def open_metrics(compose: Compose) -> list[str]:
    """Our services that serve /metrics and /operations where a proxy finds the desk, or on a port of this machine."""
    ours = {name: each for name, each in compose["services"].items() if each.get("command", [""])[0] == "run"}
    return [
        name
        for name, each in ours.items()
        if port_of_metrics(compose, name) in {"8000", *(port.rpartition(":")[2] for port in each.get("ports", ()))}
    ]


def lost_addresses(compose: Compose) -> list[str]:
    """Addresses at which our services are asked about a commitment, and do not answer."""
    return sorted(
        {
            f"{name}: {url}"
            for each in compose["services"].values()
            for name, url in each.get("environment", {}).items()
            if name in variables(OperationsSettings) - {"OPERATIONS_TOKEN"}
            and url != f"http://{(of := name.removesuffix('_URL').lower())}:{port_of_metrics(compose, of)}"
        }
    )


def unwatched_services(compose: Compose) -> list[str]:
    """Our services that Prometheus does not scrape under their own name, and targets that are no service."""
    [job] = [each for each in PROMETHEUS["scrape_configs"] if each["job_name"] == "countersign"]
    scraped = {each["labels"]["service"]: each["targets"] for each in job["static_configs"]}
    running = {name for name, each in compose["services"].items() if each.get("command", [""])[0] == "run"}
    wrong = [name for name, targets in scraped.items() if targets != [f"{name}:{port_of_metrics(compose, name)}"]]
    return sorted(running.symmetric_difference(scraped)) + wrong


def unknown_neighbours(compose: Compose) -> list[str]:
    """Addresses by which Grafana and Prometheus would find nobody."""
    sources = yaml.safe_load((PROVISIONED / "datasources/prometheus.yml").read_text())["datasources"]
    discovered = [each for group in PROMETHEUS["alerting"]["alertmanagers"] for each in group["dns_sd_configs"]]
    named = [f"{name}:{each['port']}" for each in discovered for name in each["names"]]
    named += [each["url"].removeprefix("http://") for each in sources]
    open_at = {
        f"{name}:{port.rpartition(':')[2]}"
        for name, each in compose["services"].items()
        for port in each.get("ports", ())
    }
    return [address for address in named if address not in open_at]


def unshown_dashboards(compose: Compose) -> list[str]:
    """Folders from which Grafana is told to read dashboards and that are not those of ops/grafana."""
    providers = yaml.safe_load((PROVISIONED / "dashboards/countersign.yml").read_text())["providers"]
    grafana = compose["services"]["grafana"]
    mounted = [mount.split(":")[1] for mount in grafana["volumes"] if mount.startswith("./ops/grafana/dashboards:")]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    wanted = [each["options"]["path"] for each in providers] + [home.rpartition("/")[0]]
    return [path for path in wanted if path not in mounted]


CHECKS = (
    against_specification,
    wrong_commands,
    unknown_variables,
    missing_variables,
    unreachable_variables,
    unpinned_images,
    privileged_containers,
    unchecked_services,
    secrets_with_values,
    named_topics,
    open_ports,
    open_metrics,
    lost_addresses,
    careless_watchers,
    open_grafana,
    missing_mounts,
    unwatched_services,
    unknown_neighbours,
    unshown_dashboards,
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_file_passes(check: Callable[[Compose], list[str]], compose: Compose) -> None:
    assert check(compose) == []


_ADMIN = "grafana: GF_SECURITY_ADMIN_PASSWORD"
VIOLATIONS: tuple[tuple[Callable[[Compose], list[str]], Mapping[str, Any], list[str]], ...] = (
    (against_specification, {"approval": {"restart": ["always"]}}, ["$.services.approval.restart"]),
    (wrong_commands, {"topics": {"command": ["demo"]}}, ["demo", "topics"]),
    (unknown_variables, {"digest": {"environment": {"CRASH_AT": "digest.before_commit"}}}, ["run digest: CRASH_AT"]),
    (unknown_variables, {"exporter": {"environment": {"SMTP_URL": "smtp://mail"}}}, ["run exporter: SMTP_URL"]),
    (
        missing_variables,
        {"notifier": {"environment": {}}},
        [
            "run notifier: KAFKA_BOOTSTRAP_SERVERS",
            "run notifier: NOTIFIER_DATABASE_URL or DATABASE_URL",
            "run notifier: SMTP_URL",
            "run notifier: MAIL_FROM",
            "run notifier: PUBLIC_URL",
        ],
    ),
    (
        unreachable_variables,
        {"exporter": {"environment": {"ERP_CONNECTIONS": "/x", "LOG_FORMAT": "json", "OPERATIONS_TOKEN": "x"}}},
        [
            "run exporter: HTTP_TRUSTED_PROXIES",
            "run exporter: KEEP_DEAD_LETTERS_DAYS",
            "run exporter: KEEP_FINISHED_DAYS",
            "run exporter: METRICS_PORT",
            "run exporter: OTEL_EXPORTER_OTLP_ENDPOINT",
            "run exporter: WEB_CONNECTOR_URL",
        ],
    ),
    (unpinned_images, {"kafka": {"image": "apache/kafka:4.3.1"}}, ["kafka"]),
    (unpinned_images, {"mail": {"image": "${MAIL_IMAGE:-axllent/mailpit:latest}"}}, ["mail"]),
    (privileged_containers, {"migrate": {"user": "0:0"}}, ["migrate"]),
    (privileged_containers, {"exporter": {"privileged": True}}, ["run exporter"]),
    (privileged_containers, {"digest": {"read_only": False}}, ["run digest"]),
    (unchecked_services, {"approval": {"healthcheck": {"disable": True}}}, ["run approval"]),
    (unchecked_services, {"approval": {"depends_on": ["kafka"]}}, ["run approval"]),
    (secrets_with_values, {"digest": {"environment": {"LINK_SECRET": "changeme"}}}, ["digest: LINK_SECRET"]),
    (
        secrets_with_values,
        {"postgres": {"environment": {"POSTGRES_PASSWORD": "${POSTGRES_PASSWORD:-changeme}"}}},
        ["postgres: POSTGRES_PASSWORD"],
    ),
    (named_topics, {"kafka": {"environment": {"CREATE": "mail.settled:12"}}}, ["mail.settled"]),
    (open_ports, {"approval": {"ports": ["8080:8000"]}}, ["8080:8000"]),
    (open_metrics, {"digest": {"environment": {"METRICS_PORT": "8000"}}}, ["digest"]),
    (open_metrics, {"approval": {"ports": ["127.0.0.1:9000:9000"]}}, ["approval"]),
    (
        lost_addresses,
        {"operator": {"environment": {"DIGEST_URL": "http://digest:8000"}}},
        ["DIGEST_URL: http://digest:8000"],
    ),
    (careless_watchers, {"prometheus": {"read_only": False}}, ["prometheus"]),
    (
        careless_watchers,
        {"grafana": {"cap_drop": ["NET_RAW"]}, "alertmanager": {"healthcheck": None}},
        list(WATCHING[1:]),
    ),
    (
        open_grafana,
        {"grafana": {"environment": {"GF_AUTH_ANONYMOUS_ENABLED": "true", "GF_PLUGINS_PREINSTALL_DISABLED": "true"}}},
        ["GF_AUTH_ANONYMOUS_ENABLED", "GF_USERS_ALLOW_SIGN_UP", "GF_ANALYTICS_REPORTING_ENABLED"],
    ),
    (secrets_with_values, {"grafana": {"environment": {"GF_SECURITY_ADMIN_PASSWORD": "admin"}}}, [_ADMIN]),
    (
        missing_mounts,
        {"grafana": {"volumes": ["./ops/nowhere:/a:ro", "./ops/grafana:/b"]}},
        ["./ops/nowhere", "./ops/grafana"],
    ),
    (unwatched_services, {"digest": {"command": ["idle"]}}, ["digest"]),
    (unwatched_services, {"mail": {"command": ["run", "mail"]}}, ["mail"]),
    (unknown_neighbours, {"prometheus": {"ports": ["127.0.0.1:9090:9191"]}}, ["prometheus:9090"]),
    (unknown_neighbours, {"alertmanager": {"ports": []}}, ["alertmanager:9093"]),
    (
        unshown_dashboards,
        {"grafana": {"volumes": ["./ops/grafana/dashboards:/elsewhere:ro"]}},
        ["/etc/countersign/dashboards"] * 2,
    ),
)


@pytest.mark.parametrize(
    ("check", "change", "problems"), VIOLATIONS, ids=lambda given: getattr(given, "__name__", None)
)
def test_a_violation_is_found(
    check: Callable[[Compose], list[str]], change: Mapping[str, Any], problems: list[str], compose: Compose
) -> None:
    altered = deepcopy(compose)
    for name, members in change.items():
        altered["services"][name] |= members
    assert check(altered) == problems


def run_as(dockerfile: str) -> str | None:
    """The user of the image that `dockerfile` builds; None if it is the base image's."""
    final_stage = dockerfile.rpartition("\nFROM ")[2]
    users = re.findall(r"^USER +([^:\s]+)", final_stage, re.MULTILINE)
    return users[-1] if users else None


def test_the_image_does_not_run_as_root() -> None:
    assert run_as(DOCKERFILE) not in {None, *ROOT_USERS}
    assert run_as(re.sub(r"^USER .*", "USER root", DOCKERFILE, flags=re.MULTILINE)) in ROOT_USERS
    assert run_as("USER 10001\n" + DOCKERFILE.replace("USER 10001:10001\n", "")) is None


def test_the_image_installs_locked_packages_and_copies_no_sandbox() -> None:
    assert "--require-hashes --only-binary :all: -r requirements.lock" in DOCKERFILE
    assert "sandbox" not in DOCKERFILE


def test_compose_builds_the_image_on_the_dockerfiles_base() -> None:
    [base] = re.findall(r"^ARG BASE_IMAGE=(.*)$", DOCKERFILE, re.MULTILINE)
    assert f"${{BASE_IMAGE:-{base}}}" in TEXT
