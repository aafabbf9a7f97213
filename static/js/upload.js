/* Sends each chosen file by itself and shows how far it is.
   <form data-upload="#files" method="post" enctype="multipart/form-data" data-most="10485760">
     <input type="file" name="file" multiple accept="…">
     <button data-no-script>上传</button>          (hidden by this script)
   </form>
   <ul id="files" aria-live="polite">…</ul>
   <template id="upload-row"> one <li class="up"> with .nm, .size, .state, progress, .x </template>
   The server answers each post with that file's <li> (200, or 422 with the reason inside). */
(() => {
  "use strict";

  const megabytes = (bytes) => `${(bytes / 1048576).toFixed(1)} MB`;
  const say = (text) => window.kuanxi?.announce(text);
  const TRIES = 6; // again by itself, before it is left to the person
  let running = 0; // files on their way, or waiting to be sent again

  function row(name) {
    const item = document.createElement("li");
    item.className = "up";
    const model = document.getElementById("upload-row");
    if (model) item.replaceChildren(...model.content.firstElementChild.cloneNode(true).childNodes);
    item.querySelector(".nm").textContent = name;
    item.querySelector("progress")?.setAttribute("aria-label", `${name} 上传进度`);
    item.querySelector(".x")?.setAttribute("aria-label", `取消上传 ${name}`);
    return item;
  }

  function failed(item, name, words, again) {
    item.querySelector("progress")?.remove();
    item.querySelector(".between")?.remove();
    const line = document.createElement("div");
    line.className = "err-msg";
    line.setAttribute("role", "alert");
    line.textContent = `上传失败：${words}`;
    const box = item.querySelector(".grow");
    box.append(line);
    if (again) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "btn xs plain mt8";
      button.textContent = "重试";
      button.setAttribute("aria-label", `重新上传 ${name}`);
      button.addEventListener("click", () => { item.remove(); again(); });
      box.append(button);
    }
    const cross = item.querySelector(".x");
    cross?.setAttribute("aria-label", `移除 ${name}`);
    if (cross) cross.onclick = () => item.remove();
  }

  function waiting(form) {
    const next = document.querySelector("[data-waits-for-uploads]");
    const reason = document.getElementById(next?.getAttribute("aria-describedby") || "");
    if (!next) return;
    if (running) next.setAttribute("aria-disabled", "true");
    else next.removeAttribute("aria-disabled");
    if (reason) reason.textContent = running ? `还有 ${running} 份文件正在上传，完成后可继续` : "";
  }

  // A server with no room says when to come again: the same file is sent then, from the same row.
  function later(form, field, file, item, tries, seconds) {
    const words = `现在提交的人太多，${seconds} 秒后自动重传`;
    const state = item.querySelector(".state");
    if (state) state.textContent = words;
    say(`${file.name}：${words}`);
    const over = () => { running -= 1; waiting(form); };
    const timer = setTimeout(() => { over(); send(form, field, file, item, tries + 1); }, seconds * 1000);
    const cross = item.querySelector(".x");
    if (cross) cross.onclick = () => { clearTimeout(timer); over(); item.remove(); say(`已取消上传 ${file.name}`); };
    running += 1;
    waiting(form);
  }

  function send(form, field, file, item = null, tries = 0) {
    if (!item) {
      item = row(file.name);
      document.querySelector(form.dataset.upload).append(item);
    }
    const most = Number(form.dataset.most || 0);
    if (most && file.size > most) {
      failed(item, file.name, `文件超过 ${Math.round(most / 1048576)} MB（当前 ${megabytes(file.size)}）。请压缩或换一份。`);
      return;
    }
    const body = new FormData(form);
    body.delete(field);
    body.append(field, file, file.name);
    const request = new XMLHttpRequest();
    let heard = 0;
    const again = () => send(form, field, file);
    request.open("POST", form.action);
    request.setRequestHeader("HX-Request", "true");
    request.setRequestHeader("X-Owner", window.kuanxi.owner());
    const headers = JSON.parse(document.body.getAttribute("hx-headers") || "{}"); // the CSRF token
    Object.entries(headers).forEach(([key, value]) => request.setRequestHeader(key, value));
    request.upload.addEventListener("progress", (event) => {
      if (!event.lengthComputable) return;
      const share = Math.floor((event.loaded / event.total) * 100);
      const bar = item.querySelector("progress");
      if (bar) bar.value = share;
      const size = item.querySelector(".size");
      if (size) size.textContent = `${(event.loaded / 1048576).toFixed(1)} / ${megabytes(event.total)}`;
      const state = item.querySelector(".state");
      if (state) state.textContent = share < 100 ? `上传中 ${share}%` : "安全检查中";
      const step = Math.floor(share / 25) * 25;
      if (step > heard) { heard = step; say(`${file.name} 已上传 ${step}%`); }
    });
    request.addEventListener("load", () => {
      const html = request.responseText.trim();
      const pause = Number(request.getResponseHeader("Retry-After"));
      if ((request.status === 200 || request.status === 201 || request.status === 422) && html.startsWith("<")) {
        const list = item.parentElement;
        const place = [...list.children].indexOf(item);
        window.htmx.swap(item, html, { swapStyle: "outerHTML", swapDelay: 0, settleDelay: 20 });
        // The server refused what can be put right on the page (a consent, the kind): same file again.
        const answer = list.children[place];
        const retry = answer?.querySelector("[data-again]");
        if (retry) retry.onclick = () => { answer.remove(); again(); };
      } else if ((request.status === 503 || request.status === 429) && pause && tries < TRIES) {
        later(form, field, file, item, tries, pause);
      } else if (request.status === 413) failed(item, file.name, "文件太大，请压缩或换一份。");
      else if (window.kuanxi.signIn(request.getResponseHeader("X-Login"), () => { item.remove(); again(); })) failed(item, file.name, "登录已失效，请重新登录后再传。", again);
      else failed(item, file.name, "服务暂时不可用。", again);
    });
    request.addEventListener("error", () => failed(item, file.name, "网络中断。", again));
    request.addEventListener("abort", () => { item.remove(); say(`已取消上传 ${file.name}`); });
    request.addEventListener("loadend", () => { running -= 1; waiting(form); });
    const cross = item.querySelector(".x");
    if (cross) cross.onclick = () => request.abort();
    running += 1;
    waiting(form);
    request.send(body);
  }

  async function take(form, field, files) {
    for (const file of [...files]) {
      try {
        await file.slice(0, 1).arrayBuffer();
      } catch { // moved, or still in a cloud: it is the file, not the network
        const item = row(file.name);
        document.querySelector(form.dataset.upload).append(item);
        failed(item, file.name, "文件读不出来，可能已移动、删除或还没有下载到本机。请重新选择。");
        continue;
      }
      send(form, field, file);
    }
  }

  document.addEventListener("change", (event) => {
    const input = event.target.closest?.("form[data-upload] input[type=file]");
    if (!input?.files.length || !window.htmx) return;
    take(input.form, input.name, input.files);
    input.value = "";
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-drop-row]")) event.target.closest("li").remove();
  });

  // Drop zone
  ["dragover", "dragleave", "drop"].forEach((type) => {
    document.addEventListener(type, (event) => {
      const zone = event.target.closest?.("form[data-upload] .drop");
      if (!zone || !window.htmx) return;
      event.preventDefault();
      zone.classList.toggle("over", type === "dragover");
      if (type !== "drop") return;
      const input = zone.querySelector("input[type=file][multiple]"); // as if they had been chosen there
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  });

  // Leaving while something is on its way asks first.
  window.addEventListener("beforeunload", (event) => { if (running) event.preventDefault(); });

  function start(root) {
    root.querySelectorAll?.("form[data-upload] [data-no-script]").forEach((part) => { part.hidden = true; });
  }
  document.addEventListener("htmx:load", (event) => start(event.detail.elt));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => start(document));
  else start(document);
})();
