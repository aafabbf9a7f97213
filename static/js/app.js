/* What every page does beyond HTML: busy buttons, focus after a swap, announcements, toasts,
   sheets, counters. Nothing here is needed to use the site; it only makes it smoother. */
(() => {
  "use strict";

  const BUSY_LABEL = "正在提交…";
  const live = () => document.getElementById("live");
  const toastBox = () => document.getElementById("toast");
  const sheet = () => document.getElementById("sheet");

  /* --- Saying things: #live for ears, toast for eyes --------------------------------------- */

  const waiting = []; // what is to be said in the same breath

  /** The one way to be heard: the region stays in the page, and its words change. */
  function announce(text) {
    const region = live();
    if (!region || !text || waiting.includes(text)) return;
    region.textContent = "";
    // A change of text in two steps is heard even when the same words come twice.
    if (waiting.push(text.replace(/\s+/g, " ").trim()) === 1) setTimeout(() => { region.textContent = waiting.splice(0).join(" "); }, 60);
  }

  const said = new Map(); // id of a result -> its words

  /** <… id data-say>: a result, said when it comes or changes; data-say="now": also when the page opens. */
  function sayResults(root, isArrival = false) {
    const results = [...root.querySelectorAll("[data-say]")].concat(root.matches?.("[data-say]") ? root : []);
    results.forEach((result) => {
      const words = result.textContent;
      const isNew = isArrival ? result.dataset.say === "now" : said.get(result.id) !== words;
      said.set(result.id, words);
      if (isNew && !result.contains(document.activeElement)) announce(words);
    });
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
    const pressed = requestConfig.triggeringEvent?.submitter || (elt.matches("button, a.btn") ? elt : null);
    const focused = document.activeElement === document.body ? !isPoll(elt) && (pressed || elt) : document.activeElement;
    if (focused) Object.assign(requestConfig, { from: focused, mark: markOf(focused) }); // before the button is busy
    if (isPoll(elt)) return;
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
    const { target, elt, requestConfig, xhr } = event.detail;
    const root = target?.isConnected ? target : document.getElementById(target?.id) || elt;
    if (!requestConfig || !root?.isConnected) return;
    const isTyping = isPoll(requestConfig.elt) || ["input", "change"].includes(requestConfig.triggeringEvent?.type);
    placeErrors(root, isTyping);
    count();
    if (requestConfig.from) settleFocus(root, requestConfig, isTyping, xhr?.status >= 400);
    sayResults(root);
  });

  // What an element is to whoever uses it: the same after a swap, though it is another object.
  const markOf = (one) => [one.id, one.tagName, one.name, one.value && one.tagName === "BUTTON" ? one.value : "", one.getAttribute("href"),
    one.getAttribute("aria-label") || (one.matches("a, button, summary") ? one.textContent.trim() : "")].join("|");

  /** Focus goes to what is wrong, to what the answer wants, else it stays with what was used: itself, its
      double in the answer, or the beginning of what came. Whoever has gone elsewhere meanwhile is left alone. */
  function settleFocus(root, { from, mark }, isTyping, isRefused) {
    const now = document.activeElement;
    const isLost = !now || now === document.body || now.matches("dialog");
    if (!isLost && now !== from && markOf(now) !== mark) return;
    if (isTyping && !isLost) return;
    const wrong = firstWrong(root) || (isRefused && root.querySelector('[role="alert"]'));
    const wanted = root.querySelector("[data-focus]");
    const twin = (from?.id && document.getElementById(from.id))
      || [...root.querySelectorAll("a, button, input, select, textarea, summary")].find((one) => markOf(one) === mark);
    focusOn((!isTyping && (wrong || wanted)) || (from?.isConnected && from) || twin || headOf(root));
  }

  const firstWrong = (root) => [...document.querySelectorAll('[aria-invalid="true"]')]
    .map(placeOf).find((place) => root.contains(place) || formOf(place)?.contains(root));

  const headOf = (root) => root.querySelector("h1, h2, h3, legend, .tabs [aria-current]")
    || root.parentElement?.closest("section, dialog")?.querySelector("h1, h2, h3") || document.querySelector("h1");

  function focusOn(place) {
    if (!place) return;
    if (place.tabIndex < 0 && !place.hasAttribute("tabindex")) place.tabIndex = -1;
    place.focus();
  }

  // A page that came back with errors: straight to the first of them.
  function greet() {
    const main = document.querySelector("main") || document.body;
    focusOn(firstWrong(main) || main.querySelector("[data-focus]"));
    sayResults(document, true);
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

  /* --- Errors at fields: they go when mended ------------------------------------------------------------ */

  // An error stands beside its field while the field has the value that was refused, or lacks what
  // it asks for itself (required, minlength, min, max…). data-with="name" names another field of the
  // form that was judged together with it. Whoever judged says so by aria-invalid and <id>-error.
  const GROUP = "fieldset, [role=radiogroup]";
  const refusals = new Map(); // field or group -> {values, words} as they were refused
  const touched = new WeakSet(); // fields and groups that somebody has changed on this page

  const boxesOf = (place) => (place.matches(GROUP) ? [...place.querySelectorAll("input, select, textarea")] : [place]);
  const formOf = (place) => boxesOf(place)[0]?.form;
  const valueOf = (box) => (/^(checkbox|radio)$/.test(box.type) ? box.checked && box.value : box.value.trim());
  const placeOf = (box) => box.closest(GROUP.split(", ").map((group) => `${group}[aria-invalid]`).join()) || box;
  const lineOf = (place) => (place.getAttribute("aria-describedby") || "").split(/\s+/)
    .filter((id) => /[-_]error$/.test(id)).map((id) => document.getElementById(id)).find(Boolean);

  function valuesOf(place) {
    const others = (place.dataset.with || "").split(" ").map((name) => formOf(place)?.elements[name]).filter(Boolean);
    return JSON.stringify([...boxesOf(place), ...others].map(valueOf));
  }

  const isTooLong = (place) => place.matches("input, textarea") && mostOf(place) > 0 && lengthOf(place) > mostOf(place);

  function lacks(place) {
    if (place.matches(GROUP)) return !boxesOf(place).some(valueOf);
    const { validity, minLength } = place;
    if (!valueOf(place)) return place.required || place.ariaRequired === "true";
    return (minLength > 0 && valueOf(place).length < minLength) || isTooLong(place)
      || validity.badInput || validity.rangeUnderflow || validity.rangeOverflow;
  }

  /** The one place where an error is shown at a field, or taken from it (no words). */
  function tell(place, words) {
    const line = lineOf(place) || refusals.get(place)?.line;
    const notes = (place.getAttribute("aria-describedby") || "").split(/\s+/).filter((id) => id && id !== line?.id);
    if (words && line) notes.unshift(line.id);
    if (notes.length) place.setAttribute("aria-describedby", notes.join(" "));
    else place.removeAttribute("aria-describedby");
    boxesOf(place).concat(place).forEach((box) => {
      if (words) box.setAttribute("aria-invalid", "true");
      else box.removeAttribute("aria-invalid");
    });
    for (const frame of [".box, .field, .otp", ".fld"]) place.closest(frame)?.classList.toggle("err", Boolean(words));
    if (line) {
      line.hidden = !words;
      const item = line.querySelector("span, li");
      if (item?.matches("li")) line.replaceChildren(item); // a list stays one
      if (words) (item || line).textContent = words;
    }
    document.querySelectorAll(`.sum a[href="#${CSS.escape(place.id)}"]`).forEach((link) => { link.closest("li").hidden = !words; });
    document.querySelectorAll(".sum").forEach((summary) => { summary.hidden = !summary.querySelector("li:not([hidden])"); });
  }

  /** Remember what was refused, of the fields in `root` that say so. */
  function noteRefusals(root) {
    root.querySelectorAll?.('[aria-invalid="true"]').forEach((box) => {
      const place = placeOf(box);
      const line = lineOf(place);
      if (!line || refusals.has(place)) return;
      const words = (line.querySelector("span") || line).textContent.trim();
      refusals.set(place, { values: valuesOf(place), line, words });
      tell(place, words);
    });
  }

  function judge(form) {
    refusals.forEach((refused, place) => {
      if (!place.isConnected) refusals.delete(place);
      else if (formOf(place) === form) tell(place, wordsFor(place, refused));
    });
  }

  function wordsFor(place, refused) {
    if (valuesOf(place) === refused.values) return refused.words;
    if (isTooLong(place)) return `最多 ${mostOf(place)} 字，现在有 ${lengthOf(place)} 字，请缩短。`;
    return lacks(place) ? refused.words : "";
  }

  ["input", "change"].forEach((type) => document.addEventListener(type, (event) => {
    if (!event.target.form) return;
    touched.add(event.target);
    judge(event.target.form);
  }));

  /** <template data-errors="ids of the judged fields">: what a live check says, put beside its fields. */
  function placeErrors(root, isTyping) {
    root.querySelectorAll("template[data-errors]").forEach((answer) => {
      answer.dataset.errors.split(" ").map((id) => document.getElementById(id)).filter(Boolean).forEach((place) => {
        const line = answer.content.getElementById(`${place.id}-error`);
        const before = lineOf(place)?.textContent.trim();
        if (line && isTyping && !before && !boxesOf(place).some((box) => touched.has(box))) return; // not come to yet
        document.getElementById(`${place.id}-error`)?.remove();
        refusals.delete(place);
        if (!line) { tell(place, ""); return; }
        if (place.matches(GROUP)) place.append(line);
        else (place.closest(".box, .field, .otp") || place).after(line);
        const words = line.textContent.trim();
        refusals.set(place, { values: valuesOf(place), line, words });
        tell(place, words);
        if (words !== before) announce(words);
      });
      answer.remove();
    });
  }

  /* --- Small helpers of forms --------------------------------------------------------------------------- */

  const lengthOf = (field) => [...field.value.replace(/\r\n/g, "\n")].length;
  const mostOf = (field) => Number(field.dataset.most || field.getAttribute("maxlength") || 0); // data-most: no paste is cut

  // <span data-count-for="id_statement">: 31/500
  function count() {
    document.querySelectorAll("[data-count-for]").forEach((place) => {
      const field = document.getElementById(place.dataset.countFor);
      if (!field) return;
      const [used, most] = [lengthOf(field), mostOf(field)];
      place.textContent = most ? `${used}/${most}` : String(used);
      place.classList.toggle("cd", most > 0 && used > most);
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

  const UNIT = "年|月|日|天|期|元|次|份|张|笔|条|个工作日|个月|个|位|项|字|页|秒|分钟|小时|工作日|%|MB|KB";
  const MEASURED = new RegExp(`(?:第\\s?)?\\d[\\d,.]*\\s?(?:${UNIT})(?:\\d+\\s?(?:${UNIT}))*`, "g");

  /** By an element, not by signs in the text: what is read, copied and searched stays as it was written. */
  function keepUnits(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    const texts = [];
    while (walker.nextNode()) if (/\d/.test(walker.currentNode.data)) texts.push(walker.currentNode);
    for (const text of texts) {
      const home = text.parentElement;
      const matches = [...text.data.matchAll(MEASURED)].reverse();
      if (!matches.length || home.closest("textarea, option, script, style, time, data, svg, .keep")) continue;
      if (/flex|grid/.test(getComputedStyle(home).display)) { // the whole text stays one item
        const item = document.createElement("span");
        text.replaceWith(item);
        item.append(text);
      }
      for (const match of matches) {
        const kept = document.createElement("span");
        kept.className = "keep";
        text.splitText(match.index + match[0].length);
        const number = text.splitText(match.index);
        number.replaceWith(kept);
        kept.append(number);
      }
    }
  }

  function dress(root) {
    unhide(root);
    keepUnits(root);
    noteRefusals(root);
  }
  document.addEventListener("htmx:load", (event) => dress(event.detail.elt));

  function start() {
    dress(document.body);
    greet();
  }
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
