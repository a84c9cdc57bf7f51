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

const latexOf = (entry) => entry.region?.latex ?? edits.get(entry.key)?.latex ?? entry.latex;
const isEdited = (entry) => entry.key !== null && (edits.has(entry.key) || Boolean(entry.recut));
const isChanged = (entry) => isEdited(entry) || entry.corrected;
const isGone = (entry) => entry.key !== null && !entry.recut && isChanged(entry) && latexOf(entry) === "";

function change(entry, latex) {
  if (entry.recut) return typeRegion(entry, latex);
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
  past.push(JSON.stringify([[...edits], recutState()]));
  if (past.length > PAST) past.shift();
  $("#undo").disabled = false;
}

function undo() {
  if (!past.length) return;
  const [then, cuts] = JSON.parse(past.pop());
  const before = new Map(then);
  const keys = new Set([...edits.keys(), ...before.keys()]);
  edits.clear();
  before.forEach((edit, key) => edits.set(key, edit));
  $("#undo").disabled = !past.length;
  if (JSON.stringify(cuts) !== JSON.stringify(recutState())) { restoreRecuts(cuts); storeRecuts(); }
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
