"""A small ERP whose client asks for work, its language (JSON), and the pull connector that speaks it."""

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from schemas.fields import FailureClass
from services.exporter.connectors.pull import (
    Ask,
    ListEntry,
    ListPage,
    Occasion,
    PullSettings,
    Question,
    Reply,
)
from services.exporter.connectors.types import (
    FindAnswer,
    FoundDocument,
    Landed,
    Refused,
    Transient,
    Unknown,
    WriteAnswer,
    WriteRequest,
)

CLOSED = "0x80040408"
LISTS = {"vendor": ["Acme", "Bolt", "Crane"], "item": ["03-300"], "job": []}


@dataclass
class Ledger:
    """The ERP: a text in, a text out. It remembers the answers to message sets, as long as it `remembers`."""

    documents: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    refuses: str = ""
    remembers: bool = True
    lists: dict[str, list[str]] = field(default_factory=lambda: {name: list(each) for name, each in LISTS.items()})

    def __call__(self, text: str) -> str:
        """Answer a request."""
        request = json.loads(text)
        self.asked.append(request)
        return json.dumps(getattr(self, f"_{request['do']}")(request))

    @property
    def created(self) -> Counter[str]:
        """How many documents there are of each commitment."""
        return Counter(each["reference"] for each in self.documents.values())

    def _status(self, request: dict[str, Any]) -> dict[str, Any]:
        return self.answers.get(request["id"], {}) if self.remembers else {}

    def _find(self, request: dict[str, Any]) -> dict[str, Any]:
        found = [each for each in self.documents.values() if each["reference"] == request["reference"]]
        return {"documents": found}

    def _write(self, request: dict[str, Any]) -> dict[str, Any]:
        if self.refuses:
            return {"refused": self.refuses}
        id_ = request["document"] or f"L-{len(self.documents) + 1}"
        stored = {"id": id_, "number": f"N{id_}", "reference": request["reference"], "marker": request["marker"]}
        self.documents[id_] = stored
        self.answers[request["id"]] = {"documents": [stored]}
        return self.answers[request["id"]]

    def _list(self, request: dict[str, Any]) -> dict[str, Any]:
        names, begin = self.lists[request["name"]], int(request["page"] or 0)
        return {"entries": names[begin : begin + 2], "next": begin + 2 if begin + 2 < len(names) else None}


class LedgerConnector:
    """Speaks to a Ledger through its client."""

    settings_type = PullSettings
    lists = tuple(LISTS)

    def speaking(self, ask: Ask, occasion: Occasion) -> "LedgerSpeaking":
        """Return a connector that asks with `ask`."""
        return LedgerSpeaking(ask, occasion)

    def unreached(self, reply: Reply) -> str | None:
        """Say why a request was not passed on."""
        return f"The ledger is closed: {reply.message}" if reply.hresult == CLOSED else None

    def list_question(self, name: str, page: str | None) -> Question:
        """Ask for a part of a list."""
        return Question(json.dumps({"do": "list", "name": name, "page": page}))

    def list_page(self, name: str, reply: Reply) -> ListPage | Transient:
        """Read a part of a list."""
        del name
        if reply.hresult:
            return Transient(reply.message)
        answer = json.loads(reply.text)
        following = None if answer["next"] is None else str(answer["next"])
        return ListPage(tuple(ListEntry(f"id-{each}", each) for each in answer["entries"]), following)

    async def close(self) -> None:
        """Close nothing."""


@dataclass
class LedgerSpeaking:
    """The connector of one attempt."""

    ask: Ask
    occasion: Occasion
    enforces_reference = False

    async def find(self, reference: str) -> FindAnswer:
        """Ask for the last write, and then for the documents."""
        if self.occasion.lost:
            reply = await self.ask(_question(do="status", id=self.occasion.lost.message_set_id))
            if found := _documents(reply):
                return found
        reply = await self.ask(_question(do="find", reference=reference))
        return Transient(reply.message, is_reached=False) if reply.hresult else _documents(reply)

    async def create(self, request: WriteRequest) -> WriteAnswer:
        """Write a document."""
        return await self._write(None, request)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        """Write a document again."""
        return await self._write(document_id, request)

    async def close(self) -> None:
        """Close nothing."""

    async def _write(self, document_id: str | None, request: WriteRequest) -> WriteAnswer:
        asked = {"id": self.occasion.message_set_id, "document": document_id}
        content = {"do": "write", "reference": request.reference, "marker": request.marker}
        reply = await self.ask(Question(json.dumps(asked | content), self.occasion.message_set_id))
        if reply.hresult or not reply.text:
            return Unknown(reply.message or "No answer.")
        if refused := json.loads(reply.text).get("refused"):
            return Refused(FailureClass.FIX_DATA, refused, "R1")
        return Landed(_documents(reply))


def _question(**members: str) -> Question:
    return Question(json.dumps(members))


def _documents(reply: Reply) -> tuple[FoundDocument, ...]:
    found = json.loads(reply.text or "{}").get("documents", [])
    return tuple(FoundDocument(each["id"], each["number"], None, each["marker"]) for each in found)
