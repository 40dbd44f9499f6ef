// The box in which a slash command, or a message, is typed: a picker, a field for each option,
// suggestions; in the language of the person's Discord.

import { post } from "./api.js";
import { element } from "./dom.js";

const SUBCOMMAND = 1;
const GROUP = 2;
const STRING = 3;
const NUMBERS = [4, 10];
const BOOLEAN = 5;
const USER = 6;
const MESSAGE_MENU = 3;
const SLASH = 1;
const SAY = ""; // picked instead of a command: a message
const MESSAGE = { options: [{ name: "text", type: STRING, required: true, description: "Message", max_length: 2000 }] };
const LONG = 200; // characters: what may be longer gets a line of its own
const FIRST = 2; // options shown at once, if none of them is required
const QUIET_MS = 120; // typing pauses this long before suggestions are asked for

const form = document.getElementById("box");
const picker = document.getElementById("command");
const options = document.getElementById("options");
const list = document.getElementById("suggestions");
const error = document.getElementById("box-error");
const send = document.getElementById("send");
const example = document.getElementById("example");
const where = document.getElementById("where");
const hint = document.getElementById("command-description");
let known = "";
let leaves = new Map(); // "draft" or "daily set" -> what can be called
let context = {};

// `who` tells whose box it is: user(), people(), locale(), mastodon(). `onsend` is given the command
// ("" for a message), its options, and "guild" or "dm".
export function startBox(who, onsend) {
  context = who;
  picker.addEventListener("change", showOptions);
  example.addEventListener("click", showExample);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    hideSuggestions();
    if (!send.disabled) void submit(onsend);
  });
  options.addEventListener("focusin", ({ target: { name, title } }) => tell(name && `${name}: ${title}`));
  form.addEventListener("focusout", (event) => {
    if (!options.contains(event.relatedTarget)) tell();
    if (!form.contains(event.relatedTarget)) hideSuggestions();
  });
}

export function showCommands(commands, isReady) {
  send.disabled = picker.disabled = example.disabled = !isReady || !commands.length;
  const text = JSON.stringify([context.locale(), commands]);
  if (text === known) return;
  known = text;
  const slash = commands.filter((command) => command.type === SLASH);
  leaves = new Map(slash.flatMap((command) => callable(command, command.name, `/${local(command, "name")}`)));
  const before = picker.value;
  const names = [...leaves].map(([name, { title }]) => element("option", { value: name }, title));
  picker.replaceChildren(...names, element("option", { value: SAY }, "Message"));
  leaves.set(SAY, { leaf: MESSAGE });
  picker.value = [before || "draft", "draft", [...leaves.keys()][0]].find((name) => leaves.has(name));
  showOptions();
}

// The commands for a message, named as the person reads them.
export function messageMenus(commands) {
  return commands.filter((command) => command.type === MESSAGE_MENU).map((command) => [local(command, "name"), command]);
}

// A name or description in the language of the person's Discord.
function local(thing, key) {
  return thing[`${key}_localizations`]?.[context.locale()] ?? thing[key];
}

function callable(command, name, title) {
  const parts = (command.options ?? []).filter((o) => o.type === SUBCOMMAND || o.type === GROUP);
  if (!parts.length) return [[name, { leaf: command, title }]];
  return parts.flatMap((part) => callable(part, `${name} ${part.name}`, `${title} ${local(part, "name")}`));
}

function showOptions() {
  const { leaf } = leaves.get(picker.value) ?? {};
  const fields = leaf?.options ?? [];
  const required = fields.filter((option) => option.required);
  const first = required.length ? required : fields.slice(0, FIRST);
  const others = fields.filter((option) => !first.includes(option));
  tell();
  options.replaceChildren(...first.map(field), ...(others.length ? [more(others)] : []));
  hideSuggestions();
  error.hidden = true;
}

// What the option in hand is for, as its placeholder has little room; or else the command.
function tell(about) {
  const { leaf } = leaves.get(picker.value) ?? {};
  hint.textContent = about || (leaf ? (local(leaf, "description") ?? "") : "");
}

function more(optional) {
  const summary = element("summary", {}, `+${optional.length} optional`);
  return element("details", { class: "more" }, summary, element("div", { class: "options" }, optional.map(field)));
}

// Fills in /draft as the example says, for the person to send.
function showExample() {
  if (!leaves.has("draft")) return;
  picker.value = "draft";
  showOptions();
  for (const [name, text] of Object.entries(example.dataset)) options.querySelector(`[name="${name}"]`).value = text;
  send.focus();
}

function field(option) {
  const name = element("span", {}, local(option, "name"));
  const long = option.max_length > LONG ? " long" : "";
  return element("label", { class: `field type-${option.type}${long}` }, name, input(option));
}

function input(option) {
  const about = {
    id: option.name === "topic" ? "topic" : `option-${option.name}`,
    name: option.name,
    title: local(option, "description"),
    required: option.required,
  };
  if (option.choices?.length) return choice(about, option, option.choices.map((c) => [c.value, local(c, "name")]));
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
    placeholder: local(option, "description"),
    disabled: option.type !== STRING,
    value: option.name === "instance" ? context.mastodon() : null,
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
    await onsend(picker.value, values(), where.value);
    showOptions();
    options.querySelector("input, select")?.focus();
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
