// The desk works without this script. It adds keys, live counts and the news that more has come; it sends nothing.
(() => {
  "use strict";
  const body = document.body;
  const NEWS_EVERY_MS = 15000;

  const go = (element) => element && (element.href ? location.assign(element.href) : element.click());
  const rows = () => [...document.querySelectorAll(".item .number, .cards tbody a.number")];
  const place = () => rows().findIndex((link) => link.hasAttribute("aria-current") || link === document.activeElement);
  const step = (by) => {
    const links = rows();
    const at = place();
    return links[at < 0 ? 0 : Math.min(Math.max(at + by, 0), links.length - 1)];
  };
  const move = (by) => {
    const link = step(by);
    if (!link) return;
    if (link.closest(".item")) go(link);
    else link.focus();
  };
  const focus = (selector) => {
    const field = document.querySelector(selector);
    if (field) { field.focus(); field.scrollIntoView({ block: "nearest" }); }
  };
  const keys = {
    j: () => move(1),
    k: () => move(-1),
    o: () => go(document.querySelector(".pane .full") || step(0)),
    Enter: () => go(document.querySelector(".pane .full") || step(0)),
    a: () => document.querySelector('.foot [data-key="a"]')?.click(),
    r: () => focus('.foot [data-key="r"], #reason'),
    u: () => go(document.querySelector(".back a") || document.querySelector(".to-list")),
    "/": () => focus("#q"),
    "?": () => location.assign("/help"),
  };

  const isTyping = (target) => target.closest("input, textarea, select, [contenteditable]");
  const isControl = (event) => event.key === "Enter" && event.target.closest("a, button, summary, label");
  document.addEventListener("keydown", (event) => {
    if (body.dataset.keys !== "on" || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (isTyping(event.target) || isControl(event) || !keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  });

  // The row that is open stays in sight, also if the list is long; so does one's place after a mark.
  const queue = document.querySelector(".queue");
  const current = document.querySelector(".item.current");
  if (current && queue.scrollHeight > queue.clientHeight + 1) current.scrollIntoView({ block: "center" });
  if (location.hash === "#reason") focus("#reason");

  // Only one menu at a time, and Escape closes it.
  document.addEventListener("toggle", (event) => {
    if (!event.target.matches?.("details.chip[open]")) return;
    for (const other of document.querySelectorAll("details.chip[open]")) if (other !== event.target) other.open = false;
  }, true);
  document.addEventListener("keydown", (event) => {
    const open = event.key === "Escape" && document.querySelector("details.chip[open]");
    if (open) { open.open = false; open.querySelector("summary").focus(); }
  });

  const tell = (news) => {
    for (const [view, count] of Object.entries(news.counts)) {
      const shown = document.querySelector(`[data-count="${view}"]`);
      if (shown && shown.textContent !== count) shown.textContent = count;
    }
    const line = document.querySelector("[data-news].news");
    if (!line || line.dataset.words === news.words) return;
    line.dataset.words = news.words;
    line.replaceChildren();
    if (!news.words) return;
    const link = document.createElement("a");
    link.href = news.address;
    link.textContent = news.words;
    line.append(link);
  };
  // The seconds left to undo count down; then the button goes, and with the last one its box.
  for (const left of document.querySelectorAll("[data-seconds]")) {
    const end = Date.now() + Number(left.dataset.seconds) * 1000;
    const count = setInterval(() => {
      const seconds = Math.max(0, Math.ceil((end - Date.now()) / 1000));
      left.textContent = String(seconds);
      if (seconds > 0) return;
      clearInterval(count);
      const form = left.closest("form");
      left.closest("button").remove();
      if (!form.querySelector("[data-seconds]")) form.remove();
    }, 250);
  }

  // Whoever was signed out is told once, and asks no more. What they have typed stays on the page.
  const tellSignedOut = () => {
    clearInterval(asking);
    document.removeEventListener("visibilitychange", ask);
    const line = document.querySelector("[data-news].news");
    if (!line) return;
    const link = document.createElement("a");
    link.href = `/sign-in?return_to=${encodeURIComponent(location.pathname + location.search)}`;
    link.textContent = "You were signed out, sign in";
    line.replaceChildren(link);
  };
  const ask = async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(body.dataset.news, { headers: { accept: "application/json" }, redirect: "manual" });
      if (answer.type === "opaqueredirect") tellSignedOut();
      else if (answer.ok) tell(await answer.json());
    } catch { /* the next one may work */ }
  };
  const asking = body.dataset.news && setInterval(ask, NEWS_EVERY_MS);
  if (asking) document.addEventListener("visibilitychange", ask);
})();
