/* The work queue: a refresh takes over only what the server knows, and times run on by themselves.
   A poll (#queue, poll.js) brings the whole part again. Each element with data-fresh gets the new
   content under its id; the search half typed, ticks, open filters, focus and scroll are the person's
   and stay. <b data-runs="剩" data-at="2026-11-26T16:00:00+08:00"> is a time that runs on. */
(() => {
  "use strict";

  const page = () => document.getElementById("queue");

  function takeOver(html) {
    const brought = new DOMParser().parseFromString(html, "text/html");
    const focused = document.activeElement?.closest("[data-fresh]") && document.activeElement.id;
    brought.querySelectorAll("[data-fresh]").forEach((fresh) => {
      const place = document.getElementById(fresh.id);
      if (!place || place.isEqualNode(fresh)) return;
      const ticked = new Set([...place.querySelectorAll("input:checked")].map((box) => box.id));
      place.replaceChildren(...fresh.childNodes);
      place.querySelectorAll("input[type=checkbox]").forEach((box) => { box.checked = ticked.has(box.id); });
    });
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  }

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.requestConfig?.elt !== page()) return;
    event.detail.shouldSwap = false;
    if (event.detail.xhr.status === 200) takeOver(event.detail.serverResponse);
  });

  function span(seconds) {
    const minutes = Math.floor(seconds / 60);
    const [days, hours] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24];
    if (days) return `${days}天${hours}小时`;
    return hours ? `${hours}小时${minutes % 60}分` : `${minutes}分`;
  }

  // The server's time counts (in the demo it is a time of its own), this machine's only since then.
  const opened = performance.now();
  function run() {
    if (!page() || document.hidden) return;
    const now = Date.parse(page().dataset.now) + performance.now() - opened;
    document.querySelectorAll("#queue [data-runs]").forEach((place) => {
      const seconds = Math.abs(Date.parse(place.dataset.at) - now) / 1000;
      place.textContent = `${place.dataset.runs} ${span(seconds)}`;
    });
  }
  setInterval(run, 20000);
})();
