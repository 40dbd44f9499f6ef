// The page: who you are, and what you then see. It looks again whenever the sandbox says so.

import { get, post } from "./api.js";
import { messageMenus, showCommands, startBox } from "./box.js";
import { avatar, element, keep } from "./dom.js";
import { messageView } from "./message.js";
import { openModal } from "./modal.js";
import { tellMoments } from "./moments.js";
import { statusView, threaded } from "./timeline.js";

const ANSWER_MS = 3200; // Discord waits three seconds for a bot's first answer
const LOOK_MS = 150;

const panels = Object.fromEntries(
  ["channel", "dm", "timeline"].map((name) => [name, document.querySelector(`.panel.${name}`)]),
);
const people = document.getElementById("people");
const statusLine = document.getElementById("status");
const localeSwitch = document.getElementById("locale");
const instance = document.getElementById("instance");
const hidden = new Set(); // ephemeral answers that were dismissed
const notes = []; // what only this page says, e.g. that the bot did not answer
const seen = {}; // person -> id of the last DM they looked at
let state = { ready: false, users: [], mastodon: { url: "", accounts: [], bluesky: {} } };
let commands = [];
let account = ""; // whose posts are shown; "" for everybody's
let me = sessionStorage.getItem("person") ?? "alice";

// What a person does.

const acts = {
  react: (message, emoji, remove) => attempt(() => post("react", { user: me, message_id: message.id, emoji, remove })),
  click: (message, customId, values, control) => attempt(() => click(message, customId, values, control)),
  menu: (message, command) => attempt(() => useMenu(message, command)),
  menus: () => messageMenus(commands),
  hide: (message) => {
    hidden.add(message.id);
    void look();
  },
};

async function click(message, customId, values, control) {
  const was = control?.disabled;
  if (control) control.disabled = true;
  try {
    const body = { user: me, message_id: message.id, custom_id: customId, values };
    show(await post("click", body), message.channel_id);
  } finally {
    if (control) control.disabled = was;
  }
}

async function useCommand(command, options, where) {
  if (!command) return post("say", { user: me, text: options.text, channel: where });
  const channel = where === "dm" ? person().dm_channel_id : state.channel_id;
  const { interaction_id: id } = await post("slash", { user: me, command, options, channel: where });
  void follow(id, channel);
}

async function useMenu(message, command) {
  const { interaction_id: id } = await post("menu", { user: me, command, target: message.id });
  void follow(id, message.channel_id);
}

// Waits for the first answer: it may open a form, and it may never come.
async function follow(id, channel) {
  const end = Date.now() + ANSWER_MS;
  let about = await get(`interactions/${id}`);
  while (!about.answered && Date.now() < end) {
    await new Promise((done) => setTimeout(done, LOOK_MS));
    about = await get(`interactions/${id}`);
  }
  show(about, channel);
}

function show(about, channel) {
  const who = me;
  if (!about.answered) note("The application did not respond in time.", channel);
  if (!about.modal) return;
  openModal(about.modal, async (fields) => {
    const { interaction_id: id } = await post("submit", { user: who, interaction_id: about.interaction_id, fields });
    void follow(id, channel);
  });
}

async function attempt(act) {
  try {
    await act();
  } catch (problem) {
    note(problem.message, person()?.dm_channel_id);
  }
}

// A line that only this page shows, in the shape of a message.
function note(content, channel) {
  const author = { username: "Sandbox", global_name: "Sandbox", bot: false };
  const id = `note-${Date.now()}-${notes.length}`;
  const timestamp = new Date().toISOString();
  const empty = { embeds: [], components: [], attachments: [] };
  notes.push({ ...empty, id, author, content, channel_id: channel, timestamp, flags: 64, for: me });
  void look();
}

// What a person sees.

let isLooking = false;
let looksAgain = false;

async function look() {
  if (isLooking) {
    looksAgain = true;
    return;
  }
  isLooking = true;
  try {
    state = await get("state");
    const names = state.users.map((user) => user.name);
    if (!names.includes(me)) me = names[0];
    const [offered, timeline, ...all] = await Promise.all([
      get("commands"),
      get("timeline"),
      ...names.map((name) => get(`messages?user=${encodeURIComponent(name)}`)),
    ]);
    const messages = Object.fromEntries(names.map((name, i) => [name, all[i]]));
    commands = offered;
    showState();
    showCommands(commands, state.ready);
    showPeople(messages);
    showMessages(messages[me]);
    showTimeline(timeline);
    tellMoments(person().locale);
  } catch (problem) {
    statusLine.textContent = problem.message;
    statusLine.dataset.state = "away";
  }
  isLooking = false;
  if (looksAgain) {
    looksAgain = false;
    void look();
  }
}

function showState() {
  statusLine.textContent = state.ready ? `${state.bot.username} is online` : "The bot is starting…";
  statusLine.dataset.state = state.ready ? "online" : "away";
  document.getElementById("dm-name").textContent = `@ ${state.bot.username}`;
  localeSwitch.value = person().locale;
}

function person() {
  return state.users.find((user) => user.name === me);
}

function showPeople(messages) {
  for (const user of state.users) {
    const last = messages[user.name].findLast((m) => m.channel_id === user.dm_channel_id)?.id ?? "0";
    const isSeen = user.name === me && isShown("dm");
    seen[user.name] ??= last;
    if (isSeen) seen[user.name] = last;
    let button = people.querySelector(`[data-person="${CSS.escape(user.name)}"]`);
    if (!button) {
      button = element(
        "button",
        { type: "button", "data-person": user.name, onclick: () => become(user.name) },
        avatar(user.username),
        element("span", { class: "name" }, user.global_name),
        element("span", { class: "unread", hidden: true }, element("span", { class: "sr" }, "new messages")),
      );
      people.querySelector(".locale").before(button);
    }
    button.setAttribute("aria-pressed", String(user.name === me));
    button.querySelector(".unread").hidden = BigInt(last) <= BigInt(seen[user.name]);
    if (user.name === me) mark("dm", !button.querySelector(".unread").hidden);
  }
}

function showMessages(messages) {
  const names = Object.fromEntries([...state.users, state.bot].map((u) => [u.id, u.global_name ?? u.username]));
  const mine = notes.filter((n) => n.for === me);
  const all = [...messages, ...mine].filter((m) => !hidden.has(m.id));
  all.sort((a, b) => new Date(a.timestamp) - new Date(b.timestamp));
  const dm = person().dm_channel_id;
  fill(panels.channel, all.filter((m) => m.channel_id !== dm), (m) => messageView(m, names, acts));
  fill(panels.dm, all.filter((m) => m.channel_id === dm), (m) => messageView(m, names, acts));
}

let isTimelineOld = false;

function showTimeline(statuses) {
  showAccounts();
  const isNew = fill(panels.timeline, threaded(statuses, account), statusView);
  if (isNew && isTimelineOld) mark("timeline", !isShown("timeline"));
  if (isNew) pointAtLinked();
  isTimelineOld = true;
}

function showAccounts() {
  const { url, accounts, bluesky } = state.mastodon;
  const handles = Object.keys(bluesky);
  const keys = handles.slice(1).map((handle) => element("div", {}, `To connect: ${handle}, app password `, element("b", {}, bluesky[handle])));
  if (!instance.children.length) instance.append(...(url ? [element("div", {}, `Mastodon: ${url}`)] : []), ...keys);
  const list = document.getElementById("accounts");
  if (list.children.length) return;
  const choose = (name) => {
    account = name;
    for (const button of list.children) button.setAttribute("aria-pressed", String(button.dataset.account === name));
    void look();
  };
  const names = [["", "All"], ...[...accounts, ...handles].map((name) => [name, `@${name}`])];
  list.append(
    ...names.map(([name, label]) => {
      const about = { type: "button", "data-account": name, "aria-pressed": String(name === account) };
      return element("button", { ...about, onclick: () => choose(name) }, label);
    }),
  );
}

function fill(panel, items, build) {
  panel.querySelector(".empty").hidden = items.length > 0;
  return keep(panel.querySelector("ol"), items, (item) => item.id, build);
}

// Links within this Discord, and to what is posted, lead to places on this page.
function stay(event) {
  const target = event.target.closest("a[href]");
  const inDiscord = /^https:\/\/discord\.com\/channels\/[^/]+\/\d+\/(\d+)$/.exec(target?.href ?? "");
  const posted = /^\/@[^/]+\/(\d+)$/.exec(target?.origin === location.origin ? target.pathname : "");
  if (!inDiscord && !posted) return;
  event.preventDefault();
  if (posted) {
    choosePosted(posted[1]);
    return;
  }
  const message = document.querySelector(`.message[data-id="${inDiscord[1]}"]`);
  if (!message) return;
  showPanel(message.closest(".panel.dm") ? "dm" : "channel");
  point(message);
}

function choosePosted(id) {
  history.replaceState(null, "", `#status-${id}`);
  pointAtLinked();
}

function point(item) {
  item.scrollIntoView({ block: "center" });
  item.classList.remove("linked");
  void item.offsetWidth; // so that it lights up once more
  item.classList.add("linked");
}

// A status's link leads here: /#status-ID.
function pointAtLinked() {
  const linked = location.hash.startsWith("#status-") && document.getElementById(location.hash.slice(1));
  if (!linked) return;
  showPanel("timeline");
  point(linked);
}

function become(name) {
  me = name;
  sessionStorage.setItem("person", name);
  void look();
}

// On a small screen one panel is shown at a time.

const tabs = [...document.querySelectorAll(".tabs button")];

function isShown(name) {
  return panels[name].offsetParent !== null;
}

function mark(name, isUnread) {
  tabs.find((tab) => tab.dataset.panel === name).classList.toggle("has-unread", isUnread);
}

function showPanel(name) {
  document.body.dataset.panel = name;
  for (const tab of tabs) tab.setAttribute("aria-pressed", String(tab.dataset.panel === name));
  mark(name, false);
  const list = panels[name].querySelector("ol");
  if (name !== "timeline") list.scrollTop = list.scrollHeight;
  void look();
}

for (const tab of tabs) tab.addEventListener("click", () => showPanel(tab.dataset.panel));
addEventListener("hashchange", pointAtLinked);
addEventListener("click", stay);
localeSwitch.addEventListener("change", () => attempt(() => post("locale", { user: me, locale: localeSwitch.value })));
setInterval(() => person() && tellMoments(person().locale), 1000);
const who = { user: () => me, people: () => state.users, mastodon: () => state.mastodon.url };
startBox({ ...who, locale: () => person()?.locale }, useCommand);

const events = new EventSource("/sandbox/api/events"); // comes back by itself
events.addEventListener("message", () => void look());
events.addEventListener("error", () => {
  statusLine.textContent = "The sandbox does not answer. Is it still running?";
  statusLine.dataset.state = "away";
});
