"""The rules in ops/prometheus: what is in them, and what is wrong with one."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import PROCESS_COLLECTOR
from prometheus_client.metrics import Histogram, MetricWrapperBase

from schemas.fields import FailureClass
from services.approval.metrics import SIGN_IN_OUTCOMES
from services.exporter import metrics as of_exporter
from services.exporter.expiring import CERTIFICATES
from services.exporter.rules.export import ExportState
from services.notifier.metrics import MAIL_OUTCOMES
from services.pipeline.counted_responses import CLASSES
from services.pipeline.dead_letters import REASONS
from services.pipeline.gauges import OUTCOMES, PARKED
from services.pipeline.metrics import HELD_BUCKETS_SECONDS, MAIL_SERVER, SIGN_IN_PROVIDER
from tests.contract.metric_names import METRICS, exported_metrics
from tests.contract.settings_classes import SERVICES

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "ops" / "prometheus"
FILES = sorted(FOLDER.glob("*.rules.yml"))
RUNBOOK = "docs/runbook.md"
OWNERS = ("approver", "erp_admin", "office", "server", "upstream")
SEVERITIES = ("page", "ticket")
TARGET_LABELS = ("job", "instance", "service")
"""What Prometheus adds to each metric, as the scrape configuration says."""

VALUES = {
    ("http_responses_total", "status"): CLASSES,
    ("approval_sign_ins_total", "outcome"): SIGN_IN_OUTCOMES,
    ("erp_exports", "state"): tuple(ExportState),
    ("erp_exports_oldest_age_seconds", "state"): tuple(ExportState),
    ("erp_exports", "connection"): ("none",),
    ("erp_conversations_total", "outcome"): of_exporter.CONVERSATION_OUTCOMES,
    ("erp_comparisons_total", "outcome"): of_exporter.COMPARISON_OUTCOMES,
    ("erp_export_latency_seconds_count", "outcome"): (ExportState.SUCCEEDED, ExportState.FAILED),
    ("erp_export_latency_seconds_bucket", "outcome"): (ExportState.SUCCEEDED, ExportState.FAILED),
    ("erp_export_latency_seconds_bucket", "le"): tuple(map(str, map(float, of_exporter.LATENCY_BUCKETS_SECONDS))),
    ("erp_export_failures_total", "failure_class"): tuple(FailureClass),
    ("pipeline_events_total", "outcome"): OUTCOMES,
    ("loop_held_seconds_bucket", "le"): tuple(map(str, map(float, HELD_BUCKETS_SECONDS))),
    ("outbox_parked", "state"): PARKED,
    ("dead_letters", "reason"): REASONS,
    ("mails_total", "outcome"): MAIL_OUTCOMES,
    ("erp_certificate_expiry_timestamp_seconds", "certificate"): CERTIFICATES,
    ("server_certificate_expiry_timestamp_seconds", "server"): (MAIL_SERVER, SIGN_IN_PROVIDER),
    ("up", "job"): ("countersign",),
    ("up", "service"): tuple(SERVICES),
    ("process_start_time_seconds", "job"): ("countersign",),
    ("process_open_fds", "job"): ("countersign",),
}
"""The values of each label that a rule may choose by."""

GROUPING = re.compile(r"\b(?:by|on|without|ignoring|group_left|group_right)\s*\(([^)]*)\)")
SELECTOR = re.compile(r"\b([a-z_:][\w:]*)\b(?!\s*\()(?:\{([^}]*)\})?")
MATCHER = re.compile(r'(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"')
WORDS = ("and", "or", "unless", "offset", "bool")

Rule = Mapping[str, Any]


def rules_of(path: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


RULES = {rule.get("alert") or rule["record"]: rule for path in FILES for rule in rules_of(path)}
ALERTS = {name: rule for name, rule in RULES.items() if "alert" in rule}


def series() -> dict[str, tuple[str, ...]]:
    """Every series that a rule may name, with its labels: of the services, of Prometheus, and recorded ones."""
    found = dict(exported_metrics())
    for module in METRICS:
        for metric in vars(module).values():
            if isinstance(metric, Histogram):
                found |= dict(_of_histogram(metric))
    found |= {family.name: () for family in PROCESS_COLLECTOR.collect()}
    found |= {name: ("connection",) for name, rule in RULES.items() if "record" in rule}
    return {name: (*labels, *TARGET_LABELS) for name, labels in (found | {"up": ()}).items()}


def _of_histogram(metric: MetricWrapperBase) -> Iterator[tuple[str, tuple[str, ...]]]:
    name, labels = metric.describe()[0].name, tuple(metric._labelnames)
    yield from ((f"{name}_count", labels), (f"{name}_sum", labels), (f"{name}_bucket", (*labels, "le")))


def selected(rule: Rule) -> list[tuple[str, str]]:
    """The series that a rule reads, each with its matchers."""
    plain = re.sub(r"\[[\w:]+\]|\boffset \w+", "", GROUPING.sub("", rule["expr"]))
    return [each for each in SELECTOR.findall(plain) if each[0] not in WORDS]


def unknown_names(rule: Rule) -> list[str]:
    """Series that nothing exports or records, and labels or values that they do not have."""
    known, found = series(), selected(rule)
    unknown = [name for name, _ in found if name not in known]
    for name, matchers in found:
        for label, value in MATCHER.findall(matchers):
            if label not in known.get(name, ()):
                unknown.append(f"{name}.{label}")
            else:
                values = VALUES.get((name, label), ())
                unknown += [f"{label}={each}" for each in value.split("|") if each not in values]
    groups = {label.strip() for each in GROUPING.findall(rule["expr"]) for label in each.split(",") if label.strip()}
    return unknown + [label for label in sorted(groups) if not any(label in known.get(name, ()) for name, _ in found)]


def missing_words(name: str, alert: Rule) -> list[str]:
    """What a person who is called has to be told, and is not."""
    labels, notes = alert.get("labels", {}), alert.get("annotations", {})
    checks = {
        "severity": labels.get("severity") in SEVERITIES,
        "owner": labels.get("owner") in OWNERS,
        "summary": len(notes.get("summary", "")) > 20,
        "description": len(notes.get("description", "")) > 80,
        "whom": all(f"$labels.{label} " in notes.get("summary", "") for label in _told_apart_by(alert)),
        "runbook_url": notes.get("runbook_url") == f"{RUNBOOK}#{name.lower()}",
        "for": "for" in alert,
    }
    return [member for member, is_there in checks.items() if not is_there]


def _told_apart_by(alert: Rule) -> list[str]:
    """The labels by which alerts of one name differ, as far as the grouping that their expression begins with tells."""
    first = re.match(r"\s*(?:max|sum|min|count) by \(([^)]*)\)", alert.get("expr", ""))
    return (
        [label.strip() for label in first[1].split(",")] if first and 'connection="none"' not in alert["expr"] else []
    )


def sections(page: str) -> list[str]:
    """The alerts that the runbook has a section for."""
    return re.findall(r"^### (\w+)$", page, re.MULTILINE)


def wrong_sections(page: str, alerts: Mapping[str, Rule]) -> list[str]:
    """Alerts without a section, sections without an alert, and sections that lack a part."""
    found = sections(page)
    wrong = sorted(set(found) ^ set(alerts)) + sorted({name for name in found if found.count(name) > 1})
    for name in sorted(set(found) & set(alerts)):
        text = page.partition(f"\n### {name}\n")[2].partition("\n###")[0].partition("\n## ")[0]
        labels = alerts[name]["labels"]
        told = f"**{labels['severity'].capitalize()}, {labels['owner']}.**"
        wrong += [f"{name}: {part}" for part in (told, "**First look:**", "**Over when**") if part not in text]
    return wrong


def wrong_rows(page: str, alerts: Mapping[str, Rule]) -> list[str]:
    """Rows of the operators' table that are missing, too many, or not as the rules are."""
    told = set(
        re.findall(r"^\| \[`(\w+)`\]\(runbook\.md#\w+\) \| (\w+) \| (\w+) \| (\w+) \| .+ \|$", page, re.MULTILINE)
    )
    is_so = {
        (name, *(each["labels"][label] for label in ("severity", "owner")), each["for"])
        for name, each in alerts.items()
    }
    return sorted(" ".join(row) for row in told ^ is_so)


def unknown_log_events(page: str) -> list[str]:
    """Events of the log, or topics, that the runbook names and that no code has."""
    sources = "\n".join(path.read_text() for room in ("services", "schemas") for path in (ROOT / room).rglob("*.py"))
    names = set(re.findall(r"`([a-z_]+\.[a-z_]+)`", page)) - {"like.this"}
    return sorted(name for name in names if f'"{name}"' not in sources)
