// The panel “What if”: sliders on one side, the model's curves over the measured points on the other.
"use strict";

(() => {
  const section = document.getElementById("what-if");
  if (!section) return;
  const data = JSON.parse(document.getElementById("what-if-data").textContent);
  const find = (selector) => section.querySelector(selector);
  const select = find("select");
  const plot = find("svg");
  const together = find("[data-together]");
  const sliders = [...section.querySelectorAll("[data-of]")];
  const switches = [...section.querySelectorAll("[data-none]")];
  const POSITIONS = 200;
  const INSIDE = { left: 58, right: 14, top: 14, bottom: 44, height: 340 };
  let start; // the scenario as it was measured
  let now; // {users, a: side, b: side}, as model.js takes sides

  const number = (value) => {
    if (!Number.isFinite(value)) return "unlimited";
    return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : 2);
  };
  // Times go by squares, so that short ones have room; whole things go one by one.
  const isTime = (of) => of.endsWith("_ms");
  const most = (of) => {
    const known = data.choices.flatMap((choice) => [choice.a[of], choice.b[of]]);
    const usual = { wait_ms: 1000, cpu_ms: 50, threads: 200, connections: 200 }[of];
    return of === "users" ? data.most_users : Math.max(usual, ...known.map((value) => 2 * value));
  };
  const least = (of) => ({ wait_ms: 0, cpu_ms: 0.01 })[of] ?? 1;
  const position = (of, value) => (isTime(of) ? Math.round(POSITIONS * Math.sqrt(value / most(of))) : value);
  const valueAt = (of, at) => (isTime(of) ? Math.max(least(of), most(of) * (at / POSITIONS) ** 2) : at);

  function reset() {
    start = data.choices.find((choice) => choice.name === select.value);
    now = { users: data.users, a: { ...start.a }, b: { ...start.b } };
    show();
  }

  function move(slider) {
    const { side, of } = slider.dataset;
    const value = valueAt(of, Number(slider.value));
    if (of === "users") {
      now.users = value;
    } else {
      now[side][of] = value;
      const other = side === "a" ? "b" : "a";
      if (together.checked && now[other][of] !== null) {
        const share = isTime(of) && start[side][of] > 0 ? start[other][of] / start[side][of] : 1;
        now[other][of] = Math.min(most(of), Math.max(least(of), value * share));
      }
    }
    show();
  }

  function show() {
    for (const slider of sliders) {
      const { side, of } = slider.dataset;
      const value = of === "users" ? now.users : now[side][of];
      slider.min = isTime(of) ? 0 : 1;
      slider.max = isTime(of) ? POSITIONS : most(of);
      slider.disabled = value === null;
      slider.value = position(of, value ?? data.spare[of]);
      const text = value === null ? "none needed" : `${isTime(of) ? number(value) : value}${isTime(of) ? " ms" : ""}`;
      slider.setAttribute("aria-valuetext", text);
      slider.nextElementSibling.textContent = value === null ? "none" : text;
    }
    for (const box of switches) box.checked = now[box.dataset.side][box.dataset.none] === null;
    const found = { a: predict(now.a, now.users), b: predict(now.b, now.users) };
    find("[data-said]").textContent = sentence(found);
    draw(found);
  }

  function sentence({ a, b }) {
    const users = now.users === 1 ? "1 user" : `${now.users} users`;
    const rates = `${data.names.a} ${number(a.rate)} requests/s and ${data.names.b} ${number(b.rate)}`;
    const limits = `${data.names.a} is limited by ${words("a", a.limit)}, ${data.names.b} by ${words("b", b.limit)}`;
    return `${start.name} with ${users}: the model predicts ${rates}: ${number(b.rate / a.rate)} times as many. ${limits}.`;
  }

  function words(label, limit) {
    const side = now[label];
    if (limit === "users") return "the number of its users";
    if (limit === "cpu") return side.cores > 1 ? "its cores" : "its core";
    return `its ${side[limit]} ${limit}`;
  }

  function make(name, attributes, text = "") {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    return element;
  }

  function draw(found) {
    const width = plot.clientWidth || 640;
    const { left, right, top, bottom, height } = INSIDE;
    const curves = { a: curve(now.a, data.most_users), b: curve(now.b, data.most_users) };
    const highest = Math.max(...["a", "b"].flatMap((label) => [...curves[label], ...start[label].points].map((p) => p[1])));
    const step = niceStep(highest / 4);
    const ceiling = step * Math.ceil((highest * 1.03) / step);
    const x = (users) => left + ((width - left - right) * Math.log(users)) / Math.log(data.most_users);
    const y = (rate) => height - bottom - ((height - top - bottom) * rate) / ceiling;
    plot.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const parts = [];
    for (let rate = 0; rate <= ceiling * 1.001; rate += step) {
      parts.push(make("path", { class: "grid", d: `M${left} ${y(rate)}H${width - right}` }));
      const label = { x: left - 8, y: y(rate) + 4, "text-anchor": "end" };
      parts.push(make("text", label, rate.toLocaleString("en", { maximumSignificantDigits: 4 })));
    }
    for (let users = 1; users <= data.most_users; users *= width < 480 ? 4 : 2) {
      parts.push(make("text", { x: x(users), y: height - bottom + 18, "text-anchor": "middle" }, String(users)));
    }
    parts.push(make("text", { x: width - right, y: height - 6, "text-anchor": "end" }, "users →"));
    parts.push(make("text", { x: left, y: height - 6 }, "↑ requests/s"));
    parts.push(make("path", { class: "users", d: `M${x(now.users)} ${top}V${height - bottom}` }));
    for (const label of ["a", "b"]) {
      const line = curves[label].map(([users, rate]) => `${x(users).toFixed(1)} ${y(rate).toFixed(1)}`).join("L");
      parts.push(make("path", { class: `curve ${label}`, d: `M${line}` }));
      for (const [users, rate] of start[label].points) parts.push(mark(label, x(users), y(rate)));
      parts.push(make("circle", { class: `here ${label}`, cx: x(now.users), cy: y(found[label].rate), r: 7 }));
    }
    plot.replaceChildren(...parts);
  }

  function mark(label, x, y) {
    const shape = label === "a" ? "a5 5 0 1 0 10 0a5 5 0 1 0 -10 0" : "l5.5 -5.5l5.5 5.5l-5.5 5.5z";
    return make("path", { class: `point ${label}`, d: `M${x - (label === "a" ? 5 : 5.5)} ${y}${shape}` });
  }

  function niceStep(rough) {
    const size = 10 ** Math.floor(Math.log10(rough));
    return size * [1, 2, 5, 10].find((factor) => factor * size >= rough);
  }

  for (const slider of sliders) slider.addEventListener("input", () => move(slider));
  for (const box of switches) {
    box.addEventListener("change", () => {
      const { side, none } = box.dataset;
      now[side][none] = box.checked ? null : start[side][none] ?? data.spare[none];
      show();
    });
  }
  select.addEventListener("change", reset);
  find("button").addEventListener("click", reset);
  window.addEventListener("resize", show);
  for (const hidden of document.querySelectorAll("[data-scripted]")) hidden.hidden = false;
  select.value = data.chosen;
  reset();
})();
