// A lane: its figures, where its requests are, its server's status, and its handler's code.

import { Dots, whole } from "./dots.js";
import { KINDS, make, number, say, short } from "./format.js";

const STATUS = { starting: "starting …", running: "running", restarting: "restarting …", down: "stopped" };
const AGAIN = "A restart brings a fresh server with the same settings.";
// Comments for linters are of no use to a class.
const LINTER = /\s*# (noqa|type: ignore)\b.*$/;
const OPAQUE = "Where its requests are is not known: bench lab can't look inside this server.";
const FIGURES = [
  ["rate", "requests/s"],
  ["p50", "p50, ms"],
  ["p99", "p99, ms"],
  ["flying", "in flight"],
  ["wrong", "errors/s"],
];
const PLACES = [
  ["other", "on the way"],
  ["waiting_for_thread", "waiting for a thread"],
  ["in_thread", "in a thread"],
  ["on_loop", "on the event loop"],
  ["waiting_for_connection", "waiting for a connection"],
];
// How many dots of the fastest lane move on between two states; those of the other lane move in proportion.
const MOST_LEAVING = 10;
const PERIOD_S = 0.25;

export class Lane {
  #label;
  #build;
  #parts = {};
  #places = {};
  #dots;

  // colour: returns the lane's own; restart: asks for a restart of the server.
  constructor(label, build, colour, restart) {
    [this.#label, this.#build] = [label, build];
    const part = (name, tag, attributes = {}, ...children) => (this.#parts[name] = make(tag, attributes, ...children));
    const figures = FIGURES.map(([name, words]) => make("div", { class: name }, make("dt", {}, words), part(name, "dd", {}, "–")));
    const places = PLACES.map(([name, words]) => {
      this.#parts[name] = make("dd", {}, "–");
      return (this.#places[name] = make("div", { class: `place ${name}` }, make("dt", {}, words), this.#parts[name]));
    });
    const canvas = make("canvas", { "aria-hidden": "true" });
    const again = part("restart", "button", { type: "button", class: "strong" }, `Restart ${build.name}`);
    again.addEventListener("click", async () => {
      again.disabled = true;
      await restart(label);
      again.disabled = false;
    });
    this.element = make(
      "section",
      { class: `lane ${label}`, "aria-labelledby": `lane-${label}` },
      make("div", { class: "head" }, make("h2", { id: `lane-${label}` }, build.name, make("span", { class: "kind" }, KINDS[build.kind])), part("status", "p", { class: "status" }), part("turn", "p", { class: "turn", title: "The lanes take turns: only one has load at a time." }, "its turn"), part("live", "p", { class: "live" }, "live, not a verdict")),
      part("down", "div", { class: "down", role: "alert" }, part("why", "p"), again),
      part("veiled", "p", { class: "veiled" }, "Hidden until you press Reveal."),
      part("figures", "dl", { class: "figures", "aria-label": `${build.name}, figures` }, ...figures),
      part("where", "dl", { class: "places", "aria-label": `${build.name}, where its requests are` }, ...places, canvas),
      part("each", "p", { class: "each" }, "One dot is one request in flight, on average."),
      part("blind", "p", { class: "blind" }, build.kind === "own" ? OPAQUE : "Where its requests are is not known yet."),
    );
    this.#dots = new Dots(canvas, this.#places, label === "a" ? "circle" : "diamond", colour);
    this.canvas = canvas;
  }

  restyle() {
    this.#dots.measure();
  }

  // fastest: requests/s of the faster lane; calm: leaves figures as they are, which are unreadable if they change often.
  show(state, hidden, fastest, calm) {
    const lane = state.lanes[this.#label];
    const parts = this.#parts;
    // A server that stops may be the very answer to the question.
    const down = lane.status === "down" && !hidden;
    say(parts.status, STATUS[lane.status]);
    parts.status.hidden = lane.status === "running" || (hidden && lane.status === "down");
    parts.turn.classList.toggle("now", lane.measured && !hidden);
    parts.live.hidden = hidden || lane.status !== "running";
    parts.down.hidden = !down;
    // Do not repeat what the sentence above already says.
    if (down) say(parts.why, state.sentence.includes(lane.status_text.replace(/\.$/, "")) ? AGAIN : lane.status_text);
    parts.veiled.hidden = !hidden;
    parts.figures.hidden = hidden;
    parts.where.hidden = hidden || !lane.where;
    parts.each.hidden = parts.where.hidden;
    parts.blind.hidden = hidden || Boolean(lane.where);
    if (hidden) return;
    if (!calm) this.#figures(lane.now);
    if (lane.where) this.#where(lane, state.settings, fastest, calm);
  }

  #figures(now) {
    say(this.#parts.rate, short(now.rps));
    say(this.#parts.p50, short(now.p50_ms));
    say(this.#parts.p99, short(now.p99_ms));
    say(this.#parts.flying, number(now.in_flight));
    say(this.#parts.wrong, short(now.errors_per_s));
    this.#parts.wrong.parentElement.hidden = !now.errors_per_s;
  }

  #where(lane, settings, fastest, calm) {
    const counts = whole(lane.where);
    const leaving = lane.status === "running" ? (lane.now.rps ?? 0) * PERIOD_S : 0;
    const most = Math.max(1, (fastest * PERIOD_S) / MOST_LEAVING);
    this.#dots.show(counts, leaving / most);
    if (calm) return;
    const full = this.#build.kind === "sync" && counts.in_thread >= settings.threads;
    for (const [name] of PLACES) {
      const of = name === "in_thread" && full ? `/${settings.threads}` : "";
      say(this.#parts[name], `${counts[name]}${of}`);
    }
    this.#places.in_thread.classList.toggle("full", full);
  }
}

export class Handler {
  #label;
  #code;
  #shown = null;

  constructor(label, build) {
    this.#label = label;
    this.#code = make("code");
    this.element = make(
      "section",
      { class: `handler ${label}`, "aria-labelledby": `handler-${label}` },
      make("h2", { id: `handler-${label}` }, build.name, make("span", { class: "kind" }, "its handler")),
      make("pre", { tabindex: "0", "aria-labelledby": `handler-${label}` }, this.#code),
    );
  }

  show(scenario) {
    if (!scenario || scenario === this.#shown) return;
    this.#shown = scenario;
    const source = scenario.code[this.#label] ?? "";
    this.element.hidden = !source;
    const lit = scenario.waiting_line[this.#label];
    this.#code.replaceChildren(
      ...source.split("\n").map((line, index) => {
        const attributes = index + 1 === lit ? { class: "source lit", "aria-current": "true" } : { class: "source" };
        return make("span", attributes, line.replace(LINTER, "") || " ");
      }),
    );
  }
}
