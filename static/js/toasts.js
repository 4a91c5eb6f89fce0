// Toasts: from the page, from htmx fragments, from an "HX-Trigger: {"toast": …}" header, from scripts.
(() => {
  const shelf = () => document.getElementById("toasts");

  const settle = (toast) => {
    if (toast.dataset.settled) return;
    toast.dataset.settled = "true";
    // An error stays until it is read; good news may leave by itself.
    if (!toast.classList.contains("toast-error")) setTimeout(() => toast.remove(), 7000);
  };

  const show = (text, level = "success") => {
    const template = document.getElementById("toast-template");
    if (!template || !shelf()) return;
    const toast = template.content.firstElementChild.cloneNode(true);
    toast.classList.add(`toast-${level}`);
    toast.querySelector("p").textContent = text;
    shelf().append(toast);
  };

  document.addEventListener("click", (event) => {
    event.target.closest("[data-toast-close]")?.closest(".toast")?.remove();
  });
  document.addEventListener("toast", (event) => {
    show(event.detail.text ?? event.detail.value, event.detail.level);
  });
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    const words = {
      403: "You do not have the role for this. Nothing was changed.",
      404: "This is no longer here. Reload the page to see what is.",
      413: "This is larger than the server accepts. Nothing was stored.",
      429: "Too many requests in a short time. Wait a minute and try again.",
    };
    const said = event.detail.xhr;
    const isPlain = (said.getResponseHeader("Content-Type") ?? "").startsWith("text/plain");
    if (status === 422 && isPlain) words[422] = said.responseText;
    show(words[status] ?? "The server could not do this. Nothing was lost; try again.", "error");
  });
  document.addEventListener("htmx:sendError", () => {
    show("The server does not answer. What you typed is still here; try again.", "error");
  });

  if (shelf()) {
    new MutationObserver(() => shelf().querySelectorAll(".toast").forEach(settle))
      .observe(shelf(), { childList: true });
    shelf().querySelectorAll(".toast").forEach(settle);
  }
})();
