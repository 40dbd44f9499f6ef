// Statuses of Mastodon, and of Bluesky in their shape. Their content is HTML from another server: only text, breaks and links stay.

import { avatar, element, link, time } from "./dom.js";

const VISIBILITY = { public: "🌐 Public", unlisted: "🌙 Quiet public", private: "🔒 Followers", direct: "✉ Direct", bluesky: "🦋 Bluesky" };

// What is shown of one account, or of all: newest first, but the parts of a thread as they are read.
export function threaded(statuses, account) {
  const shown = statuses.filter((status) => !account || status.account.username === account);
  const ids = new Set(shown.map((status) => status.id));
  const starts = shown.filter((status) => !ids.has(status.in_reply_to_id));
  return starts.flatMap((start) => follow(start, shown)).map((status, i, all) => ({
    ...status,
    isPart: ids.has(status.in_reply_to_id),
    hasNext: all[i + 1]?.in_reply_to_id === status.id,
  }));
}

function follow(status, all) {
  const replies = all.filter((other) => other.in_reply_to_id === status.id);
  return [status, ...replies.reverse().flatMap((reply) => follow(reply, all))];
}

export function statusView(status) {
  const text = element("div", { class: "status-text", lang: status.language }, safe(status.content));
  const warned = status.spoiler_text
    ? element("details", {}, element("summary", {}, `⚠ ${status.spoiler_text}`), text)
    : text;
  const name = status.account.display_name || status.account.username;
  const place = `${status.isPart ? " part" : ""}${status.hasNext ? " continued" : ""}`;
  return element(
    "li",
    { class: `status${place}`, id: `status-${status.id}` },
    avatar(name),
    element(
      "div",
      { class: "body" },
      element(
        "p",
        { class: "byline" },
        element("span", { class: "author" }, name),
        element("span", { class: "acct" }, `@${status.account.acct}`),
        time(status.created_at),
      ),
      warned,
      element("p", { class: "visibility" }, VISIBILITY[status.visibility] ?? status.visibility),
    ),
  );
}

function safe(html) {
  const page = new DOMParser().parseFromString(html, "text/html"); // runs nothing, loads nothing
  return [...page.body.childNodes].map(copy);
}

function copy(node) {
  if (node.nodeType === Node.TEXT_NODE) return node.data;
  if (node.nodeType !== Node.ELEMENT_NODE) return "";
  const inside = [...node.childNodes].map(copy);
  if (node.tagName === "BR") return element("br");
  if (node.tagName === "P") return element("p", {}, inside);
  if (node.tagName === "A") return link(node.getAttribute("href") ?? "", inside.flat());
  return element("span", {}, inside);
}
