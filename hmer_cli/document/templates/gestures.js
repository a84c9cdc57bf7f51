// Beside one expression at a time: other readings, several at once, and the page that follows.

// ---- Other readings, likeliest first: a button and a digit each

function offer(card, entry) {
  let list = $(".others", card);
  if (!entry.alternatives.length) return;
  if (!list) {
    list = document.createElement("p");
    list.className = "others";
    $(".acts", card).before(list);
    const others = entry.corrected ? entry.alternatives : [entry.read, ...entry.alternatives];
    others.forEach((latex, n) => {
      const button = document.createElement("button");
      button.type = "button";
      button.dataset.n = n;
      button.title = latex;
      button.innerHTML = `<kbd>${n}</kbd> ${typeset(asFormula(latex)).math ?? ""}`;
      button.querySelectorAll("[data-t]").forEach((part) => part.removeAttribute("data-t"));
      if (!button.querySelector("math")) button.append(latex);
      list.append(button);
    });
  }
  const now = latexOf(entry);
  for (const button of list.children) button.setAttribute("aria-pressed", button.title === now);
}

/** The nth of the other readings in place of what was read; the zeroth is that. */
function pick(card, n) {
  const entry = entryOf(card), other = n ? entry.alternatives[n - 1] : entry.latex;
  if (entry.key !== null && entry.alternatives.length && other !== undefined) change(entry, other);
}

list.addEventListener("click", (event) => {
  const button = event.target.closest(".others button");
  if (button) pick(button.closest(".card"), Number(button.dataset.n));
});

// ---- Several at once

function choose(entry, wanted = !chosen.has(entry)) {
  if (!isCorrectable(entry)) return;
  if (wanted) chosen.add(entry);
  else chosen.delete(entry);
  showChosen();
}

function chooseAll(those) {
  those.filter(isCorrectable).forEach((entry) => chosen.add(entry));
  showChosen();
}

function chooseNone() {
  chosen.clear();
  showChosen();
}

function showChosen() {
  cards.forEach((card) => {
    const box = $(".choose", card);
    if (box) box.checked = chosen.has(entryOf(card));
  });
  if (!chosen.size) passFocus($("#bar"));
  $("#bar").hidden = !chosen.size;
  $("#bar-count").textContent = `${chosen.size} chosen`;
  refreshSheet();
}

/** Those of hmer are no mathematics, new ones are taken away; where none of them was any, all are again. */
function dropChosen() {
  keepDrafts(chosen);
  checkpoint();
  const restore = [...chosen].every(isGone);
  const cut = [...chosen].filter((entry) => entry.recut);
  const read = [...chosen].filter((entry) => !entry.recut && isGone(entry) === restore);
  read.forEach(toggle);
  takeAway(cut);
  const done = [[read, restore ? "are mathematics" : "dismissed"], [cut, "taken away"]].filter(([those]) => those.length);
  toast(`${done.map(([those, what]) => `${those.length} ${what}`).join(", ")}; u takes it back`);
  changed(new Set(read.map((entry) => entry.key)));
  chooseNone();
}

function rightChosen() {
  const those = [...chosen].filter((entry) => isCheckable(entry) && !faultOf(latexOf(entry)));
  if (!those.length) return toast("There is no reading here to check");
  checkpoint();
  const done = check(those), what = edits.has(done[0].key) ? "checked" : "not checked any more";
  toast(`${done.length} ${what}; u takes it back`);
  changed(new Set(done.map((entry) => entry.key)));
  chooseNone();
}

/** In the order in which they stand. */
const copyChosen = () => copy(...[...list.querySelectorAll(".card")].filter((card) => chosen.has(entryOf(card))));

list.addEventListener("change", (event) => {
  if (event.target.matches(".choose")) choose(entryOf(event.target.closest(".card")), event.target.checked);
});
$("#bar-drop").addEventListener("click", dropChosen);
$("#bar-right").addEventListener("click", rightChosen);
$("#bar-copy").addEventListener("click", copyChosen);
$("#bar-none").addEventListener("click", chooseNone);
$("#bar-all").addEventListener("click", () => chooseAll(shown().map(entryOf)));

// ---- The page follows as the list is scrolled

let following = false;

/** The card at the height where one reads becomes the active one, unless all of that is in sight. */
function follow() {
  following = false;
  if (narrow.matches || $(".editing")) return;
  const { left, width } = list.getBoundingClientRect(), top = $(".masthead").getBoundingClientRect().bottom;
  const seen = active?.getBoundingClientRect();
  if (seen?.height && seen.top >= top && seen.bottom <= innerHeight) return;
  for (const share of [0.3, 0.4, 0.2]) {
    const y = top + share * (innerHeight - top);
    const card = document.elementFromPoint(left + width / 2, y)?.closest(".card");
    if (card) return card === active || activate(card, { scroll: false });
  }
}

addEventListener("scroll", () => {
  if (following) return;
  following = true;
  requestAnimationFrame(follow);
}, { passive: true });
