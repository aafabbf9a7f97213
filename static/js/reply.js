/* The desk's reply (#reply): Enter sends, Shift+Enter breaks the line; never while Chinese is being composed. */
(() => {
  "use strict";

  document.addEventListener("keydown", (event) => {
    const field = event.target.closest?.("#reply textarea");
    if (!field || event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    if (field.value.trim()) field.form.requestSubmit();
  });
})();
