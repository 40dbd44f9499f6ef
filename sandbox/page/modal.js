// The form that a button or a command opens, as a dialog.

import { element } from "./dom.js";

const dialog = document.getElementById("modal");
const PARAGRAPH = 2;
const ROW = 1;

// Shows a modal; `onsubmit` is given {custom_id: text} and may throw a sentence.
export function openModal(modal, onsubmit) {
  const error = element("p", { class: "error", role: "alert", hidden: true });
  const inputs = modal.components.flatMap(parts);
  const form = element(
    "form",
    { method: "dialog", novalidate: true },
    element("h2", { id: "modal-title" }, modal.title),
    inputs.map(({ label, description, field }) => line(label, description, field)),
    error,
    element(
      "div",
      { class: "row end" },
      element("button", { type: "button", class: "button secondary", onclick: () => dialog.close() }, "Cancel"),
      element("button", { type: "submit", class: "button primary" }, "Submit"),
    ),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const fields = Object.fromEntries([...form.querySelectorAll("[data-custom-id]")].map((f) => [f.dataset.customId, f.value]));
    try {
      await onsubmit(fields);
      dialog.close();
    } catch (problem) {
      error.textContent = problem.message;
      error.hidden = false;
    }
  });
  dialog.replaceChildren(form);
  dialog.showModal();
}

function parts(component) {
  if (component.type === ROW) return component.components.map((field) => ({ label: field.label, field }));
  if (!component.component) return [];
  return [{ label: component.label, description: component.description, field: component.component }];
}

function line(label, description, field) {
  const about = {
    "data-custom-id": field.custom_id,
    placeholder: field.placeholder,
    minlength: field.min_length,
    maxlength: field.max_length ?? 4000,
  };
  const input =
    field.style === PARAGRAPH
      ? element("textarea", { ...about, rows: 6 })
      : element("input", { ...about, type: "text" });
  input.value = field.value ?? "";
  const mark = field.required === false ? " (optional)" : "";
  const hint = description ? element("small", {}, description) : null;
  return element("label", { class: "field" }, element("span", {}, label + mark), hint, input);
}
