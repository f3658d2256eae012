// The last minute as an image and as data.

import { colours } from "./charts.js";
import { short } from "./format.js";

const WIDTH = 1600;
const PAD = 40;
const FONT = "system-ui, sans-serif";

const stamp = (at) => new Date(at * 1000).toISOString().replace(/[-:]/g, "").slice(0, 15).replace("T", "-");

// Breaks words into lines of a width; returns where the next text begins.
function paragraph(context, words, y, width, height) {
  let line = "";
  for (const word of words.split(/\s+/)) {
    const longer = line ? `${line} ${word}` : word;
    if (line && context.measureText(longer).width > width) {
      context.fillText(line, PAD, y);
      [line, y] = [word, y + height];
    } else line = longer;
  }
  context.fillText(line, PAD, y);
  return y + height;
}

// Draws everything that was seen: figures, sentence, charts.
function picture(hello, state, charts) {
  const canvas = document.createElement("canvas");
  const ratio = Math.max(...charts.map((chart) => chart.height / chart.width));
  const chartWidth = (WIDTH - 3 * PAD) / 2;
  const chartHeight = chartWidth * ratio;
  [canvas.width, canvas.height] = [WIDTH, 500 + chartHeight];
  const context = canvas.getContext("2d");
  const look = colours();
  context.fillStyle = look.panel;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.textBaseline = "top";
  context.fillStyle = look.ink;
  context.font = `700 34px ${FONT}`;
  let y = paragraph(context, state.sentence, PAD, WIDTH - 2 * PAD, 44);
  context.font = `22px ${FONT}`;
  context.fillStyle = look.muted;
  const settings = hello.controls.map(({ name, label, unit }) => `${label}: ${state.settings[name] ?? "none"}${unit ? ` ${unit}` : ""}`);
  y = paragraph(context, settings.join(" · "), y + 8, WIDTH - 2 * PAD, 30);
  ["a", "b"].forEach((label, index) => {
    const { now, ceiling } = state.lanes[label];
    const x = PAD + index * (chartWidth + PAD);
    context.fillStyle = look[label];
    context.font = `700 46px ${FONT}`;
    context.fillText(`${hello.build[label].name}  ${short(now.rps)}/s`, x, y + 16);
    context.font = `22px ${FONT}`;
    context.fillText(`p50 ${short(now.p50_ms)} ms · p99 ${short(now.p99_ms)} ms · ${now.in_flight ?? "–"} in flight`, x, y + 72);
    if (ceiling) context.fillText(`model: at most ${short(ceiling.rps)}/s = ${ceiling.text}`, x, y + 102);
    context.fillStyle = look.ink;
    context.fillText(index ? "Response time, ms (p50 solid, p99 dotted)" : "Throughput, requests/s", x, y + 150);
    context.drawImage(charts[index], x, y + 182, chartWidth, chartHeight);
  });
  context.fillStyle = look.muted;
  const trust = `Trust: ${state.trust.light}${state.trust.reasons.length ? `, ${state.trust.reasons.join("; ")}` : ""}`;
  const foot = `bench lab, ${new Date(state.at * 1000).toLocaleString()} · live, not a verdict · ${trust}`;
  paragraph(context, foot, canvas.height - 100, WIDTH - 2 * PAD, 30);
  return canvas;
}

// Makes both files of one moment and offers them; returns why not, or null.
export async function freeze($, hello, state, charts) {
  let data;
  try {
    const answer = await fetch("snapshot.json");
    if (!answer.ok) return await answer.text();
    data = await answer.blob();
  } catch {
    return "The last minute can't be saved: the connection to bench lab is lost.";
  }
  const image = await new Promise((made) => picture(hello, state, charts).toBlob(made, "image/png"));
  const addresses = [URL.createObjectURL(image), URL.createObjectURL(data)];
  $("picture").src = addresses[0];
  $("picture").alt = `The last minute: ${state.sentence}`;
  for (const [id, address, ending] of [["save-image", addresses[0], "png"], ["save-data", addresses[1], "json"]]) {
    $(id).href = address;
    $(id).download = `lab-${stamp(state.at)}.${ending}`;
  }
  $("frozen").addEventListener("close", () => addresses.forEach((address) => URL.revokeObjectURL(address)), { once: true });
  $("frozen").showModal();
  return null;
}
