// Passkeys (WebAuthn): a form with data-passkey asks the browser before it is sent.
//
// data-passkey: "create" or "get". What to ask for stands in the element that data-passkey-options
// names, or is fetched from data-passkey-url. The answer goes into the field `credential`.

const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");

const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));

const withIds = (list) => (list ?? []).map((row) => ({ ...row, id: decode(row.id) }));

async function readOptions(form) {
  if (form.dataset.passkeyUrl) {
    const headers = { "X-Requested-With": "XMLHttpRequest", Accept: "application/json" };
    const response = await fetch(form.dataset.passkeyUrl, { headers });
    if (!response.ok) throw new Error("no options");
    return (await response.json()).request_options.publicKey;
  }
  const data = JSON.parse(document.getElementById(form.dataset.passkeyOptions).textContent);
  return (data.creation_options ?? data.request_options).publicKey;
}

async function create(form) {
  const options = await readOptions(form);
  options.challenge = decode(options.challenge);
  options.user.id = decode(options.user.id);
  options.excludeCredentials = withIds(options.excludeCredentials);
  if (form.elements.passwordless?.checked) {
    options.authenticatorSelection = {
      ...options.authenticatorSelection,
      residentKey: "required",
      requireResidentKey: true,
      userVerification: "required",
    };
  }
  const made = await navigator.credentials.create({ publicKey: options });
  return {
    id: made.id,
    rawId: encode(made.rawId),
    type: made.type,
    authenticatorAttachment: made.authenticatorAttachment,
    clientExtensionResults: made.getClientExtensionResults(),
    response: {
      attestationObject: encode(made.response.attestationObject),
      clientDataJSON: encode(made.response.clientDataJSON),
      transports: made.response.getTransports?.() ?? [],
    },
  };
}

async function get(form) {
  const options = await readOptions(form);
  options.challenge = decode(options.challenge);
  options.allowCredentials = withIds(options.allowCredentials);
  const shown = await navigator.credentials.get({ publicKey: options });
  return {
    id: shown.id,
    rawId: encode(shown.rawId),
    type: shown.type,
    authenticatorAttachment: shown.authenticatorAttachment,
    clientExtensionResults: shown.getClientExtensionResults(),
    response: {
      authenticatorData: encode(shown.response.authenticatorData),
      clientDataJSON: encode(shown.response.clientDataJSON),
      signature: encode(shown.response.signature),
      userHandle: shown.response.userHandle ? encode(shown.response.userHandle) : null,
    },
  };
}

async function ask(form) {
  const button = form.querySelector("button:not([type=button])");
  const problem = form.querySelector("[data-passkey-error]");
  button.disabled = true;
  problem.hidden = true;
  try {
    const credential = await (form.dataset.passkey === "create" ? create(form) : get(form));
    form.elements.credential.value = JSON.stringify(credential);
    form.submit();
  } catch {
    // The browser has said why, or the person has cancelled.
    problem.hidden = false;
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  if (window.PublicKeyCredential) {
    form.hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      ask(form);
    });
  }
}
