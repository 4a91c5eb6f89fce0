// Citations: hover or focus shows the passage; a click opens the source beside the chat at the
// highlighted passage; closing it gives the focus back.
(() => {
  const panel = () => document.getElementById("source-panel");
  let opener = null;
  let card = null;

  const passageOf = (chip) => {
    const answer = chip.closest("[data-answer]");
    return answer?.querySelector(`template[data-passage="${chip.dataset.citation}"]`);
  };

  const hideCard = () => card?.matches(":popover-open") && card.hidePopover();

  const showCard = (chip) => {
    const passage = passageOf(chip);
    if (!passage) return;
    if (!card) {
      card = document.createElement("div");
      card.className = "citation-card";
      card.popover = "manual";
      card.setAttribute("aria-hidden", "true");
      document.body.append(card);
    }
    card.replaceChildren(passage.content.cloneNode(true));
    card.showPopover();
    const place = chip.getBoundingClientRect();
    const size = card.getBoundingClientRect();
    const left = Math.min(Math.max(place.left - 24, 16), innerWidth - size.width - 16);
    const above = place.top - size.height - 10;
    card.style.left = `${left}px`;
    card.style.top = `${above > 8 ? above : place.bottom + 10}px`;
  };

  const mark = (chip) => {
    for (const other of document.querySelectorAll(".citation[aria-current]")) {
      other.removeAttribute("aria-current");
    }
    chip?.setAttribute("aria-current", "true");
  };

  const open = async (chip) => {
    opener = chip;
    mark(chip);
    hideCard();
    await htmx.ajax("GET", chip.dataset.sourceUrl, { target: "#source-panel", swap: "innerHTML" });
    chip.scrollIntoView({ block: "center" });
    const heading = panel().querySelector("[data-source-heading]");
    heading?.focus({ preventScroll: true });
    panel().querySelector("[data-highlight]")?.scrollIntoView({ block: "center" });
  };

  const close = () => {
    panel().replaceChildren();
    mark(null);
    opener?.focus();
  };

  const step = (direction) => {
    const answer = opener?.closest("[data-answer]");
    if (!answer) return;
    const chips = [...answer.querySelectorAll(".answer-text .citation[data-source-url]")];
    const next = chips[(chips.indexOf(opener) + direction + chips.length) % chips.length];
    if (next) open(next);
  };

  document.addEventListener("click", (event) => {
    const chip = event.target.closest("[data-citation]");
    const plain = !event.metaKey && !event.ctrlKey && !event.shiftKey && event.button === 0;
    if (chip?.dataset.sourceUrl && panel() && plain) {
      event.preventDefault();
      open(chip);
    }
    if (event.target.closest("[data-source-close]")) close();
    const stepper = event.target.closest("[data-source-step]");
    if (stepper) step(Number(stepper.dataset.sourceStep));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    hideCard();
    if (panel()?.contains(event.target)) { event.stopPropagation(); close(); }
  }, true);
  for (const [name, act] of [["mouseover", showCard], ["focusin", showCard], ["mouseout", hideCard], ["focusout", hideCard]]) {
    document.addEventListener(name, (event) => {
      const chip = event.target.closest?.("[data-citation]");
      if (chip) act(chip);
    });
  }
  document.addEventListener("scroll", hideCard, { capture: true, passive: true });
})();
