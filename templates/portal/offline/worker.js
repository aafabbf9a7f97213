/* Answers for the network when there is none: a page that cannot be reached is shown as {{ version }} of
   the page that says so, at its own address. Keeps that page and its files, and nothing else. */
"use strict";

const KEPT = "offline {{ version }}";
const PAGE = "{% url 'portal:offline' %}";
const FILES = [{% for file in files %}"{{ file|escapejs }}"{% if not forloop.last %}, {% endif %}{% endfor %}];

self.addEventListener("install", (event) => {
  self.skipWaiting();
  event.waitUntil(caches.open(KEPT).then((kept) => kept.addAll([PAGE, ...FILES])));
});

self.addEventListener("activate", (event) => {
  const isOld = (name) => name !== KEPT;
  event.waitUntil(caches.keys().then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name)))));
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const isPage = request.mode === "navigate" && request.method === "GET";
  if (!isPage && !FILES.includes(new URL(request.url).pathname)) return; // goes its way without us
  event.respondWith(fetch(request).catch(() => caches.match(isPage ? PAGE : request, { ignoreVary: true })));
});
