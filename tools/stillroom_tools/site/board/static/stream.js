// One stream from the board, with a beat each second. Three seconds without one, or a broken line: the board is lost.
const BEAT_LOST_MS = 3000;
const AGAIN_MS = 2000;

export function listen(version, heard, gone) {
  let last = performance.now();
  let source = null;
  let known = version;

  function open() {
    source = new EventSource(`/events?after=${known}`);
    source.onmessage = (event) => {
      last = performance.now();
      const said = JSON.parse(event.data);
      if (said.version !== undefined) known = said.version;
      heard(said);
    };
    source.onerror = () => {
      source.close();
      source = null;
      known = 0; // another run of the board may answer: everything anew
      gone();
      setTimeout(check, AGAIN_MS);
    };
  }

  // A stream that is refused says nothing of why: ask for the page, which sends whoever is logged out to the login.
  async function check() {
    try {
      const answer = await fetch("/", { method: "HEAD", redirect: "manual" });
      if (answer.type === "opaqueredirect") return location.replace("/login?ended");
    } catch { /* not there yet */ }
    if (!source) open();
  }

  setInterval(() => { if (performance.now() - last > BEAT_LOST_MS) gone(); }, 500);
  addEventListener("pageshow", (event) => { if (event.persisted) { gone(); location.reload(); } });
  open();
}
