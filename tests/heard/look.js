/* What the tests ask of a page: which controls there are, where the focus stands, what is told at fields. */
window.heard = (() => {
  "use strict";

  const IDS = /\?.*|\d+|\b[a-z0-9]{12}\b/g;
  const FIELDS = "input:not([type=hidden], [type=file]), select, textarea";
  const isField = (box) => box.matches(FIELDS) && !box.disabled;
  const isThere = (one) => one.checkVisibility() || Boolean(one.closest("details:not([open])")?.checkVisibility());
  const ground = () => document.querySelector("dialog[open]") || document.body;
  const once = (all) => all.filter((one, at) => all.indexOf(one) === at && ground().contains(one) && isThere(one));

  /** What a control is, whoever's page it stands on. */
  const kindOf = (one, asker) => [one.tagName, one.type, one.name, one.tagName === "BUTTON" ? one.value : "", one.id,
    asker.getAttribute("hx-get") || asker.getAttribute("hx-post") || one.getAttribute("formaction") || one.form?.getAttribute("action") || ""]
    .map((part) => String(part ?? "").replace(IDS, "…")).join(" ").trim();

  const askers = () => [...document.querySelectorAll("[hx-get], [hx-post]")]
    .filter((one) => !/\b(poll|load|revealed)\b/.test(one.getAttribute("hx-trigger") || ""));

  /** Links and buttons that ask for a fragment, and fields that are judged while somebody types. */
  function asking() {
    const found = new Map();
    for (const asker of askers()) {
      const trigger = asker.getAttribute("hx-trigger") || "";
      if (asker.matches("a, button")) found.set(asker, asker);
      if (!/\b(input|change)\b/.test(trigger)) continue;
      const from = trigger.match(/from:(#[\w-]+)/)?.[1];
      const fields = from ? [document.querySelector(from)] : /closest form/.test(trigger) ? [] : [...asker.querySelectorAll(FIELDS)];
      fields.filter((box) => box && isField(box)).forEach((box) => found.set(box, asker));
    }
    return once([...found.keys()]).map((one) => ({ one, kind: kindOf(one, found.get(one)) }));
  }

  /** Every button that sends a form. */
  const sending = () => once([...document.querySelectorAll("form")].filter((form) => form.method !== "dialog" && !form.closest("#signed-out"))
    .flatMap((form) => [...form.elements].filter((one) => one.matches("button:not([type=button]), [type=submit]") && !one.matches(".sr") && !one.disabled)))
    .map((one) => ({ one, kind: kindOf(one, one), ways: waysOf(one) }));

  /** How a button's form is tried: as it is where it answers in its page, with nothing in it, with nonsense. */
  function waysOf(button) {
    const fields = [...button.form.elements].filter(isField);
    const ways = { asItIs: button.form.hasAttribute("hx-post") || button.hasAttribute("hx-post"), empty: fields.length,
      nonsense: fields.some((box) => !box.matches("select, [type=checkbox], [type=radio]")) };
    return Object.keys(ways).filter((way) => ways[way]);
  }

  function find(which, kind) {
    const found = { asking, sending }[which]().find((control) => control.kind === kind)?.one;
    for (let fold = found?.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    window.isSamePage = true;
    return found;
  }

  /** Puts the focus on a control; what a hand does there: Enter, Space or typing. Milliseconds that the page waits for more. */
  function goTo(kind) {
    const control = find("asking", kind);
    if (!control) return null;
    control.focus();
    const asker = control.closest("[hx-trigger]") || control;
    const key = control.matches("a, button") ? "Enter" : /checkbox|radio/.test(control.type) ? "Space" : control.matches("select") ? "ArrowDown" : "9";
    return { key, wait: Number(asker.getAttribute("hx-trigger")?.match(/delay:(\d+)ms/)?.[1] || 0), has: document.activeElement === control };
  }

  const fill = {
    asItIs: () => {},
    empty: (box) => {
      if (/checkbox|radio/.test(box.type)) box.checked = false;
      else if (box.matches("select")) box.selectedIndex = -1;
      else box.value = "";
    },
    nonsense: (box) => {
      if (!box.matches("select") && !/checkbox|radio/.test(box.type)) box.value = box.type === "date" ? "1999-01-01" : "-";
    },
  };

  /** Fills the form of a button and presses it; false where it is not there. */
  function send(kind, how) {
    const button = find("sending", kind);
    if (!button) return false;
    [...button.form.elements].filter((box) => isField(box) && !box.readOnly).forEach(fill[how]);
    button.form.noValidate = true;
    button.focus();
    button.click();
    return true;
  }

  const WORDS = "textarea, input:not([type]), [type=text], [type=tel], [type=search], [type=password]";
  let typed = []; // fields and what was typed into them

  /** Types into the form of a button as a person would, and presses it; how many fields take words. */
  function typeAndSend(kind) {
    const button = find("sending", kind);
    if (!button) return 0;
    typed = [...button.form.elements].filter((box) => isField(box) && !box.readOnly && box.matches(WORDS)).map((box, at) => {
      box.value = `第${at}句`.slice(0, box.maxLength > 0 ? box.maxLength : 99);
      box.dispatchEvent(new Event("input", { bubbles: true }));
      return [box.name, box.value];
    });
    button.form.noValidate = true;
    if (typed.length) button.click();
    return typed.length;
  }

  /** What is gone of it: the page itself, a field, its words. */
  const gone = () => (window.isSamePage !== true ? ["the page"]
    : typed.filter(([name, words]) => ![...document.getElementsByName(name)].some((box) => box.value === words)).map(([name]) => name));

  const wordsOf = (place) => (place.getAttribute("aria-label") || place.labels?.[0]?.textContent || place.textContent || place.title || "").trim();
  const nameOf = (one) => `${one.tagName.toLowerCase()}${one.id ? `#${one.id}` : ""} ${wordsOf(one).slice(0, 20)}`.trim();

  /** What is wrong with where the focus stands after a swap; "" when somebody can go on from there. */
  function lost() {
    const place = document.activeElement;
    if (window.isSamePage !== true) return ""; // another page, which is read from its beginning
    if (!place || place.matches("body, html")) return "is nowhere";
    if (!place.checkVisibility()) return `is on what nobody sees: ${nameOf(place)}`;
    if (!ground().contains(place)) return `is behind the dialogue: ${nameOf(place)}`;
    if (!wordsOf(place)) return `is on what has no words: ${nameOf(place)}`;
    return "";
  }

  const GROUP = "fieldset[aria-invalid], [role=radiogroup][aria-invalid]";
  const refused = () => once([...ground().querySelectorAll('[aria-invalid="true"]')].map((box) => box.closest(GROUP) || box));

  /** What is wrong with the refusals on the page, each told in a line. */
  function flaws(isRefused) {
    const places = refused();
    const alerts = once([...ground().querySelectorAll("[role=alert], .sum")]);
    const tied = new Set(places.flatMap((place) => (place.getAttribute("aria-describedby") || "").split(/\s+/)));
    const found = places.filter((place) => !told(place).words).map((place) => `no words at ${nameOf(place)}`);
    once([...ground().querySelectorAll(".err-msg")]).filter((line) => !tied.has(line.id) && !line.closest("[role=alert], .sum"))
      .forEach((line) => found.push(`belongs to no field: ${line.textContent.trim()}`));
    if (isRefused && !places.length && !alerts.some((one) => one.textContent.trim())) found.push("refused without a word");
    if (isRefused && places.length && !places[0].contains(document.activeElement)) found.push(`first wrong is ${nameOf(places[0])}, the focus is at ${nameOf(document.activeElement)}`);
    return found;
  }

  function told(place) {
    const lines = (place.getAttribute("aria-describedby") || "").split(/\s+/).filter((id) => /[-_]error$/.test(id)).map((id) => document.getElementById(id));
    return {
      marked: place.getAttribute("aria-invalid") === "true",
      words: lines.filter((line) => line?.checkVisibility()).map((line) => line.textContent.trim()).join(" "),
      named: [...document.querySelectorAll(`.sum a[href="#${CSS.escape(place.id)}"]`)].some((link) => link.checkVisibility()),
      red: Boolean(place.closest(".box.err, .field.err, .otp.err")),
    };
  }

  const boxOf = (place) => (place.matches(FIELDS) ? place : place.querySelector(FIELDS));
  const change = (box) => box.dispatchEvent(new Event("input", { bubbles: true }));

  /** Gives a field what it does not object to itself, then what was refused again: the error goes and comes back. */
  function mend(place) {
    const box = boxOf(place);
    const isTick = /checkbox|radio/.test(box.type);
    const [before, toldBefore] = [isTick ? box.checked : box.value, told(place)];
    if (isTick) box.checked = !before;
    else if (box.matches("select")) box.selectedIndex = [...box.options].findIndex((one) => one.value && one.value !== before);
    else box.value = { date: box.max || box.min || "2026-03-20", time: "10:00", number: box.min || "12" }[box.type] || "上月住院手术，收入少了很多。".slice(0, Number(box.dataset.most || box.maxLength));
    if (!isTick && box.value === before) return []; // there is nothing else to choose
    change(box);
    const mended = told(place);
    if (isTick) box.checked = before; else box.value = before;
    change(box);
    const found = [];
    if (mended.marked || mended.words || mended.named || mended.red) found.push(`mended and still told: ${nameOf(place)} ${JSON.stringify(mended)}`);
    if (JSON.stringify(told(place)) !== JSON.stringify(toldBefore)) found.push(`wrong again and not told: ${nameOf(place)} ${JSON.stringify(told(place))}`);
    return found;
  }

  /** Kinds of all elements that stand there now. */
  const elements = () => [...new Set([...document.body.querySelectorAll("*")].filter((one) => !one.closest("svg"))
    .map((one) => `${one.tagName} ${one.className} ${one.getAttribute("role")} ${one.getAttribute("aria-invalid")} ${one.type}`.replace(/\d+/g, "…")))];

  const barriers = () => window.axe.run(document, { resultTypes: ["violations"] }).then((result) => result.violations
    .flatMap((one) => one.nodes.slice(0, 3).map((node) => `${one.id}: ${node.target.join(" ")} ${(node.any[0] || node.all[0] || node.none[0] || {}).message || ""}`)));

  return {
    asking: () => asking().map((control) => control.kind),
    sending: () => sending().map(({ kind, ways }) => [kind, ways]),
    goTo, send, typeAndSend, gone, lost, elements, barriers, flaws,
    mended: () => refused().flatMap(mend),
  };
})();
