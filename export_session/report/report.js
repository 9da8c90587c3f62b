"use strict";
// Finds, filters and folds. The page is complete without it.
(() => {
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const lower = node => node ? node.textContent.toLowerCase() : "";
  const tools = document.querySelector(".tools");
  const input = document.getElementById("find");
  const found = document.getElementById("found");
  const listing = document.getElementById("files");
  const before = listing.previousElementSibling;
  const sections = ["attention", "elements"].map(id => document.getElementById(id));
  const rows = all("#attention .concerns > li, #elements tbody").map(node => ({ node, text: lower(node) }));
  const order = new Map(all("#files .session, #files .branch, #files .file").map((node, place) => [node, place]));
  const files = all("#files .file").map(node => {
    const branch = node.closest(".branch");
    const name = lower(node.querySelector("bdi"));
    const path = `${branch.dataset.path}/${name}`.toLowerCase();
    const above = [branch.querySelector(":scope > h4"), node.closest(".session").querySelector("h3")];
    return { node, name, path, text: [path, branch.dataset.copies.toLowerCase(), ...above.map(lower), lower(node)].join(" ") };
  });
  let cause = "";

  // The smaller, the closer: the file of that name, one that begins so, has it within, lies below it, holds it.
  const distance = (file, wanted, words) => {
    const length = Math.min(file.name.length, 9999) / 10000;
    if (file.name === wanted || file.path === wanted) return 0;
    if (file.name.startsWith(wanted)) return 1 + length;
    if (file.name.includes(wanted)) return 2 + length;
    return words.every(word => file.path.includes(word)) ? 3 : 4;
  };

  const arrange = (nodes, key, put) => {
    const sorted = [...nodes].sort((one, other) => key(one) - key(other) || order.get(one) - order.get(other));
    if (sorted.some((node, place) => node !== nodes[place])) put(sorted);
  };

  const closestFirst = near => {
    for (const list of all(".files", listing)) arrange([...list.children], near, nodes => list.prepend(...nodes));
    const nearest = node => Math.min(...all(".file:not([hidden])", node).map(near));
    for (const session of all(".session", listing)) {
      arrange(all(":scope > .branch", session), nearest, nodes => session.querySelector("summary").after(...nodes));
    }
    arrange(all(".session", listing), nearest, nodes => listing.querySelector("h2").after(...nodes));
  };

  const find = () => {
    const wanted = input.value.trim().toLowerCase();
    const words = wanted.split(/\s+/).filter(Boolean);
    const holds = text => words.every(word => text.includes(word));
    for (const { node, text } of rows) node.hidden = !holds(text) || Boolean(cause && node.dataset.cause && node.dataset.cause !== cause);
    for (const section of sections) section.hidden = words.length > 0 && !section.querySelector("li:not([hidden]), tbody:not([hidden])");
    const shown = files.filter(file => !(file.node.hidden = !holds(file.text)));
    for (const node of all(".branch, .quiet, .session", listing)) {
      node.hidden = words.length > 0 && !node.querySelector(".file:not([hidden])");
      if (words.length && !node.hidden && "open" in node) node.open = true;
    }
    const near = new Map(words.length ? shown.map(file => [file.node, distance(file, wanted, words)]) : []);
    closestFirst(node => near.get(node) ?? 5);
    for (const row of all("tr.hit", listing)) row.classList.remove("hit");
    if (words.length && shown.length <= 3) for (const { node, path } of shown) {
      for (const details of all(":scope > details", node)) details.open = true;
      const values = words.filter(word => !path.includes(word));
      for (const row of all("tbody tr", node)) row.classList.toggle("hit", values.some(word => lower(row).includes(word)));
    }
    (words.length ? tools : before).after(listing);
    if (words.length) listing.scrollIntoView({ behavior: "instant" });
    found.textContent = words.length ? `${shown.length.toLocaleString("en")} of ${files.length.toLocaleString("en")} files` : "";
  };

  let timer = 0;
  input.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(find, 120); });
  const fold = open => () => { for (const node of all("details", listing)) node.open = open; };
  document.getElementById("unfold").addEventListener("click", fold(true));
  document.getElementById("fold").addEventListener("click", fold(false));

  const filter = document.querySelector(".filter");
  filter?.addEventListener("click", event => {
    const chosen = event.target.closest("button");
    if (!chosen) return;
    cause = chosen.dataset.cause;
    for (const button of all("button", filter)) button.setAttribute("aria-pressed", String(button === chosen));
    find();
  });

  // A link leads to what it names, whatever is folded or was narrowed down.
  const show = target => {
    if (!target) return;
    if (target.closest("[hidden]")) { input.value = ""; find(); }
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    for (const node of all(":scope > details", target)) node.open = true;
    target.scrollIntoView();
  };
  const named = () => location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  addEventListener("hashchange", () => show(named()));
  document.addEventListener("click", event => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) { event.preventDefault(); show(named()); }
  });

  // On paper files are listed, and what is in them stays folded.
  let folded = [];
  addEventListener("beforeprint", () => { folded = all(".session:not([open]), .quiet:not([open])"); for (const node of folded) node.open = true; });
  addEventListener("afterprint", () => { for (const node of folded) node.open = false; });

  for (const node of [tools, filter]) if (node) node.hidden = false;
  new ResizeObserver(() => { document.documentElement.style.scrollPaddingTop = `${tools.offsetHeight + 12}px`; }).observe(tools);
  show(named());
})();
