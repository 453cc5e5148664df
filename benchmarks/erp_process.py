"""The sandbox's ERP in a process of its own, so that what it costs is not charged to the exporter."""

import asyncio
import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar
from urllib.request import Request, urlopen

import uvloop
from pydantic import SecretStr

from sandbox.erp.faults import ErpFault
from sandbox.erp.running import running_erp
from sandbox.servers.local_server import LocalServer, free_ports

TOKEN = "only-for-measuring-here"  # noqa: S105 - nobody else can reach it
_ANSWER_SECONDS = 30


@dataclass(frozen=True, slots=True)
class ErpCall:
    """One call in the ERP's journal: when it took effect, and what it did."""

    at: datetime
    reference: str
    did: str


class ErpProcess(LocalServer):
    """The ERP, which is asked for its journal and told its faults over HTTP."""

    name = "ERP"
    stop_signal = signal.SIGKILL
    orphan_signal = signal.SIGKILL
    stop_seconds: ClassVar[float] = 5

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def prepare_data(self) -> None:
        """Choose the port."""
        self.port = free_ports(1)[0]

    def command(self) -> list[str]:
        """The module as a program, in a Python of its own."""
        return [sys.executable, "-m", "benchmarks.erp_process", str(self.port)]

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            self.calls()
        except OSError:
            return False
        return True

    def calls(self) -> list[ErpCall]:
        """Return every call so far, in the order in which they took effect."""
        entries = json.loads(self._ask("/journal"))["entries"]
        return [ErpCall(datetime.fromisoformat(each["at"]), each["reference"], each["did"]) for each in entries]

    def set_faults(self, faults: Sequence[ErpFault]) -> None:
        """Switch on exactly `faults`."""
        self._ask("/faults", json.dumps({"faults": [each.model_dump(mode="json") for each in faults]}).encode())

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        request = Request(f"{self.url}{path}", body, headers, method="PUT" if body else "GET")  # noqa: S310
        with urlopen(request, timeout=_ANSWER_SECONDS) as answer:  # noqa: S310 - an address of ours
            content: bytes = answer.read()
        return content


async def _serve(port: int) -> None:
    async with running_erp(token=SecretStr(TOKEN), port=port):
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(_serve(int(sys.argv[1])))
