// Which cards are shown, in which order, and which of them is active.

const shown = () => [...list.querySelectorAll(".card:not([hidden])")];

function fits(entry, status, words) {
  const state = stateOf(entry);
  const text = `${entry.id} ${entry.alias} ${entry.source} page ${entry.page} ${latexOf(entry)}`.toLowerCase();
  return (!status || state === status) && words.every((word) => text.includes(word));
}

function show() {
  const status = $("[name=status]:checked").value;
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  entries.forEach((entry, i) => {
    const isTyped = cards[i].classList.contains("editing");  // what is being typed can be kept or left
    cards[i].hidden = Boolean(entry.replaced) || !(isTyped || fits(entry, status, words));
  });
  const busy = new Set(shown().map((card) => card.dataset.where));
  headings.forEach((heading) => { heading.hidden = !busy.has(heading.dataset.where); });
  $("#nothing").hidden = busy.size > 0;
  activateShown();
  summarise();
}

/** Keys are for what is seen: where the active card is not any more, for the next one that is. */
function activateShown() {
  const was = active ?? left;
  if (!was || (active && !active.hidden)) return;
  const all = shown(), isAfter = (card) => was.compareDocumentPosition(card) & Node.DOCUMENT_POSITION_FOLLOWING;
  deactivate();
  left = was;
  const here = was.hidden ? all.find(isAfter) ?? all.at(-1) : was;
  const isElsewhere = document.activeElement !== document.body && !list.contains(document.activeElement);
  activate(here, { scroll: !isElsewhere });
}

function deactivate() {
  active?.removeAttribute("aria-current");
  if (active) active.tabIndex = -1;
  active = left = null;
}

function summarise() {
  const count = (test) => entries.filter((entry) => !entry.replaced && test(entry)).length;
  const edited = new Set(entries.filter((entry) => !entry.replaced && isEdited(entry)).map((entry) => entry.key)).size;
  const expressions = count((entry) => !["failed", "empty"].includes(entry.status));
  const parts = [`${expressions} expression${expressions === 1 ? "" : "s"}`];
  for (const state of ["low", "failed"]) {
    const number = count((entry) => stateOf(entry) === state);
    if (number) parts.push(`${number} ${state}`);
  }
  const checked = count(isChecked), corrected = count((entry) => stateOf(entry) === "changed") - checked;
  if (corrected) parts.push(`${corrected} corrected`);
  if (checked) parts.push(`${checked} checked`);
  if (edited) parts.push(`${edited} not applied yet`);
  $("#summary").textContent = parts.join(" · ");
  $("#export").disabled = !count(isChanged) && !recutLines().length;
}

function arrange() {
  const worst = order.value === "worst";
  list.classList.toggle("by-worst", worst);
  const rank = (card) => [{ failed: 0, empty: 2 }[entryOf(card).status] ?? 1, entryOf(card).confidence];
  const sorted = worst
    ? [...cards].sort((a, b) => rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1])
    : headings.flatMap((heading) =>
        [heading, ...cards.filter((card) => card.dataset.where === heading.dataset.where)]);
  if (worst) list.prepend(...headings);
  $("#nothing").before(...sorted);
}

function activate(card, { scroll = true } = {}) {
  if (!card) return;
  deactivate();
  active = card;
  if (card.hidden && !entryOf(card).replaced) {  // by the filter, until that is looked at again
    card.hidden = false;
    headings.forEach((heading) => { heading.hidden &&= heading.dataset.where !== card.dataset.where; });
    $("#nothing").hidden = true;
  }
  wake(card);
  card.setAttribute("aria-current", "true");
  card.tabIndex = 0;
  if (scroll) {
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }
  showPage(entryOf(card));
}

function move(by) {
  const all = shown(), here = all.indexOf(active);
  activate(here < 0 ? all[0] : all[Math.min(all.length - 1, Math.max(0, here + by))]);
}
