// Buttons that copy, and dialogs that can do without. Every page is whole without this.
"use strict";

// What is put into a region that is there already, a screen reader tells.
function tell(region, text) {
  if (region && region.textContent !== text) {
    region.textContent = text;
  }
}

async function copy(button) {
  const label = button.firstChild;
  const before = label.textContent;
  if (button.dataset.told) {
    return;
  }
  button.dataset.told = "yes";
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    label.textContent = document.body.dataset.copied;
  } catch {
    // Without https the clipboard is closed: the text is selected instead.
    getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    label.textContent = document.body.dataset.selected;
  }
  tell(document.getElementById("told"), label.textContent);
  setTimeout(() => {
    label.textContent = before;
    delete button.dataset.told;
    tell(document.getElementById("told"), "");
  }, 2000);
}

// What htmx puts into the page later has its buttons too.
function wake(root) {
  for (const hidden of root.querySelectorAll("button.copy[hidden], input[data-tick-all][hidden]")) {
    hidden.hidden = false;
  }
}

document.addEventListener("click", (event) => {
  const button = event.target instanceof Element ? event.target.closest("button.copy") : null;
  if (button) {
    copy(button);
  }
});
document.addEventListener("htmx:load", (event) => wake(event.detail.elt));

// Of what is replaced, one part is told: that which a region names that stays.
document.addEventListener("htmx:afterSettle", () => {
  for (const region of document.querySelectorAll("[data-live]")) {
    const part = document.querySelector(region.dataset.live);
    tell(region, part ? part.textContent.trim() : "");
  }
});
wake(document);

// The server writes times in UTC. Here they become times of the reader's zone, and "(UTC)" beside them its name.
const zoneName = (date) =>
  new Intl.DateTimeFormat(document.documentElement.lang, { timeZoneName: "short" })
    .formatToParts(date)
    .find((part) => part.type === "timeZoneName").value;

// The parts of a local time as the server writes those of UTC: 2026-01-31T14:00:00.
function localText(date) {
  const two = (number) => String(number).padStart(2, "0");
  const day = [String(date.getFullYear()).padStart(4, "0"), two(date.getMonth() + 1), two(date.getDate())];
  return `${day.join("-")}T${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":")}`;
}

// Puts the zone's name into the words of an element.
function rename(element, zone) {
  const words = element ? document.createTreeWalker(element, NodeFilter.SHOW_TEXT) : null;
  while (words?.nextNode()) {
    words.currentNode.data = words.currentNode.data.replace("(UTC)", `(${zone})`);
  }
}

function localize(root) {
  const form = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d)(:\d\d)?( UTC)?$/;
  const shown = [...root.querySelectorAll(".date, time"), ...(root.matches?.(".date, time") ? [root] : [])];
  for (const element of shown.filter((one) => !one.dataset.local)) {
    const found = form.exec(element.textContent.trim());
    if (!found) {
      continue;
    }
    const [text, day, minute, second = "", utc] = found;
    const date = new Date(`${day}T${minute}${second}Z`);
    const zone = zoneName(date);
    const local = localText(date).replace("T", " ").slice(0, second ? 19 : 16);
    // A time that is a link stays one.
    const place = element.querySelector(":scope > a") ?? element;
    place.textContent = utc ? `${local} ${zone}` : local;
    element.title = utc ? text : `${text} UTC`;
    element.dataset.local = "yes";
    // A time without its zone has it in the words beside it.
    const cell = utc ? null : element.closest("dd, td, th");
    if (cell?.dataset.label) {
      cell.dataset.label = cell.dataset.label.replace("(UTC)", `(${zone})`);
    }
    if (cell?.matches("dd")) {
      rename(cell.previousElementSibling, zone);
    } else if (cell) {
      rename(cell.closest("table").tHead?.rows[0]?.cells[cell.cellIndex], zone);
    }
  }
}

// What begins at a full day has the day below the chart, all else the time.
function localizeCharts() {
  for (const label of document.querySelectorAll("text[data-begins]")) {
    const local = localText(new Date(`${label.dataset.begins.replace(" ", "T")}Z`));
    label.textContent = label.textContent.includes(":") ? local.slice(11, 16) : local.slice(5, 10);
  }
}

// A picker shows local time as well. What is sent stays UTC, so that an address means the same for every reader.
function localizePickers(root) {
  for (const picker of root.querySelectorAll('input[type="datetime-local"]:not([data-local])')) {
    picker.dataset.local = "yes";
    // A browser that restores a form restores local time: only the attribute is the server's.
    const utc = picker.defaultValue;
    const date = utc ? new Date(`${utc}Z`) : new Date();
    picker.value = utc ? localText(date) : "";
    for (const label of picker.labels) {
      rename(label, zoneName(date));
    }
    picker.form.addEventListener("formdata", (event) => {
      const time = new Date(picker.value);
      if (!Number.isNaN(time.getTime())) {
        event.formData.set(picker.name, time.toISOString().slice(0, 19));
      }
    });
  }
}
document.addEventListener("htmx:load", (event) => {
  localize(event.detail.elt);
  localizePickers(event.detail.elt);
});
localize(document);
localizePickers(document);
localizeCharts();

// What was typed into a contact outlives the session and a lost connection: this tab has it until it is saved.
function fieldsOf(form) {
  const own = (field) => field.name && !field.name.includes(".") && field.name !== "csrf";
  return Array.from(form.elements).filter(own);
}

function keep(form) {
  const value = (field) => (field.type === "checkbox" ? field.checked : field.value);
  const draft = fieldsOf(form).map((field) => [field.name, value(field)]);
  sessionStorage.setItem(`draft ${form.getAttribute("action")}`, JSON.stringify(draft));
}

function restore(form) {
  const key = `draft ${form.getAttribute("action")}`;
  const draft = sessionStorage.getItem(key);
  sessionStorage.removeItem(key);
  // The server has answered: it saved the form, or shows it with what is wrong.
  if (!draft || new URLSearchParams(location.search).has("done") || document.querySelector("form.edit .error")) {
    return;
  }
  const values = new Map(JSON.parse(draft));
  for (const field of fieldsOf(form).filter((field) => values.has(field.name))) {
    if (field.type === "checkbox") {
      field.checked = values.get(field.name);
    } else {
      field.value = values.get(field.name);
    }
  }
  document.getElementById("draft").hidden = false;
}

for (const form of document.querySelectorAll("form.edit[method=post]")) {
  form.addEventListener("submit", () => keep(form));
  restore(form);
}
for (const form of document.querySelectorAll('form[action="/sign-out"]')) {
  form.addEventListener("submit", () => sessionStorage.clear());
}

// A page that asks the server by itself must not look alive if there is no answer. A proxy may answer in its place.
function connection(isLost) {
  const lost = document.getElementById("lost");
  if (lost) {
    lost.hidden = !isLost;
  }
}
document.addEventListener("htmx:sendError", () => connection(true));
document.addEventListener("htmx:timeout", () => connection(true));
document.addEventListener("htmx:afterRequest", (event) => {
  const status = event.detail.xhr.status;
  // Without an answer it is 0, as of a request that another one has replaced.
  if (status > 0) {
    connection(status >= 502 && status <= 504);
  }
});

// Ctrl K, or / outside of fields, leads to the search box: of this page, or of all contacts.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof Element && event.target.closest("input, textarea, select");
  const isShortcut = event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey;
  const isSlash = event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (!isShortcut && !isSlash) {
    return;
  }
  event.preventDefault();
  const box = document.querySelector("[data-search]");
  if (box) {
    box.focus();
    box.select();
  } else {
    location.assign("/contacts");
  }
});

// On the page of a contact, j and k lead to the next and the previous one.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target instanceof Element && event.target.closest("input, textarea, select");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) {
    return;
  }
  const link = document.querySelector(`.beside a[aria-keyshortcuts="${CSS.escape(event.key)}"]`);
  if (link) {
    link.click();
  }
});

// The box at the top of a column ticks all boxes of that name below it.
document.addEventListener("change", (event) => {
  const box = event.target;
  if (box instanceof HTMLInputElement && box.dataset.tickAll) {
    for (const other of document.querySelectorAll(`input[type="checkbox"][name="${box.dataset.tickAll}"]`)) {
      other.checked = box.checked;
    }
  }
});

// The bar above the table says how many of its boxes are ticked.
document.addEventListener("change", () => {
  for (const output of document.querySelectorAll("output[data-ticked]")) {
    const name = output.dataset.ticked;
    const count = document.querySelectorAll(`input[type="checkbox"][name="${name}"]:checked`).length;
    output.hidden = count === 0;
    output.textContent = count === 0 ? "" : count.toLocaleString(document.documentElement.lang);
  }
});

// The browser knows what languages are called; without it their codes are shown.
function nameLanguages(root) {
  const names = new Intl.DisplayNames([document.documentElement.lang], { type: "language" });
  for (const option of root.querySelectorAll("select[data-languages] option")) {
    const code = option.value;
    if (code) {
      option.value = code;
      option.textContent = `${names.of(code)} (${code})`;
    }
  }
}
nameLanguages(document);
