// The page beside the cards, with its regions.

let onSheet = -1;

function showPage(entry) {
  if (entry.picture === null) return;
  if (entry.picture !== onSheet) showSheet(entry.picture);
  refreshSheet(entry);
  const here = $("#sheet-page .here"), view = $("#sheet-page");
  if (!here) return;
  const place = here.getBoundingClientRect(), frame = view.getBoundingClientRect();
  view.scrollTop += place.top + place.height / 2 - frame.top - frame.height / 2;
}

function showSheet(number) {
  onSheet = number;
  const { width, height, name } = pages[number];
  $("#sheet-name").textContent = name;
  $("#sheet-page").innerHTML = `<svg viewBox="0 0 ${width} ${height}" role="img"><use href="#picture-${number}"/></svg>`;
  $("#sheet-page svg").setAttribute("aria-label", name);
  entries.forEach((other, i) => {
    if (other.picture === number && isCorrectable(other)) $("#sheet-page svg").append(box(other.box, { "data-i": i }));
  });
  refreshSheet();
}

/** The regions of the page that is shown, by what is thought of them now. */
function refreshSheet(here = active && entryOf(active)) {
  for (const rect of $("#sheet-page").querySelectorAll("rect[data-i]")) {
    const other = entries[rect.dataset.i];
    const state = isGone(other) ? "gone" : stateOf(other) === "changed" ? "ok" : other.status;
    rect.setAttribute("class", [state, other === here && "here", chosen.has(other) && "chosen"].filter(Boolean).join(" "));
  }
  showEdges();
}
