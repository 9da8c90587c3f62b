"use strict";
// Finds and folds. The page is complete without it.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const input = document.getElementById("find");
  const found = document.getElementById("found");
  const files = all("#files .file").map(node => ({ node, text: node.textContent.toLowerCase() }));
  const elements = all("#elements tbody").map(node => ({ node, text: node.textContent.toLowerCase() }));
  const names = new Map(all("#files .branch > h4, #files .session > summary > h3").map(node => [node, node.textContent.toLowerCase()]));

  const find = () => {
    const wanted = input.value.trim().toLowerCase();
    const named = node => wanted && names.get(node).includes(wanted);
    for (const element of elements) element.node.hidden = !element.text.includes(wanted);
    let count = 0;
    for (const file of files) {
      const branch = file.node.closest(".branch").querySelector("h4");
      const session = file.node.closest(".session").querySelector("h3");
      const match = file.text.includes(wanted) || named(branch) || named(session);
      file.node.hidden = !match;
      if (match) count += 1;
    }
    for (const node of all("#files .branch, #files .quiet")) node.hidden = Boolean(wanted) && !node.querySelector(".file:not([hidden])");
    for (const node of all("#files .session")) {
      node.hidden = Boolean(wanted) && !node.querySelector(".file:not([hidden])");
      if (wanted && !node.hidden) node.open = true;
    }
    if (wanted && count <= 20) for (const file of files) {
      const details = file.node.querySelector("details");
      if (details && !file.node.hidden && file.text.includes(wanted)) details.open = true;
    }
    found.textContent = wanted ? `${count.toLocaleString("en")} of ${files.length.toLocaleString("en")} files` : "";
  };

  let timer = 0;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 120); });
  const fold = open => () => { for (const node of all("#files details")) node.open = open; };
  document.getElementById("unfold").addEventListener("click", fold(true));
  document.getElementById("fold").addEventListener("click", fold(false));

  const unfoldTarget = () => {
    const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    for (const node of all(":scope > details", target)) node.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfoldTarget);
  unfoldTarget();

  let folded = [];
  addEventListener("beforeprint", () => { folded = all("details:not([open])"); for (const node of folded) node.open = true; });
  addEventListener("afterprint", () => { for (const node of folded) node.open = false; });
  document.querySelector(".tools").hidden = false;
})();
