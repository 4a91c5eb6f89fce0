// Tables of examples: one box that ticks all, and keys for whoever reviews.
(() => {
  document.addEventListener("change", (event) => {
    const all = event.target.closest("[data-choose-all]");
    if (!all) return;
    for (const box of all.form.querySelectorAll(`input[name="${all.dataset.chooseAll}"]`)) {
      box.checked = all.checked;
    }
  });

  // The same passage in the other column is the same passage.
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-twin]")) return;
    for (const box of document.querySelectorAll("[data-twin]")) {
      if (box.value === event.target.value) box.checked = event.target.checked;
    }
  });

  // A key that stands on a button presses it, unless somebody is typing.
  document.addEventListener("keydown", (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const typing = event.target.closest("input:not([type=checkbox], [type=radio]), textarea, select");
    if (typing) {
      if (event.key === "Escape") typing.blur();
      return;
    }
    const target = document.querySelector(`[data-key="${CSS.escape(event.key.toLowerCase())}"]`);
    if (!target) return;
    event.preventDefault();
    if (target.matches("input:not([type=checkbox], [type=radio]), textarea")) target.focus();
    else target.click();
  });
})();
