"""Runs the ERP as a child process that tests can kill and start again: its journal on disk survives that."""

import secrets
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from sandbox.erp.journal import Journal
from sandbox.erp.server import TOKEN_VARIABLE
from sandbox.servers.local_server import LocalServer, free_ports
from sandbox.serving import LOOPBACK

CONNECT_SECONDS = 1.0


class ErpProcess(LocalServer):
    """`python -m sandbox.erp`; callers need its token."""

    name = "ERP"
    stop_signal = signal.SIGTERM
    orphan_signal = signal.SIGKILL
    stop_seconds: ClassVar[float] = 5

    def __init__(self) -> None:
        super().__init__()
        self._token = secrets.token_urlsafe(16)

    @property
    def url(self) -> str:
        """The address of its API and its pages."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def connection(self) -> Mapping[str, str | bool]:
        """The members of its connection that are this ERP's."""
        names = {"name": "small-erp", "kind": "http", "title": "Small ERP"}
        return {**names, "url": self.url, "token_file": str(self._token_path), "reads_documents": True}

    @property
    def journal(self) -> Journal:
        """The journal as it is on disk now."""
        return Journal.at(self._journal_path)

    def prepare_data(self) -> None:
        """Choose the port, and put the token where a connection finds it."""
        self.port = free_ports(1)[0]
        self._token_path.write_text(self._token)

    def command(self) -> list[str]:
        """The ERP's command, with its token set by env(1)."""
        token = f"{TOKEN_VARIABLE}={self._token}"
        return ["env", token, sys.executable, "-m", "sandbox.erp", str(self.port), str(self._journal_path)]

    def is_ready(self) -> bool:
        """Whether it accepts connections."""
        with suppress(OSError), socket.create_connection((LOOPBACK, self.port), CONNECT_SECONDS):
            return True
        return False

    @property
    def _journal_path(self) -> Path:
        return self.folder / "journal.jsonl"

    @property
    def _token_path(self) -> Path:
        return self.folder / "token"
