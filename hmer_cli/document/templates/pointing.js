// Pointing: one sign in the handwriting, the formula and the LaTeX.

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
  if (!signs.length) return;
  light(card, signs.at((here + by + (here < 0 && by < 0)) % signs.length));
  $(".math .hot", card)?.scrollIntoView({ block: "nearest", inline: "nearest" });
}
