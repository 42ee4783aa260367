"use strict";
// Rate-distortion plots: SVG, one curve a codec; hover, touch or arrow keys show values.
function startPlots(root, data) {
  const SVG = "http://www.w3.org/2000/svg";
  const find = (selector) => root.querySelector(selector);
  const [set, metric, plot, tip, legend] = [".set", ".metric", ".plot", ".tip", ".legend"].map(find);
  const hidden = new Set();
  let drawn = [], place = -1;

  const element = (name, attributes, text) => {
    const made = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const colour = (curve) => `var(--c${curve.colour % 14})`;
  const shown = (value, digits) => value === null ? "–" : value.toFixed(digits);

  function ticks(low, high, count) {
    const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
    const step = [1, 2, 5, 10].find((factor) => factor * power >= rough) * power;
    const found = [];
    for (let k = Math.ceil(low / step); k * step <= high + step * 1e-6; k++) found.push(k * step);
    return found;
  }

  function chooseSet() {
    const record = data.sets[set.value];
    hidden.clear();
    record.curves.forEach((curve) => { if (!curve.first) hidden.add(curve.name); });
    const before = metric.selectedOptions[0]?.value;
    metric.replaceChildren(...record.metrics.map((entry) => new Option(entry.title, entry.key)));
    if (record.metrics.some((entry) => entry.key === before)) metric.value = before;
    chooseMetric();
  }

  // Scaled files are those that were chosen for the metric that is shown, or for one that stands for it.
  const aimed = (curve) => curve.aim === null ||
    curve.aim === data.sets[set.value].metrics.find((entry) => entry.key === metric.value).aim;

  function chooseMetric() {
    const record = data.sets[set.value];
    legend.replaceChildren(legend.querySelector("legend"), ...record.curves.filter(aimed).map((curve) => {
      const label = document.createElement("label"), line = document.createElement("i");
      const box = Object.assign(document.createElement("input"), { type: "checkbox", checked: !hidden.has(curve.name) });
      line.style.borderColor = colour(curve);
      line.classList.toggle("dashed", curve.dashed);
      box.addEventListener("change", () => {
        if (box.checked) hidden.delete(curve.name); else hidden.add(curve.name);
        draw();
      });
      label.append(box, line, document.createTextNode(curve.name));
      return label;
    }));
    draw();
  }

  function draw() {
    const record = data.sets[set.value], chosen = record.metrics.find((entry) => entry.key === metric.value);
    const narrow = plot.clientWidth < 560;
    const width = narrow ? 400 : 900, height = narrow ? 330 : 440;
    const edge = { left: 54, right: 14, top: 14, bottom: 44 };
    const curves = record.curves.filter((curve) => aimed(curve) && !hidden.has(curve.name)).map((curve) => ({
      curve, points: curve.points.filter((point) => point[chosen.key] !== null).sort((a, b) => a.bpp - b.bpp),
    })).filter((entry) => entry.points.length);
    const all = curves.flatMap((entry) => entry.points);
    const svg = element("svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
      "aria-label": `${chosen.title} over bits per pixel, ${record.label}. Values are in the table below.` });
    drawn = [];
    place = -1;
    tip.hidden = true;
    if (all.length) {
      const logs = all.map((point) => Math.log10(point.bpp)), values = all.map((point) => point[chosen.key]);
      const span = (list, share) => {
        const low = Math.min(...list), high = Math.max(...list), more = share * (high - low || 1);
        return [low - more, high + more];
      };
      const [x0, x1] = span(logs, .03), [y0, y1] = span(values, .05);
      const x = (bpp) => edge.left + (Math.log10(bpp) - x0) / (x1 - x0) * (width - edge.left - edge.right);
      const y = (value) => height - edge.bottom - (value - y0) / (y1 - y0) * (height - edge.top - edge.bottom);
      for (const value of ticks(y0, y1, narrow ? 5 : 7)) {
        svg.append(element("line", { class: "grid", x1: edge.left, x2: width - edge.right, y1: y(value), y2: y(value) }));
        const digits = Math.max(0, -Math.floor(Math.log10((y1 - y0) / 7)));
        svg.append(element("text", { x: edge.left - 8, y: y(value) + 4, "text-anchor": "end" }, value.toFixed(Math.min(digits, 4))));
      }
      let last = -Infinity;
      for (let power = Math.floor(x0); power <= x1; power++) for (const lead of [1, 1.5, 2, 3, 5, 7]) {
        const bpp = lead * 10 ** power;
        if (Math.log10(bpp) < x0 || Math.log10(bpp) > x1 || x(bpp) - last < 42) continue;
        last = x(bpp);
        svg.append(element("line", { class: "grid", x1: last, x2: last, y1: edge.top, y2: height - edge.bottom }));
        svg.append(element("text", { x: last, y: height - edge.bottom + 18, "text-anchor": "middle" }, String(+bpp.toPrecision(2))));
      }
      svg.append(element("text", { x: (edge.left + width) / 2, y: height - 6, "text-anchor": "middle" }, "bits per pixel (log)"));
      const arrow = chosen.rising ? "more is better" : "less is better";
      svg.append(element("text", { x: edge.left + 8, y: edge.top + 12 }, `${chosen.title}, ${arrow}`));
      for (const { curve, points } of curves) {
        const path = points.map((point, i) => `${i ? "L" : "M"}${x(point.bpp).toFixed(1)} ${y(point[chosen.key]).toFixed(1)}`).join("");
        svg.append(element("path", { class: `curve${curve.dashed ? " dashed" : ""}`, d: path, stroke: colour(curve), "data-curve": curve.name }));
        for (const point of points) {
          const dot = element("circle", { cx: x(point.bpp), cy: y(point[chosen.key]), r: curve.own ? 5 : 3.6, fill: colour(curve) });
          svg.append(dot);
          drawn.push({ dot, curve, point, x: x(point.bpp), y: y(point[chosen.key]) });
        }
      }
    }
    find(".drawing").replaceChildren(svg);
    table(curves, record);
  }

  function table(curves, record) {
    const head = ["codec", "setting", "bytes", "bpp", ...record.metrics.map((entry) => entry.title)];
    find(".values thead").replaceChildren(row(head, "th"));
    find(".values tbody").replaceChildren(...curves.flatMap(({ curve, points }) => points.map((point) => row(
      [curve.name, String(point.setting), point.bytes.toFixed(0), point.bpp.toFixed(4),
        ...record.metrics.map((entry) => shown(point[entry.key], entry.digits))], "td", curve.own))));
  }

  function row(cells, kind, own) {
    const made = document.createElement("tr");
    if (own) made.className = "own";
    made.append(...cells.map((cell) => Object.assign(document.createElement(kind), { textContent: cell })));
    return made;
  }

  function point(at) {
    drawn.forEach((entry) => entry.dot.classList.remove("near"));
    place = at;
    tip.hidden = at < 0;
    if (at < 0) return;
    const { dot, curve, point, x, y } = drawn[at], record = data.sets[set.value];
    const chosen = record.metrics.find((entry) => entry.key === metric.value);
    dot.classList.add("near");
    tip.replaceChildren(Object.assign(document.createElement("strong"), { textContent: curve.name }),
      document.createElement("br"), `${chosen.title} ${shown(point[chosen.key], chosen.digits)} at ${point.bpp.toFixed(4)} bpp`,
      document.createElement("br"), `${Math.round(point.bytes).toLocaleString("en")} bytes, setting ${point.setting}`);
    const box = find("svg").getBoundingClientRect(), scale = box.width / find("svg").viewBox.baseVal.width;
    const wide = tip.offsetWidth, from = x * scale + 14;
    tip.style.left = `${Math.max(0, Math.min(from, box.width - wide - 4))}px`;
    tip.style.top = `${Math.max(0, y * scale - tip.offsetHeight - 12)}px`;
  }

  function nearest(event) {
    const box = find("svg").getBoundingClientRect(), scale = box.width / find("svg").viewBox.baseVal.width;
    let best = -1, distance = 40 ** 2;
    drawn.forEach((entry, at) => {
      const d = (entry.x * scale - event.clientX + box.left) ** 2 + (entry.y * scale - event.clientY + box.top) ** 2;
      if (d < distance) [best, distance] = [at, d];
    });
    point(best);
  }

  plot.addEventListener("pointermove", nearest);
  plot.addEventListener("pointerdown", nearest);
  plot.addEventListener("pointerleave", () => point(-1));
  plot.addEventListener("blur", () => point(-1));
  plot.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === "Escape") point(-1);
    if (!move || !drawn.length) return;
    event.preventDefault();
    point((place + move + drawn.length) % drawn.length);
  });
  set.replaceChildren(...data.sets.map((entry, at) => new Option(entry.label, at)));
  set.closest("label").hidden = data.sets.length < 2;
  set.addEventListener("change", chooseSet);
  metric.addEventListener("change", chooseMetric);
  addEventListener("resize", draw);
  chooseSet();
}

const plots = document.querySelector("#plots");
const results = JSON.parse(document.querySelector("#data").textContent);
if (plots && results.plots) startPlots(plots, results.plots);
