"""The documentation covers every metric, setting and crash point, and its links and commands exist.

Each check is a function that lists problems; a test violates each of them on purpose.
"""

import re
import shlex
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

import click
import pytest

from services.command import main
from services.exporter.connectors.http import HttpSettings
from services.exporter.connectors.lambda_erp import LambdaErpSettings
from services.exporter.connectors.quickbooks.settings import QuickBooksDesktopSettings
from tests.contract.metric_names import exported_metrics
from tests.contract.settings_classes import CLASSES, variables

ROOT = Path(__file__).parents[2]
CHART = "ops/kubernetes/countersign"
PAGES = {
    str(path.relative_to(ROOT)): path.read_text()
    for path in (
        *ROOT.glob("*.md"),
        *(path for folder in ("docs", "ops", "schemas") for path in (ROOT / folder).rglob("*.md")),
    )
}
CONNECTIONS = (HttpSettings, LambdaErpSettings, QuickBooksDesktopSettings)

Pages = Mapping[str, str]


def metrics() -> set[str]:
    """Every metric with its labels: name{label,label}."""
    return {name + (f"{{{','.join(labels)}}}" if labels else "") for name, labels in exported_metrics().items()}


def wrong_metrics(pages: Pages) -> list[str]:
    """Metrics that the operators' page lacks or invents, labels included."""
    return sorted(_in_first_column(pages["docs/operations.md"], "Metrics") ^ metrics())


def _in_first_column(page: str, heading: str) -> set[str]:
    """The code names in the first column of the table under `heading`."""
    table = page.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return {name for row in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE) for name in re.findall("`([^`]+)`", row)}


def unnamed_settings(pages: Pages) -> list[str]:
    documented = set(re.findall(r"`([A-Z_]+)`", pages["docs/operations.md"]))
    return sorted({name for settings in CLASSES for name in variables(settings)} - documented)


def unnamed_connection_members(pages: Pages) -> list[str]:
    documented = set(re.findall(r"`([a-z_]+)`", pages["docs/operations.md"]))
    return sorted({name for settings in CONNECTIONS for name in settings.model_fields} - documented)


def wrong_crash_points(pages: Pages) -> list[str]:
    documented = _in_first_column(pages["docs/architecture.md"], "Crash points")
    sources = "\n".join(path.read_text() for path in (ROOT / "services").rglob("*.py"))
    points = set(re.findall(r'crash_at\(f?"([^"]+)"\)', sources))
    points = {re.sub("{self._service}", "SERVICE", re.sub("{self._work.name}", "WORK", point)) for point in points}
    general = {f"SERVICE.{point.partition('.')[2]}" for point in points if point.startswith("SERVICE.")}
    same_step = {point for point in points if f"SERVICE.{point.partition('.')[2]}" in general and point not in general}
    return sorted(documented ^ (points - same_step))


PATH = re.compile(r"`((?:schemas|services|sandbox|tests|docs|ops|benchmarks)/[a-z0-9_./-]*)`")


def missing_paths(pages: Pages) -> list[str]:
    """Files and folders that a page names and that do not exist; paths with a placeholder are not checked."""
    return [
        f"{page}: {path}" for page, text in pages.items() for path in PATH.findall(text) if not (ROOT / path).exists()
    ]


def undocumented_connectors(pages: Pages) -> list[str]:
    """Connectors of ours without a page of their own."""
    kinds = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["countersign.connectors"]
    return [kind for kind in kinds if f"docs/connectors/{kind}.md" not in pages]


def broken_links(pages: Pages) -> list[str]:
    """Links to files or headings that do not exist."""
    return [
        f"{page}: {target}"
        for page, text in pages.items()
        for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)
        if not _exists(ROOT / page, target)
    ]


def _exists(page: Path, target: str) -> bool:
    name, _, heading = target.partition("#")
    path = (page.parent / name).resolve() if name else page
    return path.exists() and (not heading or heading in _anchors(path.read_text()))


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def unknown_commands(pages: Pages) -> list[str]:
    """Subcommands of `countersign` and targets of make that do not exist."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    unknown = [
        f"{page}: make {target}"
        for page, text in pages.items()
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)
        if target not in targets
    ]
    return unknown + [
        f"{page}: countersign {words}"
        for page, text in pages.items()
        for words in re.findall(r"(?:^|`|bin/|\| )countersign ([a-z][a-z-]*(?: [a-z][a-z-]*)?)", text, re.MULTILINE)
        if not _is_command(main, words.split())
    ]


def _is_command(command: click.Command, words: list[str]) -> bool:
    if not isinstance(command, click.Group) or not words:
        return True
    return words[0] in command.commands and _is_command(command.commands[words[0]], words[1:])


def refused_commands(pages: Pages) -> list[str]:
    """Commands with an option that they do not have, or without the reason that they want to be told."""
    return [
        f"{page}: countersign {line}"
        for page, text in pages.items()
        for line in re.findall(r"(?:^|`|bin/|\| )countersign ([a-z][^`\n#|]* [^`\n#|]+)", text, re.MULTILINE)
        if _is_refused(main, shlex.split(line))
    ]


def _is_refused(command: click.Command, words: list[str]) -> bool:
    if isinstance(command, click.Group):
        return words[:1] != [] and words[0] in command.commands and _is_refused(command.commands[words[0]], words[1:])
    options = [each for each in command.params if isinstance(each, click.Option)]
    reasons = {name for each in options for name in each.opts if (each.help or "").startswith("Why; kept with")}
    given = {word for word in words if word.startswith("--")}
    is_unknown = not given <= {name for each in options for name in each.opts}
    return is_unknown or bool(words and reasons and not given & (reasons | {"--dry-run"}))


CHECKS = (
    wrong_metrics,
    unnamed_settings,
    unnamed_connection_members,
    wrong_crash_points,
    missing_paths,
    undocumented_connectors,
    broken_links,
    unknown_commands,
    refused_commands,
)
VIOLATIONS: tuple[tuple[Callable[[Pages], list[str]], str, str, str, list[str]], ...] = (
    (wrong_metrics, "docs/operations.md", "`outbox_rows{service}`, ", "", ["outbox_rows{service}"]),
    (wrong_metrics, "docs/operations.md", "`mail_send_seconds`", "`mail_ms`", ["mail_ms", "mail_send_seconds"]),
    (
        wrong_metrics,
        "docs/operations.md",
        "`service_ready`",
        "`service_ready{service}`",
        [
            "service_ready",
            "service_ready{service}",
        ],
    ),
    (unnamed_settings, "docs/operations.md", "`SESSION_HOURS`", "", ["SESSION_HOURS"]),
    (unnamed_connection_members, "docs/operations.md", "`pause_seconds`", "", ["pause_seconds"]),
    (unnamed_connection_members, "docs/operations.md", "`company`", "", ["company"]),
    (unnamed_connection_members, "docs/operations.md", "`lists_hours`", "", ["lists_hours"]),
    (
        wrong_crash_points,
        "docs/architecture.md",
        "`exporter.after_call`",
        "`exporter.later`",
        [
            "exporter.after_call",
            "exporter.later",
        ],
    ),
    (
        missing_paths,
        "CONTRIBUTING.md",
        "`schemas/topics.py`",
        "`schemas/topic.py`",
        ["CONTRIBUTING.md: schemas/topic.py"],
    ),
    (broken_links, "README.md", "docs/testing.md)", "docs/tests.md)", ["README.md: docs/tests.md"]),
    (broken_links, "README.md", "#erp-connections", "#the-erps", ["README.md: docs/operations.md#the-erps"]),
    (broken_links, "docs/architecture.md", "(#crash-points)", "(#crashes)", ["docs/architecture.md: #crashes"]),
    (unknown_commands, "README.md", "make test ", "make tests ", ["README.md: make tests"]),
    (
        unknown_commands,
        "docs/operations.md",
        "\ncountersign migrate ",
        "\ncountersign upgrade ",
        [
            "docs/operations.md: countersign upgrade",
        ],
    ),
    (
        unknown_commands,
        "docs/operations.md",
        "dead-letters show",
        "dead-letters print",
        [
            "docs/operations.md: countersign dead-letters print",
        ],
    ),
    (
        refused_commands,
        "docs/operations.md",
        "outbox discard approval 4711 --because",
        "outbox discard approval 4711 --why",
        ['docs/operations.md: countersign outbox discard approval 4711 --why "sent by hand, case 88"     '],
    ),
    (
        refused_commands,
        "docs/runbook.md",
        "offsets list --out-of-range",
        "offsets list --lost",
        ["docs/runbook.md: countersign offsets list --lost"],
    ),
    (
        refused_commands,
        "docs/runbook.md",
        "--to beginning --because TEXT",
        "--to beginning",
        ["docs/runbook.md: countersign offsets set SERVICE --out-of-range --to beginning"],
    ),
    (
        broken_links,
        f"{CHART}/README.md",
        "#with-kubernetes",
        "#k8s",
        [f"{CHART}/README.md: ../../../docs/operations.md#k8s"],
    ),
)


def test_a_connector_without_a_page_is_found() -> None:
    without = {name: text for name, text in PAGES.items() if "connectors" not in name}
    assert undocumented_connectors(without) == ["http", "lambda_erp", "quickbooks_desktop", "tryton"]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_documentation_passes(check: Callable[[Pages], list[str]]) -> None:
    assert check(PAGES) == []


@pytest.mark.parametrize(("check", "page", "old", "new", "problems"), VIOLATIONS)
def test_a_violation_is_found(
    check: Callable[[Pages], list[str]], page: str, old: str, new: str, problems: list[str]
) -> None:
    assert old in PAGES[page]
    assert check({**PAGES, page: PAGES[page].replace(old, new)}) == problems
