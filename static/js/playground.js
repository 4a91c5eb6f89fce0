// The playground: sends the form, reads the stream of its response, and fills the columns.
// The response of the POST is the stream itself, so that leaving the page ends the models' work.
(() => {
  const form = document.querySelector("[data-playground]");
  if (!form) return;
  const start = form.querySelector("[data-run-start]");
  const stop = form.querySelector("[data-run-stop]");
  const problem = form.querySelector("[data-run-error]");
  let running = null;

  const column = (number) => {
    const root = form.querySelector(`[data-variant="${number}"]`);
    return {
      status: root.querySelector("[data-status]"),
      text: root.querySelector("[data-answer-text]"),
      facts: root.querySelector("[data-measured]"),
    };
  };
  const columns = () => [...form.querySelectorAll("[data-variant]")].map((root) => column(root.dataset.variant));

  const clear = () => {
    problem.hidden = true;
    for (const { status, text, facts } of columns()) {
      status.textContent = "Waiting";
      text.textContent = "";
      text.classList.add("answer-stream");
      facts.hidden = true;
    }
  };
  const complain = (words) => {
    problem.querySelector("p").textContent = words;
    problem.hidden = false;
    for (const { status } of columns()) if (status.textContent === "Waiting") status.textContent = "";
  };

  const show = (name, data) => {
    if (name === "end") return;
    const { status, text, facts } = column(data.variant);
    if (name === "status") status.textContent = data.text;
    if (name === "restart") { text.replaceChildren(); }
    if (name === "token") { status.textContent = ""; text.append(data.text); }
    if (name === "failed") status.textContent = data.reason;
    if (name === "done") {
      status.textContent = "";
      // The server rendered and cleaned it, as it does in the chat.
      text.classList.remove("answer-stream");
      text.replaceChildren(...new DOMParser().parseFromString(data.html, "text/html").body.childNodes);
      for (const fact of facts.querySelectorAll("[data-fact]")) fact.textContent = data[fact.dataset.fact];
      facts.hidden = false;
    }
  };
  const take = (block) => {
    const lines = block.split("\n");
    const name = lines.find((line) => line.startsWith("event: "))?.slice(7);
    const data = lines.find((line) => line.startsWith("data: "))?.slice(6);
    if (name && data) show(name, JSON.parse(data));
  };
  const read = async (response) => {
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let held = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const blocks = (held + value).split("\n\n");
      held = blocks.pop();
      blocks.forEach(take);
    }
  };

  const run = async () => {
    running = new AbortController();
    clear();
    start.disabled = true;
    stop.hidden = false;
    try {
      const body = new FormData(form);
      const response = await fetch(form.dataset.runUrl, { method: "POST", body, signal: running.signal });
      if (response.status === 422) {
        const { errors } = await response.json();
        complain(Object.entries(errors).map(([name, words]) => `${name}: ${words.join(" ")}`).join(" "));
      } else if (!response.ok) {
        complain("The server did not take the question. Reload the page and try again.");
      } else {
        await read(response);
      }
    } catch (error) {
      complain(error.name === "AbortError" ? "Stopped, as you asked." : "The connection is lost. Ask again.");
    } finally {
      start.disabled = false;
      stop.hidden = true;
      running = null;
    }
  };

  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter !== start) return; // loads or saves a text
    event.preventDefault();
    // A form with folded parts leaves it to the server: a field that is not shown cannot be pointed at.
    if (!running && (form.noValidate || form.reportValidity())) run();
  });
  stop.addEventListener("click", () => running?.abort());
})();
