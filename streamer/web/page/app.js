"use strict";

const byId = (id) => document.getElementById(id);
const canvas = byId("picture");
const context = canvas.getContext("2d", { alpha: false });
const switches = [...document.querySelectorAll("[data-switch]")];

const STALE_MS = 2000; // without a picture for so long, it is said
const RETRY_MS = 2000;
const SILENT_MS = 6000; // figures come twice a second; without any the connection is dead

let socket = null;
let paused = false;
let drawing = Promise.resolve(); // one picture after the other, in their order
let unseen = 0; // pictures whose receipt is held back, so that no others are sent
let lastPicture = performance.now();
let lastMessage = performance.now();
let ending = null; // why there is no connection
let trouble = null; // why the source gives no pictures

const resting = () => paused || document.hidden;

function send(wish) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(wish));
}

function connect() {
  lastPicture = lastMessage = performance.now();
  socket = new WebSocket(new URL("/live", location.href.replace(/^http/, "ws")));
  socket.binaryType = "blob";
  socket.onmessage = ({ data }) => {
    lastMessage = performance.now();
    if (typeof data === "string") tell(JSON.parse(data));
    else drawing = drawing.then(() => show(data));
  };
  socket.onclose = lost;
}

async function lost({ code, reason }) {
  unseen = 0;
  enable(false);
  ending = code === 1000 && reason === "over" ? "The run is over." : await whyNot();
  refreshState();
  setTimeout(connect, RETRY_MS);
}

// A WebSocket that is refused does not say why; a plain request does.
async function whyNot() {
  try {
    const answer = await fetch("/live");
    if (answer.status === 403 || answer.status === 503) return (await answer.text()).trim();
  } catch {
    if (ending) return ending;
  }
  return "The connection is lost; trying again.";
}

// Pictures

async function show(blob) {
  if (resting()) {
    unseen += 1;
    return;
  }
  try {
    const bitmap = await createImageBitmap(blob);
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    context.drawImage(bitmap, 0, 0);
    bitmap.close();
    lastPicture = performance.now();
  } catch (error) {
    console.error(error);
  }
  send({ do: "seen" });
}

function resume() {
  if (resting()) return;
  for (; unseen > 0; unseen -= 1) send({ do: "seen" });
}

// Figures

const number = (value, digits = 0) => (value == null ? "–" : value.toFixed(digits));
const whole = (value) => (value == null ? "–" : value.toLocaleString("en"));
const milliseconds = (value) => (value == null ? "–" : `${number(value)} ms`);

function tell(message) {
  if (message.kind === "introduction") introduce(message);
  else update(message);
}

function introduce({ source, width, height, rate, live }) {
  ending = null;
  document.title = `${source} – streamer`;
  byId("source").textContent = source;
  byId("format").textContent = `${width}×${height}, ${rate} fps${live ? ", live" : ""}`;
  byId("of-source").textContent = `of ${rate} fps`;
}

function update(now) {
  byId("shown").textContent = number(now.shown_fps, 1);
  byId("inferred").textContent = number(now.inferred_fps, 1);
  byId("agreement").textContent = number(now.agreement, 2);
  byId("age").textContent = number(now.age_ms.now);
  byId("age-here").textContent = milliseconds(now.age_here_ms);
  byId("age-p50").textContent = milliseconds(now.age_ms.p50);
  byId("age-p95").textContent = number(now.age_ms.p95);
  byId("stages").replaceChildren(...now.stages.map(stageRow));
  byId("counts").replaceChildren(...counts(now).map(countRow));
  trouble = now.state;
  updateControls(now.controls);
  refreshState();
}

function counts({ counts: c, reconnects, corrupt_packets, viewers, wall_s }) {
  return [
    ["captured", whole(c.captured ?? 0)],
    ["dropped", whole(c.dropped ?? 0)],
    ["inferred", whole(c.inferred ?? 0)],
    ["carried", whole(c.propagated ?? 0)],
    ["written", whole(c.written ?? 0)],
    ["reconnects", whole(reconnects)],
    ["corrupt", whole(corrupt_packets)],
    ["viewers", whole(viewers)],
    ["running", wall_s == null ? "–" : clock(wall_s)],
  ];
}

function clock(seconds) {
  const parts = [seconds / 3600, (seconds / 60) % 60, seconds % 60];
  return parts.map((part) => String(Math.floor(part)).padStart(2, "0")).join(":");
}

function element(name, properties, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

function stageRow(stage) {
  const busy = element("td", { className: "wide" }, `${number(stage.busy * 100)} %`, bar(stage.busy, 1));
  const queue = element("td", { className: "wide" });
  if (stage.queue_size) {
    queue.append(`${stage.queued} of ${stage.queue_size}`, bar(stage.queued, stage.queue_size));
  }
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, stage.name),
    element("td", {}, stage.count ? number(stage.p50_ms, 1) : "–"),
    element("td", {}, stage.count ? number(stage.p95_ms, 1) : "–"),
    busy,
    queue,
  );
}

function bar(value, max) {
  return element("meter", { max, value });
}

function countRow([name, value]) {
  return element("div", {}, element("dt", {}, name), element("dd", {}, value));
}

// Controls

function updateControls(controls) {
  enable(controls !== null);
  if (!controls) return;
  for (const button of switches) {
    button.setAttribute("aria-pressed", controls[button.dataset.switch]);
  }
  const recorded = controls.recording && controls.recorded ? `Recording to ${controls.recorded}` : "";
  byId("said").textContent = [recorded, controls.said].filter(Boolean).join(" · ");
}

function enable(on) {
  for (const button of [...switches, ...document.querySelectorAll("[data-control]")]) {
    button.disabled = !on;
  }
}

function refreshState() {
  const silent = performance.now() - lastPicture;
  let state = ["live", "live", ""];
  if (ending) state = ["bad", "not connected", ending];
  else if (socket.readyState !== WebSocket.OPEN) state = ["wait", "connecting", ""];
  else if (trouble) state = ["bad", "no picture", trouble];
  else if (paused) state = ["wait", "paused", ""];
  else if (silent > STALE_MS) {
    state = ["bad", "no picture", `No new picture for ${number(silent / 1000)} s`];
  }
  const [kind, word, notice] = state;
  byId("state").dataset.state = kind;
  byId("state").textContent = word;
  byId("notice").textContent = notice;
  byId("notice").hidden = !notice;
}

for (const button of switches) {
  button.onclick = () => {
    const on = button.getAttribute("aria-pressed") !== "true";
    send({ do: "switch", name: button.dataset.switch, on });
  };
}
byId("snapshot").onclick = () => send({ do: "snapshot" });
byId("pause").onclick = () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", paused);
  lastPicture = performance.now();
  refreshState();
  resume();
};
byId("stop").onclick = () => byId("sure").showModal();
byId("sure").onclose = () => {
  if (byId("sure").returnValue === "stop") send({ do: "stop" });
  byId("sure").returnValue = "";
};
byId("fullscreen").hidden = !document.fullscreenEnabled;
byId("fullscreen").onclick = () => byId("screen").requestFullscreen();
document.onvisibilitychange = () => {
  lastPicture = performance.now();
  resume();
};

enable(false);
connect();
setInterval(() => {
  if (performance.now() - lastMessage > SILENT_MS) socket.close();
  refreshState();
}, 1000);
