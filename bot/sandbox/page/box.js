// The box in which a slash command is typed: a picker, a field for each option, suggestions.

import { post } from "./api.js";
import { element } from "./dom.js";

const SUBCOMMAND = 1;
const GROUP = 2;
const STRING = 3;
const NUMBERS = [4, 10];
const BOOLEAN = 5;
const USER = 6;
const QUIET_MS = 120; // typing pauses this long before suggestions are asked for

const form = document.getElementById("box");
const picker = document.getElementById("command");
const options = document.getElementById("options");
const list = document.getElementById("suggestions");
const error = document.getElementById("box-error");
const send = document.getElementById("send");
let known = "";
let leaves = new Map(); // "draft" or "daily set" -> what can be called
let context = { user: () => "", people: () => [] };

// `who` tells whose box it is; `onsend` is given the command and its options.
export function startBox(who, onsend) {
  context = who;
  picker.addEventListener("change", showOptions);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    hideSuggestions();
    if (!send.disabled) void submit(onsend);
  });
  form.addEventListener("focusout", (event) => {
    if (!form.contains(event.relatedTarget)) hideSuggestions();
  });
}

export function showCommands(commands, isReady) {
  send.disabled = picker.disabled = !isReady || !commands.length;
  const text = JSON.stringify(commands);
  if (text === known) return;
  known = text;
  const slash = commands.filter((command) => command.type === 1);
  leaves = new Map(slash.flatMap((command) => callable(command, command.name)));
  const before = picker.value;
  picker.replaceChildren(...[...leaves.keys()].map((name) => element("option", { value: name }, `/${name}`)));
  picker.value = [before, "draft", [...leaves.keys()][0]].find((name) => leaves.has(name)) ?? "";
  showOptions();
}

function callable(command, name) {
  const parts = (command.options ?? []).filter((o) => o.type === SUBCOMMAND || o.type === GROUP);
  if (!parts.length) return [[name, command]];
  return parts.flatMap((part) => callable(part, `${name} ${part.name}`));
}

function showOptions() {
  const chosen = leaves.get(picker.value);
  document.getElementById("command-description").textContent = chosen?.description ?? "";
  options.replaceChildren(...(chosen?.options ?? []).map(field));
  hideSuggestions();
  error.hidden = true;
}

function field(option) {
  const label = option.name + (option.required ? "" : " (optional)");
  return element("label", { class: `field type-${option.type}` }, element("span", {}, label), input(option));
}

function input(option) {
  const about = {
    id: option.name === "topic" ? "topic" : `option-${option.name}`,
    name: option.name,
    title: option.description,
    required: option.required,
  };
  if (option.choices?.length) return choice(about, option, option.choices.map((c) => [c.value, c.name]));
  if (option.type === BOOLEAN) return choice(about, option, [["true", "yes"], ["false", "no"]]);
  if (option.type === USER) return choice(about, option, context.people().map((p) => [p.id, p.global_name]));
  if (NUMBERS.includes(option.type)) {
    const step = option.type === 4 ? 1 : "any";
    return element("input", { ...about, type: "number", min: option.min_value, max: option.max_value, step });
  }
  const made = element("input", {
    ...about,
    type: "text",
    maxlength: option.max_length ?? 6000,
    placeholder: option.description,
    disabled: option.type !== STRING,
  });
  return option.autocomplete ? suggesting(made) : made;
}

function choice(about, option, pairs) {
  const none = option.required ? [] : [element("option", { value: "" }, "—")];
  return element("select", about, none, pairs.map(([value, name]) => element("option", { value }, name)));
}

function values() {
  const filled = [...options.querySelectorAll("input, select")].filter((field) => field.value !== "");
  return Object.fromEntries(filled.map((field) => [field.name, field.value]));
}

async function submit(onsend) {
  error.hidden = true;
  try {
    await onsend(picker.value, values());
    for (const field of options.querySelectorAll("input")) field.value = "";
    options.querySelector("input, select")?.focus();
    hideSuggestions();
  } catch (problem) {
    error.textContent = problem.message;
    error.hidden = false;
  }
}

// Suggestions: a listbox above the field, walked with the arrow keys, as ARIA's combobox has it.

let timer = 0;
let asked = 0;

function suggesting(field) {
  for (const [name, value] of Object.entries({
    role: "combobox",
    "aria-expanded": "false",
    "aria-controls": "suggestions",
    "aria-autocomplete": "list",
  })) {
    field.setAttribute(name, value);
  }
  const ask = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void suggest(field), QUIET_MS);
  };
  field.addEventListener("input", ask);
  field.addEventListener("keydown", (event) => walk(event, field));
  return field;
}

async function suggest(field) {
  const turn = ++asked;
  const { [field.name]: value = "", ...others } = values();
  const request = { user: context.user(), command: picker.value, option: field.name, value, options: others };
  const found = await post("autocomplete", request).catch(() => ({ choices: [] }));
  if (turn !== asked || document.activeElement !== field || field.value !== value) return;
  list.replaceChildren(...found.choices.map((item, i) => suggestion(item, i, field)));
  list.hidden = !found.choices.length;
  field.setAttribute("aria-expanded", String(!list.hidden));
  field.removeAttribute("aria-activedescendant");
}

function suggestion(item, i, field) {
  const take = (event) => {
    event.preventDefault();
    field.value = item.value;
    hideSuggestions();
    field.focus();
  };
  const about = { id: `suggestion-${i}`, role: "option", "aria-selected": "false", onmousedown: take };
  return element("li", about, String(item.name));
}

function walk(event, field) {
  const items = [...list.children];
  const at = items.findIndex((item) => item.getAttribute("aria-selected") === "true");
  if (list.hidden || !["ArrowDown", "ArrowUp", "Enter", "Tab", "Escape"].includes(event.key)) return;
  if (event.key === "Escape") hideSuggestions();
  else if (event.key.startsWith("Arrow")) {
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = items[(at + step + items.length + (at < 0 && step < 0 ? 1 : 0)) % items.length];
    items.forEach((item) => item.setAttribute("aria-selected", String(item === next)));
    field.setAttribute("aria-activedescendant", next.id);
    next.scrollIntoView({ block: "nearest" });
  } else if (at >= 0) items[at].dispatchEvent(new MouseEvent("mousedown", { cancelable: true }));
  else return; // Enter with nothing chosen sends what is typed
  event.preventDefault();
}

function hideSuggestions() {
  clearTimeout(timer);
  asked += 1;
  list.hidden = true;
  options.querySelector("[aria-expanded]")?.setAttribute("aria-expanded", "false");
}
