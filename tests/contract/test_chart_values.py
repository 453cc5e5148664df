"""What people give to the Helm chart and get from it: values, errors, pages passed on, rules and dashboards."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from fastapi.routing import iter_route_contexts
from pydantic.fields import FieldInfo

from schemas.topics import PARTITIONS
from services.approval.settings import ApprovalSettings
from services.approval.web.app import build_app
from services.pipeline.database import Database
from services.pipeline.http import add_metrics_and_health
from services.pipeline.kafka_rights import group_of
from services.pipeline.lateness import Lateness
from services.pipeline.outbox import Outbox
from tests.contract.chart import (
    CHART,
    MISSING,
    ROOT,
    SETS,
    helm,
    helm_in,
    manifests,
    of_kind,
    pods,
    rendered,
    variables_of,
)
from tests.contract.chart_values import README, described, undescribed, with_table
from tests.contract.settings_classes import SERVICES, fields

SCHEMA = json.loads((CHART / "values.schema.json").read_text())
VALUES = (CHART / "values.yaml").read_text()
BY_THE_IMAGE = {"HTTP_HOST", "HTTP_PORT"}
BY_THE_CHART = {"METRICS_PORT"}
INTERNAL = ("/metrics", "/health", "/operations")


def is_secret(field: FieldInfo) -> bool:
    return "SecretStr" in str(field.annotation)


def given_to(service: str) -> set[str]:
    """The variables that the chart sets for `service` from values of their own."""
    return {name for values in SETS for name in variables_of(pods(manifests(values))[f"run {service}"])}


@pytest.mark.helm
@pytest.mark.parametrize("service", SERVICES)
def test_every_variable_of_a_service_can_be_given(service: str) -> None:
    settings = set(SCHEMA["properties"][service]["properties"]["settings"]["properties"])
    known = {names[-1] if "DATABASE_URL" in names else names[0]: field for names, field in fields(SERVICES[service])}
    secret = {name for name, field in known.items() if is_secret(field)}
    assert settings & secret == set()
    assert settings - known.keys() == set()
    assert known.keys() - settings - given_to(service) - BY_THE_IMAGE - BY_THE_CHART == set()


def test_every_value_is_in_the_schema_and_the_readme() -> None:
    assert undescribed(VALUES) == []
    assert undescribed(VALUES.replace("  # -- How often.\n", "")) == ["monitoring.interval"]
    assert with_table(README.read_text(), VALUES) == README.read_text(), "run python -m tests.contract.chart_values"
    assert with_table(README.read_text(), VALUES.replace("15s", "30s")) != README.read_text()


def test_no_value_may_hold_more_processes_than_partitions() -> None:
    for service in SERVICES:
        properties = SCHEMA["properties"][service]["properties"]
        limits = [properties["replicas"], *properties.get("autoscaling", {}).get("properties", {}).values()]
        assert {each["maximum"] for each in limits if each.get("maximum", 0) < 100 and "maximum" in each} == {
            PARTITIONS
        }


@pytest.mark.helm
@pytest.mark.parametrize("values", SETS)
def test_the_chart_is_well_made(values: str) -> None:
    linted = helm("lint", "--strict", CHART, "--kube-version", "1.37.0", "--values", CHART / f"ci/{values}-values.yaml")
    assert linted.returncode == 0, linted.stdout


@pytest.mark.helm
def test_a_badly_made_chart_is_found(tmp_path: Path) -> None:
    copy = shutil.copytree(CHART, tmp_path / "countersign")
    (copy / "templates/digest.yaml").write_text("kind: [")
    linted = helm("lint", "--strict", copy, "--kube-version", "1.37.0", "--values", CHART / "ci/minimal-values.yaml")
    assert linted.returncode == 1


@pytest.mark.helm
def test_without_values_everything_that_is_required_is_named_at_once() -> None:
    refused = rendered()
    assert refused.returncode == 1
    named = re.findall(r"^  ([\w.]+): ", refused.stderr, re.MULTILINE)
    required = {path for path, words in described(VALUES).items() if words.endswith("Required.")}
    assert named == sorted(required | {"migration.existingSecret"})


@pytest.mark.helm
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("kafka.bootstrapServers=kafka", "at '/kafka/bootstrapServers': 'kafka' does not match"),
        ("kafka.bootstrapServers=kafka:9094", "networkPolicy.kafka.ports: 9094 too, a port of kafka.bootstrapServers"),
        ("kafka.securityProtocol=SASL_SSL", "kafka.saslMechanism: kafka.securityProtocol has SASL"),
        ("kafka.saslMechanism=PLAIN", "topics.existingSecret: a Secret with KAFKA_SASL_USERNAME"),
        ("image.tag=latest", "image.tag: a version or a digest"),
        ("tracing.endpoint=http://collector:4318", "networkPolicy.collector.ports: the port of tracing.endpoint"),
        ("tracing.endpoint=collector:4318", "at '/tracing/endpoint': 'collector:4318' does not match"),
        ("tracing.settings.OTEL_TRACES_SAMPLER_ARG=1", "at '/tracing/settings/OTEL_TRACES_SAMPLER_ARG': got number"),
        ("tracing.settings.LOG_FORMAT=json", "invalid propertyName 'LOG_FORMAT'"),
        ("tracing.settings.OTEL_EXPORTER_OTLP_HEADERS=x", "invalid propertyName 'OTEL_EXPORTER_OTLP_HEADERS'"),
        ("networkPolicy.collector.ports={http}", "at '/networkPolicy/collector/ports/0': got string, want integer"),
        ("operations.existingSecret=A Token", "at '/operations/existingSecret': 'A Token' does not match"),
        ("operations.token=hunter2", "at '/operations': additional properties 'token' not allowed"),
        ("exporter.settings.OPERATIONS_TOKEN=x", "additional properties 'OPERATIONS_TOKEN' not allowed"),
        ("ingress.enabled=true", "ingress.trustedProxies: the networks of your ingress controller"),
        ("publicUrl=desk.example", "at '/publicUrl': 'desk.example' does not match"),
        ("approval.replica=3", "at '/approval': additional properties 'replica' not allowed"),
        ("approval.settings.UNDO=10", "at '/approval/settings': additional properties 'UNDO' not allowed"),
        ("digest.settings.LINK_SECRET=x", "additional properties 'LINK_SECRET' not allowed"),
        ("digest.autoscaling.type=hpa", "at '/digest': additional properties 'autoscaling' not allowed"),
        ("notifier.replicas=many", "at '/notifier/replicas': got string, want integer"),
        ("notifier.replicas=13", "at '/notifier/replicas': maximum: got 13, want 12"),
        ("notifier.autoscaling.type=lag", "value must be one of '', 'hpa', 'keda'"),
        ("exporter.webConnectorUrl=http://connector.example", "at '/exporter/webConnectorUrl'"),
        ("digest.existingSecret=Not A Name", "at '/digest/existingSecret'"),
    ],
)
def test_a_wrong_value_is_refused_with_its_name(change: str, words: str) -> None:
    refused = rendered("--values", CHART / "ci/minimal-values.yaml", "--set", change)
    assert refused.returncode == 1
    assert words in refused.stderr


@pytest.mark.helm
def test_an_old_kubernetes_is_refused() -> None:
    assert "incompatible with Kubernetes v1.26.0" in rendered(version="1.26.0").stderr


def routes() -> set[str]:
    """The paths of all that approval serves, those for operators included."""
    given = {"kafka_bootstrap_servers": "kafka:9092", "public_url": "https://desk.example", "link_secret": "x" * 16}
    oidc = {f"oidc_{name}": name for name in ("client_id", "client_secret", "audience")}
    url = "postgresql://nobody@localhost/nothing"
    settings = ApprovalSettings.model_validate(
        given | oidc | {"oidc_issuer": "https://sign-in.example", "APPROVAL_DATABASE_URL": url}
    )
    tables = __import__("services.approval.storage.tables", fromlist=["KERNEL"]).KERNEL
    database = Database(settings.database_url, application_name="tests")
    app = build_app(settings, database, Outbox(tables), lambda: None, Lateness(database, tables))

    async def is_ready() -> bool:
        return True

    add_metrics_and_health(app, lambda: True, is_ready)
    return {str(context.path) for context in iter_route_contexts(app.routes)}


def passed_on(path: str, ingress: dict[str, Any]) -> bool:
    """Whether an Ingress passes a request for `path` on, by the rules of Kubernetes for its types of paths."""
    ways = [way for rule in ingress["spec"]["rules"] for way in rule["http"]["paths"]]
    return any(
        path == way["path"] or (way["pathType"] == "Prefix" and path.startswith(way["path"].rstrip("/") + "/"))
        for way in ways
    )


@pytest.mark.helm
def test_the_ingress_passes_on_every_page_and_nothing_for_operators() -> None:
    [desk] = [each for each in of_kind(manifests("full"), "Ingress") if each["metadata"]["name"].endswith("-approval")]
    found = {path: passed_on(path, desk) for path in routes()}
    assert {path for path, is_passed in found.items() if not is_passed} == {
        path for path in found if path.startswith(INTERNAL)
    }
    assert {"/metrics", "/health/live", "/health/ready"} <= found.keys()
    desk["spec"]["rules"][0]["http"]["paths"].append({"path": "/", "pathType": "Prefix"})
    assert passed_on("/metrics", desk)


@pytest.mark.helm
def test_the_web_connector_reaches_its_path_and_no_other() -> None:
    [ingress] = [
        each for each in of_kind(manifests("full"), "Ingress") if each["metadata"]["name"].endswith("exporter")
    ]
    assert ingress["spec"]["rules"][0]["host"] == "connector.example"
    found = [passed_on(path, ingress) for path in ("/quickbooks", "/quickbooks/support", "/metrics", "/")]
    assert found == [True, True, False, False]
    assert not any(each["metadata"]["name"].endswith("exporter") for each in of_kind(manifests("minimal"), "Service"))


@pytest.mark.helm
def test_the_rules_and_dashboards_are_those_of_the_repository() -> None:
    objects = manifests("full")
    packed = [each["spec"]["groups"] for each in of_kind(objects, "PrometheusRule")]
    files = sorted((ROOT / "ops/prometheus").glob("*.rules.yml"))
    assert files
    assert sorted(packed, key=str) == sorted((yaml.safe_load(each.read_text())["groups"] for each in files), key=str)
    boards = [each["data"] for each in of_kind(objects, "ConfigMap") if "dashboard" in each["metadata"]["name"]]
    wanted = [
        {each.name: json.loads(each.read_text())} for each in sorted((ROOT / "ops/grafana/dashboards").glob("*.json"))
    ]
    shown = [{name: json.loads(text) for name, text in each.items()} for each in boards]
    assert sorted(shown, key=str) == sorted(wanted, key=str)


@pytest.mark.helm
def test_large_numbers_stay_as_they_are_written() -> None:
    objects = manifests("full")
    assert variables_of(pods(objects)["run approval"])["API_REQUESTS_PER_MINUTE"]["value"] == "30000000"
    [scaler] = of_kind(objects, "ScaledObject")
    assert scaler["spec"]["triggers"][0]["metadata"]["lagThreshold"] == "2000000"


@pytest.mark.helm
def test_new_connections_replace_the_exporters_pods_and_no_others() -> None:
    before = pods(manifests("minimal"))
    after = pods(manifests("minimal", "exporter.connections=# none"))
    changed = {command for command in before if before[command] != after[command]}
    assert changed == {"run exporter"}


@pytest.mark.helm
def test_nobody_comes_in_where_no_peer_is_named() -> None:
    policies = of_kind(manifests("minimal", "networkPolicy.metricsFrom=null"), "NetworkPolicy")
    assert all("ingress" not in each["spec"] for each in policies)
    allowed = [
        each["spec"]["ingress"] for each in of_kind(manifests("full"), "NetworkPolicy") if "ingress" in each["spec"]
    ]
    assert len(allowed) == len(SERVICES)
    assert all(rule["from"] for rules in allowed for rule in rules)


@pytest.mark.helm
def test_keda_looks_at_the_group_in_which_the_service_commits_its_lag() -> None:
    [scaler] = of_kind(manifests("full"), "ScaledObject")
    assert scaler["spec"]["triggers"][0]["metadata"]["consumerGroup"] == group_of("notifier")


def test_without_helm_the_tests_fail_and_say_how_to_get_it() -> None:
    for environment in ({"PATH": "/nowhere"}, {"PATH": "/bin", "HELM": "/nowhere/helm"}):
        with pytest.raises(pytest.fail.Exception, match="set HELM to its path"):
            helm_in(environment)
    assert ".ci/install-packages" in MISSING
    assert "helm.sh/helm/v3" in (ROOT / ".ci/install-packages").read_text()
