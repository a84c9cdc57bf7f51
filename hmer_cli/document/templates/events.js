// Keys, clicks and pointer events of the page.

function turn() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
  setting("theme", document.documentElement.dataset.theme);
}

function openSheet(card) {
  activate(card, { scroll: false });
  if (entryOf(card).picture === null) return;
  layOver(narrow.matches);
  if (narrow.matches) { showPage(entryOf(card)); $("#sheet-close").focus(); }
}

/** The page over all the rest, which no key reaches then. */
function layOver(isOver) {
  sheet.classList.toggle("open", isOver);
  for (const part of [$(".masthead"), list, $("#bar")]) part.inert = isOver;
}

function closeSheet() {
  layOver(false);
  active?.focus({ preventScroll: true });
}

const DEEDS = { copy, edit, right, drop, page: openSheet };
const KEYS = {
  j: () => move(1), k: () => move(-1),
  e: () => active && edit(active), c: () => (chosen.size ? copyChosen() : active && copy(active)),
  r: () => (chosen.size ? rightChosen() : active && right(active)), x: () => (chosen.size ? dropChosen() : active && drop(active)),
  p: () => active && openSheet(active),
  u: undo, U: redo, v: () => active && choose(entryOf(active)),
  n: () => setTool("draw"), s: () => setTool("split"), m: mergeChosen,
  ArrowLeft: () => active && step(active, -1), ArrowRight: () => active && step(active, 1),
  "/": () => { filter.focus(); filter.select(); },
  "?": () => $("#help").showModal(),
  Escape: () => (tool ? setTool(null) : sheet.classList.contains("open") ? closeSheet() : (chooseNone(), light(null, null))),
};
for (let n = 0; n <= 9; n++) KEYS[n] = () => active && pick(active, n);

function unlocked({ key, shiftKey }) {  // the letter as without CapsLock
  if (!/^[a-z]$/i.test(key)) return key;
  return shiftKey ? key.toUpperCase() : key.toLowerCase();
}

document.addEventListener("keydown", (event) => {
  if ($("dialog[open]") || event.altKey) return;
  const typing = event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select");
  if (event.ctrlKey || event.metaKey) {
    const deed = { z: event.shiftKey ? redo : undo, y: redo }[event.key.toLowerCase()];
    if (deed && !typing) { event.preventDefault(); deed(); }
    return;
  }
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.target.matches("input[type=radio]") && event.key.startsWith("Arrow")) return;
  if (tool && aimed(event.key, event.shiftKey)) return event.preventDefault();
  const key = unlocked(event);
  if (!Object.hasOwn(KEYS, key) || (key.length === 1 && !$("#keys").checked)) return;
  event.preventDefault();
  KEYS[key]();
});
list.addEventListener("click", (event) => {
  const card = event.target.closest(".card");
  const deed = event.target.closest("[data-do]")?.dataset.do;
  if (card && deed in DEEDS) DEEDS[deed](card);
  else if (card && !event.target.closest("form")) activate(card, { scroll: false });
});
list.addEventListener("dblclick", (event) => {
  const card = event.target.closest(".pair, .latex")?.closest(".card");
  if (card) edit(card);
});
list.addEventListener("focusin", (event) => {  // arrows then are for the formula that has the focus
  if (event.target.matches(".math")) activate(event.target.closest(".card"), { scroll: false });
});
list.addEventListener("pointermove", pointed);
list.addEventListener("pointerdown", pointed);
list.addEventListener("pointerleave", () => light(null, null));
$("#sheet-page").addEventListener("click", (event) => {
  const i = event.target.dataset?.i;
  if (i === undefined) return;
  if (event.shiftKey || event.ctrlKey || event.metaKey) return choose(entries[i]);
  closeSheet();
  activate(cards[i]);
});
$("#sheet-close").addEventListener("click", closeSheet);
filter.addEventListener("input", show);
$(".chips").addEventListener("change", show);
order.addEventListener("change", arrange);
$("#export").addEventListener("click", exportAll);
$("#undo").addEventListener("click", undo);
$("#redo").addEventListener("click", redo);
narrow.addEventListener("change", () => layOver(false));
$("#theme").addEventListener("click", turn);
$("#keys").addEventListener("change", () => setting("keys", $("#keys").checked ? "on" : "off"));
$("#help-button").addEventListener("click", () => $("#help").showModal());
