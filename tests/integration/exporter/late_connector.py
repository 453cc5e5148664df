"""A connector in front of another one whose first write arrives late, when the exporter no longer waits for it."""

from services.exporter.connectors.protocol import Connector
from services.exporter.connectors.types import FindAnswer, Unknown, WriteAnswer, WriteRequest


class LateConnector:
    """Keeps the first document back until `arrive` is called, and passes every other call on to `connector`."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._kept_back: WriteRequest | None = None
        self._is_first = True

    @property
    def enforces_reference(self) -> bool:
        return self._connector.enforces_reference

    async def find(self, reference: str) -> FindAnswer:
        return await self._connector.find(reference)

    async def create(self, request: WriteRequest) -> WriteAnswer:
        if not self._is_first:
            return await self._connector.create(request)
        self._is_first, self._kept_back = False, request
        return Unknown("The ERP did not answer.")

    async def update(self, document_id: str, request: WriteRequest) -> WriteAnswer:
        return await self._connector.update(document_id, request)

    async def close(self) -> None:
        pass

    async def arrive(self) -> None:
        """Let the ERP carry out the write that was kept back."""
        assert self._kept_back is not None
        await self._connector.create(self._kept_back)
