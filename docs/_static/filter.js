// A box above every table of class "filterable" that shows only the rows holding what is typed.
document.addEventListener("DOMContentLoaded", () => {
  for (const table of document.querySelectorAll("table.filterable")) {
    const box = document.createElement("input");
    box.type = "search";
    box.className = "table-filter";
    box.placeholder = "Filter settings";
    box.setAttribute("aria-label", "Filter settings");
    box.addEventListener("input", () => {
      const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
      }
    });
    const wrapper = table.closest(".pst-scrollable-table-container") || table;
    wrapper.before(box);
  }
});
