// Interactive map of the cells: colour, hover, zoom, and a legend that hides and shows cells.
// Without JavaScript the page shows the static maps only.
"use strict";
(() => {
  const host = document.getElementById("explorer");
  const data = JSON.parse(document.getElementById("map-data").textContent);
  const labels = document.getElementById("map-labels");
  if (labels) data.layers.push(JSON.parse(labels.textContent));

  const bytes = (text) => Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0));
  const raw = new DataView(bytes(data.positions).buffer);
  const X = new Float32Array(data.n), Y = new Float32Array(data.n);
  for (let i = 0; i < data.n; i++) {
    X[i] = raw.getUint16(4 * i, true) / 65535;
    Y[i] = raw.getUint16(4 * i + 2, true) / 65535;
  }
  const MISSING = 255, MARGIN = 14, NEAR = 12, MOST_ZOOM = 60;
  const layers = new Map(data.layers.map((layer) => [layer.name, layer]));
  for (const layer of layers.values()) layer.values = bytes(layer.values);

  const canvas = host.querySelector("canvas");
  const pen = canvas.getContext("2d");
  const menu = host.querySelector("select");
  const legend = host.querySelector(".legend");
  const status = host.querySelector("[role=status]");
  const view = { zoom: 1, x: data.shape[0] / 2, y: data.shape[1] / 2 }; // the middle, in map units
  let layer = data.layers[0], hidden = new Set(), scale = 1, order = [], waiting = false;

  // -- drawing ------------------------------------------------------------------------------

  function screen(i) {
    return [
      canvas.clientWidth / 2 + (X[i] - view.x) * scale,
      canvas.clientHeight / 2 + (Y[i] - view.y) * scale,
    ];
  }

  function ink(value) {
    if (value === MISSING) return data.absent;
    if (layer.kind === "category") return layer.colours[value];
    return data.scale[Math.min(data.scale.length - 1, Math.floor((value / 255) * data.scale.length))];
  }

  function arrange() {
    // draw numbers from low to high, so that high values are on top
    order = [...layer.values.keys()];
    if (layer.kind === "number") {
      const rank = (i) => (layer.values[i] === MISSING ? -1 : layer.values[i]);
      order.sort((a, b) => rank(a) - rank(b));
    }
  }

  function draw() {
    waiting = false;
    const ratio = window.devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    pen.scale(ratio, ratio);
    const fit = Math.min((width - 2 * MARGIN) / data.shape[0], (height - 2 * MARGIN) / data.shape[1]);
    scale = fit * view.zoom;
    const radius = Math.min(Math.max(Math.sqrt(9000 / data.n), 1), 4) * Math.min(Math.sqrt(view.zoom), 3) * 0.8;
    for (const i of order) {
      const value = layer.values[i];
      if (hidden.has(value)) continue;
      const [x, y] = screen(i);
      if (x < -radius || y < -radius || x > width + radius || y > height + radius) continue;
      pen.fillStyle = ink(value);
      if (radius < 1.6) {
        pen.fillRect(x - radius, y - radius, 2 * radius, 2 * radius);
      } else {
        pen.beginPath();
        pen.arc(x, y, radius, 0, 2 * Math.PI);
        pen.fill();
      }
    }
  }

  function redraw() {
    if (!waiting) requestAnimationFrame(draw);
    waiting = true;
  }

  // -- description of a cell -----------------------------------------------------------------------

  function describeValue(of, i) {
    const value = of.values[i];
    if (value === MISSING) return "none";
    if (of.kind === "category") return of.names[value];
    const number = of.low + ((of.high - of.low) * value) / 254;
    const bound = value === 0 ? "≤ " : value === 254 ? "≥ " : "";
    return bound + Number(number.toPrecision(3)).toLocaleString("en") + of.unit;
  }

  function describe(i) {
    const shown = ["cluster", "confidence", "type", "batch"].filter((name) => layers.has(name));
    if (!shown.includes(layer.name)) shown.push(layer.name);
    return shown.map((name) => `${layers.get(name).title}: ${describeValue(layers.get(name), i)}`).join(" · ");
  }

  function nearest(x, y) {
    let best = -1, least = NEAR * NEAR;
    for (let i = 0; i < data.n; i++) {
      if (hidden.has(layer.values[i])) continue;
      const [a, b] = screen(i);
      const distance = (a - x) ** 2 + (b - y) ** 2;
      if (distance < least) [best, least] = [i, distance];
    }
    return best;
  }

  // -- legend -------------------------------------------------------------------------------

  function entry(value, colour, text) {
    const button = document.createElement("button");
    const swatch = document.createElement("span");
    button.type = "button";
    button.setAttribute("aria-pressed", "true");
    swatch.className = "swatch";
    swatch.style.background = colour;
    button.append(swatch, text);
    button.addEventListener("click", () => {
      const on = hidden.delete(value);
      if (!on) hidden.add(value);
      button.setAttribute("aria-pressed", String(on));
      redraw();
    });
    return button;
  }

  function writeLegend() {
    legend.replaceChildren();
    legend.classList.toggle("numbers", layer.kind === "number");
    if (layer.kind === "category") {
      layer.names.forEach((name, value) =>
        legend.append(entry(value, layer.colours[value], `${name} (${layer.sizes[value].toLocaleString("en")})`)),
      );
    } else {
      const bar = document.createElement("span");
      bar.className = "ramp";
      bar.style.background = `linear-gradient(to right, ${data.scale.join(", ")})`;
      const ends = [layer.low, layer.high].map((end) => Number(end.toPrecision(3)).toLocaleString("en") + layer.unit);
      legend.append(ends[0], bar, ends[1]);
    }
    if (layer.values.includes(MISSING)) legend.append(entry(MISSING, data.absent, "none"));
  }

  function choose(name) {
    layer = layers.get(name);
    hidden = new Set();
    arrange();
    writeLegend();
    canvas.setAttribute("aria-label", `Map of ${data.n.toLocaleString("en")} cells coloured by ${layer.title}`);
    status.textContent = "";
    redraw();
  }

  // -- zoom and pan -------------------------------------------------------------------------

  function zoom(factor, x = canvas.clientWidth / 2, y = canvas.clientHeight / 2) {
    const wanted = Math.min(Math.max(view.zoom * factor, 1), MOST_ZOOM);
    const before = scale, after = (scale * wanted) / view.zoom;
    // keep the point under the pointer in place
    view.x += (x - canvas.clientWidth / 2) * (1 / before - 1 / after);
    view.y += (y - canvas.clientHeight / 2) * (1 / before - 1 / after);
    view.zoom = wanted;
    if (wanted === 1) home();
    redraw();
  }

  function home() {
    Object.assign(view, { zoom: 1, x: data.shape[0] / 2, y: data.shape[1] / 2 });
    redraw();
  }

  function pan(x, y) {
    view.x = Math.min(Math.max(view.x - x / scale, 0), data.shape[0]);
    view.y = Math.min(Math.max(view.y - y / scale, 0), data.shape[1]);
    redraw();
  }

  const step = () => canvas.clientWidth / 8;
  const keys = {
    "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), 0: home,
    ArrowLeft: () => pan(step(), 0), ArrowRight: () => pan(-step(), 0),
    ArrowUp: () => pan(0, step()), ArrowDown: () => pan(0, -step()),
  };
  canvas.addEventListener("keydown", (event) => {
    if (!(event.key in keys) || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    keys[event.key]();
  });
  canvas.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return; // let the page scroll
    event.preventDefault();
    zoom(Math.exp(-event.deltaY / 400), event.offsetX, event.offsetY);
  }, { passive: false });
  let dragged = null;
  canvas.addEventListener("pointerdown", (event) => {
    dragged = [event.clientX, event.clientY];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener("pointerup", () => { dragged = null; });
  canvas.addEventListener("pointercancel", () => { dragged = null; });
  canvas.addEventListener("pointermove", (event) => {
    if (dragged) {
      pan(event.clientX - dragged[0], event.clientY - dragged[1]);
      dragged = [event.clientX, event.clientY];
      return;
    }
    const cell = nearest(event.offsetX, event.offsetY);
    status.textContent = cell < 0 ? "" : describe(cell);
  });
  canvas.addEventListener("pointerleave", () => { status.textContent = ""; });
  host.querySelector("[data-do=in]").addEventListener("click", () => zoom(1.5));
  host.querySelector("[data-do=out]").addEventListener("click", () => zoom(1 / 1.5));
  host.querySelector("[data-do=home]").addEventListener("click", home);
  host.querySelector("[data-do=all]").addEventListener("click", () => choose(layer.name));

  // -- start --------------------------------------------------------------------------------

  const groups = new Map();
  for (const one of data.layers) {
    if (!groups.has(one.group)) {
      const group = document.createElement("optgroup");
      group.label = one.group;
      groups.set(one.group, group);
      menu.append(group);
    }
    const option = document.createElement("option");
    option.value = one.name;
    option.textContent = one.title;
    groups.get(one.group).append(option);
  }
  menu.addEventListener("change", () => choose(menu.value));
  host.hidden = false;
  new ResizeObserver(redraw).observe(canvas);
  choose(layer.name);
})();
