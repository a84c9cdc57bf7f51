// One card: its handwriting, formula and LaTeX as they were read or typed since.

const entryOf = (card) => entries[Number(card.dataset.i)];

/** The card as what was read, or was typed since, wants it. */
function draw(card, entry) {
  if (entry.recut) return drawCut(card, entry);
  coming.unobserve(card);
  card.read ??= $(".math", card)?.innerHTML ?? "";
  const gone = isGone(entry), latex = gone ? latexBefore(entry) : latexOf(entry);
  const set = isChanged(entry) && latex !== entry.latex ? typeset(asFormula(latex)) : null;
  card.className = `card ${stateOf(entry)}${gone ? " gone" : ""}${editing(card)}`;
  const state = isUnsure(entry) ? "corrected, low" : isChecked(entry) ? "checked" : isChanged(entry) ? "corrected" : entry.status;
  $(".badge", card).textContent = gone ? "not mathematics" : state;
  if (entry.key === null) return;
  $("[data-do=drop]", card).textContent = gone ? "Is mathematics" : "Not mathematics";
  $("[data-do=right]", card).hidden = !isCheckable(entry);
  $("[data-do=right]", card).setAttribute("aria-pressed", isChecked(entry));
  offer(card, entry);
  $(".math", card).innerHTML = set ? set.math ?? "" : card.read;
  const note = $(".note", card);
  note.textContent = set && !gone ? faultOf(latex) ?? "" : isEdited(entry) ? "" : entry.error ?? "";
  note.hidden = !note.textContent;
  spell(card, entry, latex || entry.read, set ? set.tokens : (entry.label || entry.was).split(" "));
  measure(card);
}

/** A formula that is wider than its place can be reached and scrolled by keys, in every browser. */
const wide = new ResizeObserver((seen) => {
  for (const { target } of seen) {
    const isWide = target.scrollWidth > target.clientWidth;
    for (const [name, value] of [["tabindex", 0], ["role", "group"], ["aria-label", "Formula"]]) {
      if (isWide) target.setAttribute(name, value);
      else target.removeAttribute(name);
    }
  }
});

/** Anew, as what is in it may have changed, and its size not. */
function measure(card) {
  const math = $(".math", card);
  wide.unobserve(math);
  wide.observe(math);
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
      if (sure < 0.5 && !isChecked(entry)) span.className = "unsure";
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
  if (card.read !== undefined || entryOf(card).recut) return;
  draw(card, entryOf(card));
}
