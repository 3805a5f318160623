// Records as runtime/stillroom/WIRE.md describes them, written from that file alone. Every refusal is a Refusal with its code.

import sodium from "libsodium-wrappers-sumo";

await sodium.ready;

const RECORD_BYTES = 2048;
const HEAD_BYTES = 48;
const WRAP_BYTES = 88;
const COMMITMENT_BYTES = 32;
const SIGNATURE_BYTES = 64;
const MAX_WRAPS = 8;
const LANES = { 1: "up", 2: "down", 3: "view" };

export class Refusal extends Error {
  constructor(code) {
    super(code);
    this.code = code;
  }
}

export const hex = (bytes) => Buffer.from(bytes).toString("hex");
export const unhex = (text) => new Uint8Array(Buffer.from(text, "hex"));
const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;
const text = (s) => new TextEncoder().encode(s);

export function joined(...parts) {
  return new Uint8Array(Buffer.concat(parts.map((part) => Buffer.from(part))));
}

// H of WIRE.md's conventions.
export function H(domain, data, size, key = null) {
  return sodium.crypto_generichash(size, joined(text(domain), [0], data), key);
}

export const keyId = (kind, key) => H(`stillroom/1 key id ${kind}`, key, 32).slice(0, 8);

export function fingerprint(key) {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  let bits = "";
  for (const byte of H("stillroom/1 fingerprint", key, 20)) bits += byte.toString(2).padStart(8, "0");
  const base32 = bits.match(/.{5}/g).map((five) => letters[parseInt(five, 2)]);
  return base32.join("").match(/.{4}/g).join("-");
}

export function derive(epochKey, head) {
  const both = H("stillroom/1 record key", head, 64, epochKey);
  return { recordKey: both.slice(0, 32), commitment: both.slice(32) };
}

// Steps 1 to 5.
export function parse(data) {
  if (!same(data.slice(0, 4), text("STLR"))) throw new Refusal("magic");
  if (data.length > 4 && data[4] !== 1) throw new Refusal("version");
  if (data.length !== RECORD_BYTES) throw new Refusal("size");
  if (data[5] !== 1) throw new Refusal("suite");
  if (!(data[6] in LANES)) throw new Refusal("lane");
  const view = new DataView(data.buffer, data.byteOffset);
  const sequence = view.getBigUint64(40);
  if (sequence > 2n ** 53n - 1n) throw new Refusal("sequence");
  return {
    data,
    head: data.slice(0, HEAD_BYTES),
    lane: LANES[data[6]],
    sender: data.slice(8, 16),
    boot: view.getUint32(16),
    epoch: view.getUint32(20),
    bootId: hex(data.slice(24, 40)),
    sequence: Number(sequence),
    wraps: wraps(data, data[7]),
  };
}

function wraps(data, count) {
  if (count < 1 || count > MAX_WRAPS) throw new Refusal("wraps");
  const found = [];
  for (let at = HEAD_BYTES; at < HEAD_BYTES + count * WRAP_BYTES; at += WRAP_BYTES)
    found.push({ id: hex(data.slice(at, at + 8)), box: data.slice(at + 8, at + WRAP_BYTES) });
  for (let i = 1; i < count; i++) if (found[i - 1].id >= found[i].id) throw new Refusal("wraps");
  return found;
}

// Steps 6 to 8. `senders`: the public keys that may speak on this lane.
export function verify(record, senders, lane) {
  const key = senders.find((sender) => same(keyId("ed25519", sender), record.sender));
  if (key === undefined) throw new Refusal("sender");
  if (record.lane !== lane) throw new Refusal("lane");
  const end = RECORD_BYTES - SIGNATURE_BYTES;
  const message = joined(text("stillroom/1 record"), [0], record.data.slice(0, end));
  if (!sodium.crypto_sign_verify_detached(record.data.slice(end), message, key)) throw new Refusal("signature");
}

// Step 9.
export function unwrap(record, boxSecret) {
  const boxPublic = sodium.crypto_scalarmult_base(boxSecret);
  const wrap = record.wraps.find((one) => one.id === hex(keyId("x25519", boxPublic)));
  if (wrap === undefined) throw new Refusal("recipient");
  try {
    return sodium.crypto_box_seal_open(wrap.box, boxPublic, boxSecret);
  } catch {
    throw new Refusal("wrap");
  }
}

// Steps 11 to 13: the bytes of the body.
export function open(record, epochKey) {
  const { recordKey, commitment } = derive(epochKey, record.head);
  const start = HEAD_BYTES + record.wraps.length * WRAP_BYTES + COMMITMENT_BYTES;
  const associated = record.data.slice(0, start);
  if (!sodium.memcmp(commitment, associated.slice(-COMMITMENT_BYTES))) throw new Refusal("commitment");
  return unpad(decrypt(record.data.slice(start, -SIGNATURE_BYTES), associated, recordKey));
}

function decrypt(cipher, associated, key) {
  const nonce = new Uint8Array(24);
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, cipher, associated, nonce, key);
  } catch {
    throw new Refusal("ciphertext");
  }
}

function unpad(plain) {
  const size = (plain[0] << 8) | plain[1];
  const fits = 2 + size <= plain.length;
  if (!fits || plain.slice(2 + size).some((byte) => byte !== 0)) throw new Refusal("padding");
  return plain.slice(2, 2 + size);
}
