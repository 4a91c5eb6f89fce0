// Toasts: from the page, from htmx fragments, from an "HX-Trigger: {"toast": …}" header, from scripts.
(() => {
  const shelf = () => document.getElementById("toasts");

  const settle = (toast) => {
    if (toast.dataset.settled) return;
    toast.dataset.settled = "true";
    // An error stays until it is read, and a link until it is followed; other news leaves by itself.
    const stays = toast.classList.contains("toast-error") || toast.querySelector("a");
    if (!stays) setTimeout(() => toast.remove(), 7000);
  };

  const show = (text, level = "success") => {
    const isFault = level === "error" || level === "warning";
    const template = document.getElementById(isFault ? "toast-fault-template" : "toast-template");
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
  // A form that comes back with its faults takes its place; a plain sentence is a message.
  const isSentence = (xhr) => xhr.status === 422
    && (xhr.getResponseHeader("Content-Type") ?? "").startsWith("text/plain");
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (!isSentence(event.detail.xhr)) return;
    event.detail.shouldSwap = false;
    event.detail.isError = true;
  });
  document.addEventListener("htmx:responseError", (event) => {
    const status = event.detail.xhr.status;
    const words = {
      403: "You do not have the role for this. Nothing was changed.",
      404: "This is no longer here. Reload the page to see what is.",
      413: "This is larger than the server accepts. Nothing was stored.",
      429: "Too many requests in a short time. Wait a minute and try again.",
    };
    if (isSentence(event.detail.xhr)) words[422] = event.detail.xhr.responseText;
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
