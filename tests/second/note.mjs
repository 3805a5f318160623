// Signed documents: the note around them, and the one form of the JSON inside.

import sodium from "libsodium-wrappers-sumo";
import { createHash } from "node:crypto";
import { Refusal } from "./record.mjs";

await sodium.ready;

const MAX_NOTE_BYTES = 16384;
const MAX_SIGNATURES = 8;
const DAY_MS = 86_400_000;

// A verifier key: name+hash+base64(0x01 || key).
export function parseSigner(line) {
  const [name, hash, ...rest] = line.split("+");
  const raw = Buffer.from(rest.join("+"), "base64");
  if (raw.length !== 33 || raw[0] !== 1) throw new Error("not a verifier key");
  const id = createHash("sha256").update(`${name}\n`).update(raw).digest().subarray(0, 4).toString("hex");
  if (id !== hash) throw new Error("a verifier key whose hash does not fit");
  return { name, id, key: new Uint8Array(raw.subarray(1)) };
}

// Each of `signers` must have signed, and one of `oneOf` where there are any.
export function openNote(note, kind, signers, oneOf = []) {
  const { text, signatures } = split(Buffer.from(note));
  const signatureOf = (signer) => signatures.get(`${signer.name} ${signer.id}`);
  const present = oneOf.filter(signatureOf);
  for (const signer of signers) verify(signer, signatureOf(signer), text);
  if (oneOf.length > 0 && present.length === 0) throw new Refusal("signer");
  for (const signer of present) verify(signer, signatureOf(signer), text);
  return decodeDocument(text.toString(), kind);
}

function verify(signer, signature, text) {
  if (signature === undefined) throw new Refusal("signer");
  if (!sodium.crypto_sign_verify_detached(signature, text, signer.key)) throw new Refusal("signature");
}

function split(note) {
  if (note.length > MAX_NOTE_BYTES) throw new Refusal("size");
  const middle = note.lastIndexOf("\n\n");
  if (middle < 0 || !utf8(note)) throw new Refusal("form");
  const text = note.subarray(0, middle + 1);
  if (text.includes("\n\n") || text.some((byte) => byte < 0x20 && byte !== 0x0a)) throw new Refusal("form");
  const lines = note.subarray(middle + 2).toString().split("\n");
  if (lines.pop() !== "" || lines.length < 1 || lines.length > MAX_SIGNATURES) throw new Refusal("form");
  return { text, signatures: signatureLines(lines) };
}

function utf8(data) {
  try {
    new TextDecoder("utf-8", { fatal: true }).decode(data);
    return true;
  } catch {
    return false;
  }
}

function signatureLines(lines) {
  const found = new Map();
  for (const line of lines) {
    const [, name, base64] = /^— ([!-*,-~]{1,80}) ([A-Za-z0-9+/]{91}=)$/.exec(line) ?? [];
    const data = Buffer.from(base64 ?? "", "base64");
    if (data.length !== 68 || data.toString("base64") !== base64) throw new Refusal("form");
    const id = `${name} ${data.subarray(0, 4).toString("hex")}`;
    if (found.has(id)) throw new Refusal("form");
    found.set(id, new Uint8Array(data.subarray(4)));
  }
  return found;
}

function decodeDocument(text, kind) {
  const end = text.indexOf("\n");
  if (text.slice(0, end) !== `stillroom/1 ${kind}`) throw new Refusal("kind");
  const body = text.slice(end + 1);
  let document;
  try {
    document = JSON.parse(body);
  } catch {
    throw new Refusal("content");
  }
  if (!documents[kind](document)) throw new Refusal("content");
  if (`${JSON.stringify(inOrder(document, kind), null, 2)}\n` !== body) throw new Refusal("canonical");
  return document;
}

const name = (v) => typeof v === "string" && /^[a-z0-9][a-z0-9-]{0,31}$/.test(v);
const code = (v) => typeof v === "string" && /^[a-z0-9][a-z0-9.-]{0,47}$/.test(v);
const key = (v) => {
  const raw = typeof v === "string" ? Buffer.from(v, "base64") : Buffer.alloc(0);
  return raw.length === 32 && raw.toString("base64") === v;
};
const signKey = (v) => key(v) && sodium.crypto_core_ed25519_is_valid_point(new Uint8Array(Buffer.from(v, "base64")));
const boxKey = (v) => {
  if (!key(v)) return false;
  try {
    sodium.crypto_scalarmult(new Uint8Array(32).fill(64), new Uint8Array(Buffer.from(v, "base64")));
    return true;
  } catch {
    return false;
  }
};
const moment = (v) =>
  typeof v === "string" && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(v) && !Number.isNaN(Date.parse(v));
const exactly = (fields) => (v) =>
  typeof v === "object" && v !== null && !Array.isArray(v) &&
  Object.keys(v).length === Object.keys(fields).length &&
  Object.keys(fields).every((field) => Object.hasOwn(v, field) && fields[field](v[field]));
const list = (check, least, most) => (v) => Array.isArray(v) && v.length >= least && v.length <= most && v.every(check);
const among = (...names) => (v) => names.includes(v);
const inTime = (v) => Date.parse(v.from) < Date.parse(v.until);

const box = exactly({ from: moment, until: moment, key: boxKey });
const whole = (least, most) => (v) => Number.isSafeInteger(v) && v >= least && v <= most;
const orNull = (check) => (v) => v === null || check(v);
const outline = list(list(whole(0, 1000), 2, 2), 3, 32);
const matches = (pattern) => (v) => typeof v === "string" && pattern.test(v);
const row = {
  level: among("high", "medium", "low"), after_ms: whole(0, 86_400_000), from: matches(/^([01]\d|2[0-3]):[0-5]\d$/),
  until: matches(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/),
};
const rowsOf = { condition: code, rows: list(exactly(row), 0, 8) };
const conditions = { room: code, time_zone: orNull(matches(/^[A-Za-z0-9_+/-]{1,64}$/)), each: list(exactly(rowsOf), 0, 48) };
const roomConditions = exactly(conditions);
const conditionsAgree = (v) =>
  differ(v.each.map((one) => one.condition)) && v.each.reduce((sum, one) => sum + one.rows.length, 0) <= 48;
const differ = (values) => new Set(values).size === values.length;

const approver = exactly({ name, sign: signKey });
const viewLimits = { seconds: whole(1, 60), looks_per_hour: whole(1, 60) };
const recipient = exactly({
  name, role: among("gateway", "board", "viewer", "advocate", "manager", "custodian"), sign: signKey,
  boxes: list((v) => box(v) && inTime(v), 0, 32),
});
const blocks = [1, 2, 3, 4, 6, 8, 12, 16, 24, 48];
const fields = {
  roster: {
    from: moment, until: moment, site: name, version: whole(1, Number.MAX_SAFE_INTEGER),
    recipients: list(recipient, 1, 16), delivery: among("cursor", "puback"), approvers: list(approver, 0, 8),
  },
  enrolment: { site: name, unit: name, sign: signKey, box: boxKey, made: moment },
  authorisation: {
    from: moment, until: moment, id: code, site: name, unit: name, room: code,
    scopes: list(among("status", "breathing", "pulse", "view-figure", "view-picture", "release"), 1, 6), purpose: code,
    review_by: moment, assessment: orNull((v) => typeof v === "string" && /^[0-9a-f]{64}$/.test(v)),
    consent: orNull(code), view: orNull(exactly(viewLimits)),
  },
  withdrawal: { authorisation: code, site: name, unit: name, at: moment },
  "view-acceptance": { site: name, unit: name, at: moment },
  halt: { at: moment, id: code, site: name, unit: orNull(name) },
  lift: { at: moment, halt: code, site: name, unit: orNull(name) },
  pause: { from: moment, until: moment, id: code, site: name, unit: name },
  resume: { at: moment, pause: code, site: name, unit: name },
  acknowledgement: { at: moment, entry: whole(1, Number.MAX_SAFE_INTEGER), site: name, unit: name },
  "view-policy": {
    from: moment, until: moment, site: name, unit: orNull(name), version: whole(1, Number.MAX_SAFE_INTEGER),
    levels: list(among("figure", "picture"), 1, 2), least_block: among(...blocks), seconds: whole(1, 60),
    looks_per_hour: whole(1, 60), announce_ms: whole(1_000, 30_000),
  },
  "view-request": {
    at: moment, id: code, site: name, unit: name, level: among("figure", "picture"), seconds: whole(1, 60), reason: code,
    block: among(...blocks), session: boxKey,
  },
  release: {
    from: moment, until: moment, id: code, site: name, unit: name, room: code, purpose: code, custodian: name, box: boxKey,
    width_px: whole(1, 512), height_px: whole(1, 512), frames_per_s: among(1, 2, 5), max_mb: whole(1, 64_000), expires: moment,
  },
  "release-withdrawal": { at: moment, release: code, site: name, unit: name },
  configuration: {
    at: moment, site: name, unit: name, version: whole(1, Number.MAX_SAFE_INTEGER),
    enter_dwell_ms: orNull(whole(200, 30_000)), bed_dwell_ms: orNull(whole(500, 120_000)),
    leave_dwell_ms: orNull(whole(1_000, 600_000)), summary_s: orNull(whole(10, 3_600)),
    bed: orNull(outline), floor: orNull(outline), conditions: orNull((v) => roomConditions(v) && conditionsAgree(v)),
  },
};

const documents = {
  ...Object.fromEntries(Object.entries(fields).map(([kind, its]) => [kind, exactly(its)])),
  roster: (v) => exactly(fields.roster)(v) && inTime(v) && rosterAgrees(v),
  authorisation: (v) =>
    exactly(fields.authorisation)(v) && inTime(v) && Date.parse(v.until) - Date.parse(v.from) <= 28 * DAY_MS &&
    Date.parse(v.from) < Date.parse(v.review_by) && Date.parse(v.review_by) <= Date.parse(v.until) &&
    differ(v.scopes) && v.scopes.includes("status") &&
    (v.view !== null) === v.scopes.some((scope) => scope.startsWith("view-")),
  release: (v) =>
    exactly(fields.release)(v) && inTime(v) && Date.parse(v.until) - Date.parse(v.from) <= 7 * DAY_MS &&
    Date.parse(v.until) <= Date.parse(v.expires) && Date.parse(v.expires) - Date.parse(v.until) <= 90 * DAY_MS &&
    ["192x144", "320x240", "480x360"].includes(`${v.width_px}x${v.height_px}`),
  "view-policy": (v) => exactly(fields["view-policy"])(v) && inTime(v) && differ(v.levels),
  "view-request": (v) => exactly(fields["view-request"])(v) && (v.level === "picture" || v.block === 1),
  pause: (v) => exactly(fields.pause)(v) && inTime(v) && Date.parse(v.until) - Date.parse(v.from) <= DAY_MS / 3,
};

function rosterAgrees(roster) {
  const roles = roster.recipients.map((one) => one.role);
  const namesDiffer = [roster.recipients, roster.approvers].every((all) => differ(all.map((one) => one.name)));
  const ofUnit = roles.filter((role) => role === "gateway" || role === "board");
  const gateways = roles.filter((role) => role === "gateway").length;
  const heard = gateways <= 1 && (roster.delivery === "puback" || gateways === 1);
  return namesDiffer && differ(roster.approvers.map((one) => one.sign)) && ofUnit.length <= 8 && heard;
}

// The document with its keys in the order of the tables, so that any other order is not canonical.
function inOrder(document, kind) {
  const order = (value, names) => Object.fromEntries(names.map((one) => [one, value[one]]));
  const ordered = order(document, Object.keys(fields[kind]));
  if (kind === "authorisation" && document.view) ordered.view = order(document.view, Object.keys(viewLimits));
  if (kind === "configuration" && document.conditions) {
    ordered.conditions = order(document.conditions, Object.keys(conditions));
    ordered.conditions.each = document.conditions.each.map((one) => ({
      ...order(one, ["condition"]), rows: one.rows.map((each) => order(each, Object.keys(row))),
    }));
  }
  if (kind !== "roster") return ordered;
  ordered.approvers = document.approvers.map((one) => order(one, ["name", "sign"]));
  ordered.recipients = document.recipients.map((one) => ({
    ...order(one, ["name", "role", "sign"]),
    boxes: one.boxes.map((period) => order(period, ["from", "until", "key"])),
  }));
  return ordered;
}
