/* Lets the borrower black out parts of a picture before it is sent: the picture with the black parts
   takes the place of the one that was chosen, which never leaves the device. One for every field of
   files on the page: it hears of a choice before whoever sends it, and hands on what shall be sent.
   Optional; a file that this browser cannot draw is sent as it is only after a question.
   <input type="checkbox" id="redact-first">, <template id="redact-sheet"> <dialog> <h2 tabindex="-1"> [data-redact-name] <canvas tabindex="0">
     [data-redact-count] <button data-redact="add|undo|done|skip|cancel"> </dialog> </template> */
(() => {
  "use strict";

  const MOST_PIXELS = 16000000; // what a phone's browser can draw on
  const QUALITY = 0.92;
  const MOVE = 0.02; // of the shorter side, for each press of an arrow

  const say = (text) => window.kuanxi?.announce(text);

  /** The picture upright, as sharp as it was sent up to MOST_PIXELS. */
  async function drawing(file) {
    const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (bitmap.width * bitmap.height)));
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(bitmap.width * scale);
    canvas.height = Math.round(bitmap.height * scale);
    canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return canvas;
  }

  /** One picture on the screen with its black boxes, in pixels of the picture. */
  function edit(dialog, original) {
    const shown = dialog.querySelector("canvas");
    const [count, done] = [dialog.querySelector("[data-redact-count]"), dialog.querySelector('[data-redact="done"]')];
    shown.width = original.width;
    shown.height = original.height;
    const boxes = [];
    let drawn = null; // the box under the finger

    function paint() {
      const pen = shown.getContext("2d");
      pen.drawImage(original, 0, 0);
      pen.fillStyle = "#000";
      [...boxes, ...(drawn ? [drawn] : [])].forEach((box) => pen.fillRect(box.x, box.y, box.width, box.height));
      const last = boxes.at(-1);
      if (last) { // which one the keys move; never part of what is sent
        pen.strokeStyle = "#ff4d4f";
        pen.lineWidth = Math.max(2, original.width / 300);
        pen.strokeRect(last.x, last.y, last.width, last.height);
      }
      count.textContent = boxes.length ? `已遮盖 ${boxes.length} 处` : "还没有遮盖";
      done.setAttribute("aria-disabled", String(!boxes.length));
    }

    function place(event) {
      const frame = shown.getBoundingClientRect();
      return {
        x: Math.round(Math.min(Math.max((event.clientX - frame.left) / frame.width, 0), 1) * shown.width),
        y: Math.round(Math.min(Math.max((event.clientY - frame.top) / frame.height, 0), 1) * shown.height),
      };
    }

    const between = (from, to) => ({
      x: Math.min(from.x, to.x), y: Math.min(from.y, to.y),
      width: Math.abs(from.x - to.x), height: Math.abs(from.y - to.y),
    });

    shown.onpointerdown = (event) => {
      event.preventDefault();
      shown.setPointerCapture(event.pointerId);
      const from = place(event);
      drawn = between(from, from);
      shown.onpointermove = (move) => { drawn = between(from, place(move)); paint(); };
      shown.onpointerup = shown.onpointercancel = () => {
        if (drawn && drawn.width > 4 && drawn.height > 4) boxes.push(drawn);
        drawn = null;
        shown.onpointermove = null;
        paint();
      };
    };

    // By keys: a box is added, arrows move the last one, with shift they change its size.
    shown.onkeydown = (event) => {
      const last = boxes.at(-1);
      const [across, down] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key] || [];
      if (event.key === "Enter") add();
      else if (event.key === "Delete" || event.key === "Backspace") undo();
      else if (across === undefined || !last) return;
      else {
        const step = Math.max(1, Math.round(Math.min(shown.width, shown.height) * MOVE));
        if (event.shiftKey) {
          last.width = Math.min(Math.max(step, last.width + across * step), shown.width - last.x);
          last.height = Math.min(Math.max(step, last.height + down * step), shown.height - last.y);
        } else {
          last.x = Math.min(Math.max(0, last.x + across * step), shown.width - last.width);
          last.y = Math.min(Math.max(0, last.y + down * step), shown.height - last.height);
        }
        paint();
      }
      event.preventDefault();
    };

    function add() {
      const [width, height] = [Math.round(shown.width / 3), Math.round(shown.height / 12)];
      boxes.push({ x: Math.round((shown.width - width) / 2), y: Math.round((shown.height - height) / 2), width, height });
      paint();
    }

    function undo() {
      boxes.pop();
      paint();
    }

    paint();
    return { add, undo, boxes };
  }

  /** A file of the same name whose pixels under the boxes are black; no trace of the others is kept. */
  function blackened(original, boxes, file) {
    const pen = original.getContext("2d");
    pen.fillStyle = "#000";
    boxes.forEach((box) => pen.fillRect(box.x, box.y, box.width, box.height));
    const kind = file.type === "image/png" ? "image/png" : "image/jpeg";
    const name = kind === file.type ? file.name : `${file.name.replace(/\.[^.]*$/, "")}.jpg`;
    return new Promise((settle) => {
      original.toBlob((blob) => settle(blob && new File([blob], name, { type: kind })), kind, QUALITY);
    });
  }

  async function redact(file) {
    let original;
    try {
      original = await drawing(file);
    } catch { // a PDF, or a picture that this browser cannot draw
      return window.confirm(`${file.name} 在这里不能遮盖。要原样上传吗？`) ? file : null;
    }
    const model = document.getElementById("redact-sheet");
    const dialog = model.content.firstElementChild.cloneNode(true);
    dialog.querySelector("[data-redact-name]").textContent = file.name;
    document.body.append(dialog);
    const work = edit(dialog, original);
    const opener = document.activeElement;
    return new Promise((settle) => {
      const end = (answer) => {
        dialog.remove();
        opener?.focus?.();
        settle(answer);
      };
      dialog.addEventListener("cancel", (event) => { event.preventDefault(); end(null); });
      dialog.addEventListener("click", async (event) => {
        const what = event.target.closest("[data-redact]")?.dataset.redact;
        if (what === "add") { work.add(); dialog.querySelector("canvas").focus(); }
        if (what === "undo") work.undo();
        if (what === "skip") end(file);
        if (what === "cancel") end(null);
        if (what === "done" && work.boxes.length) {
          const made = await blackened(original, work.boxes, file);
          if (made) end(made);
          else window.kuanxi?.toast("这张图片没有处理成功，什么都没有上传。请换一张，或不遮盖直接上传。");
        }
      });
      dialog.showModal();
      dialog.querySelector("h2").focus();
    });
  }

  /* --- Between the choice and whoever sends it --- */

  const passed = new WeakSet(); // the changes that this script itself has made
  let isWished = false; // outlives a form that comes back with a refusal

  async function goOver(input) {
    const chosen = [...input.files];
    const ready = new DataTransfer();
    input.value = ""; // nothing of it can go meanwhile
    for (const file of chosen) {
      const kept = await redact(file);
      if (kept) ready.items.add(kept);
      else say(`没有上传 ${file.name}`);
    }
    if (!ready.files.length) return;
    const change = new Event("change", { bubbles: true });
    passed.add(change);
    input.files = ready.files;
    input.dispatchEvent(change);
  }

  document.addEventListener("change", (event) => {
    if (event.target.id === "redact-first") isWished = event.target.checked;
    const isChoice = event.target.type === "file" && event.target.files.length && !passed.has(event);
    if (!isChoice || !document.getElementById("redact-first")?.checked) return;
    event.stopImmediatePropagation();
    goOver(event.target);
  }, true);

  document.addEventListener("htmx:load", () => {
    const box = document.getElementById("redact-first");
    if (box && isWished) box.checked = true;
  });
})();
