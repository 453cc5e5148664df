"""The Helm chart is valid for Kubernetes, gives each service its variables, and lets nobody do more than needed.

Each check is a function that lists problems; a test violates each of them on purpose.
"""

import importlib
import re
from collections.abc import Callable
from typing import Any

import kubernetes_validate
import pytest

from services.commands.migrate import MigrationSettings
from services.pipeline.runtime import DRAIN_SECONDS
from services.pipeline.settings import KafkaSettings, OperationsSettings
from tests.contract.chart import SETS, VERSIONS, Manifest, manifests, of_kind, pods, variables_of
from tests.contract.settings_classes import SERVICES, fields, missing, variables

pytestmark = pytest.mark.helm
COMMANDS = {f"run {name}": settings for name, settings in SERVICES.items()} | {
    "migrate": MigrationSettings,
    "topics": KafkaSettings,
}
OTHERS_MODELS = {
    "PodMonitor": "cloudcoil.models.prometheus_operator.v1",
    "PrometheusRule": "cloudcoil.models.prometheus_operator.v1",
    "ScaledObject": "cloudcoil.models.keda.v1alpha1",
    "TriggerAuthentication": "cloudcoil.models.keda.v1alpha1",
}
BY_LIBRARIES = {
    "run exporter": {"SSL_CERT_FILE", "HTTPS_PROXY", "NO_PROXY"},
    "migrate": set[str](),
    "topics": set[str](),
}
"""Variables that a command's libraries read, see docs/operations.md#tls-and-proxies; all others' are below."""
BY_ALL_LIBRARIES = {"SSL_CERT_FILE"}
OF_OPENTELEMETRY = {
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
}
"""Variables that OpenTelemetry reads in every service, see docs/operations.md#tracing."""
BY_COMMANDS = {"run approval": variables(OperationsSettings)}
"""Variables that are in a Pod for the commands that people run there."""
RESTRICTED = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
OPEN_PORTS = ("networkPolicy.kafka.ports={9092}", "kafka.bootstrapServers=kafka:9092")
REACHES = {
    "approval": {9092, 5432, 443, 53},
    "exporter": {9092, 5432, 443, 53},
    "notifier": {9092, 5432, 25, 465, 587, 53},
    "digest": {9092, 5432, 53},
    "migrate": {5432, 53},
    "topics": {9092, 53},
}
REACHES_WITH = {"OTEL_EXPORTER_OTLP_ENDPOINT": 4318, "EXPORTER_URL": 9000}
"""The ports that a Pod reaches besides, if it has a variable."""

Objects = list[Manifest]


def named(each: Manifest) -> str:
    return f"{each['kind']} {each['metadata']['name']}"


def against_schemas(objects: Objects, version: str = VERSIONS[-1]) -> list[str]:
    """What Kubernetes, the Prometheus Operator or KEDA would refuse, unknown members included."""
    return [f"{named(each)}: {why}" for each in objects for why in _refused(each, version)]


def _refused(each: Manifest, version: str) -> list[str]:
    if each["kind"] not in OTHERS_MODELS:
        try:
            kubernetes_validate.validate(each, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            return [error.message]
        return []
    model = getattr(importlib.import_module(OTHERS_MODELS[each["kind"]]), each["kind"])
    try:
        known = model.model_validate(each).model_dump(mode="json", by_alias=True, exclude_unset=True)
    except ValueError as error:
        return [str(error).splitlines()[1]]
    return _left_out(each, known, "")


def _left_out(given: Any, known: Any, path: str) -> list[str]:
    """Members that the model has dropped, since it does not know them."""
    if isinstance(given, dict):
        unknown = [f"{path}.{name}" for name in given if name not in known]
        return unknown + [why for name in given if name in known for why in _left_out(given[name], known[name], name)]
    if isinstance(given, list):
        return [why for one, other in zip(given, known, strict=True) for why in _left_out(one, other, path)]
    return []


def wrong_commands(objects: Objects) -> list[str]:
    return sorted(pods(objects).keys() ^ COMMANDS.keys())


def unknown_variables(objects: Objects) -> list[str]:
    return [
        f"{command}: {name}"
        for command, pod in pods(objects).items()
        for name in variables_of(pod)
        if name not in variables(COMMANDS[command]) | BY_COMMANDS.get(command, set())
        and name not in BY_LIBRARIES.get(command, BY_ALL_LIBRARIES)
        and not (command.startswith("run ") and name in OF_OPENTELEMETRY)
    ]


def missing_variables(objects: Objects) -> list[str]:
    """Variables that a process requires and lacks; a migration needs an address for each service."""
    found = [
        f"{command}: {name}"
        for command, pod in pods(objects).items()
        for name in missing(COMMANDS[command], variables_of(pod))
    ]
    owned = variables_of(pods(objects)["migrate"]) if "migrate" in pods(objects) else {}
    return found + [
        f"migrate: {' or '.join(names)}"
        for names, _ in fields(MigrationSettings)
        if not any(name in owned for name in names)
    ]


def secrets_with_values(objects: Objects) -> list[str]:
    """Secrets that are written down, and values that would be secret by their type."""
    secret = {
        name
        for settings in COMMANDS.values()
        for names, field in fields(settings)
        for name in names
        if "SecretStr" in str(field.annotation)
    }
    written = [
        f"{command}: {name}"
        for command, pod in pods(objects).items()
        for name, given in variables_of(pod).items()
        if name in secret and "value" in given
    ]
    return written + [named(each) for each in of_kind(objects, "Secret")]


def privileged_pods(objects: Objects) -> list[str]:
    """Pods that may more than a service needs: Pod Security's "restricted", no writable files and no token."""
    return [
        command
        for command, pod in pods(objects).items()
        if pod["spec"]["containers"][0].get("securityContext") != RESTRICTED
        or pod["spec"].get("automountServiceAccountToken") is not False
        or pod["spec"]["securityContext"].get("runAsUser") != 10001
        or not pod["spec"]["securityContext"].get("runAsNonRoot")
        or pod["spec"]["securityContext"].get("seccompProfile") != {"type": "RuntimeDefault"}
        or any("hostPath" in volume for volume in pod["spec"]["volumes"])
    ]


def spare_files(objects: Objects) -> list[str]:
    """Volumes that are not mounted, and Secrets in the Pod of a Job whose variables do not point to them."""
    found = []
    for command, pod in pods(objects).items():
        mounts = {each["name"]: each["mountPath"] for each in pod["spec"]["containers"][0]["volumeMounts"]}
        used = " ".join(each.get("value", "") for each in variables_of(pod).values())
        found += [f"{command}: {each['name']}" for each in pod["spec"]["volumes"] if each["name"] not in mounts]
        found += [
            f"{command}: {each['name']}"
            for each in pod["spec"]["volumes"]
            if "secret" in each and each["name"] != "tokens" and f"{mounts[each['name']]}/" not in used
        ]
    return found


def hasty_ends(objects: Objects) -> list[str]:
    """Services that are killed before they have drained."""
    return [
        command
        for command, pod in pods(objects).items()
        if command.startswith("run ")
        and pod["spec"]["terminationGracePeriodSeconds"] < DRAIN_SECONDS + _lingers(pod) + 5
    ]


def _lingers(pod: Manifest) -> int:
    """The seconds that a Pod goes on answering before it is asked to end."""
    hook = pod["spec"]["containers"][0].get("lifecycle", {}).get("preStop", {"exec": {"command": ["sleep", "0"]}})
    return int(hook["exec"]["command"][1])


def wrong_probes(objects: Objects) -> list[str]:
    wanted = {"startupProbe": "/health/live", "livenessProbe": "/health/live", "readinessProbe": "/health/ready"}
    return [
        f"{command}: {probe}"
        for command, pod in pods(objects).items()
        if command.startswith("run ")
        for probe, path in wanted.items()
        if pod["spec"]["containers"][0].get(probe, {}).get("httpGet", {}).get("path") != path
    ]


def risky_updates(objects: Objects) -> list[str]:
    """Services that an update or a drained node could leave without a process."""
    guarded = {each["metadata"]["name"]: each["spec"] for each in of_kind(objects, "PodDisruptionBudget")}
    return [
        each["metadata"]["name"]
        for each in of_kind(objects, "Deployment")
        if each["spec"]["strategy"]["rollingUpdate"] != {"maxSurge": 1, "maxUnavailable": 0}
        or guarded.get(each["metadata"]["name"], {}).get("maxUnavailable") != 1
    ]


def selects_nothing(objects: Objects) -> list[str]:
    """Objects that select no Pod of ours, or name a Deployment or Service that is not there."""
    labels = [pod["metadata"]["labels"] for pod in pods(objects).values()]
    found = []
    for each in of_kind(objects, "Service", "PodDisruptionBudget", "NetworkPolicy", "PodMonitor", "Deployment"):
        chosen = each["spec"].get("podSelector", each["spec"].get("selector"))
        wanted = chosen.get("matchLabels", chosen)
        if not any(wanted.items() <= given.items() for given in labels):
            found.append(named(each))
    there = {each["metadata"]["name"] for each in of_kind(objects, "Deployment")}
    scalers = of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject")
    return found + [named(each) for each in scalers if each["spec"]["scaleTargetRef"]["name"] not in there]


def fixed_replicas(objects: Objects) -> list[str]:
    """Deployments whose number of Pods an upgrade would reset although something scales them."""
    scalers = of_kind(objects, "HorizontalPodAutoscaler", "ScaledObject")
    scaled = {each["spec"]["scaleTargetRef"]["name"] for each in scalers}
    return [
        each["metadata"]["name"]
        for each in of_kind(objects, "Deployment")
        if ("replicas" in each["spec"]) == (each["metadata"]["name"] in scaled)
    ]


def wrong_order(objects: Objects) -> list[str]:
    """Jobs that do not end before the services start, or that a policy of an earlier release would still hold up."""
    weights = {
        f"{each['kind']} {each['metadata']['labels'].get('app.kubernetes.io/component')}": int(
            each["metadata"]["annotations"]["helm.sh/hook-weight"]
        )
        for each in of_kind(objects, "Job", "NetworkPolicy")
        if each["metadata"].get("annotations", {}).get("helm.sh/hook") == "pre-install,pre-upgrade"
    }
    steps = [
        ("NetworkPolicy migrate", "Job migrate"),
        ("NetworkPolicy topics", "Job topics"),
        ("Job migrate", "Job topics"),
    ]
    return [
        f"{one}, {other}"
        for one, other in steps
        if not weights.get(one, 0) < weights.get(other, 0) + 1 - (one == other)
    ]


def open_ways(objects: Objects) -> list[str]:
    """Pods without a policy of their own, and ways that they do not need."""
    allowed = {}
    for each in of_kind(objects, "NetworkPolicy"):
        component = each["spec"]["podSelector"]["matchLabels"].get("app.kubernetes.io/component")
        ports = {port["port"] for rule in each["spec"].get("egress", ()) for port in rule.get("ports", ())}
        allowed[component] = ports | ({"everywhere"} if {} in each["spec"].get("egress", ()) else set())
        if each["spec"]["policyTypes"] != ["Ingress", "Egress"]:
            allowed[component].add("unlimited")
    wanted = {None: set()} | {
        command.removeprefix("run "): REACHES[command.removeprefix("run ")]
        | {port for name, port in REACHES_WITH.items() if name in variables_of(pod)}
        for command, pod in pods(objects).items()
    }
    return sorted(str(each) for each in wanted.keys() | allowed.keys() if allowed.get(each) != wanted.get(each))


def unpinned_images(objects: Objects) -> list[str]:
    return [
        command
        for command, pod in pods(objects).items()
        if not re.fullmatch(r"[^:@]+(:(?!latest$)[\w.-]+|@sha256:[0-9a-f]{64})", pod["spec"]["containers"][0]["image"])
    ]


CHECKS = (
    against_schemas,
    wrong_commands,
    unknown_variables,
    missing_variables,
    secrets_with_values,
    privileged_pods,
    spare_files,
    hasty_ends,
    wrong_probes,
    risky_updates,
    selects_nothing,
    fixed_replicas,
    wrong_order,
    open_ways,
    unpinned_images,
)


@pytest.mark.parametrize("values", SETS)
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_chart_passes(check: Callable[[Objects], list[str]], values: str) -> None:
    given = OPEN_PORTS if check is open_ways else ()
    assert check(manifests(values, *given)) == []


@pytest.mark.parametrize("values", SETS)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_is_valid_for_each_version_of_kubernetes(values: str, version: str) -> None:
    objects = manifests(values, version=version)
    assert len(objects) >= {"minimal": 23, "full": 35}[values]
    assert against_schemas(objects, version) == []


def the(objects: Objects, kind: str, name: str) -> Manifest:
    return next(each for each in of_kind(objects, kind) if each["metadata"]["name"] == f"demo-countersign{name}")


def container(objects: Objects, command: str) -> Manifest:
    return pods(objects)[command]["spec"]["containers"][0]


def misspelt(objects: Objects) -> None:
    the(objects, "Deployment", "-digest")["spec"]["replica"] = 2


def misspelt_scaler(objects: Objects) -> None:
    the(objects, "ScaledObject", "-notifier")["spec"]["maxReplicas"] = 2


def mistyped_monitor(objects: Objects) -> None:
    the(objects, "PodMonitor", "")["spec"]["podMetricsEndpoints"] = {}


def other_command(objects: Objects) -> None:
    container(objects, "topics")["args"] = ["demo"]


def foreign_variable(objects: Objects) -> None:
    container(objects, "run digest")["env"].append({"name": "SMTP_URL", "value": "smtp://mail"})
    container(objects, "run digest")["env"].append({"name": "APPROVAL_URL", "value": "http://approval"})


def proxy_for_mails(objects: Objects) -> None:
    container(objects, "run notifier")["env"].append({"name": "HTTPS_PROXY", "value": "http://proxy.example"})


def no_variables(objects: Objects) -> None:
    container(objects, "run digest")["env"] = []


def no_owner(objects: Objects) -> None:
    container(objects, "migrate")["env"].pop()


def written_secret(objects: Objects) -> None:
    variables_of(pods(objects)["run digest"])["LINK_SECRET"]["value"] = "hunter2"
    objects.append({"kind": "Secret", "metadata": {"name": "mine"}})


def writable_files(objects: Objects) -> None:
    container(objects, "migrate")["securityContext"]["readOnlyRootFilesystem"] = False
    pods(objects)["topics"]["spec"]["automountServiceAccountToken"] = True
    pods(objects)["run exporter"]["spec"]["securityContext"]["runAsUser"] = 0


def curious_migration(objects: Objects) -> None:
    spec = pods(objects)["migrate"]["spec"]
    spec["volumes"].append({"name": "kafka", "secret": {"secretName": "kafka-tls"}})
    spec["containers"][0]["volumeMounts"].append({"name": "kafka", "mountPath": "/etc/countersign/kafka"})


def short_grace(objects: Objects) -> None:
    pods(objects)["run approval"]["spec"]["terminationGracePeriodSeconds"] = 15


def one_probe_for_all(objects: Objects) -> None:
    container(objects, "run notifier")["readinessProbe"]["httpGet"]["path"] = "/health/live"


def unguarded(objects: Objects) -> None:
    objects.remove(the(objects, "PodDisruptionBudget", "-exporter"))
    the(objects, "Deployment", "-digest")["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] = 1


def lost_selectors(objects: Objects) -> None:
    the(objects, "Service", "-approval")["spec"]["selector"]["app.kubernetes.io/component"] = "desk"
    the(objects, "ScaledObject", "-notifier")["spec"]["scaleTargetRef"]["name"] = "notifier"


def reset_replicas(objects: Objects) -> None:
    the(objects, "Deployment", "-approval")["spec"]["replicas"] = 2


def topics_first(objects: Objects) -> None:
    the(objects, "Job", "-topics")["metadata"]["annotations"]["helm.sh/hook-weight"] = "-7"


def held_up(objects: Objects) -> None:
    del the(objects, "NetworkPolicy", "-migrate")["metadata"]["annotations"]


def open_everywhere(objects: Objects) -> None:
    the(objects, "NetworkPolicy", "-digest")["spec"]["egress"].append({})
    the(objects, "NetworkPolicy", "")["spec"]["policyTypes"] = ["Ingress"]


def no_way_to_traces(objects: Objects) -> None:
    egress = the(objects, "NetworkPolicy", "-notifier")["spec"]["egress"]
    egress[:] = [rule for rule in egress if {"protocol": "TCP", "port": 4318} not in rule["ports"]]


def moving_image(objects: Objects) -> None:
    container(objects, "topics")["image"] = "registry.example/countersign:latest"


VIOLATIONS: tuple[tuple[Callable[[Objects], list[str]], Callable[[Objects], None], list[str]], ...] = (
    (
        against_schemas,
        misspelt,
        [
            "Deployment demo-countersign-digest: Additional properties are not allowed ('replica' was unexpected)",
        ],
    ),
    (against_schemas, misspelt_scaler, ["ScaledObject demo-countersign-notifier: spec.maxReplicas"]),
    (against_schemas, mistyped_monitor, ["PodMonitor demo-countersign: spec.podMetricsEndpoints"]),
    (wrong_commands, other_command, ["demo", "topics"]),
    (unknown_variables, foreign_variable, ["run digest: SMTP_URL", "run digest: APPROVAL_URL"]),
    (unknown_variables, proxy_for_mails, ["run notifier: HTTPS_PROXY"]),
    (
        missing_variables,
        no_variables,
        [
            "run digest: KAFKA_BOOTSTRAP_SERVERS",
            "run digest: DIGEST_DATABASE_URL or DATABASE_URL",
            "run digest: PUBLIC_URL",
            "run digest: LINK_SECRET",
        ],
    ),
    (missing_variables, no_owner, ["migrate: DIGEST_MIGRATION_DATABASE_URL or MIGRATION_DATABASE_URL"]),
    (secrets_with_values, written_secret, ["run digest: LINK_SECRET", "Secret mine"]),
    (privileged_pods, writable_files, ["run exporter", "migrate", "topics"]),
    (spare_files, curious_migration, ["migrate: kafka"]),
    (hasty_ends, short_grace, ["run approval"]),
    (wrong_probes, one_probe_for_all, ["run notifier: readinessProbe"]),
    (risky_updates, unguarded, ["demo-countersign-digest", "demo-countersign-exporter"]),
    (selects_nothing, lost_selectors, ["Service demo-countersign-approval", "ScaledObject demo-countersign-notifier"]),
    (fixed_replicas, reset_replicas, ["demo-countersign-approval"]),
    (wrong_order, topics_first, ["Job migrate, Job topics"]),
    (wrong_order, held_up, ["NetworkPolicy migrate, Job migrate"]),
    (open_ways, open_everywhere, ["None", "digest"]),
    (open_ways, no_way_to_traces, ["notifier"]),
    (unpinned_images, moving_image, ["topics"]),
)


@pytest.mark.parametrize(
    ("check", "violate", "problems"), VIOLATIONS, ids=lambda given: getattr(given, "__name__", None)
)
def test_a_violation_is_found(
    check: Callable[[Objects], list[str]], violate: Callable[[Objects], None], problems: list[str]
) -> None:
    objects = manifests("full", *([*OPEN_PORTS] if check is open_ways else []))
    violate(objects)
    assert check(objects) == problems
