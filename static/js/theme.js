// Light, dark or as the system has it. The choice is a cookie, so that the server can render it.
(() => {
  const year = 31536000;
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-theme-choice]");
    if (!button) return;
    const choice = button.dataset.themeChoice;
    const root = document.documentElement;
    if (choice === "auto") root.removeAttribute("data-theme");
    else root.dataset.theme = choice;
    document.cookie = `theme=${choice}; path=/; max-age=${year}; samesite=lax`;
    for (const other of document.querySelectorAll("[data-theme-choice]")) {
      other.setAttribute("aria-pressed", String(other === button));
    }
  });
})();
