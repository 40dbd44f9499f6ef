// Moments as Discord writes them, <t:UNIX:STYLE>: told in the reader's language, and kept current.

import { element } from "./dom.js";

const STYLES = {
  t: { timeStyle: "short" },
  T: { timeStyle: "medium" },
  d: { dateStyle: "short" },
  D: { dateStyle: "long" },
  f: { dateStyle: "long", timeStyle: "short" },
  F: { dateStyle: "full", timeStyle: "short" },
};
const UNITS = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
let language = "en-GB";

export function moment(unix, style) {
  const made = element("time", { class: "moment", "data-unix": unix, "data-style": style || "f" });
  tell(made);
  return made;
}

// Tells all moments on the page anew, in this language.
export function tellMoments(locale) {
  language = locale;
  for (const shown of document.querySelectorAll("time.moment")) tell(shown);
}

function tell(shown) {
  const { unix, style } = shown.dataset;
  const when = new Date(Number(unix) * 1000);
  const text = style === "R" ? relative(when) : when.toLocaleString(language, STYLES[style]);
  if (shown.textContent !== text) shown.textContent = text;
  shown.title = when.toLocaleString(language, STYLES.F);
}

function relative(when) {
  const seconds = (when - Date.now()) / 1000;
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return new Intl.RelativeTimeFormat(language).format(Math.round(seconds / size), unit);
}
