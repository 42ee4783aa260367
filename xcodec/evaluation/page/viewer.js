"use strict";
// The comparison viewer: one picture, two codecs, a slider between them.
function startViewer(root, data) {
  const find = (selector) => root.querySelector(selector);
  const [size, left, right] = [".size", ".left-view", ".right-view"].map(find);
  const [stage, slider, overlay] = [".stage", ".slider", ".overlay"].map(find);
  const source = (place) => data.images[place];
  let picture = data.pictures[0];

  // A picture may have no size: xcodec has no file so small.
  const views = () => [picture.original, ...picture.sizes[size.value]?.views ?? []];
  const text = (view) => view.bytes === null ? view.name : `${view.name}, ${view.bytes.toLocaleString("en")} bytes`;

  function options(select, names, wanted) {
    select.replaceChildren(...names.map((name, place) => new Option(name, place)));
    const place = typeof wanted === "string" ? names.findIndex((name) => name.startsWith(wanted)) : wanted;
    select.value = Math.max(0, Math.min(place, names.length - 1));
  }

  function choosePicture() {
    const at = size.value === "" ? 0 : Number(size.value);
    options(size, picture.sizes.map((entry) => entry.label), at);
    stage.style.aspectRatio = `${picture.width} / ${picture.height}`;
    stage.style.maxWidth = `min(100%, ${Math.round(78 * picture.width / picture.height)}vh)`;
    chooseSize();
  }

  function chooseSize() {
    const kept = [left, right].map((select) => select.selectedOptions[0]?.dataset.name);
    const all = views();
    for (const [select, before, first] of [[left, kept[0], 1], [right, kept[1], 0]]) {
      const place = all.findIndex((view) => view.name === before);
      options(select, all.map(text), place < 0 ? first : place);
      [...select.options].forEach((option, i) => { option.dataset.name = all[i].name; });
    }
    show();
  }

  function show() {
    const all = views();
    const sides = [all[left.value], all[right.value]];
    sides.forEach((view, side) => {
      const image = find(side ? ".stage .right" : ".stage .left");
      image.src = source(view.image);
      image.alt = `${picture.name}: ${text(view)}`;
      find(side ? ".tag.r" : ".tag.l").textContent = text(view);
    });
    const sampled = sides.find((view) => view.mask !== null) ?? all.find((view) => view.mask !== null);
    const mask = find(".stage .mask");
    overlay.disabled = !sampled;
    mask.hidden = !overlay.checked || !sampled;
    if (sampled) mask.src = source(sampled.mask);
    find(".figures tbody").replaceChildren(...sides.map((view) => {
      const row = document.createElement("tr");
      const bpp = view.bytes === null ? null : 8 * view.bytes / (picture.width * picture.height);
      const cells = [view.name, view.note, view.bytes?.toLocaleString("en"), bpp?.toFixed(4)];
      for (const metric of data.metrics) {
        const value = view.figures[metric.key];
        cells.push(value === null || value === undefined ? null : value.toFixed(metric.digits));
      }
      row.append(...cells.map((cell, place) => {
        const item = document.createElement("td");
        if (place < 2) item.className = "text";
        item.textContent = cell ?? (place === 1 ? "" : "–");
        return item;
      }));
      return row;
    }));
  }

  function cut() {
    stage.style.setProperty("--cut", `${slider.value}%`);
    slider.setAttribute("aria-valuetext", `${slider.value} % left picture`);
  }

  const picker = find(".picker");
  data.pictures.forEach((entry, place) => {
    const label = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "picture", value: place });
    const image = Object.assign(new Image(), { src: source(entry.original.image), alt: entry.name });
    radio.checked = place === 0;
    radio.addEventListener("change", () => { picture = entry; choosePicture(); });
    label.append(radio, image);
    picker.append(label);
  });
  picker.hidden = data.pictures.length < 2;
  size.addEventListener("change", chooseSize);
  for (const input of [left, right, overlay]) input.addEventListener("change", show);
  slider.addEventListener("input", cut);
  choosePicture();
  cut();
}

const viewer = document.querySelector("#viewer");
const page = JSON.parse(document.querySelector("#data").textContent);
if (viewer && page.viewer) startViewer(viewer, page.viewer);
