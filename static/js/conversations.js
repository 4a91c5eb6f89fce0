// The list of conversations: choosing several of them to delete.
(() => {
  const nav = document.querySelector("[data-conversations]");
  if (!nav) return;
  const toggle = nav.querySelector("[data-select-conversations]");
  const bar = nav.querySelector("[data-selection-bar]");
  const count = nav.querySelector("[data-selection-count]");
  const remove = nav.querySelector("[data-delete-selected]");
  const words = document.querySelector("[data-selection-words]");

  const chosen = () => nav.querySelectorAll(".conversation-pick:checked");

  const show = () => {
    const number = chosen().length;
    count.textContent = number ? `${number} chosen` : "None chosen";
    words.textContent = number === 1 ? "this conversation" : `${number} conversations`;
    remove.disabled = number === 0;
  };

  const select = (on) => {
    nav.classList.toggle("is-selecting", on);
    toggle.setAttribute("aria-pressed", String(on));
    bar.hidden = !on;
    if (!on) for (const box of chosen()) box.checked = false;
    show();
  };

  toggle.addEventListener("click", () => select(!nav.classList.contains("is-selecting")));
  nav.addEventListener("change", (event) => {
    if (event.target.matches(".conversation-pick")) show();
  });
  nav.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !nav.classList.contains("is-selecting")) return;
    event.preventDefault();
    select(false);
    toggle.focus();
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "conversation-groups") return;
    const byDeletion = event.detail.requestConfig?.elt?.id === "delete-selected";
    if (byDeletion) select(false);
    else show();
  });
  document.addEventListener("htmx:load", (event) => {
    const field = event.detail.elt.querySelector?.(".conversation-rename input[name=title]");
    if (field && nav.contains(field)) { field.focus(); field.select(); }
  });
})();
