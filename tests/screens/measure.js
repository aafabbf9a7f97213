// What a browser can tell of a page as it stands: `window.measure()` answers with sentences, none
// when nothing is wrong. Only what is shown counts; what is for screen readers alone (.sr) does not.
(() => {
  const NUMBER = /[¥￥]?\d[\d,.:：–-]*\s?(?:%|元|期(?![初末间限])|天|日|月|年|次|份|张|笔|条|个|位|项|字|分钟|小时|秒|MB|KB|工作日(?!历))/g;
  const TARGET = "a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button]";

  const words = (text) => text.replace(/\s+/g, " ").trim().slice(0, 40);
  const name = (e) =>
    `${e.localName}${e.id ? "#" + e.id : ""}${typeof e.className === "string" && e.className ? "." + e.className.trim().split(/\s+/).join(".") : ""} 「${words(e.textContent || e.value || "")}」`;

  const shown = (e) => e.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  const forEars = (e) => {
    for (let up = e; up; up = up.parentElement) {
      if (up.matches(".skip, noscript, option, datalist, template") || getComputedStyle(up).clipPath === "inset(50%)") return true;
      if (getComputedStyle(up).overflow !== "visible" && up.clientWidth <= 1 && up.localName !== "svg") return true;
    }
    return false;
  };
  const inFold = (e) => {
    const fold = e.closest("details:not([open])");
    return fold && !e.closest("summary");
  };

  // Pieces of text that are seen: [text node, the box of its words].
  function* texts(root) {
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      const home = node.parentElement;
      if (!node.data.trim() || !home || forEars(home) || inFold(home) || !shown(home)) continue;
      const range = document.createRange();
      range.selectNodeContents(node);
      const box = range.getBoundingClientRect();
      if (box.width > 0 && box.height > 0) yield [node, home, box];
    }
  }

  // 1. The page does not scroll sideways; who is too wide is named.
  const scrollsIn = (e) => {
    for (let up = e.parentElement; up && up !== document.body; up = up.parentElement) {
      if (getComputedStyle(up).overflowX !== "visible") return true;
    }
    return false;
  };

  function sideways() {
    const root = document.scrollingElement;
    const over = root.scrollWidth - root.clientWidth;
    if (over <= 0) return [];
    const wide = [...document.body.querySelectorAll("*")].filter(
      (e) => shown(e) && e.getBoundingClientRect().right > root.clientWidth + 0.5 && !scrollsIn(e),
    );
    const deepest = wide.filter((e) => !wide.some((other) => other !== e && e.contains(other)));
    return [`scrolls sideways by ${over} px: ${deepest.slice(0, 4).map(name).join("; ")}`];
  }

  // 2. No text is cut off by a box around it. Two lines of a longer text that waits behind its link
  //    (line-clamp) are meant; what scrolls in a box of its own is not lost.
  function cut() {
    const found = [];
    for (const [, home, box] of texts(document.body)) {
      for (let up = home; up && up !== document.documentElement; up = up.parentElement) {
        const style = getComputedStyle(up);
        if (style.webkitLineClamp !== "none") break;
        const frame = up.getBoundingClientRect();
        const across = /hidden|clip/.test(style.overflowX) && (box.left < frame.left - 1 || box.right > frame.right + 1);
        const down = /hidden|clip/.test(style.overflowY) && (box.top < frame.top - 2 || box.bottom > frame.bottom + 2);
        if (across || down) {
          found.push(`cut off by ${up.localName}.${up.className}: ${name(home)}`);
          break;
        }
        if (/auto|scroll/.test(style.overflowX + style.overflowY)) break;
      }
    }
    for (const field of document.querySelectorAll("input:not([type=hidden]), select")) {
      if (!shown(field) || forEars(field) || /checkbox|radio|file/.test(field.type)) continue;
      if (field.localName === "input" && field.scrollWidth > field.clientWidth + 1 && field.value) {
        found.push(`a value longer than its field: ${name(field)}`);
      }
    }
    return found;
  }

  // 3. A date, an amount, and a number with its unit stand on one line.
  const lines = (range) => {
    const tops = [];
    for (const box of range.getClientRects()) {
      if (box.width > 0 && !tops.some((line) => box.top < line.bottom && line.top < box.bottom)) tops.push(box);
    }
    return tops.length;
  };

  function* wholes(e) {
    const walker = document.createTreeWalker(e, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      for (const match of walker.currentNode.data.matchAll(/\S+/g)) {
        yield [walker.currentNode, match.index, match.index + match[0].length];
      }
    }
  }

  function broken() {
    const found = [];
    for (const e of document.querySelectorAll("time, data")) {
      if (!shown(e) || forEars(e) || inFold(e)) continue;
      for (const [node, start, end] of wholes(e)) { // a date and its hour may part
        const range = document.createRange();
        range.setStart(node, start);
        range.setEnd(node, end);
        if (lines(range) > 1) found.push(`breaks: ${name(e)}`);
      }
    }
    for (const [text, range] of numbers()) {
      if (lines(range) > 1) found.push(`number and unit apart: 「${text}」 in ${name(range.commonAncestorContainer.parentElement)}`);
    }
    return found;
  }

  // Numbers with their units, also over the border of an element (<b>18</b> 期).
  function* numbers() {
    const pieces = [...texts(document.body)];
    for (let at = 0; at < pieces.length; ) {
      const block = blockOf(pieces[at][1]);
      const breaks = [...block.querySelectorAll("br")];
      let until = at + 1;
      const isLine = () => breaks.some((br) => isBefore(pieces[until - 1][0], br) && isBefore(br, pieces[until][0]));
      while (until < pieces.length && blockOf(pieces[until][1]) === block && !isLine()) until += 1;
      const nodes = pieces.slice(at, until).map((piece) => piece[0]);
      const whole = nodes.map((node) => node.data).join("");
      for (const match of whole.matchAll(NUMBER)) {
        const range = document.createRange();
        range.setStart(...place(nodes, match.index));
        range.setEnd(...place(nodes, match.index + match[0].length));
        yield [match[0], range];
      }
      at = until;
    }
  }

  const isBefore = (one, other) => Boolean(one.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING);

  const blockOf = (e) => {
    while (getComputedStyle(e).display === "inline" && !e.matches("td, th, li, dt, dd")) e = e.parentElement;
    return e;
  };

  const place = (nodes, offset) => {
    for (const node of nodes) {
      if (offset <= node.length) return [node, offset];
      offset -= node.length;
    }
    return [nodes.at(-1), nodes.at(-1).length];
  };

  // 4. Words do not lie on other words. Bars that stick over the page do so on purpose.
  const floats = (e) => {
    for (let up = e; up; up = up.parentElement) {
      if (/sticky|fixed/.test(getComputedStyle(up).position) || up.localName === "dialog") return true;
    }
    return false;
  };

  function collided() {
    const found = [];
    const pieces = [...texts(document.body)].filter(([, home]) => !floats(home));
    const boxes = pieces.flatMap(([node, home]) => {
      const range = document.createRange();
      range.selectNodeContents(node);
      return [...range.getClientRects()].filter((box) => box.width > 1).map((box) => ({ home, box }));
    });
    boxes.sort((one, other) => one.box.top - other.box.top);
    boxes.forEach((one, at) => {
      for (let next = at + 1; next < boxes.length && boxes[next].box.top < one.box.bottom; next += 1) {
        const other = boxes[next];
        const high = Math.min(one.box.bottom, other.box.bottom) - other.box.top;
        const wide = Math.min(one.box.right, other.box.right) - Math.max(one.box.left, other.box.left);
        if (wide > 2 && high > 0.4 * Math.min(one.box.height, other.box.height) && !scrollsIn(one.home) && !scrollsIn(other.home)) {
          found.push(`on one another: ${name(one.home)} and ${name(other.home)}`);
        }
      }
    });
    return found;
  }

  // 5. WCAG 2.5.8: a target is 24 px each way, or a circle of 24 px on its middle meets no other
  //    target; in a sentence it may be as small as its line.
  const boxOf = (e) => {
    const label = e.labels && [...e.labels].find(shown);
    const box = e.getBoundingClientRect();
    if (!label || !/checkbox|radio|file/.test(e.type)) return box;
    const round = label.getBoundingClientRect();
    return round.width * round.height > box.width * box.height ? round : box;
  };

  const inSentence = (e) => {
    if (!getComputedStyle(e).display.startsWith("inline") || getComputedStyle(e).display !== "inline") return false;
    const block = blockOf(e);
    return words(block.textContent).length > words(e.textContent).length;
  };

  function small() {
    const targets = [...document.querySelectorAll(TARGET)]
      .filter((e) => shown(e) && !forEars(e) && !inFold(e) && !e.disabled)
      .map((e) => ({ e, box: boxOf(e) }))
      .filter(({ box }) => box.width > 0);
    const isSmall = ({ box }) => box.width < 23.9 || box.height < 23.9;
    const middle = ({ box }) => [box.left + box.width / 2, box.top + box.height / 2];
    const away = ([x, y], box) => Math.hypot(Math.max(box.left - x, 0, x - box.right), Math.max(box.top - y, 0, y - box.bottom));
    return targets
      .filter((one) => isSmall(one) && !inSentence(one.e))
      .filter((one) =>
        targets.some((other) => {
          if (other === one || other.e.contains(one.e) || one.e.contains(other.e)) return false;
          if (isSmall(other) && !inSentence(other.e)) {
            const [x, y] = middle(other);
            const [p, q] = middle(one);
            return Math.hypot(x - p, y - q) < 24;
          }
          return away(middle(one), other.box) < 12;
        }),
      )
      .map((one) => `small target ${Math.round(one.box.width)} × ${Math.round(one.box.height)}: ${name(one.e)}`);
  }

  // 6. A link in a sentence is told by more than its colour.
  function plain() {
    return [...document.querySelectorAll("p a[href], li a[href], dd a[href], .notice a[href]")]
      .filter((e) => shown(e) && !forEars(e) && e.textContent.trim() && inSentence(e) && !e.matches(".btn, .tag, .ib"))
      .filter((e) => {
        const style = getComputedStyle(e);
        return !style.textDecorationLine.includes("underline") && style.borderBottomStyle === "none" && !e.querySelector("svg");
      })
      .map((e) => `told by colour alone: ${name(e)}`);
  }

  // 7. In forced colours every target that has the focus shows a line around it or its field, and
  //    the chosen one of several differs by more than its ground.
  const outlined = (e) => e && getComputedStyle(e).outlineStyle !== "none" && parseFloat(getComputedStyle(e).outlineWidth) > 0;

  window.measureForced = () => {
    const found = [];
    const before = document.activeElement;
    for (const e of document.querySelectorAll(TARGET)) {
      if (!shown(e) || forEars(e) || inFold(e) || e.disabled) continue;
      e.focus({ preventScroll: true });
      if (document.activeElement !== e) continue;
      if (![e, e.closest("label"), e.closest(".box, .field, .otp, .check, .radio, .pick")].some(outlined)) found.push(`focus not seen: ${name(e)}`);
    }
    before?.focus?.({ preventScroll: true });
    for (const group of document.querySelectorAll(".seg, .tabs, .chips, .tab-bar")) {
      const chosen = (e) => e.matches(".on, [aria-current], [aria-pressed=true]") || e.querySelector("input:checked");
      const line = (e) => getComputedStyle(e).borderTopWidth + getComputedStyle(e).borderBottomWidth;
      const items = [...group.children].filter(shown);
      const one = items.find(chosen);
      const other = items.find((e) => !chosen(e));
      if (one && other && line(one) === line(other)) found.push(`the chosen one is not seen: ${name(group)}`);
    }
    return found;
  };

  window.measure = () => [...sideways(), ...cut(), ...broken(), ...collided(), ...small(), ...plain()];
})();
