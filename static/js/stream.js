// A streaming answer: keeps the end in view while the reader is at the end, tells when the
// connection is lost, and leaves the transcript quiet for screen readers until the answer is whole.
(() => {
  const scroller = () => document.querySelector("[data-transcript]");
  let atEnd = true;
  let queued = false;

  const distance = (box) => box.scrollHeight - box.scrollTop - box.clientHeight;
  const toEnd = () => {
    const box = scroller();
    if (box) box.scrollTop = box.scrollHeight;
  };
  const follow = () => {
    if (queued) return;
    queued = true;
    requestAnimationFrame(() => {
      queued = false;
      if (atEnd) toEnd();
      showJump();
    });
  };
  const showJump = () => {
    const button = document.querySelector("[data-to-end]");
    if (button) button.hidden = atEnd;
  };
  const syncBusy = () => {
    const open = document.querySelector("[data-answer-open]");
    scroller()?.setAttribute("aria-busy", String(Boolean(open)));
    for (const button of document.querySelectorAll("[data-send]")) button.hidden = Boolean(open);
    for (const button of document.querySelectorAll("[data-stop]")) button.hidden = !open;
  };
  const note = (answer, text) => {
    const line = answer.querySelector("[data-connection]");
    if (!line) return;
    line.textContent = text;
    line.hidden = !text;
  };

  document.addEventListener("scroll", (event) => {
    if (event.target !== scroller()) return;
    atEnd = distance(event.target) < 48;
    showJump();
  }, true);

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-to-end]")) { atEnd = true; follow(); }
    const stop = event.target.closest("[data-stop]");
    const open = [...document.querySelectorAll("[data-answer-open]")].at(-1);
    if (stop && open) {
      stop.hidden = true;
      htmx.ajax("POST", open.dataset.stopUrl, { swap: "none" });
    }
  });

  document.addEventListener("htmx:sseMessage", follow);
  document.addEventListener("htmx:sseOpen", (event) => {
    note(event.target, "");
    // Every connection tells the answer from its first word, so a second one must not add to it.
    event.target.querySelector('[sse-swap="token"]')?.replaceChildren();
  });
  document.addEventListener("htmx:sseError", (event) => {
    note(event.target, "The connection is lost. The answer goes on without it; reconnecting…");
  });
  document.addEventListener("htmx:load", (event) => {
    if (event.target.closest?.("[data-transcript]")) {
      if (event.target.querySelector("[data-question]") || event.target.matches("[data-turn]")) atEnd = true;
      follow();
    }
    syncBusy();
  });
  document.addEventListener("htmx:afterSettle", syncBusy);
  // A smaller window keeps the end in view; a source that opens beside keeps its citation there.
  const hasSource = () => document.querySelector("#source-panel > *");
  if (scroller()) new ResizeObserver(() => hasSource() || follow()).observe(scroller());
  syncBusy();
  toEnd();
})();
