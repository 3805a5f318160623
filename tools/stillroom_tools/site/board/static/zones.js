// Zones drawn over an empty canvas. The fields of the form are what counts; the canvas shows and changes them.
const W = 1000, H = 750, SVG = "http://www.w3.org/2000/svg";
const canvas = document.getElementById("canvas");
const fields = Object.fromEntries(["bed", "floor"].map((name) => [name, document.querySelector(`textarea[name=${name}]`)]));
let held = null;

const chosen = () => document.querySelector("input[name=zone]:checked").value;
const clamp = (value) => Math.round(Math.min(Math.max(value, 0), 1) * 1000) / 1000;

function read(name) {
  try {
    const found = JSON.parse(fields[name].value || "[]");
    return Array.isArray(found) && found.every((one) => Array.isArray(one) && one.length === 2 && one.every(Number.isFinite)) ? found : [];
  } catch { return []; }
}

function write(name, corners) {
  fields[name].value = corners.length ? JSON.stringify(corners) : "";
  draw();
}

function made(tag, attributes) {
  const one = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) one.setAttribute(name, value);
  return one;
}

function draw() {
  const focused = document.activeElement?.dataset?.at;
  canvas.replaceChildren();
  for (let n = 1; n < 10; n++) {
    canvas.append(made("line", { class: "grid", x1: n * W / 10, x2: n * W / 10, y1: 0, y2: H }));
    canvas.append(made("line", { class: "grid", y1: n * H / 10, y2: n * H / 10, x1: 0, x2: W }));
  }
  for (const name of Object.keys(fields)) {
    const corners = read(name);
    if (!corners.length) continue;
    const mine = name === chosen();
    const kind = `${name}${mine ? "" : " other"}`;
    canvas.append(made("polygon", { class: kind, points: corners.map(([x, y]) => `${x * W},${y * H}`).join(" ") }));
    const label = made("text", { class: kind, x: corners[0][0] * W + 18, y: corners[0][1] * H + 44 });
    label.textContent = name;
    canvas.append(label);
    if (mine) corners.forEach(([x, y], at) => canvas.append(made("circle", {
      class: name, cx: x * W, cy: y * H, tabindex: 0, role: "button", "data-at": at,
      "aria-label": `Corner ${at + 1} of ${name}: ${Math.round(x * 100)} % from the left, ${Math.round(y * 100)} % from the top`,
    })));
  }
  if (focused !== undefined) canvas.querySelector(`circle[data-at="${focused}"]`)?.focus();
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return [clamp((event.clientX - box.left) / box.width), clamp((event.clientY - box.top) / box.height)];
}

// A new corner goes between the two that it lies nearest to.
function insert(corners, point) {
  if (corners.length < 3) return [...corners, point];
  const detour = (at) => {
    const [a, b] = [corners[at], corners[(at + 1) % corners.length]];
    return Math.hypot(a[0] - point[0], a[1] - point[1]) + Math.hypot(b[0] - point[0], b[1] - point[1]) - Math.hypot(a[0] - b[0], a[1] - b[1]);
  };
  const best = corners.map((_, at) => at).sort((one, other) => detour(one) - detour(other))[0];
  return corners.toSpliced(best + 1, 0, point);
}

canvas.addEventListener("pointerdown", (event) => {
  const at = event.target.dataset?.at;
  if (at === undefined) return write(chosen(), insert(read(chosen()), place(event)));
  held = Number(at);
  canvas.setPointerCapture(event.pointerId);
});
canvas.addEventListener("pointermove", (event) => {
  if (held !== null) write(chosen(), read(chosen()).with(held, place(event)));
});
canvas.addEventListener("pointerup", () => { held = null; });
canvas.addEventListener("keydown", (event) => {
  const at = Number(event.target.dataset?.at);
  const corners = read(chosen());
  const by = event.shiftKey ? 0.002 : 0.02;
  const move = { ArrowLeft: [-by, 0], ArrowRight: [by, 0], ArrowUp: [0, -by], ArrowDown: [0, by] }[event.key];
  if (!corners[at] || !(move || event.key === "Delete" || event.key === "Backspace")) return;
  event.preventDefault();
  write(chosen(), move ? corners.with(at, [clamp(corners[at][0] + move[0]), clamp(corners[at][1] + move[1])]) : corners.toSpliced(at, 1));
  document.getElementById("moved").textContent = document.activeElement.getAttribute("aria-label") || "Taken away";
});
document.getElementById("clear").addEventListener("click", () => write(chosen(), []));
for (const field of Object.values(fields)) field.addEventListener("input", draw);
for (const one of document.querySelectorAll("input[name=zone]")) one.addEventListener("change", draw);
for (const id of ["canvas", "which", "clear"]) document.getElementById(id).hidden = false;
canvas.removeAttribute("hidden");
draw();
