// The controls: what each one is for, when it can be used, and when its value is sent.

import { make, number, say } from "./format.js";

const WAIT_MS = 150;
const HOLD_MS = 1500;
const STEPS = 200;

class Slider {
  constructor({ low, high, step, scale }) {
    this.log = scale === "log";
    // A logarithm has no zero: the leftmost place is the least value all the same.
    this.from = this.log ? Math.max(low, step) : low;
    Object.assign(this, { low, high, step });
  }

  attributes() {
    return this.log ? { min: "0", max: String(STEPS), step: "1" } : { min: String(this.low), max: String(this.high), step: String(this.step) };
  }

  value(place) {
    if (!this.log) return place;
    if (place <= 0) return this.low;
    return this.#rounded(this.from * (this.high / this.from) ** (place / STEPS));
  }

  place(value) {
    if (!this.log) return value;
    return value <= this.from ? (value < this.from || this.low === this.from ? 0 : 1) : Math.round((STEPS * Math.log(value / this.from)) / Math.log(this.high / this.from));
  }

  #rounded(value) {
    const digits = Math.max(0, Math.ceil(-Math.log10(this.step)));
    const coarse = value >= 100 ? Number(value.toPrecision(2)) : value;
    return Math.min(this.high, Math.max(this.low, Number((Math.round(coarse / this.step) * this.step).toFixed(digits))));
  }
}

export class Controls {
  #fields = {};
  #specs = {};
  #hello;
  #state = null;
  #pending = {};
  #timer = null;
  #sending = false;
  #held = {};
  #send;
  #refused;

  // send: posts a change, returns null or why it was refused; refused: shows that sentence.
  constructor(container, hello, send, refused) {
    this.#hello = hello;
    this.#send = send;
    this.#refused = refused;
    for (const old of container.querySelectorAll(".control")) old.remove();
    for (const spec of hello.controls) {
      this.#specs[spec.name] = spec;
      container.append(spec.name === "scenario" ? this.#choice(spec) : this.#quantity(spec));
    }
  }

  // Shows the settings that apply, but not over what the user is changing.
  show(state) {
    this.#state = state;
    const scenario = this.#hello.scenarios.find((each) => each.name === state.settings.scenario);
    for (const [name, field] of Object.entries(this.#fields)) {
      const spec = this.#specs[name];
      const why = spec.why_not || this.#unused(spec, scenario);
      this.#enable(field, spec, why);
      if (performance.now() < (this.#held[name] ?? 0) || name in this.#pending) continue;
      field.set(state.settings[name]);
    }
  }

  #unused(spec, scenario) {
    if (!["wait_ms", "cpu_ms"].includes(spec.name) || !scenario || scenario.uses.includes(spec.name)) return "";
    return `${scenario.name} does not use it.`;
  }

  #note(spec, why) {
    const name = { a: this.#hello.build.a.name, b: this.#hello.build.b.name };
    const whose = spec.applies_to === "both" ? "" : `${name[spec.applies_to]} only`;
    const servers = spec.applies_to === "both" ? "both servers" : name[spec.applies_to];
    return why || [whose, spec.restarts ? `a change restarts ${servers}` : ""].filter(Boolean).join("; ");
  }

  #enable(field, spec, why) {
    field.element.classList.toggle("off", Boolean(why));
    for (const input of field.inputs) input.disabled = Boolean(why);
    field.limits?.();
    const note = this.#note(spec, why);
    say(field.note, note);
    field.note.hidden = !note;
  }

  #choice(spec) {
    const id = `control-${spec.name}`;
    const select = make("select", { id, "aria-describedby": `${id}-note` });
    for (const { name, title } of this.#hello.scenarios) select.append(make("option", { value: name }, title && title !== name ? `${name}: ${title}` : name));
    const note = make("p", { class: "note", id: `${id}-note` });
    const element = make("div", { class: "control", "data-name": spec.name }, make("label", { for: id }, spec.label), select, note);
    select.addEventListener("change", () => this.#change(spec.name, select.value));
    const set = (value) => {
      if (select.value !== value) select.value = value;
    };
    this.#fields[spec.name] = { element, note, inputs: [select], set };
    return element;
  }

  #quantity(spec) {
    const id = `control-${spec.name}`;
    const slider = new Slider(spec);
    const typed = make("input", { id, type: "number", min: spec.low, max: spec.high, step: "any", inputmode: "decimal", "aria-describedby": `${id}-note` });
    const range = make("input", { type: "range", "aria-label": `${spec.label}, slider`, "aria-describedby": `${id}-note`, ...slider.attributes() });
    const unit = spec.unit ? make("span", { class: "unit" }, ` ${spec.unit}`) : "";
    const note = make("p", { class: "note", id: `${id}-note` });
    const element = make("div", { class: "control", "data-name": spec.name }, make("label", { for: id }, spec.label, unit), range, typed);
    let none = null;
    if (spec.allows_null) {
      none = make("input", { type: "checkbox", id: `${id}-none` });
      element.append(make("label", { class: "none", for: `${id}-none` }, none, "no limit"));
    }
    element.append(note);

    const shown = (value) => {
      range.value = slider.place(value);
      range.setAttribute("aria-valuetext", `${number(value, 2)} ${spec.unit}`.trim());
    };
    range.addEventListener("input", () => {
      const value = slider.value(Number(range.value));
      typed.value = value;
      shown(value);
      // Whatever restarts a server waits until the slider is let go.
      if (spec.restarts) this.#hold(spec.name);
      else this.#change(spec.name, value);
    });
    range.addEventListener("change", () => spec.restarts && this.#change(spec.name, slider.value(Number(range.value))));
    typed.addEventListener("input", () => this.#hold(spec.name));
    typed.addEventListener("change", () => {
      if (typed.value === "") return this.#release(spec.name);
      shown(Number(typed.value));
      this.#change(spec.name, Number(typed.value));
    });
    none?.addEventListener("change", () => {
      const value = none.checked ? null : Number(typed.value) || spec.high;
      this.#change(spec.name, value);
      limits();
    });
    const limits = () => {
      if (none === null || none.disabled) return;
      range.disabled = typed.disabled = none.checked;
    };
    const set = (value) => {
      if (none) none.checked = value === null;
      limits();
      if (value === null || (Number(typed.value) === value && typed.value !== "")) return;
      typed.value = value;
      shown(value);
    };
    this.#fields[spec.name] = { element, note, inputs: [range, typed, ...(none ? [none] : [])], set, limits };
    return element;
  }

  #hold(name, duration = 4 * HOLD_MS) {
    this.#held[name] = performance.now() + duration;
  }

  #release(name) {
    delete this.#held[name];
    if (this.#state) this.show(this.#state);
  }

  #change(name, value) {
    this.#pending[name] = value;
    this.#hold(name);
    this.#timer ??= setTimeout(() => this.#flush(), WAIT_MS);
  }

  // One request at a time, with all that has changed since the last.
  async #flush() {
    this.#timer = null;
    if (this.#sending || !Object.keys(this.#pending).length) return;
    const change = this.#pending;
    this.#pending = {};
    this.#sending = true;
    const why = await this.#send(change);
    this.#sending = false;
    this.#refused(why);
    for (const name of Object.keys(change)) {
      if (why === null) this.#hold(name, HOLD_MS / 2);
      else this.#release(name);
    }
    if (Object.keys(this.#pending).length) this.#timer ??= setTimeout(() => this.#flush(), WAIT_MS);
  }
}
