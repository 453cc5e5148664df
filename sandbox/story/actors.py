"""The people of the story at their own doors: the Commitments tool upstream, and the desk's API."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

import httpx2

from sandbox.mailbox.message import CaughtMail
from sandbox.world import World
from schemas.examples.cast import ACME, ANA, DANA, SAM

TIMEOUT_SECONDS = 20
LINE = {"cost_code": "03-300", "cost_type": "S", "description": "Concrete, level 1", "unit": "m3"}


class Actors:
    """Ana and Sam work in the Commitments tool, Dana at the desk; everybody reads mail."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._stack = AsyncExitStack()
        self._tool = httpx2.AsyncClient(base_url=world.commitments.url, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._desk = httpx2.AsyncClient(
            base_url=f"{world.desk_url}/api/v1",
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            headers={"Authorization": f"Bearer {world.sign_in.bearer_token(DANA.id)}"},
        )

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._tool)
        await self._stack.enter_async_context(self._desk)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def create(
        self, number: str, title: str, *, kind: str = "subcontract", by: str = ANA.id, unit_cost: str = "797.10"
    ) -> str:
        """Create a commitment in the tool and return its id."""
        typed = _typed(number, title, kind, unit_cost, LINE["cost_code"])
        return str((await self._tool_call("POST", "/api/commitments", by, typed))["commitment"]["id"])

    async def edit(self, commitment_id: str, number: str, title: str, *, kind: str, cost_code: str) -> None:
        """Correct the cost code of its lines."""
        typed = _typed(number, title, kind, "797.10", cost_code)
        await self._tool_call("PUT", f"/api/commitments/{commitment_id}", SAM.id, typed)

    async def send(self, commitment_id: str, *, note: str | None = None) -> None:
        """Press Send to ERP."""
        await self._tool_call("POST", f"/api/commitments/{commitment_id}/send", SAM.id, {"note": note})

    async def resend(self, commitment_id: str, *, note: str | None = None) -> None:
        """Press Re-send to ERP."""
        await self._tool_call("POST", f"/api/commitments/{commitment_id}/resend", SAM.id, {"note": note})

    async def retrieve(self, commitment_id: str) -> None:
        """Press Retrieve."""
        await self._tool_call("POST", f"/api/commitments/{commitment_id}/retrieve", SAM.id, None)

    async def ribbon(self, commitment_id: str, colour: str, status: str, revision: int = 1) -> Mapping[str, Any] | None:
        """Return what the tool shows, if it is this ribbon for this revision."""
        shown = await self._tool_call("GET", f"/api/commitments/{commitment_id}", SAM.id, None)
        told = shown["status"]
        wanted = (colour, status, revision)
        is_so = told and (told["ribbon"], told["status"], told["revision"]) == wanted and not shown["is_unconfirmed"]
        return dict(told) if is_so else None

    async def listed(self, view: str, commitment_id: str) -> Mapping[str, Any] | None:
        """Return Dana's row of a view of the desk."""
        page = await self._desk_call("GET", f"/commitments?view={view}&limit=200")
        return next((dict(item) for item in page["items"] if item["id"] == commitment_id), None)

    async def accept(self, row: Mapping[str, Any]) -> None:
        """Dana chooses Accept and Export for what she read."""
        read = {"revision": row["revision"], "content_hash": row["content_hash"]}
        await self._desk_call("POST", f"/commitments/{row['id']}/accept", read)

    async def reject(self, row: Mapping[str, Any], reason: str) -> None:
        """Dana chooses Reject and says why."""
        read = {"revision": row["revision"], "content_hash": row["content_hash"], "reason": reason}
        await self._desk_call("POST", f"/commitments/{row['id']}/reject", read)

    async def retry(self, row: Mapping[str, Any]) -> None:
        """Dana orders a failed export once more."""
        await self._desk_call(
            "POST", f"/commitments/{row['id']}/retry", {"revision": row["revision"], "round": row["round"]}
        )

    def mails(self, address: str, subject_begins: str) -> list[CaughtMail]:
        """Return the mails to one person on one occasion."""
        return [mail for mail in self.world.mailbox.to(address) if mail.subject.startswith(subject_begins)]

    def documents(self, commitment_id: str) -> int:
        """Return how many documents the ERP's own journal says were created for a commitment."""
        return self.world.erp.journal.created()[commitment_id]

    async def _tool_call(self, method: str, path: str, person_id: str, body: Any) -> dict[str, Any]:
        answer = await self._tool.request(method, path, json=body, headers={"X-Person": person_id})
        return _content(answer)

    async def _desk_call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        return _content(await self._desk.request(method, path, json=body))


def _typed(number: str, title: str, kind: str, unit_cost: str, cost_code: str) -> dict[str, Any]:
    line = LINE | {"unit_cost": unit_cost, "cost_code": cost_code}
    lines = [line | {"quantity": "500"}, line | {"quantity": "102.5", "description": "Concrete, level 2"}]
    return {"number": number, "title": title, "kind": kind, "vendor": ACME.id, "lines": lines}


def _content(answer: httpx2.Response) -> dict[str, Any]:
    if answer.is_error:
        raise RuntimeError(f"{answer.request.method} {answer.request.url}: {answer.status_code} {answer.text[:500]}")
    return dict(answer.json())
