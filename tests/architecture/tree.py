"""The product's source as the architecture tests see it, and copies in which they break rules."""

import shutil
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGES = ("schemas", "services", "sandbox", "ops")
PURE = "Rules do no I/O, read no clock and no settings"


def copy_of_the_product(folder: Path) -> Path:
    """Copy all packages and their configuration into `folder`, and return it."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__", "published"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    return folder


def modules(root: Path) -> list[Path]:
    """Return every module except the migrations, which Alembic writes."""
    return [
        path for package in PACKAGES for path in sorted((root / package).rglob("*.py")) if "versions" not in path.parts
    ]


def pure_modules(root: Path) -> list[Path]:
    """Return the modules that the import contract on pure code covers; `*` in its names matches one folder."""
    return [path for name in _contract(PURE)["source_modules"] for path in _files_of(root, name)]


def contract_names() -> list[str]:
    """Return the names of the import contracts."""
    return [contract["name"] for contract in _contracts()]


def _contract(name: str) -> dict[str, Any]:
    return next(contract for contract in _contracts() if contract["name"] == name)


def _contracts() -> list[dict[str, Any]]:
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text())
    contracts: list[dict[str, Any]] = configuration["tool"]["importlinter"]["contracts"]
    return contracts


def _files_of(root: Path, pattern: str) -> list[Path]:
    place = pattern.replace(".", "/")
    return sorted([*root.glob(f"{place}.py"), *root.glob(f"{place}/**/*.py")])
