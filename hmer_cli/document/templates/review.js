// The review page: point, filter, correct, export. What it shows stands in #data and in the cards.
"use strict";

const { entries, pages, grammar } = JSON.parse(document.getElementById("data").textContent);
const typeset = Typeset(grammar), { asFormula, fault: faultOf } = Sound(grammar.typed);
const $ = (selector, within = document) => within.querySelector(selector);
const list = $("#list"), sheet = $("#sheet"), filter = $("#filter"), order = $("#order");
const headings = [...document.querySelectorAll(".where")];
const cards = [...document.querySelectorAll(".card")];
const narrow = matchMedia("(max-width: 60rem)");
const chosen = new Set();  // entries for one deed on all of them
let active = null;  // the card that keys are meant for

// ---- What was changed here: kept in the browser, by the key of the ink, until it is applied.

const STORE = "hmer-corrections";
const edits = stored();

function stored() {
  try {
    return new Map(Object.entries(JSON.parse(localStorage.getItem(STORE) ?? "{}")));
  } catch {
    return new Map();
  }
}

function store() {
  try {
    localStorage.setItem(STORE, JSON.stringify(Object.fromEntries(edits)));
  } catch {
    toast("This browser keeps nothing: export before you close the page");
  }
}

const latexOf = (entry) => edits.get(entry.key)?.latex ?? entry.latex;
const isEdited = (entry) => entry.key !== null && edits.has(entry.key);
const isChanged = (entry) => isEdited(entry) || entry.corrected;
const isGone = (entry) => entry.key !== null && isChanged(entry) && latexOf(entry) === "";

function change(entry, latex) {
  checkpoint();
  put(entry, latex);
  changed(new Set([entry.key]));
}

function put(entry, latex) {
  const asRead = !entry.corrected && latex !== "" && latex === entry.label;
  if (asRead || (latex === entry.latex && (latex !== "" || entry.corrected))) edits.delete(entry.key);
  else edits.set(entry.key, { latex: latex.trim() });
}

/** What goes with a change of the entries with these keys. */
function changed(keys) {
  store();
  entries.forEach((entry, i) => { if (keys.has(entry.key)) draw(cards[i], entry); });
  show();
  refreshSheet();
}

// ---- Taking back: how all was before each change

const PAST = 200;
const past = [];

function checkpoint() {
  past.push(JSON.stringify([...edits]));
  if (past.length > PAST) past.shift();
  $("#undo").disabled = false;
}

function undo() {
  if (!past.length) return;
  const before = new Map(JSON.parse(past.pop()));
  const keys = new Set([...edits.keys(), ...before.keys()]);
  edits.clear();
  before.forEach((edit, key) => edits.set(key, edit));
  $("#undo").disabled = !past.length;
  changed(keys);
  toast("Taken back");
}

function settle() {
  let settled = false;
  for (const entry of entries) {
    const edit = edits.get(entry.key);
    if (edit && (edit.latex === entry.latex || (entry.corrected && edit.exported))) {
      edits.delete(entry.key);
      settled = true;
    }
  }
  if (settled) store();
}

// ---- A card

const entryOf = (card) => entries[Number(card.dataset.i)];

/** The card as what was read, or was typed since, wants it. */
function draw(card, entry) {
  coming.unobserve(card);
  card.read ??= $(".math", card)?.innerHTML ?? "";
  const latex = latexOf(entry), set = isChanged(entry) ? typeset(asFormula(latex)) : null;
  const gone = isGone(entry);
  card.className = `card ${isChanged(entry) ? "changed" : entry.status}${gone ? " gone" : ""}`;
  $(".badge", card).textContent = gone ? "not mathematics" : isChanged(entry) ? "corrected" : entry.status;
  if (entry.key === null) return;
  $("[data-do=drop]", card).textContent = gone ? "Is mathematics" : "Not mathematics";
  offer(card, entry);
  if (set === null) $(".math", card).innerHTML = card.read;
  else if (!gone) $(".math", card).innerHTML = set.math ?? "";
  const note = $(".note", card);
  note.textContent = set && !gone ? faultOf(latex) ?? "" : isChanged(entry) ? "" : entry.error ?? "";
  note.hidden = !note.textContent;
  if (gone) spell(card, entry, entry.read, entry.was.split(" "));
  else spell(card, entry, latex || entry.read, set ? set.tokens : (entry.label || entry.was).split(" "));
}

/** The LaTeX in pieces, [text, index of its token or null]: those of its tokens that stand in it. */
function pieces(latex, tokens) {
  const NEAR = 16, found = [];
  let at = 0;
  tokens.forEach((token, t) => {
    const rest = latex.slice(at), blank = rest.length - rest.trimStart().length;
    const text = token === "\\prime" && rest[blank] === "'" ? "'" : token;
    const where = /^[{}^_]$|^\\limits$/.test(text) ? (rest.startsWith(text, blank) ? blank : -1) : rest.indexOf(text);
    if (where < 0 || where > NEAR) return;
    if (where) found.push([rest.slice(0, where), null]);
    found.push([text, t]);
    at += where + text.length;
  });
  return [...found, [latex.slice(at), null]];
}

/** The LaTeX with its tokens, and a box on the crop for each that was read as it stands. */
function spell(card, entry, latex, tokens) {
  const asRead = tokens.join(" ") === entry.was;
  const math = $(".math", card), crop = $(".crop", card);
  $(".latex", card).replaceChildren(...pieces(latex, tokens).map(([text, t]) => {
    if (t === null) return text;
    const span = document.createElement("span");
    span.textContent = text;
    span.dataset.t = t;
    const sure = asRead ? entry.tokens[t]?.[0] : undefined;
    if (sure !== undefined && $(`[data-t="${t}"]`, math)) {
      span.title = `${Math.round(100 * sure)} % sure`;
      if (sure < 0.5) span.className = "unsure";
    }
    return span;
  }));
  crop?.querySelectorAll("rect").forEach((rect) => rect.remove());
  if (!crop || !asRead) return;
  entry.tokens.forEach(([, x0, y0, x1, y1], t) => {
    crop.append(box([x0, y0, x1, y1], { "data-t": t }));
  });
}

function box([x0, y0, x1, y1], attributes) {
  const rect = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  const all = { x: x0, y: y0, width: x1 - x0, height: y1 - y0, rx: 3, ...attributes };
  for (const [name, value] of Object.entries(all)) rect.setAttribute(name, value);
  return rect;
}

/** Cards are drawn when they come near, so that a long page opens at once. */
const coming = new IntersectionObserver((seen) => {
  for (const { target, isIntersecting } of seen) if (isIntersecting) wake(target);
}, { rootMargin: "600px" });

function wake(card) {
  if (card.read !== undefined) return;
  draw(card, entryOf(card));
}

// ---- Pointing: one sign in the handwriting, the formula and the LaTeX

let lit = { card: null, t: null };

function light(card, t) {
  if (lit.card === card && lit.t === t) return;
  lit.card?.querySelectorAll(".hot").forEach((part) => part.classList.remove("hot"));
  lit = { card, t };
  if (t === null) return;
  wake(card);
  card.querySelectorAll(`[data-t="${t}"]`).forEach((part) => part.classList.add("hot"));
}

/** The sign whose middle is nearest to where the crop is pointed at. */
function signAt(card, crop, event) {
  wake(card);
  const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(crop.getScreenCTM().inverse());
  let best = null, least = Infinity;
  for (const rect of crop.querySelectorAll("rect")) {
    if (!$(`.math [data-t="${rect.dataset.t}"]`, card)) continue;
    const { x, y, width, height } = rect.getBBox();
    const far = Math.max(Math.abs(at.x - x - width / 2) / width, Math.abs(at.y - y - height / 2) / height);
    if (far < least) [best, least] = [Number(rect.dataset.t), far];
  }
  return least < 0.8 ? best : null;
}

function pointed(event) {
  const card = event.target.closest?.(".card");
  const crop = event.target.closest?.(".crop");
  const part = event.target.closest?.(".math [data-t], .latex [data-t]");
  if (crop) light(card, signAt(card, crop, event));
  else light(part ? card : null, part ? Number(part.dataset.t) : null);
}

function step(card, by) {
  const signs = [...new Set([...card.querySelectorAll(".math [data-t]")].map((part) => Number(part.dataset.t)))]
    .sort((a, b) => a - b);
  const here = lit.card === card ? signs.indexOf(lit.t) : -1;
  if (signs.length) light(card, signs.at((here + by + (here < 0 && by < 0)) % signs.length));
}

// ---- The page beside the cards

let onSheet = -1;

function showPage(entry) {
  const number = entry.picture;
  if (number === null) return;
  if (number !== onSheet) {
    onSheet = number;
    const { width, height, name } = pages[number];
    $("#sheet-name").textContent = name;
    $("#sheet-page").innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img"><use href="#picture-${number}"/></svg>`;
    $("#sheet-page svg").setAttribute("aria-label", name);
    entries.forEach((other, i) => {
      if (other.picture === number) $("#sheet-page svg").append(box(other.box, { "data-i": i }));
    });
  }
  refreshSheet(entry);
  const here = $("#sheet-page .here"), view = $("#sheet-page");
  const place = here.getBoundingClientRect(), frame = view.getBoundingClientRect();
  view.scrollTop += place.top + place.height / 2 - frame.top - frame.height / 2;
}

/** The regions of the page that is shown, by what is thought of them now. */
function refreshSheet(here = active && entryOf(active)) {
  for (const rect of $("#sheet-page").querySelectorAll("rect")) {
    const other = entries[rect.dataset.i];
    const state = isGone(other) ? "gone" : isChanged(other) ? "ok" : other.status;
    rect.setAttribute("class", [state, other === here && "here", chosen.has(other) && "chosen"].filter(Boolean).join(" "));
  }
}

// ---- Which cards are shown, and in which order

const shown = () => [...list.querySelectorAll(".card:not([hidden])")];

function fits(entry, status, words) {
  const state = isChanged(entry) ? "changed" : entry.status;
  const text = `${entry.id} ${entry.alias} ${entry.source} page ${entry.page} ${latexOf(entry)}`.toLowerCase();
  return (!status || state === status) && words.every((word) => text.includes(word));
}

function show() {
  const status = $("[name=status]:checked").value;
  const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
  entries.forEach((entry, i) => { cards[i].hidden = !fits(entry, status, words); });
  const busy = new Set(shown().map((card) => card.dataset.where));
  headings.forEach((heading) => { heading.hidden = !busy.has(heading.dataset.where); });
  $("#nothing").hidden = busy.size > 0;
  summarise();
}

function summarise() {
  const count = (test) => entries.filter(test).length;
  const edited = new Set(entries.filter(isEdited).map((entry) => entry.key)).size;
  const expressions = count((entry) => entry.status !== "failed");
  const parts = [`${expressions} expression${expressions === 1 ? "" : "s"}`];
  for (const state of ["low", "failed"]) {
    const number = count((entry) => entry.status === state && !isChanged(entry));
    if (number) parts.push(`${number} ${state}`);
  }
  if (count(isChanged)) parts.push(`${count(isChanged)} corrected`);
  if (edited) parts.push(`${edited} not applied yet`);
  $("#summary").textContent = parts.join(" · ");
  $("#export").disabled = !count(isChanged);
}

function arrange() {
  const worst = order.value === "worst";
  list.classList.toggle("by-worst", worst);
  const rank = (card) => [Number(entryOf(card).status !== "failed"), entryOf(card).confidence];
  const sorted = worst
    ? [...cards].sort((a, b) => rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1])
    : headings.flatMap((heading) =>
        [heading, ...cards.filter((card) => card.dataset.where === heading.dataset.where)]);
  if (worst) list.prepend(...headings);
  $("#nothing").before(...sorted);
}

// ---- Doing things

function activate(card, { scroll = true } = {}) {
  if (!card) return;
  if (active) { active.removeAttribute("aria-current"); active.tabIndex = -1; }
  active = card;
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

async function copy(card) {
  const latex = latexOf(entryOf(card));
  try {
    await navigator.clipboard.writeText(latex);
  } catch {  // pages opened from a file may not use the clipboard everywhere
    const area = document.createElement("textarea");
    area.value = latex;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    card.focus({ preventScroll: true });
  }
  toast("LaTeX copied");
}

function edit(card) {
  const entry = entryOf(card);
  if (entry.key === null || card.classList.contains("editing")) return;
  activate(card);
  const form = $("#editor").content.cloneNode(true).firstElementChild;
  const area = $("textarea", form);
  area.value = latexOf(entry) || entry.read;
  card.classList.add("editing");
  card.append(form);
  const look = () => preview(card, form, area.value);
  const leave = () => {
    card.classList.remove("editing", "waits");
    form.remove();
    draw(card, entry);
    card.focus({ preventScroll: true });
  };
  const keep = () => {
    const latex = area.value.trim();
    leave();
    if (latex) change(entry, latex);
  };
  area.addEventListener("input", look);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) keep();
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  form.addEventListener("submit", (event) => { event.preventDefault(); keep(); });
  $("[data-do=cancel]", form).addEventListener("click", leave);
  $("[data-do=revert]", form).addEventListener("click", () => { area.value = entry.read; look(); area.focus(); });
  look();
  area.focus();
}

function preview(card, form, latex) {
  const { math } = typeset(asFormula(latex)), fault = latex.trim() && faultOf(latex);
  card.classList.toggle("waits", !math);
  if (math) $(".math", card).innerHTML = math;
  $(".fault", form).textContent = fault || (math ? "" : "kept as it is typed, but not shown here");
}

function drop(card) {
  if (chosen.size) return dropChosen();
  const entry = entryOf(card);
  if (entry.key === null) return;
  change(entry, isGone(entry) ? entry.read : "");
}

/** One correction a line, so that files can be merged by hand or by git. */
function corrections() {
  const lines = new Map();
  for (const entry of entries) {
    if (!isChanged(entry)) continue;
    const { key, file, page, box, source } = entry;
    lines.set(key, JSON.stringify({ latex: latexOf(entry), source, page, box, key, file }));
  }
  return `{"hmer": "corrections", "version": 1, "corrections": [\n${[...lines.values()].join(",\n")}\n]}\n`;
}

function exportAll() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([corrections()], { type: "application/json" }));
  link.download = "corrections.json";
  link.click();
  URL.revokeObjectURL(link.href);
  for (const entry of entries) if (isEdited(entry)) edits.get(entry.key).exported = true;
  store();
  toast("corrections.json goes to hmer convert --corrections");
}

let fading;

function toast(text) {
  $("#toast").textContent = text;
  $("#toast").classList.add("on");
  clearTimeout(fading);
  fading = setTimeout(() => $("#toast").classList.remove("on"), 2500);
}

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
  e: () => active && edit(active), c: () => active && copy(active), x: () => active && drop(active),
  p: () => active && openSheet(active),
  u: undo, v: () => active && choose(entryOf(active)),
  ArrowLeft: () => active && step(active, -1), ArrowRight: () => active && step(active, 1),
  "/": () => { filter.focus(); filter.select(); },
  "?": () => $("#help").showModal(),
  Escape: () => (sheet.classList.contains("open") ? closeSheet() : (chooseNone(), light(null, null))),
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
