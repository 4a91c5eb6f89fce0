// Beside the question box: what to ask within, and files that are attached or dropped into the chat.
(() => {
  const control = () => document.querySelector("[data-scope]");
  const name = (input) => input.closest("label").innerText.trim();

  // All documents, some collections or one document: choosing one kind ends the others.
  const settle = (changed) => {
    const box = control();
    const all = box.querySelector("[data-scope-all]");
    const collections = [...box.querySelectorAll("[data-scope-collection]")];
    const documents = [...box.querySelectorAll("[data-scope-document]")];
    if (changed === all || changed.matches("[data-scope-document]")) {
      for (const input of collections) input.checked = false;
    }
    if (!changed.matches("[data-scope-document]")) {
      for (const input of documents) input.checked = false;
    }
    const chosen = [...collections, ...documents].filter((input) => input.checked);
    all.checked = !chosen.length;
    box.querySelector("[data-scope-label]").textContent = chosen.map(name).join(", ") || "all documents";
  };

  document.addEventListener("change", (event) => {
    if (event.target.closest("[data-scope]") && event.target.matches("input:not([type=search])")) {
      settle(event.target);
    }
  });
  // What is chosen counts for the question that leaves; an open list would cover its answer.
  document.addEventListener("htmx:beforeSend", (event) => {
    if (event.target.matches?.("[data-composer]") && control()) control().open = false;
  });
  // Enter in the search for a document must not send the question.
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches("[data-scope-find]")) event.preventDefault();
    if (event.key === "Escape" && event.target.closest("[data-scope][open]")) {
      control().open = false;
      control().querySelector("summary").focus();
      event.stopPropagation();
    }
  }, true);

  const input = () => document.querySelector("[data-attach-input]");
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-attach]")) input().click();
  });
  document.addEventListener("htmx:afterRequest", (event) => {
    if (event.target === input()) event.target.value = "";
  });

  const thread = () => document.querySelector(".thread");
  const carriesFiles = (event) => thread() && [...event.dataTransfer.types].includes("Files");
  let depth = 0;
  const over = (on) => thread()?.classList.toggle("is-over", on);
  document.addEventListener("dragenter", (event) => {
    if (carriesFiles(event)) { depth += 1; over(true); }
  });
  document.addEventListener("dragleave", (event) => {
    if (carriesFiles(event)) { depth = Math.max(depth - 1, 0); over(depth > 0); }
  });
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    input().files = event.dataTransfer.files;
    input().dispatchEvent(new Event("change", { bubbles: true }));
  });
})();
