"""A connector in front of another one that loses requests on their way to the ERP."""

from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.types import FindAnswer, Unknown, WriteAnswer, WriteRequest


class LosingConnector:
    """Passes calls on to `connector`, but for the first `times` writes, which never arrive; counts all writes."""

    def __init__(self, connector: Connector, *, times: int) -> None:
        self._connector = connector
        self._times = times
        self.writes = 0

    @property
    def enforces_reference(self) -> bool:
        return self._connector.enforces_reference

    async def find(self, reference: str) -> FindAnswer:
        return await self._connector.find(reference)

    async def create(self, request: WriteRequest) -> WriteAnswer:
        return self._lost() or await self._connector.create(request)

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        return self._lost() or await self._connector.update(document_id, request)

    async def close(self) -> None:
        pass

    def _lost(self) -> Unknown | None:
        self.writes += 1
        return Unknown("The ERP did not answer.") if self.writes <= self._times else None
