// The page of all rooms: what has changed is put in its place; whoever cannot be heard is not believed.
import { listen } from "./stream.js";
import { setNow, tick } from "./spans.js";
import { sound } from "./sound.js";
import { keepAlive, warn } from "./session.js";

const body = document.body;
const $ = (id) => document.getElementById(id);
const tiles = $("tiles");
const MANY = 60; // as in ward.html
let lost = false;
let acting = false;

function put(place, html) {
  const made = document.createElement("template");
  made.innerHTML = html; // escaped by the board; the page's policy runs no script that stands in it
  const focused = document.activeElement;
  const again = focused && place.contains(focused) ? focused.getAttribute("aria-label") || focused.textContent : null;
  place.replaceChildren(made.content);
  tick(place);
  if (again === null) return;
  for (const one of place.querySelectorAll("a, button")) {
    if ((one.getAttribute("aria-label") || one.textContent) === again) return one.focus();
  }
}

function putTile(unit, html) {
  if (tiles.dataset.only && tiles.dataset.only !== unit) return;
  const made = document.createElement("template");
  made.innerHTML = html;
  const tile = made.content.firstElementChild;
  const before = $(`r-${unit}`);
  const focused = before && before.contains(document.activeElement);
  if (before) before.replaceWith(tile); else tiles.append(tile);
  tick(tile);
  if (focused) tile.querySelector("a").focus();
}

function order(units) {
  if (tiles.dataset.only) return;
  for (const one of [...tiles.children]) if (!units.includes(one.id.slice(2))) one.remove();
  units.forEach((unit, at) => {
    const tile = $(`r-${unit}`);
    if (tile && tiles.children[at] !== tile) tiles.insertBefore(tile, tiles.children[at] || null);
  });
  const none = $("none");
  if (none) none.hidden = units.length > 0;
  tiles.classList.toggle("many", units.length > MANY);
}

const loud = () => new Map([...document.querySelectorAll("#alerts .alert[data-sounding]")].map((one) => [
  one.dataset.key, `${one.querySelector(".what").textContent.replace(/\s+/g, " ").trim()}`]));

function putAlerts(html) {
  const before = loud();
  put($("alerts"), html);
  const fresh = [...loud()].filter(([key]) => !before.has(key)).map(([, text]) => text);
  if (fresh.length) $("announce").textContent = `Alert: ${fresh.join("; ")}`;
}

function trouble(text) {
  const place = $("trouble");
  if (place.textContent === text) return;
  place.textContent = text;
  place.hidden = !text;
}

let minutesWrong = 0;
function drift(now) {
  const minutes = Math.round(Math.abs(Date.now() - now) / 60000);
  if (minutes === minutesWrong) return;
  minutesWrong = minutes;
  $("drift").hidden = minutes < 1;
  if (minutes) $("drift").textContent = `The clock of this screen is about ${minutes} min wrong. All times here are the board's.`;
}

// What the room's page says of a recording is of when it was loaded; its tile is kept up. The tile may be seconds behind.
const anew = $("recorded-anew");
const recorded = () => (tiles.querySelector(".rec") ? "yes" : "no");
const recordedFirst = anew && recorded();
function recordedAnew() {
  if (anew) anew.hidden = [anew.dataset.was, recordedFirst].includes(recorded());
}

function heard(said) {
  if (said.ended) return location.replace("/login?ended");
  lost = false;
  setNow(said.now);
  drift(said.now);
  for (const [unit, html] of Object.entries(said.tiles || {})) putTile(unit, html);
  recordedAnew();
  if (said.order) order(said.order);
  if (said.head !== undefined) put($("head"), said.head);
  if (said.alerts !== undefined) putAlerts(said.alerts);
  const link = said.deaf ? "deaf" : "live";
  if (body.dataset.link !== link) body.dataset.link = link;
  body.toggleAttribute("data-loud", Boolean(said.sound));
  trouble(said.wrong);
  sound.play(said.sound, said.deaf);
  warn(said.left);
}

function gone() {
  if (lost) return;
  lost = true;
  body.dataset.link = "lost";
  trouble("This screen has lost the board. Nothing here is known to hold now: look in, and load the page again.");
  sound.play(null, true);
}

async function act(event) {
  event.preventDefault();
  const form = event.target;
  const fields = new URLSearchParams(new FormData(form));
  fields.set(event.submitter.name, event.submitter.value);
  if (acting) return; // not `disabled`: that would take the focus away from whoever uses the keyboard
  acting = true;
  let text = "Nothing was done: the board did not answer. Look in.", good = false;
  try {
    const answer = await fetch(form.action, { method: "POST", body: fields, headers: { accept: "text/plain" } });
    text = await answer.text();
    good = answer.ok;
  } catch { /* said already */ }
  acting = false;
  const said = $("said");
  said.textContent = text;
  said.classList.toggle("bad", !good);
  said.hidden = false;
}

$("act-form").addEventListener("submit", act);
setNow(Number(body.dataset.now));
tick(document);
setInterval(() => tick(document), 1000);
sound.button($("sound"));
keepAlive();
listen(Number(body.dataset.version), heard, gone);
