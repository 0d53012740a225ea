// The search, and a button that copies each example. The page is whole without them.
"use strict";

const search = document.getElementById("search");
const query = document.getElementById("query");
const found = document.getElementById("found");

const textOf = (element) => element.textContent.toLowerCase();

const parts = [...document.querySelectorAll(".part")].map((element) => ({
  element,
  title: [...element.querySelectorAll("h1, h2, h3, .path")].map(textOf).join(" "),
  text: textOf(element),
  rows: [...element.querySelectorAll("tbody tr")].map((row) => ({ row, text: textOf(row) })),
}));

const groups = [...document.querySelectorAll(".group")];
const links = [...document.querySelectorAll("nav a")];

// A part is shown whole where its title or its prose matches; otherwise with those rows that do.
function filter() {
  const words = query.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fits = (text) => words.every((word) => text.includes(word));
  let count = 0;
  for (const part of parts) {
    const matching = fits(part.title) ? part.rows : part.rows.filter(({ text }) => fits(text));
    const whole = matching.length === 0 && fits(part.text);
    part.element.hidden = !whole && !matching.length && !fits(part.title);
    for (const row of part.rows) {
      row.row.hidden = !whole && !matching.includes(row);
    }
    count += part.element.hidden ? 0 : 1;
  }
  for (const group of groups) {
    group.hidden = ![...group.querySelectorAll(".part")].some((part) => !part.hidden);
  }
  for (const link of links) {
    const target = document.getElementById(link.hash.slice(1));
    link.parentElement.hidden = Boolean(target && target.hidden);
  }
  for (const table of document.querySelectorAll("table")) {
    table.hidden = ![...table.querySelectorAll("tbody tr")].some((row) => !row.hidden);
  }
  document.body.classList.toggle("searching", words.length > 0);
  found.textContent = words.length === 0 ? "" : count === 1 ? "1 section" : `${count} sections`;
}

query.addEventListener("input", filter);
query.addEventListener("keydown", (event) => {
  if (event.key === "Escape") {
    query.value = "";
    filter();
  }
});
document.addEventListener("keydown", (event) => {
  const typing = event.target instanceof Element && event.target.closest("input, textarea, select");
  if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    query.focus();
    query.select();
  }
});
// A link to what the search has hidden ends the search.
document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[href*='#']") : null;
  const target = link && document.getElementById(link.hash.slice(1));
  if (target && target.closest("[hidden]")) {
    query.value = "";
    filter();
  }
});
// What the browser has kept of the last visit would hide what a link leads to.
query.value = "";
search.hidden = false;

async function copy(button, code) {
  try {
    await navigator.clipboard.writeText(code.textContent);
    button.textContent = "Copied";
  } catch {
    // Without https the clipboard is closed: the text is selected instead.
    getSelection().selectAllChildren(code);
    button.textContent = "Selected";
  }
  setTimeout(() => {
    button.textContent = "Copy";
  }, 2000);
}

// Sends a request of an example, as the reader has changed it. The token stays in this page.
let token = "";

async function send(path, form) {
  const [key, body, answer] = ["key", "body", "answer"].map((name) => form.querySelector(`.${name}`));
  token = key.value.trim();
  for (const other of document.querySelectorAll(".trial .key")) {
    other.value = token;
  }
  answer.textContent = "…";
  try {
    const response = await fetch(path, { method: "POST", headers: { "Access-Token": token }, body: body.value });
    const text = await response.text();
    let shown = text;
    try {
      shown = JSON.stringify(JSON.parse(text), null, 2);
    } catch {
      // What is no JSON is shown as it came.
    }
    answer.textContent = `${response.status}\n${shown}`;
  } catch {
    answer.textContent = "The server did not answer.";
  }
}

function field(form, label, element, name) {
  const id = `${name}-${document.querySelectorAll(".trial").length}`;
  const text = document.createElement("label");
  text.textContent = label;
  text.htmlFor = id;
  element.id = id;
  element.className = name;
  form.append(text, element);
}

function trial(frame) {
  const details = document.createElement("details");
  details.className = "trial";
  const summary = document.createElement("summary");
  summary.textContent = "Try it";
  details.append(summary);
  // The fields are made when they are asked for.
  details.addEventListener("toggle", () => {
    if (details.querySelector("form")) {
      return;
    }
    const form = document.createElement("form");
    const key = document.createElement("input");
    key.type = "password";
    // Browsers fill a saved password in where it is merely off.
    key.autocomplete = "new-password";
    key.required = true;
    key.value = token;
    const body = document.createElement("textarea");
    body.rows = Math.min(16, frame.dataset.body.split("\n").length + 1);
    body.spellcheck = false;
    body.value = frame.dataset.body;
    field(form, "API key", key, "key");
    field(form, "Body", body, "body");
    const button = document.createElement("button");
    button.textContent = "Send";
    const answer = document.createElement("pre");
    answer.className = "answer";
    answer.tabIndex = 0;
    answer.setAttribute("role", "status");
    answer.setAttribute("aria-label", "Answer of the server");
    form.append(button, answer);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(frame.dataset.path, form);
    });
    details.append(form);
  });
  frame.append(details);
}

for (const frame of document.querySelectorAll(".try")) {
  trial(frame);
}

for (const frame of document.querySelectorAll(".code")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", () => copy(button, frame.querySelector("code")));
  frame.append(button);
}
