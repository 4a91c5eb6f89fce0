// Documents that are ticked in the table. The table is replaced every second while something
// changes in it, so what is ticked is kept here; "all that match" is told to the server by name.
(() => {
  const chosen = new Set();
  const bar = () => document.querySelector("[data-selection]");
  const table = () => document.getElementById("documents");
  const boxes = () => [...document.querySelectorAll('#document-rows input[name="document"]')];
  let isAll = false;

  const show = () => {
    const form = bar();
    if (!form) return;
    const shown = boxes();
    for (const box of shown) box.checked = isAll || chosen.has(box.value);
    const ticked = shown.filter((box) => box.checked).length;
    const matches = Number(table().dataset.matches);
    const head = document.querySelector("[data-pick-all]");
    if (head) {
      head.checked = ticked > 0 && ticked === shown.length;
      head.indeterminate = ticked > 0 && ticked < shown.length;
    }
    form.hidden = !isAll && !chosen.size;
    form.querySelector("[data-selected]").textContent = isAll ? `All ${matches}` : String(chosen.size);
    form.querySelector("[data-scope]").value = isAll ? "all" : "";
    const all = form.querySelector("[data-select-all]");
    all.hidden = isAll || ticked < shown.length || matches <= shown.length;
    all.querySelector("[data-select-count]").textContent = String(matches);
  };

  const choose = (box) => {
    if (box.checked) chosen.add(box.value); else chosen.delete(box.value);
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches('#document-rows input[name="document"]')) {
      if (isAll) for (const box of boxes()) if (box !== event.target) chosen.add(box.value);
      isAll = false;
      choose(event.target);
    } else if (event.target.matches("[data-pick-all]")) {
      isAll = false;
      for (const box of boxes()) { box.checked = event.target.checked; choose(box); }
    } else return;
    show();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-select-all]")) return;
    isAll = true;
    show();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id === "change-dialog") {
      event.detail.target.showModal();
      return;
    }
    // Another search matches other documents.
    if (event.detail.requestConfig?.elt?.id === "name") isAll = false;
    // What has left the table can no longer be meant.
    const here = new Set(boxes().map((box) => box.value));
    for (const id of chosen) if (!here.has(id)) chosen.delete(id);
    show();
  });
  // Browsers keep ticks over a reload.
  for (const box of boxes()) choose(box);
  show();
})();
