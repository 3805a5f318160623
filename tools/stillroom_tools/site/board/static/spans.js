// How long something has lasted, by the board's clock: this screen's own may be wrong, and only its pace is used.
let base = 0;
let at = 0;

export function setNow(now) {
  base = now;
  at = performance.now();
}

export const now = () => base + performance.now() - at;

export function span(ms) { // as `span` of room_words.py
  const seconds = Math.max(Math.floor(ms / 1000), 0);
  if (seconds < 100) return `${seconds} s`;
  if (seconds < 6000) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

export function tick(root) {
  const time = now();
  for (const one of root.querySelectorAll("time[data-since], time[data-until]")) {
    const since = one.dataset.since;
    const text = span(since ? time - Number(since) : Number(one.dataset.until) - time);
    if (one.textContent !== text) one.textContent = text;
  }
  const clock = document.getElementById("clock");
  if (clock) clock.textContent = new Date(time).toISOString().slice(0, 19).replace("T", " ");
}
