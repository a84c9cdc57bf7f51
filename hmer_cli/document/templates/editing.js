// Copying, typing and dropping one expression.

async function copy(card) {
  const latex = latexOf(entryOf(card));
  if (!latex) return toast("There is no LaTeX here to copy");
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

/** With a draft, the editor that stood there before. */
function edit(card, draft) {
  const entry = entryOf(card);
  if (!isCorrectable(entry) || card.classList.contains("editing")) return;
  if (draft === undefined) activate(card);
  const form = $("#editor").content.cloneNode(true).firstElementChild;
  const area = $("textarea", form);
  area.defaultValue = latexOf(entry) || latexBefore(entry) || entry.read;
  if (draft !== undefined) area.value = draft;
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
  if (draft === undefined) area.focus();
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
  $(".fault", form).textContent = fault || (math ? "" : "kept as it is typed, but not shown here");
}

function drop(card) {
  const entry = entryOf(card);
  if (!isCorrectable(entry)) return;
  if (entry.recut) return uncut(entry);
  checkpoint();
  toggle(entry);
  changed(new Set([entry.key]));
}
