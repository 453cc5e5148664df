"""The people of the story: Ana and Sam in the Commitments tool, an approver on the desk, all through public APIs."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from http import HTTPStatus
from typing import Any, Self
from urllib.parse import quote

import httpx2

from sandbox.mailbox.message import CaughtMail
from sandbox.story.timeline import StepFailedError
from sandbox.world import World
from schemas.examples.cast import ACME, ANA, DANA, SAM

TIMEOUT_SECONDS = 20
KNOWN_WITHIN_ATTEMPTS, ATTEMPT_SECONDS = 300, 0.1
LINE = {"cost_type": "S", "description": "Concrete, level 1", "unit": "m3", "unit_cost": "797.10"}


class Actors:
    """Ana and Sam use the Commitments tool, Dana or another approver the desk, or that at `desk_url`; all get mail.

    Every call raises StepFailedError when it is refused, and httpx2.HTTPError when nobody answers.
    """

    def __init__(self, world: World, *, desk_url: str | None = None, approver_id: str = DANA.id) -> None:
        self.world = world
        self._stack = AsyncExitStack()
        self._tool = httpx2.AsyncClient(base_url=world.commitments.url, timeout=TIMEOUT_SECONDS, trust_env=False)
        self._desk = httpx2.AsyncClient(
            base_url=f"{desk_url or world.desk_url}/api/v1",
            timeout=TIMEOUT_SECONDS,
            trust_env=False,
            headers={"Authorization": f"Bearer {world.sign_in.bearer_token(approver_id)}"},
        )

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._tool)
        await self._stack.enter_async_context(self._desk)
        await self._wait_until_known()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _wait_until_known(self) -> None:
        """Wait until the directory has reached the desk, which lets nobody in before; not for a desk that is away."""
        for _ in range(KNOWN_WITHIN_ATTEMPTS):
            try:
                answer = await self._desk.get("/me")
            except httpx2.HTTPError:
                return
            if answer.status_code != HTTPStatus.FORBIDDEN:
                return
            await asyncio.sleep(ATTEMPT_SECONDS)

    async def create(self, number: str, title: str, *, kind: str = "subcontract", by: str = ANA.id) -> str:
        """Create a commitment in the tool and return its id."""
        typed = _typed(number, title, kind, "03-300")
        return str((await self._call_tool("POST", "", by, typed))["commitment"]["id"])

    async def edit(self, commitment_id: str, number: str, title: str, *, kind: str, cost_code: str) -> None:
        """Sam gives all lines another cost code."""
        await self._call_tool("PUT", f"/{commitment_id}", SAM.id, _typed(number, title, kind, cost_code))

    async def send(self, commitment_id: str, *, note: str | None = None) -> None:
        """Sam presses Send to ERP."""
        await self._call_tool("POST", f"/{commitment_id}/send", SAM.id, {"note": note})

    async def resend(self, commitment_id: str, *, note: str | None = None) -> None:
        """Sam presses Re-send to ERP."""
        await self._call_tool("POST", f"/{commitment_id}/resend", SAM.id, {"note": note})

    async def retrieve(self, commitment_id: str) -> None:
        """Sam presses Retrieve."""
        await self._call_tool("POST", f"/{commitment_id}/retrieve", SAM.id)

    async def ribbon(self, commitment_id: str, colour: str, status: str, revision: int = 1) -> Mapping[str, Any] | None:
        """Return the status that the tool shows, or None while it is not this one."""
        shown = await self._call_tool("GET", f"/{commitment_id}", SAM.id)
        current, expected = shown["status"], (colour, status, revision)
        if shown["is_unconfirmed"] or not current:
            return None
        return current if (current["ribbon"], current["status"], current["revision"]) == expected else None

    async def rows(self, view: str) -> Sequence[Mapping[str, Any]]:
        """Return the first 200 rows of a view of the desk."""
        return list((await self._call_desk("GET", f"?view={view}&limit=200"))["items"])

    async def all_rows(self, view: str) -> Sequence[Mapping[str, Any]]:
        """Return all rows of a view of the desk, page by page."""
        rows, after = [], ""
        while True:
            page = await self._call_desk("GET", f"?view={view}&limit=200{after}")
            rows += page["items"]
            if page["next_after"] is None:
                return rows
            after = f"&after={quote(page['next_after'])}"

    async def one(self, commitment_id: str) -> Mapping[str, Any]:
        """Return a commitment with its content, findings and evidence."""
        return await self._call_desk("GET", f"/{commitment_id}")

    async def row(self, view: str, commitment_id: str) -> Mapping[str, Any] | None:
        """Return a commitment's row in a view of the desk, or None where it is not listed."""
        return next((row for row in await self.rows(view) if row["id"] == commitment_id), None)

    async def audit(self, commitment_id: str) -> Mapping[str, Any]:
        """Return the whole history of a commitment, as auditors get it."""
        return await self._call_desk("GET", f"/{commitment_id}/audit")

    async def happened(self, commitment_id: str, kind: str) -> bool:
        """Whether the history of a commitment has something of this kind, which is an event's topic."""
        return any(line["kind"] == kind for line in (await self.audit(commitment_id))["history"])

    async def accept(self, row: Mapping[str, Any]) -> None:
        """The approver accepts the content that she was shown."""
        await self._decide(row, "accept", revision=row["revision"], content_hash=row["content_hash"])

    async def accept_together(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """The approver accepts up to 50 contents that they were shown, in one request."""
        answers = [
            {
                "verb": "accept",
                "commitment_id": row["id"],
                "answer": {"revision": row["revision"], "content_hash": row["content_hash"]},
            }
            for row in rows
        ]
        _content(await self._desk.post("/answers", json={"answers": answers}))

    async def reject(self, row: Mapping[str, Any], reason: str) -> None:
        """The approver rejects the content that she was shown."""
        await self._decide(row, "reject", revision=row["revision"], content_hash=row["content_hash"], reason=reason)

    async def ask(self, row: Mapping[str, Any], question: str) -> None:
        """The approver asks the sender about the content that they were shown."""
        await self._decide(row, "ask", revision=row["revision"], content_hash=row["content_hash"], question=question)

    async def retry(self, row: Mapping[str, Any]) -> None:
        """The approver retries a failed export."""
        await self._decide(row, "retry", revision=row["revision"], round=row["round"])

    async def settle(self, row: Mapping[str, Any], note: str, document: Mapping[str, str] | None) -> None:
        """The approver settles a doubt: with the document that they found in the ERP, or as not there."""
        await self._decide(row, "settle", revision=row["revision"], round=row["round"], note=note, document=document)

    def mails(self, address: str, subject_begins: str) -> list[CaughtMail]:
        """Return the mails to `address` whose subject begins like this, oldest first."""
        return [mail for mail in self.world.mailbox.to(address) if mail.subject.startswith(subject_begins)]

    async def reply(self, address: str, subject_begins: str, text: str) -> None:
        """Whoever was asked by the mail with this subject answers by its link."""
        (mail, *_) = self.mails(address, subject_begins)
        found = re.search(r"https?://\S+/q/\S+", mail.text)
        if found is None:
            raise StepFailedError(f"No link in the mail {mail.subject}")
        async with httpx2.AsyncClient(trust_env=False) as browser:
            answer = await browser.post(found[0], data={"answer": text})
        if answer.is_error:
            raise StepFailedError(f"The answer was refused: HTTP {answer.status_code}")

    async def documents(self, commitment_id: str) -> int:
        """Return how many documents the ERP has created for a commitment, by its own books."""
        return (await self.world.erp.created())[commitment_id]

    async def _call_tool(self, method: str, path: str, person_id: str, body: Any = None) -> dict[str, Any]:
        answer = await self._tool.request(method, f"/api/commitments{path}", json=body, headers={"X-Person": person_id})
        return _content(answer)

    async def _call_desk(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        return _content(await self._desk.request(method, f"/commitments{path}", json=body))

    async def _decide(self, row: Mapping[str, Any], command: str, **body: Any) -> None:
        await self._call_desk("POST", f"/{row['id']}/{command}", body)


def _typed(number: str, title: str, kind: str, cost_code: str) -> dict[str, Any]:
    line = LINE | {"cost_code": cost_code}
    lines = [line | {"quantity": "500"}, line | {"quantity": "102.5", "description": "Concrete, level 2"}]
    return {"number": number, "title": title, "kind": kind, "vendor": ACME.id, "lines": lines}


def _content(answer: httpx2.Response) -> dict[str, Any]:
    if answer.is_error:
        request = answer.request
        raise StepFailedError(f"{request.method} {request.url}: {answer.status_code} {answer.text[:500]}")
    return dict(answer.json())
