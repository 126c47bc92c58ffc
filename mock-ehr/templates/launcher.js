// The launcher page is whole without this script: it only spares the user a way to the server and back.
"use strict";

const form = document.getElementById("launcher");
const find = document.getElementById("find");
const client = document.getElementById("client");
const fault = document.getElementById("fault");
const encounter = document.getElementById("encounter");
// Is everybody on this page? Else the server has to search.
const whole = form.dataset.whole === "true";
const told = document.getElementById("told");

// The list gets shorter while the user types. A row that is chosen stays.
function filter() {
  const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const row of form.querySelectorAll(".row[data-words]")) {
    const fits = words.every((word) => row.dataset.words.includes(word));
    row.hidden = !fits && !row.querySelector("input").checked;
    shown += row.hidden ? 0 : 1;
  }
  document.getElementById("found").textContent =
    words.length === 0 ? "" : shown === 0 ? "Nobody fits this search." : `${shown} shown`;
}

// Only the encounters of the chosen patient can be chosen.
function encounters() {
  const patient = new FormData(form).get("patient");
  for (const group of encounter.querySelectorAll("optgroup")) {
    group.hidden = group.disabled = group.dataset.patient !== patient;
  }
  const chosen = encounter.selectedOptions[0];
  if (chosen && chosen.parentElement.disabled) {
    encounter.value = "";
  }
}

function launchUrl() {
  const registered = client.selectedOptions[0]?.dataset.launchUrl;
  const field = document.getElementById("launch_url");
  field.placeholder = registered || "none is registered: type it in";
  field.required = !registered;
}

function explain() {
  const known = new Map([...document.querySelectorAll("#faults option")].map((one) => [one.value, one.textContent]));
  const items = fault.value.split(/[,;\s]+/).filter((name) => known.has(name)).map((name) => {
    const item = document.createElement("li");
    const code = document.createElement("code");
    code.textContent = name;
    item.append(code, ` ${known.get(name)}`);
    return item;
  });
  document.getElementById("explained").replaceChildren(...items);
}

// The links carry what is chosen now.
function links() {
  const chosen = new URLSearchParams();
  for (const [name, value] of new FormData(form)) {
    if (value !== "" && name !== "csrf" && name !== "find") {
      chosen.append(name, value);
    }
  }
  document.getElementById("launch-link").href = `/launch?${chosen}`;
  document.getElementById("page-link").href = `/?${chosen}`;
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    told.textContent = "Copied.";
  } catch {
    // Without leave for the clipboard the text is shown, to be copied by hand.
    told.textContent = text;
    getSelection().selectAllChildren(told);
  }
}

// The address of a standalone launch has a checksum, which the server makes.
async function tellBase() {
  const chosen = new FormData(form);
  const asked = { type: "standalone", faults: fault.value.split(/[,;\s]+/).filter(Boolean) };
  for (const name of ["client", "launch_url", "user", "patient", "encounter"]) {
    if (chosen.get(name)) {
      asked[name] = chosen.get(name);
    }
  }
  const headers = { "content-type": "application/json" };
  try {
    const answer = await fetch("/launches", { method: "POST", headers, body: JSON.stringify(asked) });
    const { iss, error } = await answer.json();
    document.getElementById("own-base").textContent = iss ?? error;
    if (iss) {
      await copy(iss);
    }
  } catch {
    told.textContent = "The server does not answer.";
  }
}

function update() {
  encounters();
  launchUrl();
  explain();
  links();
}

form.addEventListener("input", update);
if (whole) {
  find.addEventListener("input", filter);
  filter();
  document.getElementById("search").hidden = true;
}
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.target.tagName !== "INPUT") {
    return;
  }
  event.preventDefault();
  if (event.target !== find) {
    form.requestSubmit(document.getElementById("go"));
  } else if (!whole) {
    form.requestSubmit(document.getElementById("search"));
  }
});
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    const from = document.querySelector(button.dataset.copy);
    copy(from.href ?? from.textContent);
  });
}
const tell = document.getElementById("tell-base");
tell.hidden = false;
tell.addEventListener("click", tellBase);
form.addEventListener("input", () => document.getElementById("own-base").replaceChildren());
update();
// The chosen patient may stand far down in the list.
const chosen = form.querySelector(".row input:checked");
const list = form.querySelector(".rows");
list.scrollTop = Math.max(0, chosen.closest(".row").offsetTop - list.offsetTop - 80);
