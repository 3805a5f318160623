// Sound of alerts, made here: bursts of pulses by priority, in the manner of IEC 60601-1-8, with no claim to it.
// high: five and five, every 5 s; medium: three, every 12 s; low: two, every 25 s. The board lost: one long low tone.
const BURSTS = {
  high: { every: 5, pulses: [0, 0.25, 0.5, 0.9, 1.15, 1.9, 2.15, 2.4, 2.8, 3.05], hz: [523, 523, 523, 392, 523], length: 0.15, loud: 0.5 },
  medium: { every: 12, pulses: [0, 0.35, 0.7], hz: [440, 494, 440], length: 0.2, loud: 0.35 },
  low: { every: 25, pulses: [0, 0.35], hz: [392, 330], length: 0.2, loud: 0.2 },
  lost: { every: 10, pulses: [0], hz: [220], length: 0.8, loud: 0.3 },
};

let context = null;
let playing = null;
let timer = null;
let place = null;

function pulse(hz, start, length, loud) {
  const gain = context.createGain();
  gain.connect(context.destination);
  gain.gain.setValueAtTime(0, start);
  gain.gain.linearRampToValueAtTime(loud, start + 0.02);
  gain.gain.setValueAtTime(loud, start + length - 0.03);
  gain.gain.linearRampToValueAtTime(0, start + length);
  for (const [factor, share] of [[1, 0.6], [2, 0.25], [3, 0.15]]) { // overtones: found more easily by ear
    const tone = context.createOscillator();
    const part = context.createGain();
    tone.frequency.value = hz * factor;
    part.gain.value = share;
    tone.connect(part).connect(gain);
    tone.start(start);
    tone.stop(start + length);
  }
}

function burst() {
  if (!context || !playing) return;
  const { pulses, hz, length, loud } = BURSTS[playing];
  pulses.forEach((at, n) => pulse(hz[n % hz.length], context.currentTime + 0.05 + at, length, loud));
  document.body.dataset.burst = playing;
}

function show() {
  const on = context && context.state === "running";
  place.setAttribute("aria-pressed", on ? "true" : "false");
  place.querySelector("span").textContent = on ? "Sound is on" : "Sound is off";
  place.querySelector("use").setAttribute("href", on ? "#i-bell" : "#i-mute");
  document.body.dataset.sound = on ? "on" : "off";
}

async function toggle() {
  if (!context) {
    context = new AudioContext();
    context.onstatechange = show;
  } else if (context.state === "running") await context.suspend();
  else await context.resume();
  show();
  burst();
}

export const sound = {
  button(element) {
    place = element;
    place.hidden = false;
    place.addEventListener("click", toggle);
    show();
  },
  // The most urgent priority that sounds, or null; `lost`: nothing is known, which sounds too.
  play(priority, lost) {
    const wanted = lost ? "lost" : priority;
    if (wanted === playing) return;
    playing = wanted;
    clearInterval(timer);
    delete document.body.dataset.burst;
    if (!playing) return;
    burst();
    timer = setInterval(burst, BURSTS[playing].every * 1000);
  },
};
