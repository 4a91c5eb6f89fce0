// The question box: it grows with the text; Enter sends, Shift+Enter breaks the line, Esc stops
// the answer, arrow up in an empty box edits the last question.
(() => {
  const grow = (area) => {
    area.style.height = "auto";
    area.style.height = `${area.scrollHeight + 2}px`;
  };
  const last = (selector) => [...document.querySelectorAll(selector)].at(-1);

  document.addEventListener("input", (event) => {
    if (event.target.matches("[data-autosize]")) grow(event.target);
  });

  document.addEventListener("keydown", (event) => {
    const area = event.target.closest("[data-composer] textarea");
    if (area && event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      const busy = document.querySelector("[data-answer-open]");
      if (area.value.trim() && !(busy && area.form.matches("[data-composer-main]"))) {
        area.form.requestSubmit();
      }
    } else if (area && event.key === "ArrowUp" && area.value === "") {
      const edit = last("[data-edit-question]");
      if (edit) { event.preventDefault(); edit.click(); }
    }
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) {
      const cancel = event.target.closest("[data-composer]")?.querySelector("[data-edit-cancel]");
      (cancel ?? last("[data-stop]"))?.click();
    }
  });

  document.addEventListener("click", (event) => {
    const example = event.target.closest("[data-example]");
    if (example) {
      const area = document.querySelector("[data-composer-main] textarea");
      area.value = example.dataset.example;
      grow(area);
      area.form.requestSubmit();
    }
    const edit = event.target.closest("[data-edit-question]");
    if (edit) toggleEditing(edit.closest("[data-question]"), true);
    const cancel = event.target.closest("[data-edit-cancel]");
    if (cancel) toggleEditing(cancel.closest("[data-question]"), false);
  });

  const toggleEditing = (question, on) => {
    question.querySelector("[data-question-view]").hidden = on;
    question.querySelector("[data-question-form]").hidden = !on;
    const area = on
      ? question.querySelector("textarea")
      : document.querySelector("[data-composer-main] textarea");
    if (on) grow(area);
    area?.focus();
  };

  // The box empties as the question leaves; if sending fails, the words come back.
  document.addEventListener("htmx:beforeSend", (event) => {
    const form = event.target;
    if (!form.matches?.("[data-composer-main]")) return;
    const area = form.querySelector("textarea");
    form.dataset.sent = area.value;
    area.value = "";
    grow(area);
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    const form = event.target;
    if (!form.matches?.("[data-composer-main]") || event.detail.successful) return;
    const area = form.querySelector("textarea");
    if (!area.value) area.value = form.dataset.sent;
    grow(area);
  });

  const start = (root) => root.querySelectorAll?.("[data-autosize]").forEach(grow);
  start(document);
  document.addEventListener("htmx:load", (event) => start(event.detail.elt));
})();
