/* Asks the server for news at the pace that the news deserves.
   <div hx-get="…" hx-trigger="poll" hx-swap="outerHTML" data-poll="3" data-poll-most="30">
   asks after 3 s; each empty answer (204) makes the wait half as long again, up to 30 s; an answer
   with content, a key pressed or a return to the tab brings it back to 3 s. A hidden tab asks nothing.
   The element stops by not coming back in the answer, or by a status of 286. */
(() => {
  "use strict";

  const waits = new WeakMap(); // element -> seconds to wait now
  const timers = new WeakMap();

  function plan(element) {
    clearTimeout(timers.get(element));
    if (!element.isConnected || document.hidden) return;
    const wait = waits.get(element) ?? Number(element.dataset.poll || 5);
    timers.set(element, setTimeout(() => {
      if (!element.isConnected || document.hidden) return;
      window.htmx?.trigger(element, "poll");
      // A question that hx-sync dropped has no answer that plans the next one.
      timers.set(element, setTimeout(() => plan(element), Number(element.dataset.pollMost || 30) * 1000));
    }, wait * 1000));
  }

  const all = () => document.querySelectorAll("[data-poll]");

  function quicken() {
    all().forEach((element) => { waits.delete(element); plan(element); });
  }

  // Nobody uses the page while it asks by itself: the server lets the session grow old.
  document.addEventListener("htmx:configRequest", (event) => {
    if (event.detail.triggeringEvent?.type === "poll") event.detail.headers["X-Poll"] = "1";
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt, xhr } = event.detail;
    if (!elt.matches?.("[data-poll]") || !elt.isConnected || xhr?.status === 286) return;
    const least = Number(elt.dataset.poll || 5);
    const most = Number(elt.dataset.pollMost || least * 10);
    const idle = xhr?.status === 204 || !event.detail.successful;
    waits.set(elt, idle ? Math.min((waits.get(elt) ?? least) * 1.5, most) : least);
    plan(elt);
  });

  document.addEventListener("htmx:load", (event) => {
    const root = event.detail.elt;
    const found = [...(root.querySelectorAll?.("[data-poll]") || [])];
    if (root.matches?.("[data-poll]")) found.push(root);
    found.forEach(plan);
  });

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) all().forEach((element) => clearTimeout(timers.get(element)));
    else all().forEach((element) => { waits.delete(element); window.htmx?.trigger(element, "poll"); });
  });
  document.addEventListener("sent", quicken); // HX-Trigger of a message sent
})();
