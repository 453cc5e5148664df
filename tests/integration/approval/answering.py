"""Answers on the triage page as a browser without scripts does: mark, review, send."""

import html
import re

from httpx2 import AsyncClient, Response

from tests.integration.approval.page_reader import hidden_fields

READY = "/commitments?view=ready"


async def mark(browser: AsyncClient, value: str, **fields: str) -> Response:
    """Mark one commitment; `value` is that of its button."""
    return await browser.post("/marks", data={"mark": value} | fields)


async def send(browser: AsyncClient, page: str = READY) -> Response:
    """Press the button below the list: one fresh commitment is sent at once, otherwise the review opens."""
    shown = await browser.get(page)
    if 'href="/review?' in shown.text:
        address = html.unescape(re.findall(r'href="(/review\?[^"]*)"', shown.text)[-1])
        return await browser.get(address)
    return await browser.post("/review", data=hidden_fields(shown, "/review"))


async def confirm(browser: AsyncClient, review: Response) -> Response:
    """Send what the review shows."""
    return await browser.post("/review", data=hidden_fields(review, "/review"))


async def choose(browser: AsyncClient, *chosen: str, **fields: str) -> Response:
    """Mark all of `chosen` and send them; return the first page that refuses one, or the redirect to the results."""
    for value in chosen:
        marked = await mark(browser, value, **fields)
        if not marked.has_redirect_location:
            return marked
    answer = await send(browser)
    if answer.has_redirect_location and answer.headers["location"].startswith("/review"):
        answer = await browser.get(answer.headers["location"])
    return answer if answer.has_redirect_location or answer.is_error else await confirm(browser, answer)
