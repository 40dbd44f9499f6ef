// The little of Discord's Markdown that a draft needs, as nodes.

import { element, link } from "./dom.js";
import { moment } from "./moments.js";

const INLINE = new RegExp(
  [
    /\\([\\*_~`|>#\-[\]().:!+<])/, // 1: an escaped character
    /`([^`\n]+)`/, // 2: code
    /\*\*([^\n]+?)\*\*/, // 3: bold
    /__([^\n]+?)__/, // 4: underlined
    /~~([^\n]+?)~~/, // 5: struck out
    /\*([^*\n]+)\*/, // 6: italic
    /(?<!\w)_([^_\n]+)_(?!\w)/, // 7: italic
    /\[([^\]\n]+)\]\((https?:\/\/[^\s)]+)\)/, // 8, 9: a named link
    /<?(https?:\/\/[^\s<>]*[^\s<>.,:;!?)\]'"])>?/, // 10: a bare link
    /<@!?(\d+)>/, // 11: a mention
    /<t:(-?\d{1,13})(?::([tTdDfFR]))?>/, // 12, 13: a moment
  ]
    .map((part) => part.source)
    .join("|"),
);

const LINES = [
  [/^-# (.*)$/, (text, names) => element("small", {}, inline(text, names))],
  [/^> ?(.*)$/, (text, names) => element("blockquote", {}, inline(text, names))],
  [/^#{1,3} (.*)$/, (text, names) => element("strong", { class: "heading" }, inline(text, names))],
];

export function markdown(text, names = {}) {
  const nodes = [];
  text.split("\n").forEach((line, i, lines) => {
    const [match, build] = block(line);
    if (match) nodes.push(build(match[1], names));
    else nodes.push(...inline(line, names), i < lines.length - 1 ? "\n" : "");
  });
  return nodes;
}

function block(line) {
  for (const [pattern, build] of LINES) {
    const match = pattern.exec(line);
    if (match) return [match, build];
  }
  return [null, null];
}

function inline(text, names) {
  const nodes = [];
  let rest = text;
  for (let match = INLINE.exec(rest); match; match = INLINE.exec(rest)) {
    nodes.push(rest.slice(0, match.index), piece(match, names));
    rest = rest.slice(match.index + match[0].length);
  }
  return [...nodes, rest];
}

function piece(match, names) {
  const [, escaped, code, bold, under, struck, star, low, label, target, bare, mention, unix, style] = match;
  if (escaped) return escaped;
  if (code) return element("code", {}, code);
  if (bold) return element("strong", {}, inline(bold, names));
  if (under) return element("u", {}, inline(under, names));
  if (struck) return element("s", {}, inline(struck, names));
  if (star || low) return element("em", {}, inline(star || low, names));
  if (label) return link(target, inline(label, names));
  if (bare) return link(bare, bare);
  if (unix) return moment(unix, style);
  return element("span", { class: "mention" }, `@${names[mention] ?? mention}`);
}
