// What WIRE.md calls "Seen before": from what is remembered of a sender and a head to what is remembered next.

import { Refusal } from "./record.mjs";

const WINDOW = 128;
const MAX_SKIP = 2 ** 26;
const MAX_OLDER = 8;

export function advance(seen, head) {
  if (seen === null || seen.sender !== head.sender) return begin(head, []);
  if (head.boot > seen.boot) {
    if (head.sequence > MAX_SKIP) throw new Refusal("skip");
    const { boot, bootId, top } = seen;
    return begin(head, [{ boot, bootId, top }, ...seen.older].slice(0, MAX_OLDER));
  }
  if (head.boot < seen.boot) throw new Refusal(earlier(seen.older, head));
  if (head.bootId !== seen.bootId) throw new Refusal("cloned");
  return sameBoot(seen, head);
}

function begin(head, older) {
  const { sender, boot, bootId, epoch, sequence } = head;
  return { sender, boot, bootId, epoch, top: sequence, window: new Set([sequence]), older };
}

function sameBoot(seen, head) {
  const ahead = head.sequence - seen.top;
  if ((ahead > 0 && head.epoch < seen.epoch) || (ahead < 0 && head.epoch > seen.epoch)) throw new Refusal("order");
  if (ahead > MAX_SKIP) throw new Refusal("skip");
  if (ahead <= -WINDOW) throw new Refusal("replay");
  if (seen.window.has(head.sequence)) throw new Refusal("duplicate");
  const top = Math.max(seen.top, head.sequence);
  const window = new Set([...seen.window, head.sequence].filter((sequence) => sequence > top - WINDOW));
  return { ...seen, top, window, epoch: ahead > 0 ? head.epoch : seen.epoch };
}

function earlier(older, head) {
  const known = older.find((one) => one.boot === head.boot);
  if (known !== undefined) {
    if (known.bootId !== head.bootId) return "cloned";
    return head.sequence <= known.top ? "replay" : "stale";
  }
  const oldest = older.at(-1);
  return older.length === MAX_OLDER && head.boot < oldest.boot ? "replay" : "rolled-back";
}
