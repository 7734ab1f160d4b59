/** Where the admin token is put in: for draining replicas and for sending dead letters back. */

import { whyNot } from "../data/admin.js";
import { h, text } from "../dom.js";

/** @param {import("../data/admin.js").Admin} admin */
export function tokenField(admin) {
  const field = h("input", { id: "token", type: "password", autocomplete: "off", placeholder: "cat .run/admin-token", value: admin.token });
  const told = h("span", { class: "note", role: "status" });
  const form = h("form", { class: "token" }, h("label", { for: "token" }, "Admin token"), field, h("button", { type: "submit", class: "quiet" }, "Use"), told,
    h("span", { class: "note" }, "make up wrote it to .run/admin-token. It stays in this page until you close it."));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const none = field.value.trim() === "", why = none ? "" : whyNot(field.value);
    field.setAttribute("aria-invalid", String(why !== ""));
    if (why === "") admin.token = field.value;
    text(told, why ? `Not used: ${why}.` : none ? "No token is used." : "Sent from now on. Whether it is the right one is not known yet: the first answer tells.");
  });
  return form;
}
