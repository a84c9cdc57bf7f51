// The page as it is first seen.

settle();
try {
  const done = new Set(pages.flatMap((page) => page.recuts.flatMap((each) => each.regions.map(({ box }) => `${page.file} ${page.page} ${box}`))));
  const kept = JSON.parse(localStorage.getItem(CUTS) ?? "[]");
  restoreRecuts(kept.filter(({ file, regions }) => !regions.every(({ box }) => done.has(`${file} ${box}`))));
  if (kept.length) storeRecuts();
} catch {
  recuts = [];
}
arrange();
show();
for (const card of cards) {
  if (isEdited(entryOf(card))) draw(card, entryOf(card));
  else coming.observe(card);
}
const linked = cards.find((card) => [card.id, entryOf(card).id].includes(location.hash.slice(1)));
activate(linked ?? shown().find((card) => entryOf(card).picture !== null) ?? shown()[0],
  { scroll: linked !== undefined });
