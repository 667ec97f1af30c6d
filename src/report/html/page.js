// Looking closer at charts: what stands at a moment, and a shorter span of time. All charts of the page move together.
"use strict";
(() => {
  const charts = [...document.querySelectorAll("svg.chart")].map((svg) => {
    const figure = svg.closest("figure");
    const table = figure.querySelector("details table");
    return {
      svg, figure,
      tip: figure.querySelector(".tip"),
      plot: svg.querySelector(".plot"),
      cross: svg.querySelector(".cross"),
      choice: svg.querySelector(".choice"),
      placed: [...svg.querySelectorAll("[data-t]")],
      levels: [...svg.querySelectorAll(".times")],
      names: [...table.tHead.rows[0].cells].map((cell) => cell.textContent),
      rows: [...table.tBodies[0].rows],
      from: Number(svg.dataset.from),
      to: Number(svg.dataset.to),
      at: -1,
    };
  });
  if (charts.length === 0) return;
  const whole = { from: Math.min(...charts.map((c) => c.from)), to: Math.max(...charts.map((c) => c.to)) };
  const least = Math.min((whole.to - whole.from) / 8, ...charts.map((c) => (c.to - c.from) / Math.max(c.rows.length, 1) * 4));
  let shown = { ...whole };
  const resets = [];

  const width = (c) => c.svg.getBoundingClientRect().width || 1;
  // A chart of another span than the page's shows all of its own until it is within what is chosen.
  const span = (c) => {
    const from = Math.max(shown.from, c.from), to = Math.min(shown.to, c.to);
    return from < to ? { from, to } : { from: c.from, to: c.to };
  };
  const share = (c, t) => { const s = span(c); return (t - s.from) / (s.to - s.from); };

  function draw() {
    for (const c of charts) {
      const s = span(c), all = Number(c.plot.dataset.width), scale = all / (c.to - c.from);
      const height = c.plot.getAttribute("height");
      c.plot.setAttribute("viewBox", `${(s.from - c.from) * scale} 0 ${(s.to - s.from) * scale} ${height}`);
      for (const mark of c.placed) {
        const at = share(c, Number(mark.dataset.t));
        mark.setAttribute("x", `${at * 100}%`);
        mark.style.visibility = at < -1e-6 || at > 1 + 1e-6 ? "hidden" : "visible";
        const isTime = mark.parentNode.classList.contains("times");
        if (isTime) mark.setAttribute("text-anchor", at < 0.04 ? "start" : at > 0.96 ? "end" : "middle");
        else mark.setAttribute("text-anchor", (mark.dataset.side === "end" && at >= 0.15) || at > 0.85 ? "end" : "start");
      }
      // The finest labels that have room.
      const room = width(c) / 68;
      let best = null;
      for (const level of c.levels) {
        const within = [...level.children].filter((t) => { const at = share(c, Number(t.dataset.t)); return at >= 0 && at <= 1; });
        if (best === null || within.length <= room) best = level;
      }
      c.svg.classList.add("zooms");
      for (const level of c.levels) level.classList.toggle("shown", level === best);
      if (best !== null) apart([...best.children]);
      apart([...c.svg.querySelectorAll(".marked")]);
    }
    const isWhole = shown.from <= whole.from && shown.to >= whole.to;
    for (const button of resets) button.disabled = isWhole;
  }

  // Labels that would lie on others give way, those further behind in the page first.
  function apart(labels) {
    const room = 4, boxes = [];
    for (const label of labels.filter((l) => l.style.visibility !== "hidden")) {
      const box = label.getBBox();
      const isFree = boxes.every((other) => box.x + box.width + room < other.x || other.x + other.width + room < box.x);
      if (isFree) boxes.push(box); else label.style.visibility = "hidden";
    }
  }

  function zoom(from, to) {
    if (to - from < least) { const mid = (from + to) / 2; from = mid - least / 2; to = mid + least / 2; }
    const long = Math.min(to - from, whole.to - whole.from);
    from = Math.max(whole.from, Math.min(from, whole.to - long));
    shown = { from, to: from + long };
    hide();
    draw();
  }

  function hide() {
    for (const c of charts) { c.tip.hidden = true; c.cross.style.visibility = "hidden"; c.at = -1; }
  }

  function point(c, row) {
    hide();
    c.at = Math.max(0, Math.min(row, c.rows.length - 1));
    const step = (c.to - c.from) / c.rows.length;
    const at = share(c, c.from + (c.at + 0.5) * step);
    c.cross.setAttribute("x1", `${at * 100}%`);
    c.cross.setAttribute("x2", `${at * 100}%`);
    c.cross.style.visibility = "visible";
    c.tip.replaceChildren();
    const line = (tag, text) => { const e = document.createElement(tag); e.textContent = text; c.tip.append(e); };
    [...c.rows[c.at].cells].forEach((cell, i) => {
      if (i === 0) line("b", cell.textContent);
      else if (!/^(–|0( B| s| %|\/s)?)$/.test(cell.textContent)) line("div", `${c.names[i]}: ${cell.textContent}`);
    });
    if (c.tip.children.length === 1) line("div", "nothing");
    c.tip.hidden = false;
    const room = width(c), x = at * room;
    c.tip.style.left = `${Math.max(0, x + 12 + c.tip.offsetWidth > room ? x - 12 - c.tip.offsetWidth : x + 12)}px`;
  }

  for (const c of charts) {
    const time = (event) => {
      const box = c.svg.getBoundingClientRect(), s = span(c);
      return s.from + Math.max(0, Math.min(1, (event.clientX - box.left) / box.width)) * (s.to - s.from);
    };
    const row = (t) => Math.floor((t - c.from) / (c.to - c.from) * c.rows.length);
    let start = null;
    c.svg.addEventListener("pointerdown", (event) => {
      if (event.pointerType === "mouse" && event.button === 0) { start = time(event); c.svg.setPointerCapture(event.pointerId); }
    });
    c.svg.addEventListener("pointermove", (event) => {
      const now = time(event);
      if (start !== null) {
        const [a, b] = [share(c, Math.min(start, now)), share(c, Math.max(start, now))];
        c.choice.setAttribute("x", `${a * 100}%`);
        c.choice.setAttribute("width", `${(b - a) * 100}%`);
      }
      point(c, row(now));
    });
    const end = (event) => {
      if (start === null) { point(c, row(time(event))); return; }
      const [from, to] = [Math.min(start, time(event)), Math.max(start, time(event))];
      start = null;
      c.choice.setAttribute("width", "0");
      if (share(c, to) - share(c, from) > 0.01) zoom(from, to);
    };
    c.svg.addEventListener("pointerup", end);
    c.svg.addEventListener("pointercancel", () => { start = null; c.choice.setAttribute("width", "0"); });
    c.svg.addEventListener("pointerleave", () => { if (start === null) hide(); });
    c.svg.addEventListener("dblclick", () => zoom(whole.from, whole.to));
    c.svg.addEventListener("blur", hide);
    c.svg.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: -1, ArrowRight: 1 };
      if (event.key in moves) { point(c, c.at < 0 ? row((span(c).from + span(c).to) / 2) : c.at + moves[event.key]); event.preventDefault(); }
      if (event.key === "Escape") { zoom(whole.from, whole.to); }
    });

    const tools = document.createElement("div");
    tools.className = "tools";
    const button = (text, act) => {
      const e = document.createElement("button");
      e.type = "button"; e.textContent = text; e.addEventListener("click", act); tools.append(e);
      return e;
    };
    const middle = () => c.at >= 0 ? c.from + (c.at + 0.5) * (c.to - c.from) / c.rows.length : (shown.from + shown.to) / 2;
    const by = (factor) => () => { const m = middle(), half = (shown.to - shown.from) * factor / 2; zoom(m - half, m + half); };
    const along = (factor) => () => { const d = (shown.to - shown.from) * factor; zoom(shown.from + d, shown.to + d); };
    button("Zoom in", by(0.5));
    button("Zoom out", by(2));
    button("←", along(-0.5)).setAttribute("aria-label", "Earlier");
    button("→", along(0.5)).setAttribute("aria-label", "Later");
    resets.push(button("All", () => zoom(whole.from, whole.to)));
    c.figure.querySelector(".stage").after(tools);
  }
  draw();
  new ResizeObserver(() => { hide(); draw(); }).observe(document.body);
})();
