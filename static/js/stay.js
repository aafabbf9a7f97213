/* The page stays, with everything that was typed, when its session has ended or the network is gone.
   An answer with X-Login opens <dialog id="signed-out" data-owner="whose page it is"> over the page,
   with the login form from that address; once signed in there (HX-Trigger: signed-in) the page goes on
   with what it was sending. Whoever else signs in gets a page of their own: the server sees X-Owner.
   A plain form is sent only after the server has said that it would take it (X-Ask). */
(() => {
  "use strict";

  const OFFLINE = "网络已断开，你填写的内容还在。";
  const dialog = () => document.getElementById("signed-out");
  const owner = () => dialog()?.dataset.owner || "";
  let waiting = []; // what goes on after the login
  let isPutOff = false; // the dialog was closed: what the page asks by itself opens it no more

  document.addEventListener("htmx:configRequest", (event) => {
    if (owner()) event.detail.headers["X-Owner"] = owner();
  });

  /* --- 登录已失效 ------------------------------------------------------------------------------ */

  /** Asks who it is, by the form at `address`; then goes on. False when this page is nobody's. */
  function signIn(address, goOn) {
    if (!address || !owner()) return false;
    if (goOn) waiting.push(goOn);
    if (!dialog().open && (goOn || !isPutOff)) window.htmx.ajax("GET", address, { target: "#sign-in", swap: "innerHTML" });
    return true;
  }

  document.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id !== "sign-in" || dialog().open) return;
    dialog().showModal();
    document.getElementById("signed-out-title").focus();
  });

  /** Every form of the page has the token of the new session. */
  function renewToken(root, token) {
    root.querySelectorAll("input[name=csrfmiddlewaretoken]").forEach((field) => { field.value = token; });
    root.querySelectorAll("[hx-headers]").forEach((element) => {
      const headers = JSON.parse(element.getAttribute("hx-headers"));
      element.setAttribute("hx-headers", JSON.stringify({ ...headers, "X-CSRFToken": token }));
    });
    root.querySelectorAll("template").forEach((template) => renewToken(template.content, token));
  }

  document.addEventListener("signed-in", (event) => {
    const goOn = waiting;
    renewToken(document, event.detail.token);
    if (dialog().open) dialog().close();
    goOn.forEach((go) => go());
  });

  document.addEventListener("close", (event) => {
    if (event.target !== dialog()) return;
    waiting = [];
    isPutOff = true; // until somebody does something
    document.getElementById("sign-in").replaceChildren();
  }, true);

  /* --- What HTMX sends --------------------------------------------------------------------------- */

  const stays = (xhr) => Boolean(owner() && xhr?.getResponseHeader("X-Login"));

  /** Whether the page is about to go; one that signs in over itself stays. */
  const leaves = (xhr) => Boolean(xhr?.getResponseHeader("HX-Redirect")) && !stays(xhr);

  document.addEventListener("htmx:beforeOnLoad", (event) => {
    if (stays(event.detail.xhr)) event.preventDefault(); // the login as a page of its own is not gone to
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, requestConfig } = event.detail;
    const elt = requestConfig?.elt || event.detail.elt; // a form that was swapped away speaks through its parent
    const asksByItself = window.kuanxi.isPoll(elt);
    const pressed = elt.pressed;
    const retry = () => {
      if (elt instanceof HTMLFormElement) elt.requestSubmit(pressed?.form === elt ? pressed : null);
      else window.htmx.trigger(elt, requestConfig.triggeringEvent?.type || "click");
    };
    if (signIn(xhr?.getResponseHeader?.("X-Login"), asksByItself ? null : retry)) return;
    if (event.detail.successful || asksByItself || xhr?.status === 409 || xhr?.status === 422) return;
    const { toast } = window.kuanxi;
    if (xhr?.status === 403) toast("没有权限，或页面已过期。请刷新页面后再试。");
    else if (xhr?.status === 404) toast("这项内容已不存在，请刷新页面。");
    else if (xhr?.status === 413) toast("内容太大，请减小后再提交。");
    else if (xhr?.status === 429) toast("操作太频繁，请稍后再试。");
    else if (xhr?.status >= 500) toast("服务暂时不可用，你填写的内容还在。", retry);
    else if (!xhr?.status) toast(OFFLINE, retry);
    else toast("没有成功，请刷新页面后再试。");
  });

  /* --- Plain forms and links --------------------------------------------------------------------- */

  /** Whether the server would take a form now: "yes", or what was done instead. */
  async function ask(address, token, again) {
    const headers = { "HX-Request": "true", "X-Ask": "1", "X-Owner": owner(), "X-CSRFToken": token };
    let answer;
    try {
      answer = await fetch(address, { method: "POST", headers });
    } catch {
      window.kuanxi.toast(OFFLINE, again);
      return "offline";
    }
    if (signIn(answer.headers.get("X-Login"), again)) return "signs in";
    const elsewhere = answer.headers.get("HX-Redirect");
    if (elsewhere) location.assign(elsewhere);
    return elsewhere ? "leaves" : "yes"; // whatever else is wrong, the form's own answer says it best
  }

  /** The button that was pressed, or the one that has come in its place while the form was asked for. */
  function standIn(button, form) {
    if (!button || button.form === form) return button;
    const isSame = (one) => ["type", "name", "value", "formaction"].every((name) => one.getAttribute(name) === button.getAttribute(name));
    return [...form.elements].find((one) => one.matches("button") && isSame(one)) || null;
  }

  document.addEventListener("submit", async (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || form.method === "dialog" || form.target === "_blank") return;
    if (form.dataset.asked) { delete form.dataset.asked; return; }
    const action = submitter?.getAttribute("formaction") || form.getAttribute("action") || "";
    const address = new URL(action, location.href);
    if (address.origin !== location.origin) return;
    const go = () => {
      form.dataset.asked = "1";
      form.requestSubmit(standIn(submitter, form));
    };
    const posts = form.method === "post";
    if (!posts && navigator.onLine) return;
    event.preventDefault();
    const token = form.elements.csrfmiddlewaretoken?.value || "";
    const again = () => form.requestSubmit(standIn(submitter, form));
    const answer = posts ? await ask(address, token, again) : "offline";
    if (!posts) window.kuanxi.toast(OFFLINE, again);
    window.kuanxi.release();
    if (answer === "yes") go();
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href]");
    if (!link || event.defaultPrevented || navigator.onLine || link.origin !== location.origin) return;
    if (link.getAttribute("href").startsWith("#")) return;
    event.preventDefault();
    window.kuanxi.toast(OFFLINE, () => link.click());
  });

  // Without a network a page that is opened or reloaded says so by the worker, at its own address.
  window.addEventListener("load", () => navigator.serviceWorker?.register("/worker.js").catch(() => {}));

  Object.assign(window.kuanxi, { leaves, owner, signIn });
})();
