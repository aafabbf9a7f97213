/* What every page does beyond HTML: busy buttons, focus after a swap, announcements, toasts,
   sheets, counters. Nothing here is needed to use the site; it only makes it smoother. */
(() => {
  "use strict";

  const BUSY_LABEL = "正在提交…";
  const live = () => document.getElementById("live");
  const toastBox = () => document.getElementById("toast");
  const sheet = () => document.getElementById("sheet");

  /* --- Saying things: #live for ears, toast for eyes --------------------------------------- */

  function announce(text) {
    const region = live();
    if (!region || !text) return;
    region.textContent = "";
    // A change of text in two steps is heard even when the same words come twice.
    setTimeout(() => { region.textContent = text; }, 60);
  }

  let toastTimer = 0;

  /** Shows one line; with `retry` it stays until it is used or replaced. */
  function toast(text, retry) {
    const box = toastBox();
    if (!box || !text) return;
    const line = document.createElement("div");
    line.className = "toast";
    line.append(text);
    if (retry) {
      const again = document.createElement("button");
      again.type = "button";
      again.textContent = "重试";
      again.addEventListener("click", () => { box.replaceChildren(); retry(); });
      line.append(again);
    }
    box.replaceChildren(line);
    announce(text);
    clearTimeout(toastTimer);
    toastTimer = setTimeout(() => line.remove(), retry ? 15000 : 4000);
  }

  window.kuanxi = { announce, toast };

  // HX-Trigger: {"toast": "已保存草稿"} or {"toast": {"message": "…"}}; {"announce": "…"} for ears only.
  const wordsOf = (event) => {
    const detail = event.detail || {};
    return typeof detail === "string" ? detail : detail.message || detail.value || "";
  };
  document.addEventListener("toast", (event) => toast(wordsOf(event)));
  document.addEventListener("announce", (event) => announce(wordsOf(event)));

  /* --- Double submit ---------------------------------------------------------------------------- */

  function busy(button) {
    if (!button || button.dataset.label !== undefined) return;
    button.dataset.label = "";
    button.savedNodes = [...button.childNodes];
    button.setAttribute("aria-disabled", "true");
    button.setAttribute("aria-busy", "true");
    if (!button.classList.contains("btn")) return; // an icon stays an icon
    const spinner = document.createElement("span");
    spinner.className = "spin";
    spinner.setAttribute("aria-hidden", "true");
    button.replaceChildren(spinner, button.dataset.busy || BUSY_LABEL);
  }

  function ready(button) {
    if (!button || button.dataset.label === undefined) return;
    delete button.dataset.label;
    if (button.savedNodes) button.replaceChildren(...button.savedNodes);
    button.removeAttribute("aria-busy");
    button.removeAttribute("aria-disabled");
  }

  // A button refused by a rule (aria-disabled from the server) or already pressed does nothing.
  document.addEventListener("click", (event) => {
    const button = event.target.closest('[aria-disabled="true"]');
    if (!button) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const reason = document.getElementById(button.getAttribute("aria-describedby") || "");
    if (reason && button.dataset.label === undefined) announce(reason.textContent.trim());
  }, true);

  document.addEventListener("submit", (event) => {
    const form = event.target;
    const question = event.submitter?.dataset.confirm || form.dataset.confirm;
    if (form.dataset.asked) return; // confirmed already (stay.js)
    if (form.dataset.sending || (question && !window.confirm(question))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    }
  }, true);

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.target === "_blank") return;
    if ("download" in form.dataset) return; // the page stays: its buttons must stay too
    form.dataset.sending = "1";
    const button = event.submitter || form.querySelector("button:not([type=button])");
    setTimeout(() => busy(button)); // after the browser has read the button's own value
  });

  /** Forms that were not sent after all work again, and their buttons. */
  function release() {
    document.querySelectorAll("form[data-sending]").forEach((form) => { delete form.dataset.sending; });
    document.querySelectorAll("button[aria-busy]").forEach(ready);
  }
  window.addEventListener("pageshow", release); // back to a page kept in memory

  /* --- HTMX: busy, focus, errors ------------------------------------------------------------------- */

  const isPoll = (element) => /\b(every|poll|load|revealed)\b/.test(element.getAttribute("hx-trigger") || "");

  Object.assign(window.kuanxi, { isPoll, release });

  document.addEventListener("htmx:beforeRequest", (event) => {
    const { elt, requestConfig } = event.detail;
    if (document.hidden && isPoll(elt)) { event.preventDefault(); return; }
    if (isPoll(elt)) return;
    const pressed = requestConfig.triggeringEvent?.submitter || (elt.matches("button, a.btn") ? elt : null);
    elt.pressed = pressed;
    busy(pressed);
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, requestConfig } = event.detail;
    const elt = requestConfig?.elt || event.detail.elt; // a form that was swapped away speaks through its parent
    // On a redirect the page is about to go: the button stays busy.
    if (!window.kuanxi.leaves(xhr)) ready(elt.pressed);
  });

  document.addEventListener("htmx:afterSettle", (event) => {
    const target = event.detail.elt || event.detail.target;
    if (!target || isPoll(event.detail.requestConfig?.elt || target)) return;
    const wrong = target.querySelector?.('[aria-invalid="true"]');
    const wanted = target.querySelector?.("[data-focus]");
    const wholePage = target.matches?.("body, main, .app");
    const place = wrong || wanted || (wholePage && document.querySelector("h1"));
    if (place) place.focus({ preventScroll: false });
    count();
  });

  // A page that came back with errors: straight to the first of them.
  function greet() {
    const wrong = document.querySelector('main [aria-invalid="true"], main fieldset[aria-invalid]');
    const place = wrong || document.querySelector("main [data-focus]");
    if (place) place.focus();
    count();
  }

  /* --- Sheet: content swapped into #sheet opens it; it closes by cross, Esc or the ground ------------- */

  let opener = null;

  function closeSheet() {
    const box = sheet();
    if (box?.open) box.close();
  }

  function openSheet() {
    const box = sheet();
    if (!box || box.open) return;
    opener = opener || document.activeElement;
    box.showModal();
    (box.querySelector('[aria-invalid="true"], [data-focus], #sheet-title') || box).focus();
  }

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (event.detail.target?.id === "sheet" && !sheet().open) opener = event.detail.elt;
  });
  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target?.id !== "sheet") return;
    if (sheet().childElementCount) openSheet(); else closeSheet();
  });
  document.addEventListener("closeSheet", closeSheet); // HX-Trigger: closeSheet

  document.addEventListener("click", (event) => {
    const box = sheet();
    if (event.target === box) closeSheet(); // the ground behind it
    if (event.target.closest("[data-close]") && box?.open) {
      event.preventDefault();
      closeSheet();
    }
  });

  document.addEventListener("close", (event) => {
    if (event.target !== sheet()) return;
    event.target.replaceChildren();
    if (opener?.isConnected) opener.focus();
    opener = null;
  }, true);

  /* --- Small helpers of forms --------------------------------------------------------------------------- */

  // <span data-count-for="id_statement">: 31/500; data-count-most where no maxlength may cut a paste
  function count() {
    document.querySelectorAll("[data-count-for]").forEach((place) => {
      const field = document.getElementById(place.dataset.countFor);
      if (!field) return;
      const used = [...field.value.replace(/\r\n/g, "\n")].length;
      const most = place.dataset.countMost || field.getAttribute("maxlength");
      place.textContent = most ? `${used}/${most}` : String(used);
    });
  }
  document.addEventListener("input", count);

  document.addEventListener("click", (event) => {
    const clear = event.target.closest("[data-clear]"); // empties a field
    const reveal = event.target.closest("[data-reveal]"); // shows a password
    const fill = event.target.closest("[data-fill]"); // puts data-value into a field
    if (clear || fill) {
      const field = document.getElementById((clear || fill).dataset.clear || (clear || fill).dataset.fill);
      if (!field) return;
      field.value = fill ? fill.dataset.value : "";
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
      field.focus();
    }
    if (reveal) {
      const field = document.getElementById(reveal.dataset.reveal);
      if (!field) return;
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      reveal.setAttribute("aria-pressed", String(shown));
    }
  });

  // <button data-print>, and elements that only make sense with script: <… hidden data-needs-script>
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-print]")) window.print();
  });

  window.addEventListener("offline", () => toast("网络已断开，恢复后可继续操作。"));
  window.addEventListener("online", () => toast("网络已恢复。"));

  function unhide(root) {
    root.querySelectorAll?.("[data-needs-script]").forEach((element) => { element.hidden = false; });
  }

  /* --- A number stays on the line of its unit: 第 4 期, 1,053.62 元, 12月8日 ------------------------------ */

  const UNIT = "年|月|日|天|期|元|次|份|张|笔|条|个|位|项|字|页|秒|分钟|小时|工作日|%|MB|KB";
  const SPACED = new RegExp(`(\\d) (?=${UNIT})|(第) (?=\\d)`, "g");
  const CLOSE = new RegExp(`(\\d)(?=${UNIT})|([年月])(?=\\d)`, "g");

  function keepUnits(root) {
    const pieces = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (pieces.nextNode()) {
      const piece = pieces.currentNode;
      if (!/\d/.test(piece.data) || piece.parentElement?.closest("textarea, option, time, data, svg")) continue;
      const kept = piece.data.replace(SPACED, "$1$2\u00a0").replace(CLOSE, "$1$2\u2060");
      if (kept !== piece.data) piece.data = kept;
    }
  }

  function dress(root) {
    unhide(root);
    keepUnits(root);
  }
  document.addEventListener("htmx:load", (event) => dress(event.detail.elt));

  function start() {
    dress(document.body);
    greet();
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
