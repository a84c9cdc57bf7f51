// Copying, typing and dropping one expression.

/** That of the cards, one a line; the focus goes back where it was. */
async function copy(...those) {
  const all = those.map((card) => latexOf(entryOf(card))).filter(Boolean), latex = all.join("\n");
  if (!latex) return toast("There is no LaTeX here to copy");
  const here = document.activeElement;
  try {
    await navigator.clipboard.writeText(latex);
  } catch {  // pages opened from a file may not use the clipboard everywhere
    const area = document.createElement("textarea");
    area.value = latex;
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
    here.focus({ preventScroll: true });
  }
  toast(all.length > 1 ? `LaTeX of ${all.length} expressions copied` : "LaTeX copied");
}

/** With a draft, the editor that stood there before. */
function edit(card, draft) {
  const entry = entryOf(card);
  if (!isCorrectable(entry) || card.classList.contains("editing")) return;
  if (draft === undefined) activate(card);
  const sign = draft === undefined ? signIn(card) : null;
  const form = $("#editor").content.cloneNode(true).firstElementChild;
  const area = $("textarea", form);
  area.defaultValue = latexOf(entry) || latexBefore(entry) || entry.read;
  if (draft !== undefined) area.value = draft;
  card.classList.add("editing");
  card.append(form);
  const look = () => { fit(area); preview(card, form, area.value); };
  const leave = () => {
    card.classList.remove("editing", "waits");
    form.remove();
    draw(card, entry);
    card.focus({ preventScroll: true });
  };
  const keep = () => {
    const latex = area.value.trim();
    leave();
    if (latex || entry.recut) change(entry, latex);
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
  if (draft !== undefined) return;
  area.focus({ preventScroll: true });
  area.setSelectionRange(...(sign ?? [area.value.length, area.value.length]));
  card.scrollIntoView({ block: "nearest" });
  form.scrollIntoView({ block: "nearest" });
}

/** Where the sign that is pointed at stands in the LaTeX of the card: begin and end; null where none is. */
function signIn(card) {
  const part = lit.card === card && lit.t !== null && $(`.latex [data-t="${lit.t}"]`, card);
  if (!part) return null;
  const before = document.createRange();
  before.selectNodeContents($(".latex", card));
  before.setEndBefore(part);
  const begin = before.toString().length;
  return [begin, begin + part.textContent.length];
}

/** As high as what is typed in it needs, which the style bounds. */
function fit(area) {
  area.style.height = "auto";
  area.style.height = `${area.scrollHeight + area.offsetHeight - area.clientHeight}px`;
}

/** What is typed in the open editor of a card, undefined where there is none. */
const draftOf = (card) => $("textarea", card)?.value;
/** The class of a card whose editor is open, whatever else of it is drawn anew. */
const editing = (card) => (draftOf(card) === undefined ? "" : " editing");

/** What is being typed for new regions that go is theirs when that is taken back. */
function keepDrafts(those) {
  for (const entry of those) if (entry.recut) entry.region.latex = draftOf(cardOf(entry))?.trim() || entry.region.latex;
}

function preview(card, form, latex) {
  const { math } = typeset(asFormula(latex)), fault = latex.trim() && faultOf(latex);
  card.classList.toggle("waits", !math);
  if (math) $(".math", card).innerHTML = math;
  measure(card);
  $(".fault", form).textContent = fault || (math ? "" : "kept as it is typed, but not shown here");
}

function right(card) {
  const entry = entryOf(card);
  if (!isCheckable(entry)) return toast(uncheckable(entry));
  const fault = faultOf(latexOf(entry));
  if (fault) return toast(`Edit it first: ${fault}`);
  checkpoint();
  check([entry]);
  changed(new Set([entry.key]));
}

/** Why it cannot be said that what was read is right. */
function uncheckable(entry) {
  if (entry.recut) return "Type its LaTeX, or let it be read";
  if (!latexOf(entry)) return "There is no reading here to check";
  return isChecked(entry) ? "This is right, as corrections that were applied say" : "This was corrected, and is taken as right";
}

function drop(card) {
  const entry = entryOf(card);
  if (!isCorrectable(entry)) return;
  if (entry.recut) return uncut(entry);
  checkpoint();
  toggle(entry);
  changed(new Set([entry.key]));
}
