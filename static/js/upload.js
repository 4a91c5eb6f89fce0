// Drag and drop of files and folders onto the page, or a choice from a dialog. Three files travel
// at a time; each has a bar, and a refused one says why and can be tried again.
(() => {
  const PARALLEL = 3;
  const waiting = [];
  let active = 0;
  let sent = 0;
  let known = 0;
  let refreshed = 0;

  const zone = () => document.querySelector("[data-upload]");
  const csrf = () => JSON.parse(document.body.getAttribute("hx-headers"))["X-CSRFToken"];

  const readEntry = (entry, path = "") => new Promise((resolve) => {
    if (entry.isFile) {
      entry.file((file) => resolve([{ file, path: path + file.name }]), () => resolve([]));
      return;
    }
    const reader = entry.createReader();
    const found = [];
    // A directory reader hands out at most 100 entries a call, and an empty list at the end.
    const more = () => reader.readEntries(async (entries) => {
      if (!entries.length) return resolve((await Promise.all(found)).flat());
      found.push(...entries.map((child) => readEntry(child, `${path}${entry.name}/`)));
      more();
    }, () => resolve([]));
    more();
  });

  const collect = async (items) => {
    const entries = [...items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
    const found = (await Promise.all(entries.map((entry) => readEntry(entry)))).flat();
    return found.filter(({ file }) => !file.name.startsWith("."));
  };

  const addRow = (name) => {
    const row = document.getElementById("upload-row").content.firstElementChild.cloneNode(true);
    row.querySelector(".upload-name").textContent = name;
    document.getElementById("upload-list").append(row);
    return row;
  };

  const announce = (text) => {
    const line = document.getElementById("upload-status");
    if (line) line.textContent = text;
  };

  // The table follows the uploads, but not more often than once a second.
  const refresh = ({ now = false } = {}) => {
    if (!now && Date.now() - refreshed < 1000) return;
    refreshed = Date.now();
    htmx.trigger(document.body, "documents-changed");
  };

  const bodyOf = (request) => {
    try {
      return JSON.parse(request.responseText);
    } catch {
      return request.status === 413 ? { detail: "This file is larger than the server accepts." } : {};
    }
  };

  const finish = () => {
    announce(sent === 1 ? "1 file uploaded" : `${sent} files uploaded`);
    if (known) {
      const text = known === 1
        ? "1 file was here already, with the same content. It was not stored twice."
        : `${known} files were here already, with the same content. They were not stored twice.`;
      htmx.trigger(document.body, "toast", { text });
    }
    if (sent) refresh({ now: true });
    sent = known = 0;
  };

  const fail = (job, text) => {
    job.row.classList.add("is-failed");
    job.row.querySelector("progress").hidden = true;
    job.row.querySelector(".upload-note").textContent = text;
    const retry = job.row.querySelector("[data-upload-retry]");
    retry.hidden = false;
    retry.onclick = () => { job.row.remove(); add([job]); };
  };

  const send = (job) => new Promise((resolve) => {
    const request = new XMLHttpRequest();
    const bar = job.row.querySelector("progress");
    const note = job.row.querySelector(".upload-note");
    const form = new FormData();
    form.append("file", job.file, job.file.name);
    form.append("path", job.path);
    request.open("POST", zone().dataset.uploadUrl);
    request.setRequestHeader("X-CSRFToken", csrf());
    request.setRequestHeader("Accept", "application/json");
    request.upload.onprogress = (event) => {
      bar.max = event.total;
      bar.value = event.loaded;
      note.textContent = event.loaded === event.total ? "storing" : "sending";
    };
    request.onload = () => {
      if (request.status < 300) {
        sent += 1;
        if (bodyOf(request).outcome === "duplicate") known += 1;
        job.row.remove();
        refresh();
      } else {
        fail(job, bodyOf(request).detail ?? "The server did not take this file. Try again.");
      }
      resolve();
    };
    request.onerror = () => {
      fail(job, "The connection broke off. Nothing of this file was stored.");
      resolve();
    };
    request.send(form);
  });

  const pump = () => {
    while (active < PARALLEL && waiting.length) {
      active += 1;
      send(waiting.shift()).then(() => {
        active -= 1;
        if (!active && !waiting.length) finish();
        pump();
      });
    }
  };

  const add = (found) => {
    for (const { file, path } of found) waiting.push({ file, path, row: addRow(path || file.name) });
    if (found.length) announce(`Uploading ${found.length === 1 ? "1 file" : `${found.length} files`}`);
    pump();
  };

  const carriesFiles = (event) => zone() && [...event.dataTransfer.types].includes("Files");
  let depth = 0;
  const over = (on) => zone()?.classList.toggle("is-over", on);

  document.addEventListener("dragenter", (event) => {
    if (carriesFiles(event)) { depth += 1; over(true); }
  });
  document.addEventListener("dragleave", (event) => {
    if (carriesFiles(event)) { depth = Math.max(depth - 1, 0); over(depth > 0); }
  });
  document.addEventListener("dragover", (event) => {
    if (carriesFiles(event)) event.preventDefault();
  });
  document.addEventListener("drop", async (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth = 0;
    over(false);
    const plain = [...event.dataTransfer.files].map((file) => ({ file, path: file.name }));
    const found = await collect(event.dataTransfer.items);
    add(found.length ? found : plain);
  });
  document.addEventListener("change", (event) => {
    if (!event.target.matches("[data-upload-input]")) return;
    add([...event.target.files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
    event.target.value = "";
  });
  addEventListener("beforeunload", (event) => {
    if (active) event.preventDefault();
  });
})();
