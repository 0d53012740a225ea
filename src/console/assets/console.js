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
    label.textContent = "Copied";
  } catch {
    // Without https the clipboard is closed: the text is selected instead.
    getSelection().selectAllChildren(button.parentElement.querySelector("code"));
    label.textContent = "Selected";
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

// The box at the top of a column ticks all boxes of that name below it.
document.addEventListener("change", (event) => {
  const box = event.target;
  if (box instanceof HTMLInputElement && box.dataset.tickAll) {
    for (const other of document.querySelectorAll(`input[type="checkbox"][name="${box.dataset.tickAll}"]`)) {
      other.checked = box.checked;
    }
  }
});
