// The palette (Ctrl-K, ⌘K): what is typed is looked for by the server, arrows choose, Enter opens.
// And the keys: ? lists them, / goes to the page's search field, g and a letter opens a page.
(() => {
  const OFF = "single-keys-off";
  const PAUSE_MS = 1500;
  const palette = document.getElementById("palette");
  const keys = document.getElementById("keys");
  if (!palette || !keys) return;
  const box = document.getElementById("palette-text");
  const results = document.getElementById("palette-results");
  const options = () => [...results.querySelectorAll("a[role=option]")];
  const chosen = () => results.querySelector("[aria-selected=true]");

  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    if (option) box.setAttribute("aria-activedescendant", option.id);
    else box.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };

  const move = (step) => {
    const all = options();
    if (!all.length) return;
    const at = all.indexOf(chosen());
    choose(all[(at + step + all.length) % all.length]);
  };

  const open = () => {
    if (palette.open) return;
    for (const dialog of document.querySelectorAll("dialog[open]")) dialog.close();
    box.value = "";
    palette.showModal();
    box.focus();
    htmx.trigger(box, "palette-opened");
  };

  const showKeys = () => {
    if (palette.open) palette.close();
    if (!keys.open) keys.showModal();
  };

  results.addEventListener("htmx:afterSwap", () => {
    const all = options();
    choose(all[0]);
    results.scrollTop = 0;
    document.getElementById("palette-count").textContent =
      all.length === 1 ? "1 fits" : `${all.length || "None"} fit`;
  });

  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) move(steps[event.key]);
    else if (event.key === "Enter") chosen()?.click();
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-palette-open]")) open();
    if (event.target.closest("[data-keys-open]")) showKeys();
    // A link to a dialog of the page that is open already loads nothing.
    if (event.target.closest("#palette a, #keys a")) event.target.closest("dialog").close();
  });

  const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
  if (isMac) {
    for (const key of document.querySelectorAll("[data-palette-key]")) key.textContent = "⌘ K";
  }

  const toggle = document.querySelector("[data-single-keys]");
  toggle.checked = !localStorage.getItem(OFF);
  toggle.addEventListener("change", () => {
    if (toggle.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "1");
  });

  // A dialog that was just closed may still hold the focus in a field that nobody sees.
  const isTyping = (target) => target.closest?.("input, textarea, select, [contenteditable]")?.checkVisibility();
  const search = () => {
    const fields = [...document.querySelectorAll("main input[type=search]")];
    const field = fields.find((one) => one.checkVisibility({ visibilityProperty: true }));
    if (field) field.focus();
    else open();
  };
  let leader = 0;

  const press = (key) => {
    const place = Date.now() - leader < PAUSE_MS && keys.querySelector(`[data-go="${CSS.escape(key)}"]`);
    leader = key === "g" && !place ? Date.now() : 0;
    if (place) place.click();
    else if (key === "?") showKeys();
    else if (key === "/") search();
    else return leader !== 0;
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey) {
      event.preventDefault();
      open();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || !toggle.checked) return;
    if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
    if (press(event.key)) event.preventDefault();
  });

  // An address may name a dialog of its page: #new-assistant opens it.
  const openNamed = () => {
    const named = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!named || !named.matches("dialog.dialog") || named.open) return;
    named.showModal();
    history.replaceState(history.state, "", location.pathname + location.search);
  };
  addEventListener("hashchange", openNamed);
  openNamed();
})();
