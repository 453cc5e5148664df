"""The OpenAPI document of the API, built beside the event loop when it is first asked for, and then kept."""

import orjson
from fastapi import FastAPI, Response

from services.pipeline.apart import apart

OPEN_API_PATH = "/api/v1/openapi.json"


def add_open_api(app: FastAPI) -> None:
    """Add the document to `app`."""
    kept: list[bytes] = []

    @app.get(OPEN_API_PATH, include_in_schema=False)
    async def show() -> Response:
        if not kept:
            kept.append(await apart(lambda: orjson.dumps(app.openapi())))
        return Response(kept[0], media_type="application/json")
