// Sorts and searches the table of samples. Without JavaScript it is a plain table.
"use strict";
(() => {
  const table = document.getElementById("samples");
  const body = table.tBodies[0];
  const rows = [...body.rows];

  function key(row, column) {
    const cell = row.cells[column];
    return "value" in cell.dataset ? Number(cell.dataset.value) : cell.textContent.trim();
  }

  function compare(left, right, column, direction) {
    const a = key(left, column), b = key(right, column);
    const absentA = a === "–", absentB = b === "–";
    if (absentA || absentB) return absentA - absentB;
    if (typeof a === "number" && typeof b === "number") return direction * (a - b);
    return direction * String(a).localeCompare(String(b), "en", { numeric: true });
  }

  function sortBy(header, column) {
    const direction = header.ariaSort === "ascending" ? -1 : 1;
    for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
    header.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
    body.append(...[...rows].sort((left, right) => compare(left, right, column, direction)));
  }

  [...table.tHead.rows[0].cells].forEach((header, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = header.textContent;
    button.addEventListener("click", () => sortBy(header, column));
    header.replaceChildren(button);
  });

  const search = document.querySelector(".search");
  const input = search.querySelector("input");
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += !row.hidden;
    }
    search.querySelector("[role=status]").textContent = wanted ? `${shown} of ${rows.length}` : "";
  });
  search.hidden = false;
})();
