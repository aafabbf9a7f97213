/* The desk's viewer of one page of a paper: zoom, turn, drag, and keys to turn pages.
   <div data-viewer="FILE"> <div id="stage" tabindex="0"><span class="leaf"><span class="sheet"><img …>
     <svg class="marks"><rect data-hit="1"> … </svg></span></span></div>
     <button data-view="fit|full|in|out|turn"> … <output id="view-zoom"> </div>
   <a id="hit-before">, <a id="hit-after"> to another page, <span id="hit-here">, <span id="hit-count">
   <a id="page-before">, <a id="page-after">, <ol class="leaves"> <li><a data-small="ADDRESS">3</a> … </ol>
   Scale and turn stay from page to page of one file. Without this script the page is as wide as
   its column and scrolls, and the strip has numbers only. */
(() => {
  "use strict";

  const STEP = 1.25;
  const LEAST = 0.1;
  const MOST = 6;
  const view = { file: "", scale: 0, turn: 0 }; // scale 0: as wide as the column

  // No style attributes: HTMX copies the page when an address is pushed, and the policy forbids copies.
  const rules = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, rules];

  const stageOf = () => document.getElementById("stage");
  const pictureOf = (stage) => stage.querySelector("img");
  const isAside = () => view.turn % 180 !== 0;

  function fitScale(stage, picture) {
    const width = isAside() ? picture.naturalHeight : picture.naturalWidth;
    return stage.clientWidth / width;
  }

  const scaleOf = (stage, picture) => view.scale || fitScale(stage, picture);

  /** Sizes leaf and picture; the point in the middle of the stage stays there. */
  function lay() {
    const stage = stageOf();
    const picture = stage && pictureOf(stage);
    if (!picture?.naturalWidth) return;
    const leaf = picture.closest(".leaf");
    const middle = {
      x: (stage.scrollLeft + stage.clientWidth / 2) / (leaf.offsetWidth || 1),
      y: (stage.scrollTop + stage.clientHeight / 2) / (leaf.offsetHeight || 1),
    };
    const wasLaid = stage.classList.contains("on");
    stage.classList.add("on");
    const scale = scaleOf(stage, picture);
    const [width, height] = [picture.naturalWidth * scale, picture.naturalHeight * scale];
    const [across, down] = isAside() ? [height, width] : [width, height];
    rules.replaceSync(`
      #stage.on .leaf { width: ${across}px; height: ${down}px; }
      #stage.on .sheet { width: ${width}px; height: ${height}px; transform: translate(-50%, -50%) rotate(${view.turn}deg); }
    `);
    if (wasLaid) {
      stage.scrollLeft = middle.x * leaf.offsetWidth - stage.clientWidth / 2;
      stage.scrollTop = middle.y * leaf.offsetHeight - stage.clientHeight / 2;
    }
    const percent = `${Math.round(scale * 100)}%`;
    const zoom = document.getElementById("view-zoom");
    if (zoom) zoom.textContent = view.scale ? percent : `适应 ${percent}`;
    document.querySelector('[data-view="fit"]')?.setAttribute("aria-pressed", String(!view.scale));
    document.querySelector('[data-view="full"]')?.setAttribute("aria-pressed", String(view.scale === 1));
  }

  function change(what) {
    const stage = stageOf();
    const picture = stage && pictureOf(stage);
    if (!picture?.naturalWidth) return;
    const scale = scaleOf(stage, picture);
    if (what === "fit") view.scale = 0;
    if (what === "full") view.scale = 1;
    if (what === "in") view.scale = Math.min(scale * STEP, MOST);
    if (what === "out") view.scale = Math.max(scale / STEP, LEAST);
    if (what === "turn") view.turn = (view.turn + 90) % 360;
    const isHitSeen = isInSight(stage);
    lay();
    if (isHitSeen) showHit();
  }

  /* --- The strip: small pictures of the pages, of which Tab stops at one --- */

  // Given only to who has opened a page, so they are asked for behind it; kept while the file is open.
  const small = new Map();

  function smallPicture(address) {
    const picture = document.createElement("img");
    Object.assign(picture, { alt: "", loading: "lazy", draggable: false, src: address });
    picture.addEventListener("error", () => { small.delete(address); picture.remove(); });
    small.set(address, picture);
    return picture;
  }

  const leaves = () => [...document.querySelectorAll("#papers .leaves a")];

  function showLeaves() {
    leaves().forEach((leaf) => leaf.prepend(small.get(leaf.dataset.small) ?? smallPicture(leaf.dataset.small)));
  }

  function startStrip() {
    const strip = document.querySelector("#papers .leaves");
    const chosen = strip?.querySelector("[aria-current]");
    if (!chosen) return;
    strip.classList.add("on");
    leaves().forEach((leaf) => { leaf.tabIndex = leaf === chosen ? 0 : -1; });
    strip.scrollLeft = chosen.offsetLeft - strip.clientWidth / 2 + chosen.offsetWidth / 2;
  }

  document.addEventListener("keydown", (event) => {
    const all = event.target.closest?.(".leaves") ? leaves() : [];
    const here = all.indexOf(event.target.closest?.("a"));
    const there = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: all.length - 1 }[event.key];
    if (here < 0 || !all[there]) return;
    event.preventDefault();
    all[here].tabIndex = -1;
    all[there].tabIndex = 0;
    all[there].focus();
  });

  /* --- Hits of a search: from one to the next within the page, without asking for it again --- */

  const hitOf = (number) => [...document.querySelectorAll(`#stage [data-hit="${number}"]`)];
  const current = () => document.querySelector("#stage .marks .on");

  /** Brings the middle of the marked words to the middle of the stage, whatever its zoom and turn. */
  function showHit() {
    const [stage, mark] = [stageOf(), current()];
    if (!mark) return;
    const [frame, box] = [stage.getBoundingClientRect(), mark.getBoundingClientRect()];
    stage.scrollLeft += box.left + box.width / 2 - frame.left - frame.width / 2;
    stage.scrollTop += box.top + box.height / 2 - frame.top - frame.height / 2;
  }

  function isInSight(stage) {
    const [frame, box] = [stage, current()].map((element) => element?.getBoundingClientRect());
    return box && box.left < frame.right && box.right > frame.left && box.top < frame.bottom && box.bottom > frame.top;
  }

  function sayHit() {
    const place = document.getElementById("hit-here");
    if (!place || !current()) return;
    const number = current().dataset.hit;
    place.textContent = `，现在是第 ${number} 处`;
    window.kuanxi?.announce(`第 ${number} 处，共 ${document.getElementById("hit-count").textContent} 处。${stageOf().getAttribute("aria-label")}`);
  }

  function next(by) {
    const all = Number(document.getElementById("hit-count")?.textContent);
    return current() && ((Number(current().dataset.hit) - 1 + by + all) % all) + 1;
  }

  /** Whether the hit is on this page, and so is marked now. */
  function mark(number) {
    const [old, marks] = [current()?.dataset.hit, number ? hitOf(number) : []];
    if (!marks.length) return false;
    hitOf(old).forEach((box) => box.classList.remove("on"));
    marks.forEach((box) => box.classList.add("on"));
    showHit();
    sayHit();
    return true;
  }

  const BY = { "hit-before": -1, "hit-after": 1 };

  document.addEventListener("click", (event) => {
    const by = BY[event.target.closest?.("a")?.id];
    if (!by || !mark(next(by))) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);

  // What the link says is where the server saw us; the hit may have moved on within the page since.
  document.addEventListener("htmx:configRequest", (event) => {
    const number = next(BY[event.detail.elt.id] || 0);
    if (number && BY[event.detail.elt.id]) event.detail.path = event.detail.path.replace(/hit=\d+/, `hit=${number}`);
  });

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("#find-words");
    const isAgain = field && event.key === "Enter" && field.value.trim() === field.defaultValue && !event.isComposing;
    const onStage = event.key === "Enter" && event.target.id === "stage";
    if (event.key !== "F3" && !isAgain && !onStage) return;
    const link = document.getElementById(event.shiftKey ? "hit-before" : "hit-after");
    if (!link) return;
    event.preventDefault();
    link.click();
  });

  /* --- Keys, buttons, wheel --- */

  const KEYS = { "+": "in", "=": "in", "-": "out", "0": "fit", "1": "full", r: "turn", R: "turn" };
  const PAGES = { n: "page-after", N: "page-after", p: "page-before", P: "page-before" };
  const ARROWS = { ArrowRight: "page-after", ArrowLeft: "page-before" };

  document.addEventListener("keydown", (event) => {
    const stage = event.target.closest?.("#stage");
    if (!stage || event.ctrlKey || event.metaKey || event.altKey) return;
    const fits = stage.scrollWidth <= stage.clientWidth + 1; // else the arrows move the picture
    const link = PAGES[event.key] || (fits && ARROWS[event.key]);
    if (KEYS[event.key]) change(KEYS[event.key]);
    else if (link) document.getElementById(link)?.click();
    else if (event.key === "Home") leaves().at(0)?.click();
    else if (event.key === "End") leaves().at(-1)?.click();
    else return;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-view]");
    if (button) change(button.dataset.view);
  });

  document.addEventListener("dblclick", (event) => {
    if (event.target.closest("#stage")) change(view.scale === 1 ? "fit" : "full");
  });

  document.addEventListener("wheel", (event) => {
    if (!event.ctrlKey || !event.target.closest?.("#stage")) return;
    event.preventDefault();
    change(event.deltaY < 0 ? "in" : "out");
  }, { passive: false });

  // Dragging by mouse or pen; a finger scrolls the stage by itself.
  let held = null;
  document.addEventListener("pointerdown", (event) => {
    const stage = event.target.closest?.("#stage");
    if (!stage || event.pointerType === "touch" || event.button !== 0) return;
    held = { stage, x: event.clientX + stage.scrollLeft, y: event.clientY + stage.scrollTop };
    stage.classList.add("held");
  });
  document.addEventListener("pointermove", (event) => {
    if (!held) return;
    held.stage.scrollLeft = held.x - event.clientX;
    held.stage.scrollTop = held.y - event.clientY;
  });
  ["pointerup", "pointercancel"].forEach((type) => document.addEventListener(type, () => {
    held?.stage.classList.remove("held");
    held = null;
  }));

  function start() {
    const stage = stageOf();
    const picture = stage && pictureOf(stage);
    if (!picture || picture.dataset.seen) return;
    picture.dataset.seen = "1";
    const chosen = document.querySelector("#papers .evt .on");
    const list = chosen?.closest(".evt"); // scrolls by itself: the page must not move
    if (list) list.scrollTop = chosen.offsetTop - list.offsetTop - list.clientHeight / 2;
    const file = stage.closest("[data-viewer]").dataset.viewer;
    startStrip();
    if (file === view.file) showLeaves();
    else {
      Object.assign(view, { file, scale: 0, turn: 0 });
      small.clear();
    }
    const shown = () => { lay(); showHit(); showLeaves(); };
    sayHit();
    const failed = () => { document.getElementById("view-failed").hidden = false; };
    picture.addEventListener("load", shown);
    picture.addEventListener("error", failed);
    if (picture.complete) (picture.naturalWidth ? shown : failed)();
  }

  window.addEventListener("resize", lay);
  document.addEventListener("htmx:load", start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
