// What the figures that move share: the picture takes the place of the still one, in the very same box; scales, axes, labels.

const BLANK = 2; // around labels at the edge
const MINUS = "\u2212";

export const number = (value, digits = 2) => value.toFixed(digits).replace("-", MINUS);
export const significant = (value) => String(Number(value.toPrecision(3))).replace("-", MINUS);
export const text = (value) => String(value).replace("-", MINUS);

// Each control calls draw(picture, values); the result of draw is the sentence that says what happened. All this begins when
// the reader comes near: to measure a box earlier would make the browser lay out a page that nobody sees.
export function moving(id, parts) {
  const figure = document.getElementById(id);
  new IntersectionObserver((entries, watch) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    watch.disconnect();
    begin(figure, parts);
  }, { rootMargin: "800px" }).observe(figure);
}

function begin(figure, { draw, show = {}, press }) {
  const still = figure.querySelector("img");
  const data = JSON.parse(figure.querySelector("script[type='application/json']").textContent);
  const controls = [...figure.querySelectorAll("input")];
  const summary = figure.querySelector(".moving-summary");
  const box = document.createElement("div");
  box.className = "moving-box";
  still.replaceWith(box);
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", still.alt);
  box.append(still, svg);

  function redraw() {
    const values = Object.fromEntries(controls.map((control) => [control.name, Number(control.value)]));
    for (const control of controls) {
      const shown = (show[control.name] ?? text)(values[control.name], data, values);
      control.setAttribute("aria-valuetext", shown);
      control.nextElementSibling.value = shown;
    }
    const { width, height } = box.getBoundingClientRect();
    if (!width || !height) return;
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.replaceChildren();
    const sentence = draw({ svg, width, height, data, drag }, values);
    if (summary.textContent !== sentence) summary.textContent = sentence;
  }

  const set = (values) => {
    for (const control of controls) if (control.name in values) control.value = values[control.name];
    redraw();
  };

  // A point that follows the pointer. The sliders do the same from the keyboard, so it takes no part in the tab order.
  let dragged;
  function drag(point, toValues) {
    point.classList.add("handle");
    point.addEventListener("pointerdown", (event) => {
      dragged = toValues;
      svg.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
  }
  svg.addEventListener("pointermove", (event) => {
    if (!dragged) return;
    const { left, top } = svg.getBoundingClientRect();
    set(dragged(event.clientX - left, event.clientY - top));
  });
  for (const end of ["pointerup", "pointercancel"]) svg.addEventListener(end, () => { dragged = undefined; });

  for (const control of controls) control.addEventListener("input", redraw);
  figure.querySelector("button")?.addEventListener("click", () => set(press(data)));
  new ResizeObserver(redraw).observe(box);
  redraw();
  figure.classList.add("moves");
}

// --- Drawing ---

export function add(parent, name, attributes = {}, content) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  if (content !== undefined) element.textContent = content;
  parent.append(element);
  return element;
}

const through = (map) => (domain, [from, to]) => {
  const [low, high] = domain.map(map);
  return (value) => from + ((map(value) - low) / (high - low)) * (to - from);
};
export const linear = through((value) => value);
export const logarithmic = through(Math.log10);
// As Matplotlib's symlog: linear up to `threshold`, logarithmic beyond.
export const symlog = (threshold) => through((value) => {
  const size = Math.abs(value);
  return Math.sign(value) * (size <= threshold ? (size / threshold) / 0.9 : 1 / 0.9 + Math.log10(size / threshold));
});

// Axes in the box [left, top, right, bottom]; a scale is made from each domain. Returns x(), y() and where to draw.
export function axes(svg, [left, top, right, bottom], { xScale = linear, yScale = linear, xDomain, yDomain, xTicks, yTicks, xLabel, yLabel, name }) {
  const x = xScale(xDomain, [left, right]), y = yScale(yDomain, [bottom, top]);
  const frame = add(svg, "g", { class: "axes" });
  add(frame, "path", { d: `M${left} ${top}V${bottom}H${right}` });
  for (const [value, label = text(value)] of xTicks) {
    add(frame, "path", { d: `M${x(value)} ${bottom}v4` });
    if (label) add(frame, "text", { x: x(value), y: bottom + 17, "text-anchor": "middle" }, label);
  }
  for (const [value, label = text(value)] of yTicks) {
    add(frame, "path", { d: `M${left} ${y(value)}h-4` });
    if (label) add(frame, "text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, label);
  }
  if (xLabel) add(frame, "text", { x: (left + right) / 2, y: bottom + 35, "text-anchor": "middle" }, xLabel);
  if (yLabel) add(frame, "text", { transform: `translate(13 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, yLabel);
  // Room for half a line at the edge, and for half a point.
  const [inside, points] = [2, 9].map((room) => {
    const clip = add(svg, "clipPath", { id: `${name}-${room}` });
    add(clip, "rect", { x: left - room, y: top - room, width: right - left + 2 * room, height: bottom - top + 2 * room });
    return add(svg, "g", { "clip-path": `url(#${name}-${room})` });
  });
  return { x, y, inside, points, left, top, right, bottom };
}

export const line = ({ x, y, inside }, points, kind) =>
  add(inside, "path", { class: `line ${kind}`, d: points.map(([u, v], i) => `${i ? "L" : "M"}${x(u).toFixed(1)} ${y(v).toFixed(1)}`).join("") });

export const dot = ({ x, y, points }, [u, v], kind, r = 5) => add(points, "circle", { class: `dot ${kind}`, cx: x(u), cy: y(v), r });

// Labels beside points, each in the colour of its point: pushed apart, and kept inside the picture.
export function labels(svg, plot, entries, gap = 16) {
  const placed = entries
    .map(({ at: [u, v], ...rest }) => ({ ...rest, px: plot.x(u), py: plot.y(v) }))
    .sort((a, b) => a.py - b.py);
  placed.forEach((one, i) => { one.ty = Math.max(one.py, i ? placed[i - 1].ty + gap : plot.top + gap / 2); });
  const over = Math.max(0, (placed.at(-1)?.ty ?? 0) - plot.bottom + BLANK);
  let next = Infinity;
  for (const one of placed.toReversed()) {
    one.ty = Math.min(one.ty, plot.bottom - BLANK, next - gap);
    next = over ? one.ty : Infinity;
    const label = add(svg, "text", { class: `label ${one.kind}`, y: one.ty + 4 }, one.label);
    const length = label.getComputedTextLength();
    const before = one.px - 10 - length, after = one.px + 10;
    const toLeft = (one.left ?? one.px > (plot.left + plot.right) / 2) ? before >= plot.left : after + length > plot.right + BLANK;
    label.setAttribute("x", Math.max(plot.left + BLANK, Math.min(toLeft ? before : after, plot.right - length)));
  }
}
