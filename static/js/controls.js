// Small controls: copy, dialogs, menus, fields that submit on change.
(() => {
  const copy = async (button) => {
    const source = document.getElementById(button.dataset.copy);
    const text = button.dataset.copyText ?? source?.value ?? source?.innerText ?? "";
    const label = button.querySelector("[data-copy-label]") ?? button;
    const before = label.textContent;
    try {
      await navigator.clipboard.writeText(text.trim());
      label.textContent = "Copied";
    } catch {
      // No clipboard without HTTPS: select the text, so that one key press copies it.
      if (source) getSelection().selectAllChildren(source);
      label.textContent = source ? "Selected" : "Not copied";
    }
    setTimeout(() => { label.textContent = before; }, 1600);
  };

  document.addEventListener("click", (event) => {
    const copier = event.target.closest("[data-copy], [data-copy-text]");
    if (copier) copy(copier);

    const opener = event.target.closest("[data-dialog-open]");
    if (opener) document.getElementById(opener.dataset.dialogOpen)?.showModal();

    const closer = event.target.closest("[data-dialog-close]");
    if (closer) closer.closest("dialog")?.close();

    // A click on the veil around a dialog is a click on the dialog element itself.
    if (event.target.matches("dialog[open]")) event.target.close();

    const chosen = event.target.closest(".menu-items :is(a, [data-dialog-open])");
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (chosen || !menu.contains(event.target)) menu.open = false;
    }
  });

  // On a phone a row of tabs may be wider than the window: begin at the one that is open.
  for (const tab of document.querySelectorAll(".side-nav [aria-current], .tabs [aria-current]")) {
    tab.scrollIntoView({ block: "nearest", inline: "center" });
  }

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    const menu = document.querySelector("details.menu[open]");
    if (!menu) return;
    menu.open = false;
    menu.querySelector("summary").focus();
    event.preventDefault();
  });

  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-submit-on-change]")) event.target.form.requestSubmit();
    const shown = event.target.dataset.reveals;
    if (shown) document.getElementById(shown).hidden = false;
  });

  // A dialog whose form was sent through htmx has done its work. What else must know is told.
  document.addEventListener("htmx:afterRequest", (event) => {
    if (!event.detail.successful) return;
    const sender = event.detail.requestConfig.elt;
    sender.closest("dialog[open]:not([data-stays-open])")?.close();
    if (sender.dataset.then) htmx.trigger(document.body, sender.dataset.then);
  });
  document.addEventListener("htmx:load", (event) => {
    const name = event.detail.elt.dataset?.loadEvent;
    if (name) htmx.trigger(document.body, name);
  });

  // A refresh must not pull an open dialog away from whoever is reading it.
  const keepDialog = (event) => {
    const sender = event.detail.requestConfig?.elt;
    if (sender?.closest("dialog")) return;
    if (event.detail.target.querySelector?.("dialog[open]")) event.detail.shouldSwap = false;
  };
  document.addEventListener("htmx:beforeSwap", keepDialog);
  document.addEventListener("htmx:oobBeforeSwap", keepDialog);
})();
