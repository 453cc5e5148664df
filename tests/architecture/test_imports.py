"""Imports follow the contracts, and each contract detects a violation."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, contract_names, copy_of_the_product

VIOLATIONS = [
    ("Imports go one way", "services/pipeline/records.py", "services.approval.rules.rows"),
    ("Imports go one way", "services/notifier/rules/wording.py", "services.exporter.rules.failures"),
    ("Groups of subcommands share nothing", "services/commands/audit.py", "services.commands.outbox"),
    ("Inside a service", "services/approval/rules/facts.py", "services.approval.handlers"),
    ("Inside a service", "services/exporter/storage/tables.py", "services.exporter.report"),
    ("Inside a service", "services/notifier/rules/delivery.py", "services.notifier.storage.tables"),
    ("Inside a service", "services/digest/storage/store.py", "services.digest.schedule"),
    ("Rules do no I/O", "services/approval/rules/commitment.py", "time"),
    ("Rules do no I/O", "services/exporter/rules/circuit.py", "services.exporter.connectors.http"),
    ("Rules do no I/O", "services/notifier/handlers.py", "services.pipeline.database"),
    ("Schemas import nothing else of ours", "schemas/limits.py", "services.pipeline.errors"),
    ("Nothing in production imports the sandbox", "services/pipeline/offsets.py", "sandbox.people"),
    ("Nothing in production imports the sandbox", "services/pipeline/slices.py", "ops.grafana.promql"),
    ("Only storage and the pipeline use SQL", "services/approval/web/app.py", "sqlalchemy"),
    ("Only the broker room talks to Kafka", "services/pipeline/lease.py", "confluent_kafka"),
    ("Only the digest's projection uses Faust", "services/digest/storage/store.py", "faust"),
]


def lint_imports(folder: Path) -> tuple[int, str]:
    """Check the packages in `folder` against its contracts; return the exit status and the output."""
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"]
    checked = subprocess.run(
        [*command, "--no-cache", "--no-logo"],
        cwd=folder,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    return checked.returncode, checked.stdout + checked.stderr


def test_every_contract_is_kept() -> None:
    status, output = lint_imports(ROOT)
    assert status == 0, output
    assert [name for name in contract_names() if f"{name} KEPT" not in output] == []


def test_every_contract_has_a_violation_here() -> None:
    violated = {name for name in contract_names() for start, _, _ in VIOLATIONS if name.startswith(start)}
    assert violated == set(contract_names())


@pytest.fixture(scope="module")
def output_of_violations(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The output for a copy of the product with every violation in it."""
    copy = copy_of_the_product(tmp_path_factory.mktemp("violated"))
    for _, module, forbidden in VIOLATIONS:
        path = copy / module
        path.write_text(f"{path.read_text()}\nimport {forbidden}\n")
    status, output = lint_imports(copy)
    assert status == 1
    return output


@pytest.mark.parametrize(("contract", "module", "forbidden"), VIOLATIONS)
def test_a_forbidden_import_breaks_its_contract(
    output_of_violations: str, contract: str, module: str, forbidden: str
) -> None:
    summary, _, details = output_of_violations.partition("Broken contracts")
    assert any(line.startswith(contract) and "BROKEN" in line for line in summary.splitlines())
    importer = module.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {forbidden}" in _section(details, contract)


def _section(details: str, contract: str) -> str:
    """Return the part of the output about one broken contract, from its heading to the next."""
    lines = details.splitlines()
    is_rule = [bool(line) and set(line) == {"-"} for line in [*lines[1:], ""]]
    headings = [number for number, is_heading in enumerate(is_rule) if is_heading and lines[number]]
    begin = next(number for number in headings if lines[number].startswith(contract))
    end = next((number for number in headings if number > begin), len(lines))
    return "\n".join(lines[begin:end])


@pytest.mark.parametrize("name", ["services/reports", "services/exporter/helpers"])
def test_a_new_folder_has_to_be_assigned_to_a_layer(tmp_path: Path, name: str) -> None:
    folder = copy_of_the_product(tmp_path) / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")

    status, output = lint_imports(tmp_path)

    assert status == 1
    assert name.replace("/", ".") in output
