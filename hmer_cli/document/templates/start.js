// The page as it is first seen.

const theme = setting("theme");
if (["dark", "light"].includes(theme)) document.documentElement.dataset.theme = theme;
$("#keys").checked = setting("keys") !== "off";
settle();
try {
  restoreKept();
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

addEventListener("beforeunload", (event) => {
  if (!unstored && !typedIn().length) return;
  event.preventDefault();
  event.returnValue = true;  // as older browsers want it
});
