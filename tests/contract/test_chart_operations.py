"""What the Helm chart adds so that approval asks the other services about a commitment, and all send traces."""

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest

from services.pipeline.settings import OperationsSettings
from tests.contract.chart import CHART, NEWEST, SETS, Manifest, helm, manifests, of_kind, pods, variables_of
from tests.contract.settings_classes import SERVICES, variables

pytestmark = pytest.mark.helm
ASKED = ("exporter", "notifier", "digest")
COMPONENT = "app.kubernetes.io/component"
ADDRESSES = variables(OperationsSettings) - {"OPERATIONS_TOKEN"}
NOBODY_ASKS = "operations.existingSecret="
NO_TRACES = ("tracing.endpoint=", "networkPolicy.collector.ports=null")
TRACES = "tracing.endpoint=http://collector:4318"

Objects = list[Manifest]


def named(objects: Objects, kind: str, name: str) -> Manifest | None:
    return next((each for each in of_kind(objects, kind) if each["metadata"]["name"] == name), None)


def the(objects: Objects, kind: str, service: str) -> Manifest:
    found = named(objects, kind, f"demo-countersign-{service}")
    assert found is not None
    return found


def addresses(objects: Objects) -> dict[str, str]:
    """Where approval asks, by variable."""
    given = variables_of(pods(objects)["run approval"])
    return {name: given[name]["value"] for name in ADDRESSES & given.keys()}


def labels_of(objects: Objects, service: str) -> dict[str, str]:
    found: dict[str, str] = pods(objects)[f"run {service}"]["metadata"]["labels"]
    return found


def ports(objects: Objects, service: str, name: str = "metrics") -> set[int | str]:
    """Both ways to name a port at which a service listens."""
    [container] = pods(objects)[f"run {service}"]["spec"]["containers"]
    return {name, *(each["containerPort"] for each in container["ports"] if each["name"] == name)}


def wrong_addresses(objects: Objects) -> list[str]:
    """Addresses of approval that lead to no Pod of that service, or not by its own Pod to approval."""
    return sorted(name for name, url in addresses(objects).items() if not _leads(objects, name, url))


def _leads(objects: Objects, name: str, url: str) -> bool:
    service, parts = name.removesuffix("_URL").lower(), urlsplit(url)
    if service == "approval":
        return parts.hostname == "127.0.0.1" and parts.port in ports(objects, service)
    found = named(objects, "Service", parts.hostname or "")
    return (
        found is not None
        and found["spec"]["selector"].items() <= labels_of(objects, service).items()
        and any(
            each["port"] == (parts.port or 80) and each["targetPort"] in ports(objects, service)
            for each in found["spec"]["ports"]
        )
    )


def visitors(objects: Objects, service: str) -> set[str]:
    """The components of ours that a policy lets in to `service`, at its port for operators."""
    rules = the(objects, "NetworkPolicy", service)["spec"].get("ingress", ())
    ours = [
        peer["podSelector"]["matchLabels"]
        for rule in rules
        if {each["port"] for each in rule["ports"]} <= ports(objects, service)
        for peer in rule["from"]
        if "podSelector" in peer and "namespaceSelector" not in peer
    ]
    return {
        command.removeprefix("run ")
        for command, pod in pods(objects).items()
        if any(each.items() <= pod["metadata"]["labels"].items() for each in ours)
    }


def visited(objects: Objects, component: str) -> set[str]:
    """The services of ours to which a policy lets `component` go, at their port for operators."""
    peers = [
        (peer["podSelector"]["matchLabels"], {each["port"] for each in rule["ports"]})
        for rule in the(objects, "NetworkPolicy", component)["spec"]["egress"]
        for peer in rule.get("to", ())
        if "podSelector" in peer and "namespaceSelector" not in peer
    ]
    return {
        service
        for service in SERVICES
        for wanted, at in peers
        if wanted.items() <= labels_of(objects, service).items() and at <= ports(objects, service)
    }


def wrong_ways(objects: Objects) -> list[str]:
    """Ways between our Pods that are missing, or that nobody needs."""
    asked = {name.removesuffix("_URL").lower() for name in addresses(objects)} - {"approval"}
    found = [
        f"{service} lets in {each}"
        for service in SERVICES
        for each in visitors(objects, service) ^ ({"approval"} if service in asked else set())
    ]
    components = [command.removeprefix("run ") for command in pods(objects)]
    return sorted(
        found
        + [
            f"{one} goes to {other}"
            for one in components
            for other in visited(objects, one) ^ (asked if one == "approval" else set())
        ]
    )


def shown_metrics(objects: Objects) -> list[str]:
    """Services that serve /metrics and /operations at the port of pages, or let anybody in there who shows pages."""
    found = []
    for service in SERVICES:
        given = variables_of(pods(objects)[f"run {service}"]).get("METRICS_PORT", {}).get("value", "8000")
        if int(given) in ports(objects, service, "http") or int(given) not in ports(objects, service):
            found.append(f"{service} serves them at {given}")
        rules = the(objects, "NetworkPolicy", service)["spec"].get("ingress", ())
        let_in = {str(peer) for rule in rules if "metrics" in str(rule["ports"]) for peer in rule["from"]}
        of_pages = {str(peer) for rule in rules if "http" in str(rule["ports"]) for peer in rule["from"]}
        found += [f"{service} lets {peer} in" for peer in let_in & of_pages]
    backends = [
        path["backend"]["service"]["port"]
        for each in of_kind(objects, "Ingress")
        for rule in each["spec"]["rules"]
        for path in rule["http"]["paths"]
    ]
    found += [f"an Ingress leads to {port}" for port in backends if port not in ({"name": "http"}, {"number": 80})]
    monitors = [each for one in of_kind(objects, "PodMonitor") for each in one["spec"]["podMetricsEndpoints"]]
    return found + [f"Prometheus reads {each['port']}" for each in monitors if each["port"] != "metrics"]


CHECKS = (wrong_addresses, wrong_ways, shown_metrics)


@pytest.mark.parametrize("values", SETS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_chart_passes(check: Callable[[Objects], list[str]], values: str) -> None:
    assert check(manifests(values)) == []


def renamed_service(objects: Objects) -> None:
    the(objects, "Service", "notifier")["metadata"]["name"] = "notifier"


def other_port(objects: Objects) -> None:
    the(objects, "Service", "exporter")["spec"]["ports"][1]["port"] = 8000
    variables_of(pods(objects)["run approval"])["APPROVAL_URL"]["value"] = "http://127.0.0.1:80"


def crossed_services(objects: Objects) -> None:
    the(objects, "Service", "digest")["spec"]["selector"][COMPONENT] = "notifier"


def open_to_all_of_ours(objects: Objects) -> None:
    [rule] = the(objects, "NetworkPolicy", "digest")["spec"]["ingress"]
    [peer] = [each for each in rule["from"] if "podSelector" in each]
    del peer["podSelector"]["matchLabels"][COMPONENT]


def closed_door(objects: Objects) -> None:
    [rule] = the(objects, "NetworkPolicy", "notifier")["spec"]["ingress"]
    rule["from"] = [each for each in rule["from"] if "podSelector" not in each]


def other_way(objects: Objects) -> None:
    rules = the(objects, "NetworkPolicy", "approval")["spec"]["egress"]
    [way] = [rule for rule in rules if any("podSelector" in each for each in rule.get("to", ()))]
    rules.remove(way)
    the(objects, "NetworkPolicy", "exporter")["spec"]["egress"].append(way | {"to": way["to"][1:2]})


def shared_port(objects: Objects) -> None:
    variables_of(pods(objects)["run digest"])["METRICS_PORT"]["value"] = "8000"


def door_for_visitors(objects: Objects) -> None:
    [readers, visitors] = the(objects, "NetworkPolicy", "approval")["spec"]["ingress"]
    readers["from"] = visitors["from"]


def other_monitored_port(objects: Objects) -> None:
    [monitor] = of_kind(objects, "PodMonitor")
    monitor["spec"]["podMetricsEndpoints"][0]["port"] = "http"


@pytest.mark.parametrize(
    ("check", "violate", "problems"),
    [
        (shown_metrics, shared_port, ["digest serves them at 8000"]),
        (shown_metrics, other_monitored_port, ["Prometheus reads http"]),
        (wrong_addresses, renamed_service, ["NOTIFIER_URL"]),
        (wrong_addresses, other_port, ["APPROVAL_URL", "EXPORTER_URL"]),
        (wrong_addresses, crossed_services, ["DIGEST_URL"]),
        (
            wrong_ways,
            open_to_all_of_ours,
            [f"digest lets in {each}" for each in ("digest", "exporter", "migrate", "notifier", "topics")],
        ),
        (wrong_ways, closed_door, ["notifier lets in approval"]),
        (
            wrong_ways,
            other_way,
            [*(f"approval goes to {each}" for each in sorted(ASKED)), "exporter goes to notifier"],
        ),
    ],
    ids=lambda given: getattr(given, "__name__", None),
)
def test_a_violation_is_found(
    check: Callable[[Objects], list[str]], violate: Callable[[Objects], None], problems: list[str]
) -> None:
    objects = manifests("full")
    violate(objects)
    assert check(objects) == problems


def test_a_way_of_visitors_to_the_port_for_operators_is_found() -> None:
    objects = manifests("full")
    door_for_visitors(objects)
    assert shown_metrics(objects)


def with_variable(objects: Objects, name: str) -> set[str]:
    return {command for command, pod in pods(objects).items() if name in variables_of(pod)}


def services_of(objects: Objects) -> set[str]:
    return {each["metadata"]["name"].removeprefix("demo-countersign-") for each in of_kind(objects, "Service")}


def test_with_the_secret_all_services_have_the_token_and_approval_the_addresses() -> None:
    objects = manifests("minimal", "operations.existingSecret=operators")
    assert with_variable(objects, "OPERATIONS_TOKEN") == {f"run {service}" for service in SERVICES}
    for service in SERVICES:
        given = variables_of(pods(objects)[f"run {service}"])["OPERATIONS_TOKEN"]
        assert given["valueFrom"] == {"secretKeyRef": {"name": "operators", "key": "OPERATIONS_TOKEN"}}
    assert {name: with_variable(objects, name) for name in ADDRESSES} == {each: {"run approval"} for each in ADDRESSES}
    assert services_of(objects) == {"approval", *ASKED}
    assert wrong_addresses(objects) == wrong_ways(objects) == []
    asked = OperationsSettings.model_validate({name.lower(): url for name, url in addresses(objects).items()})
    assert {f"{service.upper()}_URL": asked.url_of(service) for service in SERVICES} == addresses(objects)


def test_without_the_secret_nobody_asks_and_nothing_is_opened_for_it() -> None:
    objects = manifests("full", NOBODY_ASKS)
    assert {name for name in variables(OperationsSettings) if with_variable(objects, name)} == set()
    assert services_of(objects) == {"approval", "exporter"}
    assert wrong_ways(objects) == []
    assert services_of(manifests("minimal")) == {"approval"}


def test_approval_asks_under_the_name_of_the_release() -> None:
    values = ("--kube-version", NEWEST, "--values", CHART / "ci/full-values.yaml")
    text = helm("template", "countersign-blue", CHART, *values).stdout
    assert all(f'"http://countersign-blue-{service}:9000"' in text for service in ASKED)


def test_who_is_asked_answers_until_others_have_learned_that_it_leaves() -> None:
    for service in ASKED:
        asked, unasked = (
            pods(manifests("minimal", change))[f"run {service}"]["spec"]
            for change in ("operations.existingSecret=operators", NOBODY_ASKS)
        )
        assert "preStop" in asked["containers"][0]["lifecycle"]
        assert "lifecycle" not in unasked["containers"][0]


def test_without_policies_the_services_are_there_and_no_policy_is() -> None:
    objects = manifests("minimal", "operations.existingSecret=operators", TRACES, "networkPolicy.enabled=false")
    assert services_of(objects) == {"approval", *ASKED}
    assert not list(of_kind(objects, "NetworkPolicy"))
    assert with_variable(objects, "OTEL_EXPORTER_OTLP_ENDPOINT") == {f"run {service}" for service in SERVICES}


def test_traces_are_sent_by_all_services_or_by_none() -> None:
    objects = manifests("minimal", TRACES, "networkPolicy.collector.ports={4318}")
    for service in SERVICES:
        given = variables_of(pods(objects)[f"run {service}"])
        assert given["OTEL_EXPORTER_OTLP_ENDPOINT"]["value"] == "http://collector:4318"
        assert "OTEL_EXPORTER_OTLP_CERTIFICATE" not in given
    assert with_variable(objects, "OTEL_EXPORTER_OTLP_ENDPOINT") == {f"run {service}" for service in SERVICES}
    silent = manifests("full", *NO_TRACES)
    assert not with_variable(silent, "OTEL_EXPORTER_OTLP_ENDPOINT")
    assert not with_variable(silent, "OTEL_EXPORTER_OTLP_CERTIFICATE")


def test_the_collector_is_trusted_by_the_cas_that_are_given() -> None:
    objects = manifests("full")
    for service in SERVICES:
        given = variables_of(pods(objects)[f"run {service}"])
        assert given["OTEL_EXPORTER_OTLP_CERTIFICATE"]["value"] == given["SSL_CERT_FILE"]["value"]


def test_opentelemetrys_own_variables_reach_all_services_and_its_headers_come_from_a_secret() -> None:
    objects = manifests("full")
    for service in SERVICES:
        given = variables_of(pods(objects)[f"run {service}"])
        header = {"secretKeyRef": {"name": "collector", "key": "OTEL_EXPORTER_OTLP_HEADERS"}}
        assert given["OTEL_EXPORTER_OTLP_HEADERS"]["valueFrom"] == header
        assert given["OTEL_TRACES_SAMPLER"]["value"] == "parentbased_traceidratio"
        assert given["OTEL_TRACES_SAMPLER_ARG"]["value"] == "0.1"
    assert not any("OTEL_" in name for name in variables_of(pods(manifests("full", *NO_TRACES))["run approval"]))
