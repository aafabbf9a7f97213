/* Counts down where ui/_countdown.html says until when; speaks only at 1 day, 1 hour, 10 minutes.
   The server's time is what counts (in the demo it is a time of its own): data-now is that time at
   the moment of the page, and only the seconds since then come from this machine.
   <span data-seconds="48">48</span> counts plain seconds (the next one-time code). */
(() => {
  "use strict";

  const MARKS = [[86400, "还剩 1 天"], [3600, "还剩 1 小时"], [600, "还剩 10 分钟"]];

  function parts(seconds) {
    const minutes = Math.floor(seconds / 60);
    const days = Math.floor(minutes / 1440);
    const hours = Math.floor(minutes / 60) % 24;
    const all = [[days, "天"], [hours, "小时"], [minutes % 60, "分"]];
    if (days) return all;
    return hours ? all.slice(1) : all.slice(2);
  }

  function draw(box, seconds) {
    const prefix = box.dataset.prefix;
    const nodes = [];
    const add = (tag, text) => {
      const node = document.createElement(tag);
      node.textContent = text;
      nodes.push(node);
    };
    if (seconds <= 0) add("span", box.dataset.over || "已到期");
    else {
      if (prefix) add("span", prefix);
      parts(seconds).forEach(([number, unit]) => { add("b", String(number)); add("span", unit); });
    }
    const text = nodes.map((node) => node.textContent).join(" ");
    if (text !== box.dataset.shown) { box.dataset.shown = text; box.replaceChildren(...nodes); }
  }

  function arrival(box) {
    box.arrivedAt ??= performance.now();
    return box.arrivedAt;
  }

  function tick() {
    document.querySelectorAll("[data-countdown]").forEach((box) => {
      const since = (performance.now() - arrival(box)) / 1000;
      const seconds = (Date.parse(box.dataset.countdown) - Date.parse(box.dataset.now)) / 1000 - since;
      if (!box.dataset.fixed) draw(box, seconds);
      const before = box.lastSeconds ?? seconds;
      box.lastSeconds = seconds;
      MARKS.forEach(([at, words]) => {
        if (before > at && seconds <= at) window.kuanxi?.announce(`${box.dataset.name || ""}${words}`);
      });
    });
    document.querySelectorAll("[data-seconds]").forEach((place) => {
      place.until ??= performance.now() + Number(place.dataset.seconds) * 1000;
      place.textContent = String(Math.max(0, Math.ceil((place.until - performance.now()) / 1000)));
    });
  }

  // Seconds count from the moment a box arrived, with the page or later through HTMX.
  document.querySelectorAll("[data-countdown], [data-seconds]").forEach(arrival);
  document.addEventListener("htmx:load", (event) => {
    event.detail.elt.querySelectorAll?.("[data-countdown]").forEach(arrival);
  });

  setInterval(() => { if (!document.hidden) tick(); }, 1000);
})();
