"""A real Lambda ERP on PostgreSQL for tests: its server as a child process, and the set-up that its admin would do."""

import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from sqlalchemy import make_url

from sandbox.servers.local_server import LocalServer, ServerStartFailed, free_ports

PYTHON = Path(__file__).parents[1] / ".venv-lambda-erp" / "bin" / "python"
COMPANY = "Miller Build"
ADMIN = {"email": "admin@example.com", "password": "only-for-tests"}


class LambdaErp(LocalServer):
    """One Lambda ERP, on the empty database that `database_url` names."""

    name = "Lambda ERP"
    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGTERM
    start_seconds = 240  # it imports for 6 s of CPU time, which a busy machine may take a minute for

    def __init__(self, database_url: str) -> None:
        super().__init__()
        self.database_url = database_url

    @property
    def url(self) -> str:
        """The address that a connection names."""
        return f"http://127.0.0.1:{self.port}"

    def prepare_data(self) -> None:
        """Choose a port; the ERP makes its tables itself."""
        if not PYTHON.exists():
            raise ServerStartFailed("Lambda ERP is not installed: run `make test-lambda-erp`, which installs it.")
        (self.port,) = free_ports(1)

    def command(self) -> list[str]:
        """The ERP's own application, as its documentation says to run it."""
        database = make_url(self.database_url).set(drivername="postgresql").render_as_string(hide_password=False)
        settings = {
            "LAMBDA_ERP_DB": database,
            "LAMBDA_ERP_ADMIN_EMAIL": ADMIN["email"],
            "LAMBDA_ERP_ADMIN_PASSWORD": ADMIN["password"],
            "LAMBDA_ERP_UPLOAD_DIR": str(self.folder / "uploads"),
            "JWT_SECRET_KEY": "only-for-tests" * 4,
        }
        return [
            *(shutil.which("env") or "env", *(f"{name}={value}" for name, value in settings.items())),
            *(str(PYTHON), "-m", "uvicorn", "api.main:app", "--app-dir", str(self.folder)),
            *("--host", "127.0.0.1", "--port", str(self.port)),
        ]

    def is_ready(self) -> bool:
        """Whether the ERP answers; it does once its tables are there."""
        try:
            return httpx2.get(f"{self.url}/api/auth/setup-status").is_success
        except httpx2.TransportError:
            time.sleep(0.2)
            return False

    @contextmanager
    def admin(self) -> Iterator[httpx2.Client]:
        """A client that is signed in as the admin, as in a browser."""
        with httpx2.Client(base_url=f"{self.url}/api", timeout=30) as client:
            client.post("/auth/login", json=ADMIN).raise_for_status()
            yield client


def set_up(erp: LambdaErp) -> None:
    """Switch API keys on and create the company, in US dollars."""
    with erp.admin() as admin:
        admin.put("/auth/settings", json={"rest_api_enabled": "1"}).raise_for_status()
        admin.post("/setup/company", json={"name": COMPANY, "currency": "USD"}).raise_for_status()


def api_key(erp: LambdaErp, role: str = "manager") -> str:
    """Create an API key with this role."""
    with erp.admin() as admin:
        created = admin.post("/auth/api-keys", json={"name": "Countersign", "role": role})
        return str(created.raise_for_status().json()["token"])


def create_supplier(erp: LambdaErp, name: str) -> str:
    """Create a supplier and return its code."""
    with erp.admin() as admin:
        created = admin.post("/masters/supplier", json={"supplier_name": name})
        return str(created.raise_for_status().json()["name"])


def act_on_order(erp: LambdaErp, name: str, act: str) -> None:
    """Submit, cancel or discard an order, as accounting does in the ERP."""
    with erp.admin() as admin:
        admin.post(f"/documents/purchase-order/{name}/{act}").raise_for_status()


def create_order(erp: LambdaErp, **members: Any) -> str:
    """Create an order by somebody else, and return its name."""
    items = [{"description": "Rebar", "qty": 1, "rate": 5}]
    with erp.admin() as admin:
        created = admin.post("/documents/purchase-order", json={"company": COMPANY, "items": items, **members})
        return str(created.raise_for_status().json()["name"])
