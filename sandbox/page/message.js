// A Discord message as the person sees it: text, embeds, buttons, reactions, ephemeral marks.

import { avatar, element, link, time } from "./dom.js";
import { markdown } from "./markdown.js";

const EPHEMERAL = 1 << 6;
const LOADING = 1 << 7;
const STYLES = { 1: "primary", 2: "secondary", 3: "success", 4: "danger", 5: "link" };
const MENU_ANSWER = 23;
const PALETTE = ["1️⃣", "2️⃣", "3️⃣", "4️⃣", "✏️", "🔁", "💬", "⏰", "➕", "❌", "↩️", "👍", "❤️"];

// `acts` is what a person can do: react(message, emoji, remove), click(message, id, values), hide,
// menu(message, command); menus() are the commands for a message.
export function messageView(message, names, acts) {
  const isEphemeral = Boolean(message.flags & EPHEMERAL);
  return element(
    "li",
    { class: `message${isEphemeral ? " ephemeral" : ""}` },
    usedCommand(message),
    avatar(message.author.username),
    element(
      "div",
      { class: "body" },
      element(
        "p",
        { class: "byline" },
        element("span", { class: "author" }, message.author.global_name ?? message.author.username),
        message.author.bot ? element("span", { class: "tag" }, "APP") : null,
        time(message.timestamp),
      ),
      content(message, names),
      message.embeds.map((embed) => embedView(embed, names)),
      message.attachments.map(fileView),
      message.components.map((row) => rowView(row, message, acts)),
      reactions(message, isEphemeral, acts),
      isEphemeral ? onlyYou(message, acts) : null,
    ),
    isEphemeral ? null : appsView(message, acts),
  );
}

// Discord's "Apps" in the menu of a message; what is offered is looked up when it opens.
function appsView(message, acts) {
  const list = element("div", {});
  const view = element(
    "details",
    { class: "apps", ontoggle: () => view.open && list.replaceChildren(...offered()) },
    element("summary", { "aria-label": "Apps for this message", title: "Apps", "data-key": "apps" }, "⋯"),
    list,
  );
  const use = (command) => {
    view.open = false;
    acts.menu(message, command.name);
  };
  const offered = () => [
    element("p", { class: "hint" }, "Apps"),
    ...acts.menus().map(([label, command]) => element("button", { type: "button", onclick: () => use(command) }, label)),
  ];
  return view;
}

// An attachment lies with the sandbox, whatever name it is reached by.
function fileView(file) {
  const { pathname } = new URL(file.url);
  const size = file.size < 1024 ? `${file.size} bytes` : `${(file.size / 1024).toFixed(1)} KB`;
  return element(
    "p",
    { class: "file" },
    element("span", { "aria-hidden": "true" }, "📄"),
    element("a", { href: pathname, download: file.filename }, file.filename),
    element("span", { class: "hint" }, size),
  );
}

function usedCommand(message) {
  const how = message.interaction_metadata;
  if (!how?.name) return null;
  const who = how.user.global_name ?? how.user.username;
  const name = message.type === MENU_ANSWER ? how.name : `/${how.name}`;
  return element("p", { class: "used" }, `↱ ${who} used `, element("b", {}, name));
}

function content(message, names) {
  if (message.flags & LOADING) {
    const dots = element("span", { class: "dots", "aria-hidden": "true" });
    return element("p", { class: "thinking" }, dots, `${message.author.username} is thinking…`);
  }
  if (!message.content) return null;
  const edited = message.edited_timestamp && !message.interaction_metadata;
  const mark = edited ? element("span", { class: "edited" }, "(edited)") : null;
  return element("div", { class: "content" }, markdown(message.content, names), mark);
}

function embedView(embed, names) {
  const title = embed.title && [markdown(embed.title, names)].flat();
  const view = element(
    "article",
    { class: "embed" },
    embed.author ? element("p", { class: "embed-author" }, embed.author.name) : null,
    title ? element("h2", {}, embed.url ? link(embed.url, ...title) : title) : null,
    embed.description ? element("div", { class: "content" }, markdown(embed.description, names)) : null,
    embed.fields?.length ? element("dl", {}, embed.fields.map((f) => fieldView(f, names))) : null,
    embed.footer ? element("p", { class: "embed-footer" }, embed.footer.text) : null,
  );
  if (embed.color) view.style.borderLeftColor = `#${embed.color.toString(16).padStart(6, "0")}`;
  return view;
}

function fieldView(field, names) {
  return element(
    "div",
    { class: field.inline ? "inline" : "" },
    element("dt", {}, markdown(field.name, names)),
    element("dd", {}, markdown(field.value, names)),
  );
}

function rowView(row, message, acts) {
  return element(
    "div",
    { class: "row" },
    (row.components ?? []).flatMap((part) =>
      part.type === 2 ? buttonView(part, message, acts) : menuView(part, message, acts),
    ),
  );
}

function buttonView(button, message, acts) {
  const label = [button.emoji ? `${button.emoji.name} ` : "", button.label ?? ""].join("").trim();
  const looks = `button ${STYLES[button.style] ?? "secondary"}`;
  if (button.style === 5) {
    const made = link(button.url, label, " ↗");
    made.className = looks;
    return made;
  }
  return element(
    "button",
    {
      type: "button",
      class: looks,
      disabled: button.disabled,
      "data-custom-id": button.custom_id,
      "data-key": `button ${button.custom_id}`,
      onclick: (event) => acts.click(message, button.custom_id, undefined, event.currentTarget),
    },
    label,
  );
}

function menuView(menu, message, acts) {
  const isMultiple = (menu.max_values ?? 1) > 1;
  const about = {
    "data-custom-id": menu.custom_id,
    "data-key": `menu ${menu.custom_id}`,
    disabled: menu.disabled,
    "aria-label": menu.placeholder ?? "Choose",
  };
  const chosen = (list) => [...list.selectedOptions].map((option) => option.value);
  const send = (list) => acts.click(message, menu.custom_id, chosen(list), list);
  const items = (menu.options ?? []).map((o) =>
    element("option", { value: o.value, selected: o.default, title: o.description }, o.label),
  );
  if (!isMultiple) {
    const none = element("option", { value: "", disabled: true, selected: true }, menu.placeholder ?? "Choose");
    return element("select", { ...about, onchange: (event) => send(event.target) }, none, items);
  }
  const list = element("select", { ...about, multiple: true, size: Math.min(items.length, 5) }, items);
  const done = { type: "button", class: "button secondary", onclick: () => send(list) };
  return [list, element("button", done, "Choose")];
}

function reactions(message, isEphemeral, acts) {
  if (isEphemeral || message.flags & LOADING) return null;
  const pills = (message.reactions ?? []).map(({ emoji, count, me }) =>
    element(
      "button",
      {
        type: "button",
        class: "reaction",
        "data-emoji": emoji.name,
        "data-key": `reaction ${emoji.name}`,
        "aria-pressed": String(me),
        "aria-label": `${emoji.name}, ${count}, ${me ? "take yours back" : "react too"}`,
        onclick: () => acts.react(message, emoji.name, me),
      },
      element("span", { "aria-hidden": "true" }, emoji.name),
      element("span", { class: "count", "aria-hidden": "true" }, String(count)),
    ),
  );
  const mine = new Set((message.reactions ?? []).filter((r) => r.me).map((r) => r.emoji.name));
  const palette = element(
    "details",
    { class: "palette" },
    element("summary", { "aria-label": "Add a reaction", "data-key": "palette" }, "☺+"),
    element(
      "div",
      {},
      PALETTE.filter((emoji) => !mine.has(emoji)).map((emoji) =>
        element(
          "button",
          { type: "button", "aria-label": `React with ${emoji}`, onclick: () => acts.react(message, emoji, false) },
          emoji,
        ),
      ),
    ),
  );
  return element("div", { class: "reactions" }, pills, palette);
}

function onlyYou(message, acts) {
  const hide = element("button", { type: "button", class: "plain", onclick: () => acts.hide(message) }, "Dismiss");
  return element("p", { class: "only-you" }, "👁 Only you can see this · ", hide);
}
