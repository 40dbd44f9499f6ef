// Builds elements. Text only ever becomes text nodes: what a bot or a person wrote is never HTML.

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return made;
}

export function link(url, ...children) {
  if (!/^https?:\/\//i.test(url)) return element("span", {}, ...children);
  return element("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

// A round picture with the first letter, in a colour that belongs to the name.
export function avatar(name) {
  const hue = [...name].reduce((sum, letter) => sum * 31 + letter.codePointAt(0), 7) % 360;
  const picture = element("span", { class: "avatar", "aria-hidden": "true" }, name.slice(0, 1).toUpperCase());
  picture.style.setProperty("--hue", hue);
  return picture;
}

export function time(iso) {
  const when = new Date(iso);
  const text = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  return element("time", { datetime: iso, title: when.toLocaleString() }, text);
}

// Keeps a list in step with its data: an item is built anew only if its data changed, and the
// focus stays where it was. Returns whether an item was added.
export function keep(list, items, idOf, build) {
  const old = new Map([...list.children].map((child) => [child.dataset.id, child]));
  const focus = document.activeElement?.dataset?.key;
  const focused = focus && list.contains(document.activeElement);
  const isAtEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 80;
  let isNew = false;
  const wanted = items.map((item) => {
    const id = idOf(item);
    const text = JSON.stringify(item);
    const there = old.get(id);
    if (there?.json === text) return there;
    isNew ||= !there;
    const made = build(item);
    made.dataset.id = id;
    made.json = text;
    if (there) there.replaceWith(made);
    return made;
  });
  const isSame = wanted.length === list.children.length && wanted.every((w, i) => w === list.children[i]);
  if (!isSame) list.replaceChildren(...wanted);
  if (focused) list.querySelector(`[data-key="${CSS.escape(focus)}"]`)?.focus();
  if (isAtEnd) list.scrollTop = list.scrollHeight;
  return isNew;
}
