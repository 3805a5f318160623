// Blocks of a recording as runtime/stillroom/WIRE.md describes them.

import sodium from "libsodium-wrappers-sumo";
import { createHash } from "node:crypto";
import { H, hex, joined, keyId, Refusal } from "./record.mjs";

await sodium.ready;

const HEAD = 56;
const TRAILER = 32 + 8 + 64;
const SIZES = [[192, 144], [320, 240], [480, 360]];
const RATES = [1, 2, 5];
const text = (s) => new TextEncoder().encode(s);
const same = (a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)) === 0;
const at = (bytes, offset, length) => bytes.slice(offset, offset + length);
const number = (bytes) => bytes.reduce((sum, byte) => sum * 256 + byte, 0);

function split(bytes) {
  if (bytes.length < HEAD) throw new Refusal("cut");
  if (!same(at(bytes, 0, 4), text("STLC"))) throw new Refusal("magic");
  if (bytes[4] !== 1) throw new Refusal("version");
  if (bytes[5] !== 1) throw new Refusal("suite");
  if ((bytes[6] !== 1 && bytes[6] !== 2) || bytes[7] !== 0) throw new Refusal("what");
  const n = number(at(bytes, 52, 4));
  if (n < 1 || n > 1_000_000) throw new Refusal("size");
  if (bytes.length < HEAD + n + TRAILER) throw new Refusal("cut");
  return {
    what: bytes[6], number: number(at(bytes, 48, 4)), head: at(bytes, 0, HEAD), body: at(bytes, HEAD, n),
    before: at(bytes, HEAD + n, 32), time: at(bytes, HEAD + n + 32, 8), signature: at(bytes, HEAD + n + 40, 64),
  };
}

const linkOf = (block) => H("stillroom/1 release link", joined(block.before, block.head, block.time, block.body), 32);
const signed = (block) => joined(text("stillroom/1 release block"), [0], linkOf(block));

export function signAnew(bytes, seed) {
  const { privateKey } = sodium.crypto_sign_seed_keypair(seed);
  const end = HEAD + number(at(bytes, 52, 4));
  const block = { head: at(bytes, 0, HEAD), body: at(bytes, HEAD, end - HEAD), before: at(bytes, end, 32), time: at(bytes, end + 32, 8) };
  return joined(bytes.slice(0, end + 40), sodium.crypto_sign_detached(signed(block), privateKey));
}

export function openBlock(bytes, unit, release, secret) {
  const block = split(bytes);
  if (!same(at(block.head, 8, 8), keyId("ed25519", unit))) throw new Refusal("sender");
  if (!same(at(block.head, 16, 16), release)) throw new Refusal("release");
  if (!sodium.crypto_sign_verify_detached(block.signature, signed(block), unit)) throw new Refusal("signature");
  const said = { what: block.what, number: block.number, link: hex(linkOf(block)) };
  return { ...said, ...(block.what === 1 ? frames(block, secret) : { how: Buffer.from(block.body).toString() }) };
}

function frames(block, secret) {
  const plain = decrypt(block, chunkKey(at(block.body, 0, 80), secret));
  const [width, height, count, missed] = [0, 2, 4, 6].map((offset) => number(at(plain, offset, 2)));
  const known = SIZES.some(([w, h]) => w === width && h === height) && RATES.includes(count);
  const first = 16 + 4 * count;
  if (!known || at(plain, 8, 8).some((byte) => byte !== 0) || plain.length !== first + width * height * count)
    throw new Refusal("body");
  const at_ms = Array.from({ length: count }, (_, i) => number(at(plain, 16 + 4 * i, 4)));
  if (at_ms.some((time, i) => i > 0 && time < at_ms[i - 1])) throw new Refusal("body");
  return { missed, at_ms, pixels: createHash("sha256").update(plain.slice(first)).digest("hex") };
}

function chunkKey(box, secret) {
  let key;
  try {
    key = sodium.crypto_box_seal_open(box, sodium.crypto_scalarmult_base(secret), secret);
  } catch {
    throw new Refusal("wrap");
  }
  if (key.length !== 32) throw new Refusal("wrap");
  return key;
}

function decrypt(block, key) {
  const associated = joined(block.head, at(block.body, 0, 80));
  try {
    return sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(null, block.body.slice(80), associated, new Uint8Array(24), key);
  } catch {
    throw new Refusal("ciphertext");
  }
}

// One vector of releases.json, with the first good one to change: what it holds, or the code.
export function ofBlock(vector, first, given) {
  let bytes = new Uint8Array(Buffer.from(vector.block ?? first, "base64"));
  if (vector.put !== undefined) {
    bytes = joined(bytes);
    bytes.set(Buffer.from(vector.put, "hex"), vector.at);
    if (vector.sign) bytes = signAnew(bytes, given.seed);
    bytes = bytes.slice(0, bytes.length - vector.cut);
  }
  try {
    return openBlock(bytes, given.unit, given.release, given.secret);
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

export const givenOf = (releases) => {
  const bytes = (name) => new Uint8Array(Buffer.from(releases[name], "hex"));
  const seed = bytes("sign_seed");
  const unit = sodium.crypto_sign_seed_keypair(seed).publicKey;
  return { seed, unit, release: bytes("release"), secret: bytes("custodian_secret") };
};
