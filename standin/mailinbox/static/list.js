// Fetches the list again every few seconds while the page is looked at. Without scripts, the page
// reloads itself instead.
"use strict";

const list = document.getElementById("list");

async function refresh() {
  if (document.hidden || list.contains(document.activeElement)) {
    return;
  }
  try {
    const answer = await fetch(list.dataset.refresh);
    if (!answer.ok) {
      return;
    }
    const html = await answer.text();
    if (html !== list.dataset.shown) {
      list.innerHTML = html; // rendered and escaped by the server, like the page itself
      list.dataset.shown = html;
    }
  } catch {
    // The inbox is being restarted; the next round shows it again.
  }
}

setInterval(refresh, 3000);
