// A Mastodon status. Its content is HTML from another server: only text, breaks and links are kept.

import { avatar, element, link, time } from "./dom.js";

const VISIBILITY = { public: "🌐 Public", unlisted: "🌙 Quiet public", private: "🔒 Followers", direct: "✉ Direct" };

export function statusView(status) {
  const text = element("div", { class: "status-text", lang: status.language }, safe(status.content));
  const warned = status.spoiler_text
    ? element("details", {}, element("summary", {}, `⚠ ${status.spoiler_text}`), text)
    : text;
  const name = status.account.display_name || status.account.username;
  return element(
    "li",
    { class: "status", id: `status-${status.id}` },
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
