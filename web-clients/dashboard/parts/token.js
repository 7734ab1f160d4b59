/** Where the admin token is put in: for draining replicas and for sending dead letters back. */

import { h } from "../dom.js";
import { say } from "./toast.js";

/** @param {import("../data/admin.js").Admin} admin */
export function tokenField(admin) {
  const field = h("input", { id: "token", type: "password", autocomplete: "off", placeholder: "cat .run/admin-token", value: admin.token });
  const form = h("form", { class: "token" }, h("label", { for: "token" }, "Admin token"), field, h("button", { type: "submit", class: "quiet" }, "Use"),
    h("span", { class: "note" }, "make up wrote it to .run/admin-token. It stays in this page until you close it."));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    admin.token = field.value;
    say(admin.token ? "The token is used from now on" : "No token is used any more");
  });
  return form;
}
