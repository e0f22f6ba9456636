// Line charts as SVG, each with its meaning in words for whom it is not drawn.

const NS = "http://www.w3.org/2000/svg";
const WIDTH = 360, HEIGHT = 150, LEFT = 2, RIGHT = 8, TOP = 20, BOTTOM = 22;

function node(name, attributes, text) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

/** The smallest of 1, 2, 5, 10, 20 ... that is no smaller than the value. */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value * 0.999) ?? value;
}

/** Draws points [{at: milliseconds, value}], the oldest first, into `place`; `words` say what they mean. */
export function draw(place, points, words, format) {
  if (points.length < 2) {
    const waiting = document.createElement("p");
    waiting.className = "note";
    waiting.textContent = "Two looks make a line; the next one comes within ten seconds.";
    place.replaceChildren(waiting);
    return;
  }
  const first = points[0].at, last = points[points.length - 1].at;
  const top = ceiling(Math.max(...points.map((point) => point.value)));
  const x = (at) => LEFT + ((at - first) / Math.max(1, last - first)) * (WIDTH - LEFT - RIGHT);
  const y = (value) => TOP + (1 - value / top) * (HEIGHT - TOP - BOTTOM);
  const path = points.map(({ at, value }, i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`).join("");
  const svg = node("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": words });
  const end = points[points.length - 1];
  svg.append(
    node("line", { class: "rule", x1: LEFT, x2: WIDTH - RIGHT, y1: y(top), y2: y(top) }),
    node("line", { class: "rule", x1: LEFT, x2: WIDTH - RIGHT, y1: y(0), y2: y(0) }),
    node("path", { class: "area", d: `${path}L${x(last).toFixed(1)} ${y(0)}L${LEFT} ${y(0)}Z` }),
    node("path", { class: "curve", d: path }),
    node("circle", { class: "tip", cx: x(last), cy: y(end.value), r: 3.5 }),
    node("text", { x: LEFT, y: TOP - 6 }, format(top)),
    node("text", { x: LEFT, y: HEIGHT - 5 }, `${span(last - first)} ago`),
    node("text", { x: WIDTH - RIGHT, y: HEIGHT - 5, "text-anchor": "end" }, "now"),
  );
  place.replaceChildren(svg);
}

/** A time in its largest unit. */
export function span(milliseconds) {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}
