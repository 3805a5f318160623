// The demo's page: what the server says is shown, what is pressed is sent. All text goes in as text, never as markup.
const at = id => document.getElementById(id);
let chosen = "", live = null;

function make(tag, text, className) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  return made;
}

function choose(unit) {
  if (unit === chosen && live && live.readyState !== EventSource.CLOSED) return;
  chosen = unit;
  if (live) live.close();
  live = new EventSource(unit ? `/live?unit=${encodeURIComponent(unit)}` : "/live");
  live.onmessage = message => show(JSON.parse(message.data));
  live.onerror = () => note("NOT CONNECTED to the demo: what stands here is old");
  if (unit) picture(unit);
}

function picture(unit) {
  at("picture").src = `/picture/${encodeURIComponent(unit)}?${Date.now()}`;
}

function note(text) {
  at("note").textContent = text;
  at("note").hidden = !text;
}

function show(now) {
  if (!chosen) { chosen = now.unit; picture(chosen); }
  note(now.note);
  at("ledger").textContent = now.ledger;
  at("ledger").classList.toggle("balanced", now.balanced);
  rooms(now.rooms, now.unit);
  wire(now.wire);
  at("events").replaceChildren(...(now.events.length ? now.events : ["nothing yet"]).map(line => make("li", line)));
  for (const button of document.querySelectorAll("#hands button")) {
    button.dataset.text ??= button.textContent;
    const undoes = now.undoes.includes(button.dataset.act);
    button.textContent = undoes ? button.dataset.undo : button.dataset.text;
  }
  attacks(now.attacks);
  board(now.board);
}

function board(login) {
  at("board").hidden = !login;
  if (!login) return;
  at("board-link").href = login.url;
  for (const each of ["name", "password", "code"]) at(`board-${each}`).textContent = login[each];
}

function rooms(rows, unit) {
  const list = at("rooms");
  rows.forEach((row, index) => {
    const item = list.children[index] ?? list.appendChild(make("li"));
    const button = item.firstChild ?? item.appendChild(make("button"));
    const text = JSON.stringify([row, row.unit === unit]);
    if (button.dataset.row === text) return;
    button.dataset.row = text;
    button.className = row.loud ? "loud" : "";
    button.setAttribute("aria-pressed", row.unit === unit);
    button.onclick = () => choose(row.unit);
    const title = make("b", row.room);
    title.append(make("span", row.since));
    const numbers = [row.breathing && `breathing ${row.breathing}`, row.pulse && `pulse ${row.pulse}`, `light ${row.light}`];
    button.replaceChildren(title, make("span", row.state, "state"), make("span", numbers.filter(Boolean).join(", "), "numbers"),
      ...row.alerts.map(alert => make("span", alert, "alert")));
    if (row.unit === unit) document.querySelectorAll(".chosen").forEach(each => { each.textContent = row.room; });
  });
}

function wire(found) {
  at("wire").textContent = found
    ? `${found.bytes} bytes, number ${found.count} of this demo, ${found.gap_s} s after the one before, whatever happens` : "nothing yet";
  at("hex").textContent = found ? `${found.topic}\n\n${found.hex} ...` : "";
}

function attacks(found) {
  at("attacks").hidden = !found.said;
  at("said").textContent = found.said;
  document.querySelector("#attacks tbody").replaceChildren(...found.rows.map(row => {
    const line = make("tr");
    const answer = make("td", row.answer);
    if (row.control) answer.append(make("br"), make("small", row.control));
    line.append(make("td", row.tried), make("td", row.outcome, row.outcome), answer);
    return line;
  }));
}

at("hands").addEventListener("click", async event => {
  const act = event.target.dataset.act;
  if (!act || !chosen) return;
  const answer = await fetch("/act", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ unit: chosen, act }),
  }).catch(() => null);
  if (!answer?.ok) note("that did not reach the demo");
});
history.replaceState(null, "", "/");
choose("");
