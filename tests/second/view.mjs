// Frames of a view as runtime/stillroom/WIRE.md describes them.

import sodium from "libsodium-wrappers-sumo";
import { createHash } from "node:crypto";
import { H, hex, joined, keyId, Refusal } from "./record.mjs";

await sodium.ready;

const FRAME_BYTES = 27_904;
const SIGNATURE_BYTES = 64;
const LEVELS = ["figure", "picture"];
const BLOCKS = [1, 2, 3, 4, 6, 8, 12, 16, 24, 48];
const BLANKS = ["shown", "starting", "no-background", "no-model", "unsure", "dark", "late"];
const text = (s) => new TextEncoder().encode(s);
const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;

export const viewId = (session) => H("stillroom/1 view id", session, 16);

const signed = (sealed) =>
  joined(text("stillroom/1 view frame"), [0], H("stillroom/1 view frame hash", sealed, 64));

export function signAnew(frame, seed) {
  const sealed = frame.slice(0, FRAME_BYTES - SIGNATURE_BYTES);
  const { privateKey } = sodium.crypto_sign_seed_keypair(seed);
  return joined(sealed, sodium.crypto_sign_detached(signed(sealed), privateKey));
}

export function openFrame(frame, unit, sessionSecret) {
  if (!same(frame.slice(0, 4), text("STLV"))) throw new Refusal("magic");
  if (frame.length !== FRAME_BYTES) throw new Refusal("size");
  if (frame[4] !== 1) throw new Refusal("version");
  if (frame[5] !== 1) throw new Refusal("suite");
  if (!same(frame.slice(8, 16), keyId("ed25519", unit))) throw new Refusal("sender");
  const session = sodium.crypto_scalarmult_base(sessionSecret);
  if (!same(frame.slice(16, 32), viewId(session))) throw new Refusal("view");
  const sealed = frame.slice(0, FRAME_BYTES - SIGNATURE_BYTES);
  if (!sodium.crypto_sign_verify_detached(frame.slice(-SIGNATURE_BYTES), signed(sealed), unit))
    throw new Refusal("signature");
  const plain = decrypt(sealed, viewKey(sealed.slice(32, 112), session, sessionSecret));
  return { number: (frame[6] << 8) | frame[7], ...shown(plain) };
}

function viewKey(box, session, secret) {
  let key;
  try {
    key = sodium.crypto_box_seal_open(box, session, secret);
  } catch {
    throw new Refusal("wrap");
  }
  if (key.length !== 32) throw new Refusal("wrap");
  return key;
}

function decrypt(sealed, key) {
  const frameKey = H("stillroom/1 view frame key", sealed.slice(0, 32), 32, key);
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
      null, sealed.slice(112), sealed.slice(0, 112), new Uint8Array(24), frameKey);
  } catch {
    throw new Refusal("ciphertext");
  }
}

function shown(plain) {
  const [level, block, blank, zero] = plain;
  const known = level < LEVELS.length && BLOCKS.includes(block) && blank < BLANKS.length;
  if (!known || zero !== 0 || plain.slice(8, 64).some((byte) => byte !== 0)) throw new Refusal("body");
  const pixels = createHash("sha256").update(plain.slice(64)).digest("hex");
  const left_ms = new DataView(plain.buffer, plain.byteOffset).getUint32(4);
  return { level: LEVELS[level], block, blank: BLANKS[blank], left_ms, pixels };
}

// One vector of views.json, with the first good one to change: what it shows, or the code.
export function ofVector(vector, first, given) {
  const bytes = new Uint8Array(Buffer.from(vector.frame ?? first, "base64"));
  let frame = bytes;
  if (vector.put !== undefined) {
    frame = joined(bytes);
    frame.set(Buffer.from(vector.put, "hex"), vector.at);
    if (vector.sign) frame = signAnew(frame, given.seed);
    frame = frame.slice(0, frame.length - vector.cut);
  }
  try {
    return openFrame(frame, given.unit, given.session);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

export const given = (views) => {
  const seed = new Uint8Array(Buffer.from(views.sign_seed, "hex"));
  const unit = sodium.crypto_sign_seed_keypair(seed).publicKey;
  return { seed, unit, session: new Uint8Array(Buffer.from(views.session_secret, "hex")), id: hex(unit) };
};
