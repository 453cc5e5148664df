"""Imports go the ways that the contracts allow, and each contract notices who leaves them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.tree import ROOT, contract_names, copy_of_the_product

VIOLATIONS = [
    ("Imports go one way", "services/pipeline/records.py", "services.approval.rules.rows"),
    ("Imports go one way", "services/notifier/rules/wording.py", "services.exporter.rules.failures"),
    ("Inside a service", "services/approval/rules/facts.py", "services.approval.handlers"),
    ("Inside a service", "services/exporter/storage/tables.py", "services.exporter.report"),
    ("Inside a service", "services/notifier/rules/delivery.py", "services.notifier.storage.tables"),
    ("Inside a service", "services/digest/storage/store.py", "services.digest.schedule"),
    ("Rules do no I/O", "services/approval/rules/commitment.py", "time"),
    ("Rules do no I/O", "services/exporter/rules/circuit.py", "services.exporter.connectors.http"),
    ("Rules do no I/O", "services/notifier/handlers.py", "services.pipeline.database"),
    ("Schemas import nothing else of ours", "schemas/limits.py", "services.pipeline.errors"),
    ("Nothing in production imports the sandbox", "services/pipeline/offsets.py", "sandbox.people"),
    ("Only storage and the pipeline use SQL", "services/approval/web/app.py", "sqlalchemy"),
    ("Only the broker room talks to Kafka", "services/pipeline/lease.py", "confluent_kafka"),
    ("Only the digest's projection uses Faust", "services/digest/storage/store.py", "faust"),
]


def lint_imports(folder: Path) -> tuple[int, str]:
    """Check the packages in `folder` against the contracts there; return the exit status and what was said."""
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
    status, said = lint_imports(ROOT)
    assert status == 0, said
    assert [name for name in contract_names() if f"{name} KEPT" not in said] == []


def test_every_contract_is_violated_here_on_purpose() -> None:
    violated = {name for name in contract_names() for start, _, _ in VIOLATIONS if name.startswith(start)}
    assert violated == set(contract_names())


@pytest.fixture(scope="module")
def said_of_violations(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What is said of a copy of the product with every violation in it."""
    copy = copy_of_the_product(tmp_path_factory.mktemp("violated"))
    for _, module, forbidden in VIOLATIONS:
        path = copy / module
        path.write_text(f"{path.read_text()}\nimport {forbidden}\n")
    status, said = lint_imports(copy)
    assert status == 1
    return said


@pytest.mark.parametrize(("contract", "module", "forbidden"), VIOLATIONS)
def test_a_forbidden_import_breaks_its_contract(
    said_of_violations: str, contract: str, module: str, forbidden: str
) -> None:
    summary, _, details = said_of_violations.partition("Broken contracts")
    assert any(line.startswith(contract) and "BROKEN" in line for line in summary.splitlines())
    importer = module.removesuffix(".py").replace("/", ".")
    assert f"{importer} -> {forbidden}" in _section(details, contract)


def _section(details: str, contract: str) -> str:
    """Return what is said of one broken contract: from its heading to the next one's."""
    lines = details.splitlines()
    is_rule = [bool(line) and set(line) == {"-"} for line in [*lines[1:], ""]]
    headings = [number for number, is_heading in enumerate(is_rule) if is_heading and lines[number]]
    begin = next(number for number in headings if lines[number].startswith(contract))
    end = next((number for number in headings if number > begin), len(lines))
    return "\n".join(lines[begin:end])


@pytest.mark.parametrize("room", ["services/reports", "services/exporter/helpers"])
def test_a_new_room_needs_its_place_among_the_layers(tmp_path: Path, room: str) -> None:
    folder = copy_of_the_product(tmp_path) / room
    folder.mkdir()
    (folder / "__init__.py").write_text("")

    status, said = lint_imports(tmp_path)

    assert status == 1
    assert room.replace("/", ".") in said
