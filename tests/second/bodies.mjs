// node bodies.mjs < [[lane, base64], ...]: whether each is a body that this implementation accepts, as a JSON array.

import { readFileSync } from "node:fs";
import { decodeBody } from "./body.mjs";
import { Refusal } from "./record.mjs";

function accepts([lane, base64]) {
  try {
    decodeBody(new Uint8Array(Buffer.from(base64, "base64")), lane);
    return true;
  } catch (error) {
    if (error instanceof Refusal) return false;
    throw error;
  }
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(accepts)));
