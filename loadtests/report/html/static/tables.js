// Tables that are sorted by a click on a column's heading, or by a key: up, down, and back as they were.
"use strict";

(() => {
  const NEXT = { none: "ascending", ascending: "descending", descending: "none" };
  const MISSING = new Set(["", "—", "not measured"]);

  // A row, and the notes that belong to it.
  function groupsOf(body) {
    const groups = [];
    for (const row of body.rows) {
      if (row.classList.contains("note") && groups.length) groups.at(-1).push(row);
      else groups.push([row]);
    }
    return groups;
  }

  // What a cell is sorted by: a number if it begins with one, its text if not, null where there is nothing.
  function keyOf(row, column) {
    const cell = row.cells[column];
    const text = (cell?.dataset.rank ?? cell?.textContent ?? "").trim();
    if (MISSING.has(text)) return null;
    const figure = /^[+-]?[\d,]*\.?\d+(e[+-]?\d+)?/i.exec(text);
    return figure ? Number(figure[0].replaceAll(",", "")) : text;
  }

  function compare(one, other) {
    if (typeof one === "number" && typeof other === "number") return one - other;
    if (typeof one !== typeof other) return typeof one === "number" ? -1 : 1;
    return one.localeCompare(other, "en", { numeric: true });
  }

  function sorted(groups, column, direction) {
    if (direction === "none") return groups;
    const sign = direction === "ascending" ? 1 : -1;
    return [...groups].sort(([one], [other]) => {
      const [a, b] = [keyOf(one, column), keyOf(other, column)];
      if (a === null || b === null) return (a === null) - (b === null);
      return sign * compare(a, b);
    });
  }

  function prepare(table) {
    const body = table.tBodies[0];
    const groups = body ? groupsOf(body) : [];
    const headings = [...(table.tHead?.rows[table.tHead.rows.length - 1]?.cells ?? [])];
    if (groups.length < 2) return;
    for (const [column, heading] of headings.entries()) {
      if (!heading.textContent.trim()) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...heading.childNodes);
      heading.append(button);
      heading.setAttribute("aria-sort", "none");
      button.addEventListener("click", () => {
        const direction = NEXT[heading.getAttribute("aria-sort")];
        for (const each of headings) if (each.hasAttribute("aria-sort")) each.setAttribute("aria-sort", "none");
        heading.setAttribute("aria-sort", direction);
        table.classList.toggle("sorted", direction !== "none");
        body.append(...sorted(groups, column, direction).flat());
      });
    }
  }

  for (const table of document.querySelectorAll("table")) prepare(table);
})();
