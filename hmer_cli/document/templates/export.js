// corrections.json, and short messages.

/** Whether a box was drawn round it, or its edge moved, and nothing said against what was typed for it. */
const isDrawnAnew = ({ box, replaced }) => isIn(box, boxesOf(replaced.regions));

/** One correction a line, so that files can be merged by hand or by git. What was typed of a region that is
    drawn anew stands before that, so that it stays where the ink is the same; not that it is no mathematics. */
function corrections() {
  const before = new Map(), unsure = new Map(), after = new Map();
  for (const entry of entries) {
    if (!isChanged(entry) || entry.recut || (entry.replaced && (isGone(entry) || !isDrawnAnew(entry)))) continue;
    const { file, page, source } = entry, { key, box } = isUnsure(entry) ? entry.meant : entry;
    const line = JSON.stringify({ latex: latexOf(entry), source, page, box, key, file });
    const lines = entry.replaced ? before : isUnsure(entry) ? unsure : after;
    lines.set(key || `${file} ${page} ${box}`, line);
  }
  const lines = [before.values(), recutLines(), unsure.values(), after.values()].flatMap((those) => [...those]);
  return `{"hmer": "corrections", "version": 1, "corrections": [\n${lines.join(",\n")}\n]}\n`;
}

/** One recut a line: those that this run has applied already, then the new ones. */
function recutLines() {
  const applied = pages.flatMap((page) => page.recuts.map((each) => JSON.stringify(each)));
  return [...applied, ...recuts.map(({ picture, replaces, regions, near }) => {
    const { source, page, file } = pages[picture];
    return JSON.stringify({
      regions: regions.map(({ box, latex }) => (latex ? { box, latex } : { box })),
      replaces: replaces.map(anchor), near, source, page, file,
    });
  })];
}

/** The cards of which something is being typed. */
const typedIn = () => cards.filter((card) => {
  const area = $("textarea", card);
  return area && area.value !== area.defaultValue && !entryOf(card).replaced;
});

/** Those of them whose region is in none of these recuts. */
const typedInWithout = (cuts) => typedIn().filter((card) => {
  const { recut, picture, box } = entryOf(card);
  const isThere = ({ page, regions }) => page === picture && regions.some((region) => `${region.box}` === `${box}`);
  return recut && !cuts.some(isThere);
});

/** Whether there is something that is being typed and would be lost; it is shown. */
function mustKeepFirst([card]) {
  if (!card) return false;
  layOver(false);
  activate(card);
  $("textarea", card).focus();
  toast("Keep or cancel first what is being typed here");
  return true;
}

function exportAll() {
  if (mustKeepFirst(typedIn())) return;
  takeIn();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([corrections()], { type: "application/json" }));
  link.download = "corrections.json";
  link.click();
  unstored = false;
  setTimeout(() => URL.revokeObjectURL(link.href), 40_000);  // WebKit asks for it only after the click
  toast("corrections.json goes to hmer convert --corrections");
}

const READING = 90;  // milliseconds a character
let fading;

function toast(text) {
  $("#toast").textContent = text;
  $("#toast").classList.add("on");
  clearTimeout(fading);
  fading = setTimeout(() => $("#toast").classList.remove("on"), Math.max(2500, READING * text.length));
}
