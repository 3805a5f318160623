// MessagePack, decoded strictly and in its one form: shortest lengths and integers, 64-bit floats, text keys, none twice.

import { Refusal } from "./record.mjs";

const bad = () => new Refusal("body");
const MAX_DEPTH = 16;

// Integers come as BigInt and floats as Number, so that one is never taken for the other.
export function decode(data) {
  const reader = new Reader(data);
  const value = reader.value(0);
  if (reader.at !== data.length) throw bad();
  return value;
}

class Reader {
  constructor(data) {
    this.data = Buffer.from(data);
    this.at = 0;
  }

  take(size) {
    if (this.at + size > this.data.length) throw bad();
    this.at += size;
    return this.data.subarray(this.at - size, this.at);
  }

  // An unsigned number of so many bytes; `least` is the smallest that has no shorter form.
  unsigned(size, least) {
    let value = 0n;
    for (const byte of this.take(size)) value = (value << 8n) | BigInt(byte);
    if (value < least) throw bad();
    return value;
  }

  // A negative number of so many bytes; `most` is the largest that has no shorter form.
  signed(size, most) {
    const value = BigInt.asIntN(size * 8, this.unsigned(size, 0n));
    if (value > most) throw bad();
    return value;
  }

  value(depth) {
    if (depth > MAX_DEPTH) throw bad();
    const [tag] = this.take(1);
    if (tag <= 0x7f) return BigInt(tag);
    if (tag <= 0x8f) return this.map(tag & 0x0f, depth);
    if (tag <= 0x9f) return this.array(tag & 0x0f, depth);
    if (tag <= 0xbf) return this.text(tag & 0x1f);
    if (tag >= 0xe0) return BigInt(tag - 256);
    return this.tagged(tag, depth);
  }

  tagged(tag, depth) {
    switch (tag) {
      case 0xc0: return null;
      case 0xc2: return false;
      case 0xc3: return true;
      case 0xc4: return new Uint8Array(this.take(Number(this.unsigned(1, 0n))));
      case 0xc5: return new Uint8Array(this.take(Number(this.unsigned(2, 256n))));
      case 0xcb: return this.take(8).readDoubleBE();
      case 0xcc: return this.unsigned(1, 128n);
      case 0xcd: return this.unsigned(2, 256n);
      case 0xce: return this.unsigned(4, 65536n);
      case 0xcf: return this.unsigned(8, 4294967296n);
      case 0xd0: return this.signed(1, -33n);
      case 0xd1: return this.signed(2, -129n);
      case 0xd2: return this.signed(4, -32769n);
      case 0xd3: return this.signed(8, -2147483649n);
      case 0xd9: return this.text(Number(this.unsigned(1, 32n)));
      case 0xda: return this.text(Number(this.unsigned(2, 256n)));
      case 0xdc: return this.array(Number(this.unsigned(2, 16n)), depth);
      case 0xde: return this.map(Number(this.unsigned(2, 16n)), depth);
      default: throw bad();
    }
  }

  text(size) {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.take(size));
    } catch {
      throw bad();
    }
  }

  array(count, depth) {
    const values = [];
    for (let i = 0; i < count; i++) values.push(this.value(depth + 1));
    return values;
  }

  map(count, depth) {
    const values = new Map();
    for (let i = 0; i < count; i++) {
      const key = this.value(depth + 1);
      if (typeof key !== "string" || values.has(key)) throw bad();
      values.set(key, this.value(depth + 1));
    }
    return values;
  }
}
