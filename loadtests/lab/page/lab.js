// The page of bench lab: it shows what the server says and asks it for changes; nothing is decided here.

import { Chart, History, colours } from "./charts.js";
import { listen, post } from "./connection.js";
import { Controls } from "./controls.js";
import { say } from "./format.js";
import { freeze } from "./freeze.js";
import { Handler, Lane } from "./lanes.js";
import { Predictions } from "./prediction.js";

const LABELS = ["a", "b"];
const SPEAK_MS = 5000;
const CALM_MS = 450;
const LIGHTS = { good: "Figures are steady", caution: "Read with caution", poor: "Do not trust the figures now" };
const dark = matchMedia("(prefers-color-scheme: dark)");

const $ = (id) => document.getElementById(id);
const history = new History();
let hello = null;
let state = null;
let hidden = false;
let lanes = [];
let handlers = [];
let charts = [];
let controls = null;
let predictions = null;
let look = colours();
let figuresAt = 0;
let spokenAt = 0;

const refuse = (why) => {
  $("refused").hidden = why === null;
  if (why !== null) say($("refused"), why);
  return why;
};
const ask = async (path, body) => refuse(await post(path, body));

function greet(told) {
  const same = hello !== null && JSON.stringify({ ...hello, history: [] }) === JSON.stringify({ ...told, history: [] });
  hello = told;
  history.clear();
  for (const each of hello.history) history.add(each);
  if (!same) build();
  if (hello.history.length) show(hello.history[hello.history.length - 1], true);
}

function build() {
  lanes = LABELS.map((label) => new Lane(label, hello.build[label], () => look[label], (lane) => ask("restart", { lane })));
  handlers = LABELS.map((label) => new Handler(label, hello.build[label]));
  $("lanes").replaceChildren(...lanes.map(({ element }) => element));
  $("handlers").replaceChildren(...handlers.map(({ element }) => element));
  const names = { a: hello.build.a.name, b: hello.build.b.name };
  charts = ["throughput", "latency"].map((kind) => {
    $(kind).replaceChildren();
    return new Chart($(kind), history, names, kind);
  });
  controls = new Controls($("fields"), hello, (change) => post("settings", change), refuse);
  predictions = new Predictions($, hello.presets, ask);
}

function show(told, known = false) {
  state = told;
  if (!known) history.add(state);
  const before = hidden;
  hidden = predictions.show(state.preset);
  const calm = hidden === before && performance.now() - figuresAt < CALM_MS;
  if (!calm) figuresAt = performance.now();
  const fastest = Math.max(...LABELS.map((label) => state.lanes[label].now.rps ?? 0));
  for (const lane of lanes) lane.show(state, hidden, fastest, calm);
  const scenario = hello.scenarios.find(({ name }) => name === state.settings.scenario);
  for (const handler of handlers) handler.show(scenario);
  $("says").hidden = $("charts").hidden = hidden;
  if (!hidden) {
    if (!calm) {
      sentences();
      for (const chart of charts) chart.draw();
    }
  }
  $("applying").hidden = !(state.applying ?? state.paused);
  say($("applying"), state.applying ?? state.paused ?? "");
  controls.show(state);
  $("fields").disabled = hidden;
  $("locked").hidden = !hidden;
  $("freeze").disabled = hidden;
  $("freeze").title = hidden ? "Reveal the result first" : "Save the last minute as an image and data";
  command();
}

function sentences() {
  say($("sentence"), state.sentence);
  const { light, reasons } = state.trust;
  $("trust").dataset.light = light;
  say($("light"), LIGHTS[light]);
  if ($("reasons").dataset.said !== reasons.join("\n")) {
    $("reasons").dataset.said = reasons.join("\n");
    $("reasons").replaceChildren(...reasons.map((reason) => Object.assign(document.createElement("li"), { textContent: reason })));
  }
  // Screen readers get a new text seldom, and not for a changed figure alone.
  const words = (text) => text.replace(/[\d.,]+/g, "");
  const now = performance.now();
  if (now - spokenAt > SPEAK_MS && words($("spoken").textContent) !== words(state.sentence)) {
    spokenAt = now;
    say($("spoken"), state.sentence);
  }
}

function command() {
  say($("command"), state.command || "–");
  $("copy").disabled = !state.command;
  $("command-note").hidden = !state.command;
}

// Puts a text on the clipboard; where the browser refuses, selects it for the keyboard.
async function copy(text, element, told) {
  try {
    await navigator.clipboard.writeText(text);
    say(told, "Copied.");
  } catch {
    getSelection().selectAllChildren(element);
    say(told, "Your browser does not allow copying. The command is selected: press Ctrl+C.");
  }
}

function nameTheme() {
  const now = document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light");
  say($("theme"), now === "dark" ? "Light" : "Dark");
  $("theme").setAttribute("aria-label", now === "dark" ? "Light colours" : "Dark colours");
  return now;
}

function restyle() {
  nameTheme();
  look = colours();
  for (const lane of lanes) lane.restyle();
  for (const chart of charts) chart.restyle();
}

$("copy").onclick = () => copy(state.command, $("command"), $("copied"));
$("freeze").onclick = async () => refuse(await freeze($, hello, state, charts.map(({ canvas }) => canvas)));
$("thaw").onclick = () => $("frozen").close();
$("controls").onsubmit = (event) => event.preventDefault();
$("theme").onclick = () => {
  const other = nameTheme() === "dark" ? "light" : "dark";
  document.documentElement.dataset.theme = other;
  sessionStorage.setItem("theme", other);
  restyle();
};
$("invite").onclick = async () => {
  const answer = await fetch("invite", { method: "POST" }).catch(() => null);
  if (!answer?.ok) return say($("invited"), "bench lab does not answer.");
  const { address } = await answer.json();
  say($("invited"), `${address} (works once, on this machine)`);
};
dark.addEventListener("change", restyle);
let fontSize = getComputedStyle(document.documentElement).fontSize;
addEventListener("resize", () => {
  const size = getComputedStyle(document.documentElement).fontSize;
  if (size !== fontSize) {
    fontSize = size;
    restyle();
  }
});
nameTheme();
listen({
  hello: greet,
  state: show,
  connected() {
    if (document.body.dataset.connection === "open") return;
    document.body.dataset.connection = "open";
    $("connection").hidden = true;
  },
  lost(why) {
    document.body.dataset.connection = "lost";
    $("connection").hidden = false;
    say($("connection"), why);
  },
});
