"""Every series that Prometheus has of us: what the services export, the libraries' own, what rules record, and `up`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import yaml
from prometheus_client import GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR, Histogram
from prometheus_client.metrics import MetricWrapperBase

from services.exporter.metrics import CONVERSATION_OUTCOMES
from services.exporter.rules.export import ExportState
from services.pipeline.counted_responses import CLASSES
from tests.contract.metric_names import METRICS, exported_metrics
from tests.contract.promql import Labels, Values, labels_of

ROOT = Path(__file__).parents[2]
RULE_FILES = sorted((ROOT / "ops" / "prometheus").glob("*.rules.yml"))
TARGET: Labels = frozenset({"job", "instance", "service"})
"""The labels that ops/prometheus/prometheus.yml gives everything that it scrapes."""

_STATES = tuple(ExportState)
VALUES: Values = {
    ("erp_exports", "state"): _STATES,
    ("erp_exports_oldest_age_seconds", "state"): _STATES,
    ("erp_export_latency_seconds_count", "outcome"): _STATES,
    ("erp_conversations_total", "outcome"): CONVERSATION_OUTCOMES,
    ("erp_connections_reloaded_total", "outcome"): ("reloaded", "failed"),
    ("outbox_parked", "state"): ("retried", "refused"),
    ("http_responses_total", "status"): CLASSES,
    ("ALERTS", "alertstate"): ("pending", "firing"),
}


def families() -> dict[str, tuple[str, ...]]:
    """The series of each of our metrics: a histogram has several."""
    histograms = _histograms(METRICS)
    suffixes = ("_bucket", "_count", "_sum")
    return {
        name: tuple(f"{name}{suffix}" for suffix in suffixes) if name in histograms else (name,)
        for name in exported_metrics()
    }


def _histograms(modules: Sequence[ModuleType]) -> set[str]:
    metrics = (each for module in modules for each in vars(module).values() if isinstance(each, MetricWrapperBase))
    return {each.describe()[0].name for each in metrics if isinstance(each, Histogram)}


def scraped() -> dict[str, Labels]:
    """The labels of each series that the services' /metrics has."""
    labels = exported_metrics()
    ours = {
        series: TARGET | set(labels[name]) | ({"le"} if series.endswith("_bucket") else set())
        for name, all_series in families().items()
        for series in all_series
    }
    return ours | _of_libraries()


def _of_libraries() -> dict[str, Labels]:
    """What prometheus_client exports by itself about the process, as it does here."""
    collectors = (GC_COLLECTOR, PLATFORM_COLLECTOR, PROCESS_COLLECTOR)
    samples = [each for collector in collectors for family in collector.collect() for each in family.samples]
    return {sample.name: TARGET | set(sample.labels) for sample in samples}


def rules(paths: Sequence[Path] = RULE_FILES) -> list[dict[str, Any]]:
    """All recording and alerting rules."""
    files = [yaml.safe_load(path.read_text()) for path in paths]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


def known(written: Sequence[Mapping[str, Any]] | None = None) -> dict[str, Labels]:
    """The labels of each series that exists, with those that the rules `written` record and their alerts."""
    written = rules() if written is None else written
    found = scraped() | {"up": TARGET}
    while more := _recorded(written, found).items() - found.items():
        found |= more
    alerts = [labels_of(rule["expr"], found) | set(rule.get("labels", {})) for rule in written if "alert" in rule]
    return found | {"ALERTS": (TARGET | {"alertname", "alertstate"}).union(*alerts)}


def _recorded(written: Sequence[Mapping[str, Any]], found: Mapping[str, Labels]) -> dict[str, Labels]:
    """What is recorded, as far as its labels follow from what was found; a rule may build on a later one."""
    recording = [rule for rule in written if "record" in rule]
    return {rule["record"]: labels_of(rule["expr"], found) | set(rule.get("labels", {})) for rule in recording}
