"""What is checked of a page in the browser, as a person would notice it: a list of what is wrong, in words."""

from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

WIDTHS = (1280, 834, 375, 320)
PICTURED = (1280, 834, 375)
"""The widths of the screenshots."""

HEIGHT = 800
SCHEMES = ("light", "dark")
AXE_SEES = (("light", 1280), ("light", 320), ("dark", 1280))
OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}

_SCROLLS = """() => {
  const root = document.documentElement;
  if (root.scrollWidth <= root.clientWidth) return [];
  const wide = [...document.querySelectorAll("body *")].filter(element =>
    element.getBoundingClientRect().right > root.clientWidth + 1 && !element.parentElement.closest(".scroll"));
  return [`scrolls sideways by ${root.scrollWidth - root.clientWidth} px: ${wide.at(-1)?.outerHTML.slice(0, 120)}`];
}"""

_CUT = """() => {
  const right = element => element.getBoundingClientRect().right;
  const cards = [...document.querySelectorAll(".sheet")].filter(card => card.scrollWidth > card.clientWidth + 1)
    .map(card => `runs out of its card by ${card.scrollWidth - card.clientWidth} px: ${card.outerHTML.slice(0, 120)}`);
  const tags = [...document.querySelectorAll(".item .urgent .tag")].filter(tag => right(tag) > right(tag.closest("tr")))
    .map(tag => `cut: ${tag.outerHTML}`);
  const broken = [...document.querySelectorAll("td.amount")].filter(cell => {
    const text = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT).nextNode();
    const range = document.createRange();
    if (text) range.selectNodeContents(text);
    return innerWidth > 800 && new Set([...range.getClientRects()].map(box => box.top)).size > 1;
  }).map(cell => `an amount in two lines: ${cell.innerText}`);
  return [...cards, ...tags, ...broken];
}"""

_SMALL = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")]
  .filter(element => element.checkVisibility() && !element.closest(".skip"))
  .filter(element => {
    const flow = element.closest("p, li, td, dd, caption");
    return !(element.matches("a") && flow && flow.innerText.trim() !== element.innerText.trim());
  })
  .map(element => {
    const spread = getComputedStyle(element, "::after");  // a link may cover what it stands in
    const size = {width: parseFloat(spread.width), height: parseFloat(spread.height)};
    if (spread.position === "absolute") return [element, size];
    const label = element.matches("[type=checkbox], [type=radio]") && element.closest("label");
    return [element, (label || element).getBoundingClientRect()];
  })
  .filter(([, box]) => box.height < 23.5 || box.width < 23.5)
  .map(([element, box]) => `target of ${Math.round(box.width)} x ${Math.round(box.height)} px: ` +
    element.outerHTML.slice(0, 120))"""

_HIDDEN = """() => {
  const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, " +
    "[tabindex='0']")].filter(element => element.checkVisibility() && !element.disabled && element.tabIndex >= 0);
  const isSeen = element => {
    let box = element.getBoundingClientRect();
    if (box.height > innerHeight) {  // of what is longer than the window, a part is seen
      const [top, bottom] = [Math.max(box.top, 0), Math.min(box.bottom, innerHeight)];
      box = {left: box.left, width: box.width, top, height: bottom - top};
    }
    const places = [[.5, .5], [.1, .2], [.9, .2], [.1, .8], [.9, .8]];
    return places.some(([x, y]) => {
      const top = document.elementFromPoint(box.left + box.width * x, box.top + box.height * y);
      return top && (element.contains(top) || top.contains(element) || top.closest("label")?.control === element);
    });
  };
  const found = new Set();
  for (const order of [all, [...all].reverse()])
    for (const element of order) {
      element.focus();
      if (!isSeen(element)) found.add(`hidden when it has the focus: ${element.outerHTML.slice(0, 120)}`);
    }
  document.activeElement?.blur();
  scrollTo(0, 0);
  return [...found];
}"""


async def look_at(page: Page, pictures: Path | None, *, is_thorough: bool) -> list[str]:
    """Everything that is wrong with an open page, in both schemes and at all widths; screenshots go to `pictures`.

    Unless `is_thorough`, axe sees the widest and the narrowest page, and in dark the widest: a scheme has only colours.
    """
    found: list[str] = []
    await page.evaluate(AXE_SCRIPT)
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of playwright's literals
        for width in WIDTHS:
            await page.set_viewport_size({"width": width, "height": HEIGHT})
            if pictures and width in PICTURED:
                await page.screenshot(path=f"{pictures}-{width}-{scheme}.png", full_page=True)
            wrong: list[str] = []
            if is_thorough or (scheme, width) in AXE_SEES:
                wrong += await _violations(page)
            if scheme == "light":
                for check in (_SCROLLS, _CUT, _SMALL, _HIDDEN):
                    wrong += await page.evaluate(check)
            found += [f"{scheme}, {width} px: {each}" for each in wrong]
    return found


async def _violations(page: Page) -> list[str]:
    """What axe finds, each with its first elements."""
    results = await page.evaluate("options => axe.run(options)", OPTIONS)
    return [
        f"axe {each['id']} ({each['impact']}): {node['html'][:160]}"
        for each in results["violations"]
        for node in each["nodes"][:3]
    ]
