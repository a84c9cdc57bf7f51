// corrections.json, and short messages.

/** One correction a line, so that files can be merged by hand or by git. */
function corrections() {
  const lines = new Map();
  for (const entry of entries) {
    if (!isChanged(entry) || entry.recut || entry.replaced) continue;
    const { key, file, page, box, source } = entry;
    lines.set(key, JSON.stringify({ latex: latexOf(entry), source, page, box, key, file }));
  }
  return `{"hmer": "corrections", "version": 1, "corrections": [\n${[...recutLines(), ...lines.values()].join(",\n")}\n]}\n`;
}

function exportAll() {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([corrections()], { type: "application/json" }));
  link.download = "corrections.json";
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 40_000);  // WebKit asks for it only after the click
  toast("corrections.json goes to hmer convert --corrections");
}

let fading;

function toast(text) {
  $("#toast").textContent = text;
  $("#toast").classList.add("on");
  clearTimeout(fading);
  fading = setTimeout(() => $("#toast").classList.remove("on"), 2500);
}
