/* The conversation: keeps the end in view, says when something came while one reads above it,
   sends with Enter, and empties the field only when the server has taken the message.
   Expects <div role="log" aria-live="polite" aria-label="对话记录"><ol id="stream" class="chat">…</ol></div>
   (HTMX appends <li class="msg"> to #stream), <form class="composer"> with a textarea .tx,
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

  // HX-Trigger: sent
  document.addEventListener("sent", () => {
    const form = composer();
    if (!form) return;
    form.reset();
    wasNearEnd = true;
    toEnd(true);
    form.querySelector(".tx")?.focus({ preventScroll: true });
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
