// The tables of WIRE.md's "Bodies" as checks. A check takes a decoded value and tells whether it is allowed.

import { decode } from "./msgpack.mjs";
import { Refusal } from "./record.mjs";

const integer = (least, most) => (v) => typeof v === "bigint" && v >= least && v <= most;
const float = (least, most) => (v) => typeof v === "number" && v >= least && v <= most;
const among = (...names) => (v) => names.includes(v);
const matches = (pattern) => (v) => typeof v === "string" && pattern.test(v);
const bytes = (least, most) => (v) => v instanceof Uint8Array && v.length >= least && v.length <= most;
const orNull = (check) => (v) => v === null || check(v);
const flag = (v) => typeof v === "boolean";
const list = (check, least = 0, most = Infinity) => (v) =>
  Array.isArray(v) && v.length >= least && v.length <= most && v.every(check);
const pair = (check) => (v) => Array.isArray(v) && v.length === 2 && v.every(check);

// A map with exactly these keys in this order.
const map = (fields, also = () => true) => (v) => {
  const names = Object.keys(fields);
  if (!(v instanceof Map) || v.size !== names.length) return false;
  const entries = [...v];
  return names.every((name, i) => entries[i][0] === name && fields[name](entries[i][1])) && also(v);
};

const count = integer(0n, 2n ** 53n);
const ms = count;
const share = float(0, 1);
const rate = float(3, 240);
const code = matches(/^[a-z0-9][a-z0-9.-]{0,47}$/);
const why = (v) => typeof v === "string" && [...v].length <= 120;
const state = among(
  "unknown", "empty", "occupied", "in-bed", "bed-edge", "out-of-bed", "on-floor", "bathroom", "several-people",
);
const gate = among(
  "open", "no-authorisation", "not-yet-valid", "expired", "review-overdue", "withdrawn", "paused", "clock-unsure", "indicator-fault",
  "camera-refused", "camera-moved", "halted", "safe-mode",
);

const withheld = among(
  "no-person", "several-people", "motion", "dark", "clipped", "low-signal", "warming-up", "unsupported",
);
const reading = map(
  {
    value: orNull(rate),
    quality: orNull(share),
    withheld: orNull(withheld),
    method: matches(/^[a-z0-9-]{1,16}$/),
    window_s: float(0, 600),
  },
  (v) => {
    const given = [v.get("value"), v.get("quality")].map((one) => one !== null);
    return given[0] === given[1] && given[0] === (v.get("withheld") === null);
  },
);

const snapshot = map({
  room: code, state, state_since_ms: ms, gate, breathing: reading, pulse: reading, motion: share, camera: code,
  model: code, frames_per_s: float(0, 240), frames_dropped: count, faults: list(code), accepted: count, waiting: count,
  refused: count, clock: among("gateway", "grace", "system", "unsure"), links: count, head: bytes(32, 32),
});

const events = {
  state: { state, before: state, why, model: code },
  condition: { kind: code, level: among("high", "medium", "low", "technical"), active: flag, why },
  gate: { gate, authorisation: orNull(code) },
  audit: {
    index: integer(1n, 2n ** 53n), at_ms: ms, body: bytes(0, 240), salt: bytes(16, 16), head: bytes(32, 32), signature: bytes(64, 64),
  },
  summary: {
    from_ms: ms, until_ms: ms, state, motion: share, sensed: share, breaths_per_min: orNull(rate),
    breathing_trusted: share, pulse_bpm: orNull(rate), pulse_trusted: share,
    breathing_withheld: orNull(withheld), pulse_withheld: orNull(withheld),
  },
  telemetry: {
    from_ms: ms, until_ms: ms, celsius: orNull(float(-40, 150)), throttled: orNull(count), frames_per_s: orNull(float(0, 240)),
    frames_dropped: count, look_ms: orNull(float(0, 60_000)), waiting: count, free_mb: count, card_worn: orNull(share),
    software: code, software_ms: ms, configuration: count, configuration_hash: orNull(bytes(32, 32)), roster: count,
  },
  lost: { ranges: list(pair(count), 1, 32), reason: code },
  receipt: { command: count, kind: code, document: orNull(code), outcome: code },
};

const event = (v) => {
  const type = v instanceof Map ? v.get("type") : undefined;
  return Object.hasOwn(events, type ?? "") && map({ type: among(type), ...events[type] })(v);
};

const entry = map({ number: integer(1n, 2n ** 53n), at_ms: ms, accepted_ms: ms, event, late: flag });

const up = map({ sealed_ms: ms, snapshot, entries: list(entry) });
const part = integer(1n, 11n);
const command = map(
  { number: integer(1n, 2n ** 53n), part, parts: part, note: bytes(0, 1536) },
  (v) => v.get("part") <= v.get("parts"),
);
const down = map({ utc_ms: ms, cursor: count, ranges: list(pair(count), 0, 32), command: orNull(command), heard: (v) => bytes(0, 0)(v) || bytes(16, 16)(v) });

// Step 14.
export function decodeBody(data, lane) {
  const body = decode(data);
  if (!(lane === "down" ? down : up)(body)) throw new Refusal("body");
  return body;
}
