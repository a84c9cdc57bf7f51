// Keys, clicks and pointer events of the page.

function turn() {
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (dark ? "dark" : "light");
  document.documentElement.dataset.theme = now === "dark" ? "light" : "dark";
}

function openSheet(card) {
  activate(card, { scroll: false });
  if (entryOf(card).picture === null) return;
  sheet.classList.toggle("open", narrow.matches);
  if (narrow.matches) { showPage(entryOf(card)); $("#sheet-close").focus(); }
}

function closeSheet() {
  sheet.classList.remove("open");
  active?.focus({ preventScroll: true });
}

const DEEDS = { copy, edit, drop, page: openSheet };
const KEYS = {
  j: () => move(1), k: () => move(-1),
  e: () => active && edit(active), c: () => active && copy(active), x: () => (chosen.size ? dropChosen() : active && drop(active)),
  p: () => active && openSheet(active),
  u: undo, v: () => active && choose(entryOf(active)),
  n: () => setTool("draw"), s: () => setTool("split"), m: mergeChosen,
  ArrowLeft: () => active && step(active, -1), ArrowRight: () => active && step(active, 1),
  "/": () => { filter.focus(); filter.select(); },
  "?": () => $("#help").showModal(),
  Escape: () => (tool ? setTool(null) : sheet.classList.contains("open") ? closeSheet() : (chooseNone(), light(null, null))),
};
for (let n = 0; n <= 9; n++) KEYS[n] = () => active && pick(active, n);

document.addEventListener("keydown", (event) => {
  if ($("dialog[open]") || event.altKey) return;
  const typing = event.target.matches("input:not([type=radio], [type=checkbox]), textarea, select");
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !typing) { event.preventDefault(); undo(); }
  if (event.ctrlKey || event.metaKey) return;
  if (typing) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (event.target.matches("input[type=radio]") && event.key.startsWith("Arrow")) return;
  if (!Object.hasOwn(KEYS, event.key)) return;
  event.preventDefault();
  KEYS[event.key]();
});
list.addEventListener("click", (event) => {
  const card = event.target.closest(".card");
  const deed = event.target.closest("[data-do]")?.dataset.do;
  if (card && deed in DEEDS) DEEDS[deed](card);
  else if (card && !event.target.closest("form")) activate(card, { scroll: false });
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
$("#theme").addEventListener("click", turn);
$("#help-button").addEventListener("click", () => $("#help").showModal());
