"""What people read who lack a right: on every page who they are, what is missing, and a way out."""

from http import HTTPStatus

import pytest
from httpx2 import Response

from schemas.events import DirectoryPerson
from schemas.fields import Status, ToolLevel
from services.approval.identity.sign_in.errors import APPROVERS_ONLY
from services.approval.rules.status import STATUS_WORDS
from services.approval.web.desk.help import RIBBON_WORDS
from services.approval.web.desk.pages import VIEW_TITLES
from tests.integration.approval import company
from tests.integration.approval.company import ANA, DANA, KIM, SAM, sent
from tests.integration.approval.desk import DeskUnderTest
from tests.integration.approval.page_reader import text_of

STRANGER = company.directory_person("person-nobody", "No Body")
CONCRETE = company.content("8841", "SC-014")


def has_head(page: Response, name: str) -> bool:
    return f">{name}</a>" in page.text and 'action="/sign-out"' in page.text


@pytest.mark.parametrize(
    ("who", "name"), [(SAM, "Sam Lee"), (STRANGER, "person-nobody"), (KIM, "Kim Osei"), (DANA, "Dana Ruiz")]
)
async def test_every_page_and_every_error_names_the_person_and_lets_them_sign_out(
    desk: DeskUnderTest, who: DirectoryPerson, name: str
) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(who) as browser:
        pages = [
            await browser.get(address)
            for address in (
                "/commitments?view=ready",
                "/commitments?view=nonsense",
                "/commitments?view=ready&after=x",
                "/commitments/8841",
                "/commitments/none",
                "/directory",
                "/sessions",
                "/access",
                "/help",
                "/nowhere",
                "/u/forged",
                "/assets/none.css",
                "/signed-out",
            )
        ]
        pages += [await browser.post(path) for path in ("/commitments/8841/reject", "/directory", "/u/forged")]
        browser.headers["sec-fetch-site"] = "cross-site"
        pages.append(await browser.post("/commitments/8841/reject"))
    for page in pages:
        assert has_head(page, name), (page.url, page.text)
        assert ('class="badge">Accounting approver' in page.text.split("</header>")[0]) is (who is DANA), page.url


async def test_nobodys_pages_name_nobody(desk: DeskUnderTest) -> None:
    async with desk.browser() as browser:
        for address in ("/nowhere", "/signed-out"):
            assert "/sign-out" not in (await browser.get(address)).text


@pytest.mark.parametrize("who", [SAM, STRANGER])
async def test_whoever_may_not_view_gets_no_link_that_is_refused_again(
    desk: DeskUnderTest, who: DirectoryPerson
) -> None:
    async with desk.browser(who) as browser:
        refused = await browser.get("/commitments?view=ready")
        assert refused.status_code == HTTPStatus.FORBIDDEN
        assert "You don't have access" in text_of(refused)
        assert "Your company's directory administrator can give you what is missing." in text_of(refused)
        for page in (refused, await browser.get("/nowhere"), await browser.get("/access")):
            assert 'name="then" value="sign-in"' in page.text
            for address in ("/access", "/sessions"):
                assert (await browser.get(address)).status_code == HTTPStatus.OK
            assert not {"/commitments", "/directory"} & _links(page)


async def test_somebody_else_can_sign_in_instead(desk: DeskUnderTest) -> None:
    async with desk.browser(SAM) as browser:
        out = await browser.post("/sign-out", data={"then": "sign-in"})
        assert out.headers["location"] == "/sign-in?choose=person"
        assert (await browser.get("/access")).headers["location"] == "/sign-in?return_to=%2Faccess"


async def test_a_viewer_is_told_what_is_missing_and_why(desk: DeskUnderTest) -> None:
    await desk.receive(sent(CONCRETE))
    async with desk.browser(KIM) as browser:
        for page in (await browser.get("/commitments?view=ready"), await browser.get("/commitments/8841")):
            assert f"{APPROVERS_ONLY} Why can I not do this?" in text_of(page)
            assert "/access" in _links(page)
        forced = await browser.post("/commitments/8841/reject", data={"reason": "No."})
        assert forced.status_code == HTTPStatus.FORBIDDEN
        assert APPROVERS_ONLY in text_of(forced)
        assert "/access" in _links(forced)
        words = text_of(await browser.get("/access"))
    assert "View commitments, their history and the directory: yes." in words
    assert "Accept, reject, retry and settle: no." in words
    assert "Missing Standard or Admin on ERP Integrations, and 'Can Push to Accounting'." in words
    assert "ERP Integrations Read Only" in words
    assert KIM.person_id in words


async def test_levels_on_projects_are_told(desk: DeskUnderTest) -> None:
    await desk.receive(ANA.model_copy(update={"version": 2, "erp_tool": ToolLevel.STANDARD}))
    async with desk.browser(ANA) as browser:
        words = text_of(await browser.get("/access"))
    assert f"Commitments in project {company.PROJECT} Standard" in words
    assert "Missing 'Can Push to Accounting'." in words


async def test_help_explains_every_view_ribbon_and_answer_to_whoever_is_signed_in(desk: DeskUnderTest) -> None:
    async with desk.browser(SAM) as browser, desk.browser() as nobody:
        words = text_of(await browser.get("/help"))
        assert (await nobody.get("/help")).headers["location"] == "/sign-in?return_to=%2Fhelp"
    for told in (*VIEW_TITLES.values(), *STATUS_WORDS.values(), "Daily Summary", "Accept", "Settle", "j, k"):
        assert told in words
    assert set(RIBBON_WORDS) == set(Status)


async def test_single_keys_are_switched_off_and_on_for_a_browser_on_every_page(desk: DeskUnderTest) -> None:
    pages = ("/commitments?view=ready", "/help", "/nowhere")
    async with desk.browser(DANA) as browser, desk.browser(DANA) as other:
        for choice in ("off", "on"):
            switched = await browser.post("/help/keys", data={"keys": choice})
            assert switched.headers["location"] == "/help#keys"
            for page in pages:
                assert f' data-keys="{choice}"' in (await browser.get(page)).text
                assert ' data-keys="on"' in (await other.get(page)).text
        browser.headers["sec-fetch-site"] = "cross-site"
        assert (await browser.post("/help/keys", data={"keys": "off"})).status_code == HTTPStatus.FORBIDDEN


def _links(page: Response) -> set[str]:
    return {part.split('"')[0].split("?")[0] for part in page.text.split('href="')[1:]}
