// The page of one look: each frame is painted over the one before and kept nowhere.
const at = id => document.getElementById(id);
const context = at("picture").getContext("2d");

function paint(luma, [width, height]) {
  const image = context.createImageData(width, height);
  if (luma) {
    const bytes = atob(luma);
    for (let i = 0; i < bytes.length; i++) image.data.fill(bytes.charCodeAt(i), 4 * i, 4 * i + 3);
  }
  for (let i = 3; i < image.data.length; i += 4) image.data[i] = 255;
  context.putImageData(image, 0, 0);
}

function show(now) {
  at("room").textContent = now.room;
  at("viewer").textContent = now.viewer;
  paint(now.luma, now.size);
  if (now.ended) {
    at("left").textContent = "";
    at("words").textContent = now.ended === "over" ? "over: the room's light is as before" : now.ended;
    return;
  }
  if (now.left_ms === undefined) return;
  at("left").textContent = `${Math.ceil(now.left_ms / 1000)} s left of ${now.seconds}`;
  const level = now.level === "figure" ? "a drawn figure over the empty room, no picture of anybody" : `a picture of squares of ${now.block}`;
  at("words").textContent = now.blank === "shown" ? level : `nothing is shown: ${now.why}`;
}

const live = new EventSource("/live");
live.onmessage = message => {
  const now = JSON.parse(message.data);
  show(now);
  if (now.ended) live.close();
};
live.onerror = () => { if (live.readyState !== EventSource.CLOSED) at("words").textContent = "the page has lost the look"; live.close(); };
history.replaceState(null, "", "/");
