/* The conversation: keeps the end in view, says when something came while one reads above it,
   sends with Enter. A text leaves the field at once and stands at the end of the conversation until
   the server has taken it; one that fails stays there with 重试, and those behind it wait for it.
   Expects <div role="log" aria-live="polite" aria-label="对话记录"><ol id="stream" class="chat">…</ol></div>
   (HTMX appends <li class="msg"> to #stream), <form class="composer"> with a textarea .tx,
   <template id="sending"> with the <li> of a text on its way (a form with text and once),
   and <button class="btn sm new-msg" data-new-messages hidden>有新消息</button>. */
(() => {
  "use strict";

  const stream = () => document.getElementById("stream");
  const composer = () => document.querySelector("form.composer");
  const newButton = () => document.querySelector("[data-new-messages]");
  const room = () => document.documentElement.scrollHeight - window.innerHeight - window.scrollY;
  const calm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

  function toEnd(smooth) {
    window.scrollTo({ top: document.documentElement.scrollHeight, behavior: smooth && !calm() ? "smooth" : "instant" });
    const button = newButton();
    if (button) button.hidden = true;
  }

  let wasNearEnd = true;
  let counted = 0;
  const messages = () => stream()?.querySelectorAll(".msg, .sys").length || 0;

  document.addEventListener("htmx:beforeSwap", () => { wasNearEnd = room() < 160; });

  document.addEventListener("htmx:afterSettle", () => {
    const now = messages();
    if (now === counted) return;
    counted = now;
    if (wasNearEnd) toEnd(true);
    else if (newButton()) newButton().hidden = false; // no scrolling away from what one reads
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-new-messages]")) toEnd(true);
  });

  window.addEventListener("scroll", () => {
    if (room() < 40 && newButton()) newButton().hidden = true;
  }, { passive: true });

  // Enter sends, Shift+Enter breaks the line; never while Chinese is being composed.
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("form.composer textarea");
    if (!field || event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (field.value.trim()) field.form.requestSubmit();
  });

  /* --- Texts on their way --------------------------------------------------------------------- */

  const field = () => composer()?.querySelector(".tx");
  const unsent = () => stream().querySelectorAll(".msg[data-way]"); // data-way: waits, goes, failed
  const lineOf = (event) => event.detail.requestConfig?.elt?.closest?.(".msg[data-way]");

  /** A word that no other message has: under it the server stores one message, however often sent. */
  const newWord = () => [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");

  function set(line, way, words) {
    line.dataset.way = way;
    line.classList.toggle("failed", way === "failed");
    line.querySelector(".rc").classList.toggle("cd", way === "failed");
    line.querySelector(".how").textContent = words;
    line.querySelector(".rc button").hidden = way !== "failed";
  }

  function sendNext() {
    const [first] = unsent();
    if (first?.dataset.way !== "waits") return; // on its way, or failed: those behind it wait
    set(first, "goes", "正在发送…");
    first.querySelector("form").requestSubmit();
  }

  function take(text) {
    const line = document.getElementById("sending").content.cloneNode(true).firstElementChild;
    const form = line.querySelector("form");
    line.querySelector(".bub").textContent = text;
    form.elements.text.value = text;
    form.elements.once.value = newWord();
    stream().append(line);
    window.htmx.process(line);
    set(line, "waits", "等待发送…");
    counted = messages();
    field().value = "";
    field().dispatchEvent(new Event("input", { bubbles: true })); // its draft is over
    field().focus({ preventScroll: true });
    toEnd(false);
    sendNext();
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!window.htmx) return; // then the page itself is sent
    if (form.matches(".msg[data-way] form")) { // 重试
      set(form.closest(".msg"), "goes", "正在发送…");
      return;
    }
    if (form !== composer() || event.submitter?.name || !field().value.trim()) return;
    if (form.querySelector("input[type=file]").files.length) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    take(field().value);
  }, true);

  // Files and quick questions go by themselves; what is being typed stays in its field.
  document.addEventListener("htmx:configRequest", (event) => {
    if (!event.detail.elt.matches("form.composer, .msg form.chips")) return;
    event.detail.parameters.once = newWord();
    if (event.detail.elt !== composer()) return;
    if (event.detail.parameters.topic || composer().querySelector("input[type=file]").files.length) delete event.detail.parameters.text;
  });

  let typed = "";
  document.addEventListener("htmx:beforeSwap", (event) => {
    if (lineOf(event) && event.detail.xhr.status === 409) event.detail.shouldSwap = false; // its own line says why
    typed = field()?.value || "";
  });
  document.addEventListener("htmx:afterSwap", () => {
    // The composer came back with a refusal, and the refused text: what was typed since goes on behind it.
    if (typed && field() && field().value !== typed) field().value = [field().value, typed].filter(Boolean).join("\n");
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const line = lineOf(event);
    if (!line || window.kuanxi.leaves(event.detail.xhr)) return;
    if (event.detail.successful || event.detail.xhr?.status === 422) { // said, or back in the field to be mended
      line.remove();
      counted = messages();
      sendNext();
      return;
    }
    const answer = new DOMParser().parseFromString(event.detail.xhr?.responseText || "", "text/html");
    set(line, "failed", `未发送。${answer.querySelector(".err-msg")?.textContent.trim() || ""}`);
    toEnd(false);
  });

  // HX-Trigger: sent
  document.addEventListener("sent", (event) => {
    if (event.target === composer()) composer().querySelector("input[type=file]").value = "";
    wasNearEnd = true;
    toEnd(true);
  });

  // A chosen file goes at once.
  document.addEventListener("change", (event) => {
    const input = event.target.closest?.("form.composer input[type=file], form[data-send-on-change] input[type=file]");
    if (input?.files.length && knowsWhere(input.form)) input.form.requestSubmit();
    const which = event.target.closest?.("form.composer select[name=case]");
    if (which?.value && which.form.querySelector("input[type=file]")?.files.length) which.form.requestSubmit();
  });

  // With several applications a file waits until it is said which of them it is for.
  function knowsWhere(form) {
    const which = form.querySelector("select[name=case]");
    if (!which || which.value) return true;
    which.setCustomValidity("请选择材料交给哪一份申请");
    which.reportValidity();
    which.setCustomValidity("");
    return false;
  }

  function start() {
    counted = messages();
    if (stream() && !location.hash) toEnd(false);
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
