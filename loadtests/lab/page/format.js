// Figures as words: few digits, the same ones everywhere, and a dash for what isn't known.

export const number = (value, digits = 0) =>
  value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: digits });

export const short = (value) => {
  if (value === null || value === undefined) return "–";
  return number(value, Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 10 ? 1 : 2);
};

export const KINDS = { sync: "def", async: "async def", own: "your app" };

// Sets a text only if it is another one: what is unchanged is neither laid out nor read out again.
export const say = (element, text) => {
  if (element.textContent !== text) element.textContent = text;
};

export const make = (tag, attributes = {}, ...children) => {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
};
