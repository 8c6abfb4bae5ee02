// Small things that HTML alone cannot do. Everything works without them but copying.
"use strict";

// times in the reader's own zone; what was said before stays as the title
function localTimes(root) {
  const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
    time.title = time.textContent;
    time.textContent = format.format(new Date(time.dateTime));
  }
}

document.documentElement.classList.add("scripted");
localTimes(document);
for (const swapped of ["htmx:afterSwap", "htmx:oobAfterSwap"]) {
  document.addEventListener(swapped, (event) => localTimes(event.target.parentElement ?? event.target));
}

// what renews itself leaves open what was open, and stays where it was scrolled to
const kept = new Map();
document.addEventListener("htmx:beforeSwap", (event) => {
  for (const each of event.target.querySelectorAll("details[id], [role=region]")) {
    kept.set(each.id || each.getAttribute("aria-label"), [each.open, each.scrollLeft]);
  }
});
document.addEventListener("htmx:afterSettle", () => {
  for (const each of document.querySelectorAll("details[id], [role=region]")) {
    const [open, left] = kept.get(each.id || each.getAttribute("aria-label")) ?? [];
    if (open !== undefined) each.open = open;
    if (left) each.scrollLeft = left;
  }
  kept.clear();
});

document.addEventListener("click", (event) => {
  const menu = event.target.closest("button.menu");
  if (menu) {
    const open = menu.getAttribute("aria-expanded") !== "true";
    menu.setAttribute("aria-expanded", open);
    document.getElementById("navigation").classList.toggle("open", open);
  }
  const copy = event.target.closest("button[data-copies]");
  if (copy) {
    const text = document.getElementById(copy.dataset.copies).textContent;
    navigator.clipboard.writeText(text).then(() => { copy.textContent = "Copied"; });
  }
});

// only where the browser lets a page copy: on TLS or the machine itself; the secret can be selected anywhere
if (!navigator.clipboard) {
  for (const copy of document.querySelectorAll("button[data-copies]")) copy.hidden = true;
}

// what went wrong is read first
document.querySelector(".problem[tabindex]")?.focus();
