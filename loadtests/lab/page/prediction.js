// Presets, and the flow of each: a question, a guess, then the result.

import { make, say } from "./format.js";

// Separates a question from the sentences before it, which describe the load.
export function parted(text) {
  const found = /^(.*[.!?])\s+(\S[^.!?]*\?)$/s.exec(text);
  return found ? { setting: found[1], question: found[2] } : { setting: "", question: text };
}

export class Predictions {
  #$;
  #presets;
  #ask;
  #guess = null;
  #shown = null;

  // $: finds an element by its id; ask: posts to a path, and shows why if it was refused.
  constructor($, presets, ask) {
    [this.#$, this.#presets, this.#ask] = [$, presets, ask];
    $("presets").replaceChildren(
      ...presets.map(({ name, title }) => {
        const button = make("button", { type: "button", "data-preset": name }, title);
        button.addEventListener("click", () => ask("preset", { name }));
        return button;
      }),
    );
    $("reveal").onclick = () => this.#guess !== null && ask("reveal", { guess: this.#guess });
  }

  // Shows the question, or the outcome, or nothing; returns whether figures are hidden.
  show(prediction) {
    const $ = this.#$;
    const preset = this.#presets.find(({ name }) => name === prediction?.name);
    const hidden = Boolean(preset && prediction.hidden);
    for (const button of $("presets").children)
      if (button.dataset.preset === preset?.name) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    $("prediction").hidden = !hidden;
    $("outcome").hidden = hidden || !preset;
    if (hidden) this.#question(preset);
    else this.#shown = null;
    if (preset && !hidden) this.#outcome(preset, prediction);
    return hidden;
  }

  #question(preset) {
    const $ = this.#$;
    if (this.#shown === preset.name) return;
    this.#shown = preset.name;
    this.#choose(null);
    say($("preset-title"), preset.title);
    const { setting, question } = parted(preset.question);
    say($("setting"), setting);
    say($("question"), question);
    $("options").replaceChildren(
      ...preset.options.map(({ id, label }) => {
        const button = make("button", { type: "button", "data-option": id, "aria-pressed": "false" }, label);
        button.addEventListener("click", () => this.#choose(id));
        return button;
      }),
    );
  }

  #choose(id) {
    this.#guess = id;
    for (const button of this.#$("options").children) button.setAttribute("aria-pressed", String(button.dataset.option === id));
    this.#$("reveal").disabled = id === null;
    say(
      this.#$("reveal-note"),
      id === null ? "Choose what the class expects. Both servers are already under this load." : "Reveal shows the figures to all viewers.",
    );
  }

  #outcome(preset, { guess, outcome, answer }) {
    const $ = this.#$;
    const label = (id) => preset.options.find((option) => option.id === id)?.label ?? "nothing";
    const right = answer === null || answer === undefined ? "" : guess === answer ? " ✔" : ` ✘ (measured: ${label(answer)})`;
    say($("outcome-question"), `${preset.title}: ${parted(preset.question).question}`);
    say($("outcome-guess"), `${label(guess)}${right}`);
    say($("outcome-text"), outcome ?? "Measuring …");
    say($("outcome-lesson"), preset.lesson ? `To measure the reason: bench lesson ${preset.lesson}` : "");
  }
}
