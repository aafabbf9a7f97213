/* The page that stands for one that cannot be reached: opens that one as soon as it can be. */
(() => {
  "use strict";

  const TRY_EVERY = 10_000; // ms
  const again = () => location.reload();

  window.addEventListener("online", again);

  setInterval(async () => {
    if (document.hidden) return;
    const isBack = await fetch("/healthz").then((answer) => answer.ok, () => false);
    if (isBack) again();
  }, TRY_EVERY);
})();
