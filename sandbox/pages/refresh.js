// Shows what has changed without a reload, except where somebody is typing, selecting, or has the focus.
"use strict";

const MILLISECONDS = 2000;

function isInUse(part) {
  const fields = [...part.querySelectorAll("input:not([type=hidden]), textarea")];
  const selection = getSelection();
  return part.contains(document.activeElement)
    || fields.some((field) => field.value !== field.defaultValue)
    || (!selection.isCollapsed && selection.containsNode(part, true));
}

async function refresh() {
  if (document.hidden) return;
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const latest = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const newer = latest.getElementById(part.id);
    if (newer && newer.innerHTML !== part.innerHTML && !isInUse(part)) part.replaceChildren(...newer.childNodes);
  }
}

async function keepFresh() {
  await refresh().catch(() => {}); // the next one may reach the server again
  setTimeout(keepFresh, MILLISECONDS);
}

setTimeout(keepFresh, MILLISECONDS);
