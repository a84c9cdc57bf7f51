// State of the review page: its data, what was changed here, and how to take it back.
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
let left = null;  // the one before it, where no card is shown

// ---- What was changed here: kept in the browser, by the key of the ink, until it is applied.

const STORE = "hmer-corrections";
const edits = stored();
let seen = new Map(edits);  // as it was last read from the browser or written there
let unstored = false;  // whether something is nowhere but in this window

function stored() {
  try {
    return new Map(Object.entries(JSON.parse(localStorage.getItem(STORE) ?? "{}")));
  } catch {
    return new Map();
  }
}

/** Only those with these keys are written: other pages that are open write theirs. */
function store(keys) {
  const kept = stored();
  const set = (map, key) => (edits.has(key) ? map.set(key, edits.get(key)) : map.delete(key));
  for (const key of keys) set(kept, key);
  try {
    localStorage.setItem(STORE, JSON.stringify(Object.fromEntries(kept)));
    for (const key of keys) set(seen, key);
  } catch {
    isUnstored();
  }
}

function isUnstored() {
  unstored = true;
  toast("This browser keeps nothing: export before you close the page");
}

/** What was typed or cut in another window of the page since; `u` takes nothing of it back. */
function takeIn() {
  const now = stored(), told = (map, key) => JSON.stringify(map.get(key));
  // What is no longer there may have been applied by a newer page, and stays.
  const keys = new Set([...now.keys()].filter((key) => told(now, key) !== told(seen, key)));
  const take = (map) => keys.forEach((key) => map.set(key, now.get(key)));
  if (keys.size) {
    for (const states of [past, future]) {
      states.forEach((then, i) => {
        const [before, cuts] = JSON.parse(then), map = new Map(before);
        take(map);
        states[i] = JSON.stringify([[...map], cuts]);
      });
    }
    take(edits);
    seen = now;
    redraw(keys);
  }
  takeInRecuts();
}

/** How the reader wants the page to be; without a value, as it was set before, if that was kept. */
function setting(name, value) {
  try {
    if (value === undefined) return localStorage.getItem(`hmer-${name}`);
    localStorage.setItem(`hmer-${name}`, value);
  } catch {
    return null;  // the browser keeps nothing
  }
}

const latexOf = (entry) => entry.region?.latex ?? edits.get(entry.key)?.latex ?? entry.latex;
const isEdited = (entry) => entry.key !== null && (edits.has(entry.key) || Boolean(entry.recut));
/** Whether there is ink on the page that it says something of. */
const isCorrectable = (entry) => entry.key !== null && !entry.replaced;
const isChanged = (entry) => isEdited(entry) || entry.corrected;
const isGone = (entry) => entry.key !== null && !entry.recut && isChanged(entry) && latexOf(entry) === "";
/** Whether it was corrected when its box was another (`meant` was that), and not kept as it is since. */
const isUnsure = (entry) => Boolean(entry.meant) && !isEdited(entry);
const stateOf = (entry) => (isChanged(entry) && !isUnsure(entry) ? "changed" : entry.status);
const isAsGiven = (entry, latex) => !entry.meant && latex === entry.latex && (latex !== "" || entry.corrected);
/** Whether what was read is right, as a person said here or in a correction that was applied. */
const isChecked = (entry) => (isEdited(entry) ? edits.get(entry.key)?.right === true
  : entry.corrected && !isUnsure(entry) && entry.was !== "" && entry.label === entry.was);
/** Whether it can be said that what was read is right, or taken back. */
const isCheckable = (entry) => isCorrectable(entry) && !entry.recut && latexOf(entry) !== ""
  && (!isChanged(entry) || isUnsure(entry) || edits.get(entry.key)?.right === true);
/** The LaTeX of an expression that is no mathematics from before that was said; "" where there was none. */
const latexBefore = (entry) => edits.get(entry.key)?.before ?? entry.latex;

function change(entry, latex) {
  if (entry.recut) return typeRegion(entry, latex);
  checkpoint();
  put(entry, latex);
  changed(new Set([entry.key]));
}

function put(entry, latex) {
  if (isChecked(entry) && latex === latexOf(entry)) return;  // what was said of it still holds
  const read = entry.was === entry.label ? [entry.label, entry.read] : [entry.label];
  const asRead = !entry.corrected && latex !== "" && read.includes(latex);
  if (asRead || isAsGiven(entry, latex)) edits.delete(entry.key);
  else edits.set(entry.key, { latex: latex.trim() });
}

/** No mathematics; where that was said already, what stood before. */
function toggle(entry) {
  const before = latexBefore(entry), said = edits.get(entry.key);
  if (!isGone(entry)) edits.set(entry.key, { latex: "", before: latexOf(entry), wasRight: said?.right });
  else if (said?.wasRight) edits.set(entry.key, { latex: before, right: true });
  else if (entry.meant && before === entry.latex) edits.delete(entry.key);
  else if (before || entry.corrected) put(entry, before || entry.read);
  else edits.delete(entry.key);
}

/** What was read is right; where that was said of all of these already, it is not. Gives those that changed. */
function check(those) {
  const open = those.filter((entry) => !edits.get(entry.key)?.right);
  for (const entry of open) edits.set(entry.key, { latex: latexOf(entry), right: true });
  if (!open.length) for (const entry of those) edits.delete(entry.key);
  return open.length ? open : those;
}

/** What goes with a change of the entries with these keys. */
function changed(keys) {
  store(keys);
  redraw(keys);
}

function redraw(keys) {
  entries.forEach((entry, i) => { if (keys.has(entry.key)) draw(cards[i], entry); });
  show();
  refreshSheet();
}

// ---- Taking back: how all was before each change, and before each that was taken back

const PAST = 200;
const past = [], future = [];
const stateNow = () => JSON.stringify([[...edits], recutState()]);

function checkpoint() {
  past.push(stateNow());
  if (past.length > PAST) past.shift();
  future.length = 0;
  showHistory();
}

function showHistory() {
  for (const [button, states] of [[$("#undo"), past], [$("#redo"), future]]) {
    if (!states.length) passFocus(button);
    button.disabled = !states.length;
  }
}

/** Nothing that goes takes the focus with it: the active card has it then. */
function passFocus(part) {
  if (part.contains(document.activeElement)) (active ?? filter).focus({ preventScroll: true });
}

const undo = () => restore(past, future, "Taken back");
const redo = () => restore(future, past, "Done again");

/** The last of these states; the one of now goes to the others. */
function restore(from, to, what) {
  if (!from.length || mustKeepFirst(typedInWithout(JSON.parse(from.at(-1))[1]))) return;
  const [then, cuts] = JSON.parse(from.pop());
  to.push(stateNow());
  const before = new Map(then);
  const differs = (key) => JSON.stringify(edits.get(key)) !== JSON.stringify(before.get(key));
  const keys = new Set([...edits.keys(), ...before.keys()].filter(differs));
  edits.clear();
  before.forEach((edit, key) => edits.set(key, edit));
  if (JSON.stringify(cuts) !== JSON.stringify(recutState())) { restoreRecuts(cuts); storeRecuts(); }
  changed(keys);
  const first = cards.find((card) => keys.has(entryOf(card).key) && !entryOf(card).replaced);
  activate(first, { scroll: false });
  first?.scrollIntoView({ block: "nearest" });
  showHistory();
  toast(what);
}

/** Those that were applied are no changes any more; what was typed since, and not applied, still is. */
function settle() {
  const settled = new Set();
  for (const entry of entries) {
    const edit = edits.get(entry.key);
    if (edit?.right && !entry.corrected) continue;  // as it was read, and not applied yet
    if (edit && (isAsGiven(entry, edit.latex) || isAsGiven(entry, asFormula(edit.latex)))) settled.add(entry.key);
  }
  settled.forEach((key) => edits.delete(key));
  if (settled.size) store(settled);
}
