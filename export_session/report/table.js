"use strict";
// Narrows the table to the rows that hold a text. The page is complete without it.
(() => {
  const input = document.getElementById("find");
  const found = document.getElementById("found");
  const rows = [...document.querySelectorAll("#rows tbody tr")].map(node => ({ node, text: node.textContent.toLowerCase() }));
  const find = () => {
    const wanted = input.value.trim().toLowerCase();
    let count = 0;
    for (const row of rows) {
      row.node.hidden = !row.text.includes(wanted);
      if (!row.node.hidden) count += 1;
    }
    found.textContent = wanted ? `${count.toLocaleString("en")} of ${rows.length.toLocaleString("en")} sessions` : "";
  };
  let timer = 0;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 120); });
  document.querySelector(".tools").hidden = false;
})();
