// node vectors.mjs FOLDER: every vector of the folder through this implementation; what came of each, as JSON.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import sodium from "libsodium-wrappers-sumo";
import { decodeBody } from "./body.mjs";
import { openNote, parseSigner } from "./note.mjs";
import { derive, fingerprint, hex, keyId, open, parse, Refusal, unhex, unwrap, verify } from "./record.mjs";
import { advance } from "./replay.mjs";
import { givenOf, ofBlock } from "./release.mjs";
import { given, ofVector, viewId } from "./view.mjs";

const [folder] = process.argv.slice(2);
const read = (name) => JSON.parse(readFileSync(join(folder, name), "utf8"));

// "ok", or the code of the refusal. Anything else that is thrown is a fault of ours and ends the program.
function outcome(act) {
  try {
    act();
    return "ok";
  } catch (error) {
    if (error instanceof Refusal) return error.code;
    throw error;
  }
}

function openRecord(vector, keys) {
  const record = parse(new Uint8Array(Buffer.from(vector.record, "base64")));
  verify(record, [unhex(keys[vector.sender].sign_public)], vector.lane);
  const body = open(record, unwrap(record, unhex(keys[vector.recipient].box_secret)));
  if (!vector.opaque) decodeBody(body, vector.lane);
  if (vector.body !== undefined && Buffer.from(body).toString("base64") !== vector.body) throw new Error("another body");
}

function ofKey(given) {
  const pair = sodium.crypto_sign_seed_keypair(unhex(given.sign_seed));
  const box = sodium.crypto_scalarmult_base(unhex(given.box_secret));
  return {
    sign_seed: given.sign_seed,
    sign_public: hex(pair.publicKey),
    sign_id: hex(keyId("ed25519", pair.publicKey)),
    box_secret: given.box_secret,
    box_public: hex(box),
    box_id: hex(keyId("x25519", box)),
    fingerprint: fingerprint(pair.publicKey),
  };
}

function ofDerivation({ epoch_key, head }) {
  const { recordKey, commitment } = derive(unhex(epoch_key), unhex(head));
  return { epoch_key, head, record_key: hex(recordKey), commitment: hex(commitment) };
}

function ofSteps(steps) {
  let seen = null;
  return steps.map((step) => outcome(() => (seen = advance(seen, { ...step, bootId: step.boot_id }))));
}

const named = (vectors, act) => Object.fromEntries(vectors.map((vector) => [vector.name, act(vector)]));
const records = read("records.json");
const views = read("views.json");
const releases = read("releases.json");
const results = {
  keys: Object.fromEntries(Object.entries(records.keys).map(([name, given]) => [name, ofKey(given)])),
  derivation: ofDerivation(records.derivation),
  records: named(records.records, (vector) => outcome(() => openRecord(vector, records.keys))),
  notes: named(read("notes.json"), (vector) =>
    outcome(() => openNote(vector.note, vector.kind, [parseSigner(vector.signer)], vector.one_of.map(parseSigner)))),
  viewId: hex(viewId(unhex(views.session_public))),
  views: named(views.vectors, (vector) => ofVector(vector, views.vectors[0].frame, given(views))),
  releases: named(releases.vectors, (vector) => ofBlock(vector, releases.vectors[0].block, givenOf(releases))),
  replay: named(read("replay.json"), ({ steps }) => ofSteps(steps)),
};
process.stdout.write(JSON.stringify(results));
