// Regions that a person cuts: drawn, merged, split, an edge moved. Kept in the browser until they are
// exported; hmer convert reads them anew where no LaTeX was typed.
//
// A recut is { id, picture, replaces: [entry], regions: [{ box, latex }], near: [{ key, box }] }. Its
// regions are entries and cards like the others, with `recut` set; the entries that it replaces have it
// as `replaced`; `near` are others of the page.

const CUTS = "hmer-regions";
const SAME = 0.5;  // share of a region inside another from which on that replaces it
const NEAR = 2;  // other regions of the page by which a changed file is known again
const APART = 3;  // pixels by which the distances between regions of one page may differ
const SMALL = 8;  // pixels of the screen: a shorter way of the pointer is a tap
let recuts = [];
let tool = null;  // what the next drag on the page does: null, "draw" or "split"

const crossed = (a, b) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0]))
  * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
const share = (a, b) => crossed(a, b) / Math.max(1, (a[2] - a[0]) * (a[3] - a[1]));
const around = (boxes) => [0, 1].map((k) => Math.min(...boxes.map((b) => b[k])))
  .concat([2, 3].map((k) => Math.max(...boxes.map((b) => b[k]))));

/** Those of the page that stand: neither replaced nor no mathematics. */
const standing = (picture) => entries.filter((e) => e.picture === picture && isCorrectable(e));

// ---- Cutting

const boxesOf = (those) => those.map(({ box }) => box), anchor = ({ key, box }) => ({ key, box });
/** The boxes by which something gives way: those of the lines of a derivation, each by itself. */
const linesOf = ({ box, lines }) => (lines?.length ? lines : [box]);
const isIn = (line, boxes) => boxes.some((box) => share(line, box) >= SAME);
/** Whether the entry, or a line of it, gives way to one of the boxes, by the rule of document/recut.py. */
const givesWay = (entry, boxes) => linesOf(entry).some((line) => isIn(line, boxes));
/** The lines of derivations that do not, while others of them do: they stay, each a region, unless no mathematics. */
const linesLeft = (those, boxes) => those.filter((entry) => !isGone(entry)).flatMap(linesOf).filter((line) => !isIn(line, boxes));

/** Boxes in place of entries of one page and of what gives way to them. */
function cutAnew(picture, old, boxes) {
  const others = standing(picture).filter((entry) => !old.includes(entry)), read = old.filter((entry) => !entry.recut);
  const places = [...boxes, ...boxesOf(read)], more = others.filter((entry) => givesWay(entry, entry.recut ? boxes : places));
  if (more.length) return cutAnew(picture, [...old, ...more], [...linesLeft(more, places), ...boxes]);
  keepDrafts(old);
  checkpoint();
  const recut = replaceBy(picture, old, boxes);
  if (boxes.length === 1 && old.length === 1) recut.regions.at(-1).latex = old[0].region?.latex;
  showRecuts();
  storeRecuts();
  return recut;
}

/** The recut of boxes in place of entries; what those were cut from before is taken into account, as are
    other recuts there, which the new one would undo, being the last. */
function replaceBy(picture, old, boxes) {
  const others = standing(picture).filter((entry) => !old.includes(entry)), read = old.filter((entry) => !entry.recut);
  const before = new Set(old.map((entry) => entry.recut).filter(Boolean));
  const places = boxesOf([...read, ...[...before].flatMap((recut) => [...recut.replaces, ...recut.regions])]);
  const stays = boxes.length || [...before].some((recut) => recut.regions.some((r) => !old.includes(r.entry)));
  if (stays) for (const entry of others) if (entry.recut && givesWay(entry, places)) before.add(entry.recut);
  const kept = [...before].flatMap((recut) => recut.regions.filter((r) => !old.includes(r.entry)));
  const replaces = [...read, ...[...before].flatMap((r) => r.replaces)];
  const recut = {
    id: `${Date.now()}-${Math.random()}`,
    picture,
    replaces,
    near: nearOf(picture, replaces),
    regions: [...kept, ...boxes.map((box) => ({ box: box.map(Math.round) }))],
  };
  recuts = recuts.filter((each) => !before.has(each));
  if (recut.regions.length) recuts.push(recut);
  return recut;
}

/** Others of the page to find it by; those that an earlier recut replaced are gone when this one is applied. */
function nearOf(picture, replaces) {
  const others = entries.filter((e) => e.picture === picture && e.key !== null && !e.recut && !replaces.includes(e));
  const still = others.filter((entry) => !entry.replaced);
  return (still.length ? still : others).slice(0, NEAR).map(anchor);
}

/** What is said of a new box: what was typed for the region in its place before stays. */
const saidOf = ({ regions }, what) => (regions.at(-1).latex ? `${what}; what you typed stays: check it` : what);

function drawRegion(box) {
  const [x0, y0, x1, y1] = box.map(Math.round);
  if (x0 === x1 || y0 === y1) return toast("Draw a box round it: this one is a line");
  const recut = cutAnew(onSheet, [], [box]);
  activate(cardOf(recut.regions.at(-1).entry));
  toast(recut.regions.at(-1).latex ? saidOf(recut, "Drawn anew") : "Will be read anew; type its LaTeX if you like");
}

function mergeChosen() {
  const old = [...chosen].filter((entry) => !entry.replaced);
  if (old.length < 2 || new Set(old.map((entry) => entry.picture)).size > 1) {
    return toast("Choose two or more of one page to merge");
  }
  const recut = cutAnew(old[0].picture, old, [around(old.map((entry) => entry.box))]);
  activate(cardOf(recut.regions.at(-1).entry));
}

/** Cut in two by a line from one point of the page to another, or across its longer side at one. */
function splitAt(entry, [x0, y0], [x1, y1], tap) {
  const [left, top, right, foot] = entry.box;
  const upright = tap ? right - left > foot - top : Math.abs(y1 - y0) > Math.abs(x1 - x0);
  const x = Math.round((x0 + x1) / 2), y = Math.round((y0 + y1) / 2);
  if (upright ? x <= left || x >= right : y <= top || y >= foot) return toast("Split it inside its box");
  const boxes = upright ? [[left, top, x, foot], [x, top, right, foot]] : [[left, top, right, y], [left, y, right, foot]];
  const recut = cutAnew(entry.picture, [entry], boxes);
  activate(cardOf(recut.regions.at(-2).entry));
}

function moveEdge(entry, box) {
  const recut = cutAnew(entry.picture, [entry], [box]);
  activate(cardOf(recut.regions.at(-1).entry), { scroll: !narrow.matches });
  toast(`${saidOf(recut, "Edge moved")} (Undo or u takes it back)`);  // a finger may have meant to scroll
}

/** Regions of recuts are taken away; what a recut replaced stands again where none of its is left. */
function takeAway(those) {
  for (const { picture, region } of those) {
    replaceBy(picture, [region.entry], []);
    showRecuts();
  }
  storeRecuts();
}

function uncut(entry) {
  keepDrafts([entry]);
  checkpoint();
  takeAway([entry]);
  toast("Taken away");
}

// ---- Keeping

const recutState = () => recuts.map(({ id, picture, replaces, regions, near }) => ({
  id,
  page: picture,
  file: fileOf(picture),
  source: pages[picture].source,
  replaces: replaces.map(anchor),
  regions: regions.map(({ box, latex }) => ({ box, latex })),
  near,
}));
const fileOf = (picture) => `${pages[picture].file} ${pages[picture].page}`;

const storedRecuts = () => JSON.parse(localStorage.getItem(CUTS) ?? "[]");
let passed = new Set();  // those of other pages, as they were last read
let told = new Map();  // each recut of this page as it was last read from the browser or written there

/** Only what changed here is written: other pages that are open write theirs. */
function storeRecuts() {
  const now = new Map(recutState().map((each) => [each.id, each]));
  const telling = new Map([...now].map(([id, each]) => [id, JSON.stringify(each)]));
  try {
    const kept = new Map(storedRecuts().map((each) => [each.id, each]));
    for (const id of told.keys()) if (!now.has(id)) kept.delete(id);
    for (const [id, each] of now) {
      const last = telling.get(id) === told.get(id) ? kept.get(id) : each;
      kept.delete(id);
      if (last) kept.set(id, last);  // behind the others, in the order in which they are applied
    }
    localStorage.setItem(CUTS, JSON.stringify([...kept.values()]));
    told = telling;
  } catch {
    isUnstored();
  }
}

/** As `takeIn`: what was cut in another window is put together with what was cut here, and `u` ends there. */
function takeInRecuts() {
  let kept;
  try {
    kept = new Map(storedRecuts().map((each) => [each.id, JSON.stringify(each)]));
  } catch {
    return;  // the browser keeps none
  }
  const differs = [...kept].some(([id, each]) => told.get(id) !== each && !passed.has(each));
  if (unstored || !differs) return;
  const before = JSON.stringify(recutState()), key = active && entryOf(active).key;
  for (const id of [...told.keys()]) if (!kept.has(id)) told.delete(id);  // those stay, as in `takeIn`
  storeRecuts();
  restoreRecuts([]);
  restoreKept();
  if (JSON.stringify(recutState()) !== before) past.length = future.length = 0;
  showHistory();
  activate(cards[entries.findIndex((entry) => key && entry.key === key && !entry.replaced)], { scroll: false });
}

const isOfAnotherVersion = (kept) => pages.some(({ source, file }) => source === kept.source && !kept.file.startsWith(file));

/** Those that were kept for this page; what finds no place on it stays in the browser. */
function restoreKept() {
  const found = storedRecuts().map((each) => [each, due(each)]), here = found.filter(([, rest]) => rest);
  passed = new Set(found.filter(([, rest]) => !rest).map(([each]) => JSON.stringify(each)));
  restoreRecuts(together(here.flatMap(([, rest]) => rest)));
  told = new Map(here.map(([each]) => [each.id, JSON.stringify(each)]));
  if (here.length) storeRecuts();
  const other = found.find(([each, rest]) => !rest && isOfAnotherVersion(each))?.[0];
  if (other) toast(`Regions cut in another version of ${other.source} are kept, but not shown`);
}

/** As one those that were cut in pages open side by side, of which the later would undo the earlier. */
function together(state) {
  return state.reduce((before, each) => {
    const places = boxesOf([...each.replaces, ...each.regions]);
    const under = before.filter(({ page, regions }) => page === each.page && regions.some((region) => givesWay(region, places)));
    const replaces = [...under, each].flatMap((recut) => recut.replaces);
    return [...before.filter((recut) => !under.includes(recut)), { ...each, replaces, regions: notTwice([...under, each]) }];
  }, []);
}

/** The regions of these recuts without those of one whose place others of another say: what was typed holds
    against what was cut, that against lines of a derivation that were only left, and the later otherwise. */
function notTwice(those) {
  const rank = ({ latex, box }, lines) => (latex ? 2 : lines.some((line) => `${line}` === `${box}`) ? 0 : 1);
  const all = those.flatMap((recut) => recut.regions.map((region) => ({ recut, region, rank: rank(region, recut.replaces.flatMap(linesOf)) })));
  const stays = new Set();
  for (const one of [...all].sort((a, b) => a.rank - b.rank).reverse()) {
    const { box, latex } = one.region;
    const others = [...stays].filter(({ recut }) => recut !== one.recut).map(({ region }) => region);
    const said = latex ? others.some((other) => share(box, other.box) >= SAME)
      : others.reduce((sum, other) => sum + share(box, other.box), 0) >= SAME;
    if (!said) stays.add(one);
  }
  return all.filter((one) => stays.has(one)).map(({ region }) => region);
}

/** Recuts as `recutState` gives them. */
function restoreRecuts(state) {
  recuts = state.map(({ id, page, replaces, regions, near }) => {
    const old = entries.filter((e) => e.picture === page && replaces.some(({ key, box }) => e.key === key && `${e.box}` === `${box}`));
    return { id, picture: page, replaces: old, regions: regions.map((r) => ({ ...r })), near };
  });
  showRecuts();
}

/** What convert has yet to do of a recut that was kept, if anything: to read those of its regions that it
    has not, in place of what stands there now. Null where it is of no page here: its file, or that file
    was changed and the page is not found by its ink. */
function due({ id, file, replaces, regions, near = [] }) {
  const same = pages.findIndex((_, i) => fileOf(i) === file);
  const changed = pages.findIndex(({ recuts }) => recuts.some((recut) => `${recut.file} ${recut.page}` === file));
  const applied = pages[same < 0 ? changed : same]?.recuts.flatMap((recut) => recut.regions) ?? [];
  const isDone = ({ box, latex }) => {
    const last = applied.findLast((region) => `${region.box}` === `${box}`);
    return last !== undefined && (last.latex ?? "") === asFormula(latex ?? "");
  };
  const rest = regions.filter((region) => !isDone(region));
  if (!rest.length) return [];
  const place = same < 0 ? placeOf([...replaces, ...near]) ?? placeOf(near) : { picture: same, by: [0, 0] };
  if (!place) return null;
  const moved = ({ box, ...more }) => ({ ...more, box: box.map((number, k) => number + place.by[k % 2]) });
  const done = boxesOf(regions.filter(isDone).map(moved)), places = boxesOf([...replaces, ...rest].map(moved));
  const old = standing(place.picture).filter((entry) => givesWay(entry, places) && !givesWay(entry, done));
  const others = near.length ? near.map(moved) : nearOf(place.picture, old);
  const left = linesLeft(old, places).map((box) => ({ box }));
  return [{ id, page: place.picture, replaces: old, regions: [...left, ...rest.map(moved)], near: others }];
}

/** The page where these regions stand as they did, and how far they moved, by the rule of document/recut.py. */
function placeOf(anchors) {
  const found = anchors.map(({ key, box }) => entries.filter((entry) => entry.key === key)
    .map((entry) => ({ picture: entry.picture, by: [entry.box[0] - box[0], entry.box[1] - box[1]] })));
  const near = ({ picture, by }, other) => picture === other.picture && by.every((way, k) => Math.abs(way - other.by[k]) <= APART);
  return found[0]?.find((place) => found.every((others) => others.some((other) => near(place, other))));
}

// ---- Showing

/** A page on which nothing was found, which holds no more where a region was drawn on it. */
const isWholePage = ({ key, picture }) => key === null && picture !== null;
const cardOf = (entry) => cards[entries.indexOf(entry)];

/** Cards for the regions of all recuts, and none for those that are gone. */
function showRecuts() {
  const here = active && entryOf(active), isInList = list.contains(document.activeElement);
  const drafts = new Map(entries.map((entry, i) => [entry.key, entry.recut && draftOf(cards[i])]));
  for (let i = entries.length - 1; i >= 0 && entries[i].recut; i--) {
    cards[i].remove();
    entries.pop();
    cards.pop();
  }
  for (const entry of entries) entry.replaced = null;
  for (const recut of recuts) {
    for (const entry of entries) if (isWholePage(entry) && entry.picture === recut.picture) entry.replaced = recut;
    for (const entry of recut.replaces) entry.replaced = recut;
    for (const region of recut.regions) addCard(recut, region);
  }
  entries.forEach((entry, i) => {
    cards[i].classList.toggle("replaced", Boolean(entry.replaced));
    if (entry.recut && drafts.get(entry.key) !== undefined) edit(cards[i], drafts.get(entry.key));
  });
  const still = [...chosen].map((entry) => entry.region?.entry ?? entry).filter((entry) => entries.includes(entry) && !entry.replaced);
  chosen.clear();
  still.forEach((entry) => chosen.add(entry));
  const heir = here && heirOf(here), number = onSheet;
  deactivate();
  arrange();
  show();
  onSheet = -1;
  const now = heir ? cardOf(heir) : shown().find((card) => here && entryOf(card).picture === here.picture);
  if (now) activate(now, { scroll: false });
  else if (number >= 0) showSheet(number);
  if (isInList) active?.focus({ preventScroll: true });  // what had it is made anew
  showChosen();
}

/** What stands for an entry now, as the entries of recuts are made anew and others are replaced or stand again. */
function heirOf(entry) {
  const isHere = (other) => other && entries.includes(other) && !other.replaced;
  const { replaced, recut, region } = entry;
  const again = recut ? entries.filter(({ key }) => key === entry.key) : [];
  return [entry, region?.entry, ...again, replaced?.regions[0]?.entry, ...(recut?.replaces ?? [])].find(isHere);
}

function addCard(recut, region) {
  const { source, page, file } = pages[recut.picture], i = entries.length;
  const name = `new-${recuts.indexOf(recut) + 1}-${recut.regions.indexOf(region) + 1}`;
  const entry = {
    id: name, alias: name, source, page, file, picture: recut.picture, box: region.box, recut, region,
    key: `cut ${file} ${page} ${region.box}`, status: "low", confidence: 0, error: null, corrected: false,
    latex: "", label: "", was: "", read: "", tokens: [], alternatives: [],
  };
  region.entry = entry;
  entries.push(entry);
  const card = $("#new-card").content.cloneNode(true).firstElementChild;
  card.id = name;
  card.dataset.i = i;
  card.dataset.where = pages[recut.picture].name;
  $("h3", card).textContent = "new region";
  $("h3", card).id = `${name}-title`;
  card.setAttribute("aria-labelledby", `${name}-title`);
  $(".choose", card).setAttribute("aria-label", `Choose ${name}`);
  $(".to-page", card).textContent = `page ${page}`;
  const [x0, y0, x1, y1] = region.box;
  const crop = $(".crop", card);
  crop.setAttribute("viewBox", `${x0} ${y0} ${x1 - x0} ${y1 - y0}`);
  crop.setAttribute("width", x1 - x0);
  crop.setAttribute("height", y1 - y0);
  crop.setAttribute("aria-label", "Handwriting of the new region");
  $("use", crop).setAttribute("href", `#picture-${recut.picture}`);
  cards.push(card);
  list.append(card);
  drawCut(card, entry);
}

/** What was typed for a new region, or that it will be read. */
function drawCut(card, entry) {
  const { latex } = entry.region;
  card.className = `card changed cut${editing(card)}`;
  $(".badge", card).textContent = "cut anew";
  $(".math", card).innerHTML = latex ? typeset(asFormula(latex)).math ?? "" : "";
  measure(card);
  const note = $(".note", card);
  const wasTyped = entry.recut.replaces.some((old) => isChanged(old) && !isGone(old) && isIn(old.box, [entry.box]));
  const read = wasTyped ? "What you typed stays if this has the same ink; if not, hmer convert --corrections reads it."
    : "hmer convert --corrections reads it.";
  note.textContent = latex ? faultOf(latex) ?? "" : read;
  note.hidden = !note.textContent;
  $(".latex", card).textContent = latex ?? "";
  $(".latex", card).hidden = !latex;
}

/** As `change`, for a new region. */
function typeRegion(entry, latex) {
  checkpoint();
  entry.region.latex = latex || undefined;
  drawCut(cardOf(entry), entry);
  storeRecuts();
  show();
}

// ---- On the page: edges that are dragged, a box that is drawn, a line that splits

const EDGES = { left: [0, 1, 0, 3], top: [0, 1, 2, 1], right: [2, 1, 2, 3], foot: [0, 3, 2, 3] };

/** Handles on the edges of the region that is shown. */
function showEdges() {
  const svg = $("#sheet-page svg"), here = $("#sheet-page rect.here");
  svg?.querySelectorAll(".edge").forEach((edge) => edge.remove());
  const entry = here && entries[here.dataset.i];
  if (!svg || !entry || !isCorrectable(entry)) return;
  for (const [name, [a, b, c, d]] of Object.entries(EDGES)) {
    const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
    const ends = { x1: entry.box[a], y1: entry.box[b], x2: entry.box[c], y2: entry.box[d] };
    for (const [key, value] of Object.entries({ ...ends, class: `edge ${name}`, "data-edge": name })) line.setAttribute(key, value);
    svg.append(line);
  }
}

function setTool(name) {
  tool = tool === name ? null : name;
  if (tool === "split" && (!active || entryOf(active).picture === null)) tool = null;
  if (tool && active && narrow.matches) openSheet(active);
  $("#sheet-draw").setAttribute("aria-pressed", tool === "draw");
  $("#sheet-split").setAttribute("aria-pressed", tool === "split");
  $("#sheet-page").classList.toggle("aiming", tool !== null);
  aim?.remove();
  aim = null;
  if (tool) toast(HINTS[tool]);
}

// By keys: a box or a line that arrows move

const HINTS = {
  draw: "Drag a box on the page; or arrows move one, with Shift its right and lower edge, and Enter keeps it",
  split: "Draw a line through the region, or tap it; or arrows move a line, and Enter splits",
};
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
let aim = null;  // what the arrows move, a ghost of the page

/** Whether the key moves what the tool will cut, or cuts it. */
function aimed(key, isShifted) {
  if (key === "Enter" && aim?.isConnected) cutAim();
  else if (key in ARROWS && onSheet >= 0) moveAim(ARROWS[key], isShifted);
  else return false;
  return true;
}

/** A box begins as that of the active region, or in the middle of the page; a line in that of the region. */
function moveAim([right, down], isShifted) {
  const { width, height } = pages[onSheet], by = Math.max(1, Math.round(width / 100));
  const region = entries[$("#sheet-page rect.here")?.dataset.i]?.box;
  if (tool === "split" && !region) return toast("There is no region to split: draw one");
  const start = region ?? [width / 3, height / 3, (2 * width) / 3, height / 2];
  const before = aim?.isConnected ? aim : null;  // none of a page that was shown before
  let [x0, y0, x1, y1] = before?.region ?? start;
  const isUpright = right !== 0;
  if (tool === "split") {
    const middle = [(start[0] + start[2]) / 2, (start[1] + start[3]) / 2];
    const [x, y] = before?.isUpright === isUpright ? [x0, y0] : middle;
    const at = (from, way, low, high) => Math.min(high - 1, Math.max(low + 1, from + way * by));
    x0 = x1 = at(x, right, start[0], start[2]);
    y0 = y1 = at(y, down, start[1], start[3]);
    if (isUpright) [y0, y1] = [start[1], start[3]];
    else [x0, x1] = [start[0], start[2]];
  } else {
    const way = (by, near, far, end) => Math.min(end - far, Math.max(isShifted ? near + 2 - far : -near, by));
    const across = way(right * by, x0, x1, width), along = way(down * by, y0, y1, height);
    [x1, y1] = [x1 + across, y1 + along];
    if (!isShifted) [x0, y0] = [x0 + across, y0 + along];
  }
  aim?.remove();
  aim = box([x0, y0, x1, y1], { class: "ghost" });
  Object.assign(aim, { region: [x0, y0, x1, y1], isUpright });
  $("#sheet-page svg").append(aim);
}

function cutAim() {
  const [x0, y0, x1, y1] = aim.region, what = tool;
  const entry = entries[$("#sheet-page rect.here")?.dataset.i];
  setTool(null);
  if (what === "draw") drawRegion([x0, y0, x1, y1]);
  else splitAt(entry, [x0, y0], [x1, y1], false);
}

const onPage = (event) => {
  const { x, y } = new DOMPoint(event.clientX, event.clientY).matrixTransform($("#sheet-page svg").getScreenCTM().inverse());
  const { width, height } = pages[onSheet];
  return [Math.min(width, Math.max(0, x)), Math.min(height, Math.max(0, y))];
};

function dragged(event) {
  const svg = event.target.closest("svg"), edge = event.target.dataset?.edge;
  if (!svg || (!tool && !edge) || event.button > 0) return;
  event.preventDefault();
  const start = onPage(event), from = [event.clientX, event.clientY];
  const entry = entries[$("#sheet-page rect.here")?.dataset.i];
  if (tool === "split" && !entry) return toast("There is no region to split: draw one");
  const what = tool ?? "edge", ghost = box([...start, ...start], { class: "ghost" });
  svg.append(ghost);
  const boxTo = ([x, y]) => {
    if (what === "draw") return around([[...start, ...start], [x, y, x, y]]);
    if (what === "split") return around([[...start, ...start], [x, y, x, y]]);
    const moved = [...entry.box], k = Object.keys(EDGES).indexOf(edge);
    moved[k] = k % 2 ? y : x;
    return [Math.min(moved[0], entry.box[2] - 2), Math.min(moved[1], entry.box[3] - 2), Math.max(moved[2], entry.box[0] + 2), Math.max(moved[3], entry.box[1] + 2)];
  };
  const move = (next) => {
    const [x0, y0, x1, y1] = boxTo(onPage(next));
    for (const [key, value] of Object.entries({ x: x0, y: y0, width: x1 - x0, height: y1 - y0 })) ghost.setAttribute(key, value);
  };
  const end = (last) => {
    svg.removeEventListener("pointermove", move);
    svg.removeEventListener("pointerup", end);
    svg.removeEventListener("pointercancel", end);
    ghost.remove();
    if (last.type === "pointercancel") return;
    swallow = true;  // the click that follows is none
    setTimeout(() => { swallow = false; });
    const tap = Math.hypot(last.clientX - from[0], last.clientY - from[1]) < SMALL;
    if (what === "split") { setTool(null); splitAt(entry, start, onPage(last), tap); }
    else if (!tap && what === "draw") { setTool(null); drawRegion(boxTo(onPage(last))); }
    else if (!tap) moveEdge(entry, boxTo(onPage(last)));
  };
  svg.setPointerCapture(event.pointerId);
  svg.addEventListener("pointermove", move);
  svg.addEventListener("pointerup", end);
  svg.addEventListener("pointercancel", end);
}

let swallow = false;
$("#sheet-page").addEventListener("pointerdown", dragged);
$("#sheet-page").addEventListener("click", (event) => { if (swallow || tool) event.stopImmediatePropagation(); }, true);
$("#sheet-draw").addEventListener("click", () => setTool("draw"));
$("#sheet-split").addEventListener("click", () => setTool("split"));
$("#bar-merge").addEventListener("click", mergeChosen);
