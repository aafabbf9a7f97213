/* Passkeys: a form that carries options asks the browser for one, and posts its answer with itself.
   Without script, or where the browser has no passkeys, the button stays away and the note says so. */
(() => {
  "use strict";

  const bytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (sign) => sign.charCodeAt(0));
  const text = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
      .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  const known = (list) => (list || []).map((one) => ({ ...one, id: bytes(one.id) }));

  function make(options) {
    return navigator.credentials.create({ publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      user: { ...options.user, id: bytes(options.user.id) },
      excludeCredentials: known(options.excludeCredentials),
    } });
  }

  function use(options) {
    return navigator.credentials.get({ publicKey: {
      ...options,
      challenge: bytes(options.challenge),
      allowCredentials: known(options.allowCredentials),
    } });
  }

  /** The answer as JSON, every buffer of it as base64url. */
  function written(credential) {
    const response = { clientDataJSON: text(credential.response.clientDataJSON) };
    for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (credential.response[name]) response[name] = text(credential.response[name]);
    }
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    return JSON.stringify({ id: credential.id, rawId: text(credential.rawId), type: credential.type, response });
  }

  async function ask(form, button, note) {
    const options = JSON.parse(form.dataset.passkey);
    button.disabled = true;
    note.textContent = "请按设备的提示操作…";
    try {
      const credential = await (options.user ? make(options) : use(options));
      form.elements.credential.value = written(credential);
      form.requestSubmit();
    } catch (problem) {
      button.disabled = false;
      note.textContent = problem.name === "InvalidStateError"
        ? "这台设备上已经有一个你的通行密钥。"
        : "没有完成：已取消、超时，或这台设备上没有你的通行密钥。可以再试一次，或换一种方式。";
    }
  }

  for (const form of document.querySelectorAll("form[data-passkey]:not([data-ready])")) {
    form.dataset.ready = "1"; // the script comes with each form that HTMX brings
    const button = form.querySelector("[data-passkey-button]");
    const note = form.querySelector("[data-passkey-note]");
    const { rp, rpId } = JSON.parse(form.dataset.passkey);
    const home = rpId || rp.id;
    const isHome = location.hostname === home || location.hostname.endsWith(`.${home}`);
    if (!window.PublicKeyCredential || !isHome) continue; // the note says what else there is
    note.textContent = "";
    button.hidden = false;
    button.addEventListener("click", () => ask(form, button, note));
  }
})();
