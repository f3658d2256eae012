// A lane's requests as dots, one each, that move between named places.
//
// Where they are was seen inside the server. Which of them moves on is only for show: dots leave and come in proportion
// to what the lanes answer. In a lane that answers nothing they stand still.

const FRAME_MS = 80;
const MOVE_MS = 230;
const LARGEST = 16;
const SMALLEST = 4;
// On its way through, a request passes them in this order.
const PATH = ["other", "waiting_for_thread", "waiting_for_connection", "on_loop", "in_thread"];
const still = matchMedia("(prefers-reduced-motion: reduce)");

// Both lanes are drawn at the same moments, so that the browser puts the page together once for both.
const moving = new Set();
let ticking = false;

function tick() {
  for (const dots of moving) if (!dots.draw()) moving.delete(dots);
  ticking = moving.size > 0 && !document.hidden;
  if (ticking) setTimeout(() => requestAnimationFrame(tick), FRAME_MS);
}

// Rounds the places' means to whole dots, whose sum is the rounded sum.
export function whole(where) {
  const parts = PATH.map((name) => [name, where[name]]);
  const total = Math.round(parts.reduce((sum, [, value]) => sum + value, 0));
  const counts = Object.fromEntries(parts.map(([name, value]) => [name, Math.floor(value)]));
  let missing = total - parts.reduce((sum, [name]) => sum + counts[name], 0);
  for (const [name] of parts.sort(([, x], [, y]) => (y % 1) - (x % 1))) {
    if (missing-- <= 0) break;
    counts[name] += 1;
  }
  return counts;
}

export class Dots {
  #canvas;
  #places;
  #shape;
  #colour;
  #boxes = {};
  #slots = Object.fromEntries(PATH.map((name) => [name, []]));
  #pitch = LARGEST;
  #sprite = null;
  #owed = 0;

  // places: an element for each; the dots keep below its first child, the label.
  constructor(canvas, places, shape, colour) {
    this.#canvas = canvas;
    this.#places = places;
    this.#shape = shape;
    this.#colour = colour;
    new ResizeObserver(() => this.measure()).observe(canvas);
  }

  // Reads the layout and the colours again.
  measure() {
    const scale = devicePixelRatio || 1;
    const { width, height, left, top } = this.#canvas.getBoundingClientRect();
    if (!width || !height) return;
    this.#canvas.width = Math.round(width * scale);
    this.#canvas.height = Math.round(height * scale);
    for (const [name, element] of Object.entries(this.#places)) {
      const box = element.getBoundingClientRect();
      const label = element.firstElementChild.getBoundingClientRect();
      const y = label.bottom - top + 3;
      this.#boxes[name] = { x: box.left - left + 8, y, w: box.width - 14, h: box.bottom - top - y - 4 };
    }
    this.#pitch = 0;
    this.#fit();
    this.draw();
  }

  // counts: whole dots for each place; leaving: how many are answered until the next call, on average.
  show(counts, leaving) {
    const spare = [];
    for (const name of PATH)
      while (this.#slots[name].length > counts[name]) spare.push(this.#slots[name].pop());
    for (const name of PATH)
      while (this.#slots[name].length < counts[name]) {
        const dot = spare.shift() ?? {};
        this.#slots[name].push(dot);
        this.#send(dot, name, this.#slots[name].length - 1);
      }
    this.#fit();
    if (!still.matches) this.#pass(leaving);
    this.#start();
  }

  // Lets some be answered: one leaves the last place, one comes into the first, and one moves up from each to the next.
  #pass(leaving) {
    const path = PATH.filter((name) => this.#slots[name].length);
    if (!path.length) return;
    const last = path[path.length - 1];
    this.#owed += leaving;
    const count = Math.min(Math.floor(this.#owed), this.#slots[last].length);
    this.#owed -= Math.floor(this.#owed);
    for (let each = 0; each < count; each += 1) {
      let dot = {};
      for (const name of path) {
        const slots = this.#slots[name];
        const slot = Math.floor(Math.random() * slots.length);
        [dot, slots[slot]] = [slots[slot], dot];
        this.#send(slots[slot], name, slot);
      }
    }
  }

  #spot(name, slot) {
    const box = this.#boxes[name];
    if (!box) return [0, 0];
    const columns = Math.max(1, Math.floor(box.w / this.#pitch));
    const row = Math.floor(slot / columns);
    return [box.x + ((slot % columns) + 0.5) * this.#pitch, box.y + (row + 0.5) * this.#pitch];
  }

  #send(dot, name, slot) {
    const [x, y] = this.#spot(name, slot);
    // A new one comes in from the left edge of its place.
    const from = { fromX: dot.x ?? this.#boxes[name]?.x ?? x, fromY: dot.y ?? y };
    Object.assign(dot, { ...from, toX: x, toY: y, since: performance.now() });
  }

  // Chooses the largest dots that fit in every place; larger ones only when there is much room.
  #fit() {
    const fits = (pitch) =>
      Object.entries(this.#boxes).every(([name, box]) => {
        const columns = Math.max(1, Math.floor(box.w / pitch));
        return Math.ceil(this.#slots[name].length / columns) * pitch <= box.h;
      });
    let pitch = LARGEST;
    while (pitch > SMALLEST && !fits(pitch)) pitch -= 0.5;
    if (this.#pitch && pitch >= this.#pitch && pitch < this.#pitch * 1.4) return;
    this.#pitch = pitch;
    this.#sprite = null;
    for (const name of PATH) this.#slots[name].forEach((dot, slot) => this.#send(dot, name, slot));
  }

  #start() {
    moving.add(this);
    if (ticking || document.hidden) return;
    ticking = true;
    requestAnimationFrame(tick);
  }

  #drawn(scale) {
    const sprite = document.createElement("canvas");
    const size = Math.ceil(this.#pitch * scale);
    sprite.width = sprite.height = size;
    const context = sprite.getContext("2d");
    const [middle, radius] = [size / 2, size * 0.36];
    context.fillStyle = this.#colour();
    context.beginPath();
    if (this.#shape === "circle") context.arc(middle, middle, radius, 0, 2 * Math.PI);
    else {
      const reach = radius * 1.2;
      context.moveTo(middle, middle - reach);
      context.lineTo(middle + reach, middle);
      context.lineTo(middle, middle + reach);
      context.lineTo(middle - reach, middle);
    }
    context.fill();
    return sprite;
  }

  // Draws all dots where they are by now; returns whether some still move.
  draw() {
    const scale = devicePixelRatio || 1;
    const context = this.#canvas.getContext("2d");
    context.clearRect(0, 0, this.#canvas.width, this.#canvas.height);
    this.#sprite ??= this.#drawn(scale);
    const now = performance.now();
    const half = this.#sprite.width / 2;
    let some = false;
    for (const name of PATH)
      for (const dot of this.#slots[name]) {
        const part = still.matches ? 1 : Math.min(1, (now - dot.since) / MOVE_MS);
        const eased = part * (2 - part);
        if (part < 1) some = true;
        dot.x = dot.fromX + (dot.toX - dot.fromX) * eased;
        dot.y = dot.fromY + (dot.toY - dot.fromY) * eased;
        context.drawImage(this.#sprite, Math.round(dot.x * scale - half), Math.round(dot.y * scale - half));
      }
    return some;
  }
}
