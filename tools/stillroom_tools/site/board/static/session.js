// A session ends where nobody does anything. A touch or a key is somebody; that the page is open is nobody.
const AT_MOST_EVERY_MS = 30000;
let told = -AT_MOST_EVERY_MS;

export async function stay() {
  told = performance.now();
  const csrf = document.querySelector("input[name=csrf]").value;
  const body = new URLSearchParams({ csrf });
  try {
    const answer = await fetch("/stay", { method: "POST", body, headers: { accept: "text/plain" } });
    if (answer.status === 401) location.replace("/login?ended");
  } catch { /* the stream says that the board is lost */ }
}

export function keepAlive() {
  const dialog = document.getElementById("leaving");
  const somebody = () => { if (performance.now() - told > AT_MOST_EVERY_MS) stay(); };
  for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, somebody, { passive: true });
  if (!dialog) return;
  document.getElementById("stay").addEventListener("click", () => { stay(); dialog.close(); });
}

// Seconds that are left, where they are few; null where they are many.
export function warn(left) {
  const dialog = document.getElementById("leaving");
  if (!dialog) return;
  if (left === null) { if (dialog.open) dialog.close(); return; }
  document.getElementById("left").textContent = left;
  if (!dialog.open) dialog.showModal();
}
