const at = id => document.getElementById(id);
const make = (tag, text, className) => {
  const e = document.createElement(tag);
  if (text !== undefined) e.textContent = text;
  if (className) e.className = className;
  return e;
};
const svg = (tag, attributes) => {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [k, v] of Object.entries(attributes)) e.setAttribute(k, v);
  return e;
};
const grouped = n => Math.round(n).toString().replace(/\B(?=(\d{3})+$)/g, "\u202f");
const bytes = n => n >= 1e9 ? (n / 1e9).toFixed(2) + " GB" : n >= 1e6 ? (n / 1e6).toFixed(n < 1e7 ? 2 : 1) + " MB" : n >= 1e3 ? (n / 1e3).toFixed(1) + " kB" : n + " B";
const seconds = s => s >= 10 ? s.toFixed(1) + " s" : s >= 0.1 ? s.toFixed(2) + " s" : s >= 1e-4 ? (s * 1e3).toFixed(1) + " ms" : s > 0 ? "< 0.1 ms" : "";
const colours = { shared: "var(--shared)", client: "var(--client)", server: "var(--server)", public: "var(--public)" };

// Into #graph: layers by longest path; within a layer by the middle of the neighbours before. Returns
// {box, rect, node} of each node, nothing where they are too many.
const drawGraph = ({ nodes, edges, onClick, title, name, sub }) => {
  const count = nodes.length, boxes = [], width = 174, height = 36, gapX = 12, gapY = 20, limit = 1500;
  if (count > limit) {
    at("graph").append(make("p", "This graph has " + grouped(count) + " nodes, too many for a picture; the table has them all."));
    return boxes;
  }
  const before = nodes.map(() => []), layer = new Array(count).fill(0);
  // An operation may stand for two places of the program, one of them behind a later node (a rounding
  // that was put off): what follows it is drawn behind that node.
  const after = nodes.map(() => []);
  for (const [from, to] of edges) after[from].push(to);
  for (const [from, to] of edges)
    if (from < to) before[to].push(from);
    else for (const next of after[to]) if (next > from) before[next].push(from);
  for (let i = 0; i < count; ++i) for (const b of before[i]) layer[i] = Math.max(layer[i], layer[b] + 1);
  const layers = [];
  layer.forEach((l, i) => (layers[l] = layers[l] || []).push(i));
  const x = new Array(count).fill(0);
  for (const members of layers) {
    const wish = i => before[i].length ? before[i].reduce((s, b) => s + x[b], 0) / before[i].length : 0;
    members.sort((a, b) => wish(a) - wish(b));
    let next = -Infinity;
    const places = members.map(i => next = Math.max(wish(i), next + 1));
    const shift = members.reduce((s, i, k) => s + wish(i) - places[k], 0) / members.length;
    members.forEach((i, k) => x[i] = places[k] + shift);
  }
  const left = Math.min(0, ...x), right = Math.max(0, ...x);
  const px = i => 8 + (x[i] - left) * (width + gapX), py = i => 8 + layer[i] * (height + gapY);
  const picture = svg("svg", { width: (right - left) * (width + gapX) + width + 16, height: layers.length * (height + gapY) + 4, role: "img", "aria-label": "The graph" });
  for (const [from, to] of edges) {
    const x0 = px(from) + width / 2, y0 = py(from) + height, x1 = px(to) + width / 2, y1 = py(to), middle = (y0 + y1) / 2;
    const far = Math.abs(layer[to] - layer[from]) > 1 && x0 === x1 ? width / 2 + 12 : 0;
    picture.append(svg("path", { d: `M${x0} ${y0} C${x0 + far} ${far ? y0 + 24 : middle} ${x1 + far} ${far ? y1 - 24 : middle} ${x1} ${y1}` }));
  }
  nodes.forEach((node, i) => {
    const box = svg("g", { class: "node", transform: `translate(${px(i)} ${py(i)})` });
    const rect = svg("rect", { width, height, rx: 6 });
    const hover = svg("title", {}), first = svg("text", { x: 8, y: 15 }), second = svg("text", { x: 8, y: 29, class: "sub" });
    const whole = name(node);
    hover.textContent = title(node);
    first.textContent = whole.length > 25 ? "\u2026" + whole.slice(-24) : whole;
    const below = sub(node).filter(s => s).join(" \u00b7 ");
    second.textContent = below.length > 30 ? below.slice(0, 28) + "\u2026" : below;
    box.append(hover, rect, first, second);
    box.onclick = () => onClick(i);
    picture.append(box);
    boxes.push({ box, rect, node });
  });
  at("graph").append(picture);
  requestAnimationFrame(() => { at("graph").scrollLeft = Math.max(0, -left * (width + gapX) + width / 2 + 8 - at("graph").clientWidth / 2); });
  return boxes;
};
