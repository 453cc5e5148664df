"""Calls Tryton's own JSON-RPC as its desktop client does; the sandbox and the tests look into the ERP with it."""

import base64
import json
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Self

import httpx2

TIMEOUT_SECONDS = 60
Record = dict[str, Any]


class TrytonError(Exception):
    """Tryton refused a call; `name` is the kind of its error."""

    def __init__(self, method: str, error: Sequence[Any]) -> None:
        super().__init__(f"{method}: {error}")
        self.name = str(error[0]) if error else ""


class TrytonRpc:
    """One signed-in user of the database at `url`, for example http://127.0.0.1:8000/tryton; used in a `with` block."""

    def __init__(self, url: str, user: str, password: str, *, company: int | None = None) -> None:
        self._client = httpx2.Client(timeout=TIMEOUT_SECONDS, trust_env=False)
        self._url = f"{url}/rpc/"
        self._login = (user, password)
        self.context: Record = {"company": company} if company else {}

    def __enter__(self) -> Self:
        user, password = self._login
        user_id, session, *_ = self._send("common.db.login", user, {"password": password}, "en")
        credentials = base64.b64encode(f"{user}:{user_id}:{session}".encode()).decode()
        self._client.headers["Authorization"] = f"Session {credentials}"
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def call(self, model: str, method: str, *arguments: Any, context: Mapping[str, Any] | None = None) -> Any:
        """Call a method of a model; TrytonError if it is refused."""
        return self._send(f"model.{model}.{method}", *arguments, {**self.context, **(context or {})})

    def create(self, model: str, **values: Any) -> int:
        """Create a record and return its id."""
        return int(self.call(model, "create", [values])[0])

    def search(self, model: str, domain: list[Any], *fields: str) -> list[Record]:
        """Return the fields of every record that `domain` describes, oldest first."""
        found: list[Record] = self.call(model, "search_read", domain, 0, None, [["id", "ASC"]], ["id", *fields])
        return found

    def id_of(self, model: str, **values: Any) -> int:
        """Return the id of the first record with these values; LookupError if there is none."""
        found = self.search(model, [[name, "=", value] for name, value in values.items()])
        if not found:
            raise LookupError(f"{model} has no record with {values}")
        return int(found[0]["id"])

    def _send(self, method: str, *parameters: Any) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": parameters}, default=_packed)
        answer = self._client.post(self._url, content=body, headers={"Content-Type": "application/json"})
        answer.raise_for_status()
        content = json.loads(answer.text, object_hook=_unpacked)
        if "error" in content:
            raise TrytonError(method, content["error"])
        return content["result"]


def _packed(value: Any) -> Any:
    if isinstance(value, Decimal):
        return {"__class__": "Decimal", "decimal": str(value)}
    raise TypeError(f"Tryton's JSON has no form for {type(value).__name__}")


def _unpacked(value: Record) -> Any:
    return Decimal(value["decimal"]) if value.get("__class__") == "Decimal" else value
