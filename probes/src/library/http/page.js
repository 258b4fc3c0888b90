// A page of HTML, read by a browser's parser: title, links, resources, forms, and whatever a CSS selector finds.

import { AssertionError } from "../assertion_error.js";
import { inline } from "../format.js";
import { misuse, ops } from "../host.js";

function read(json, refuse) {
  const answer = JSON.parse(json);
  if (answer.refused !== undefined) throw refuse(answer.refused);
  return answer;
}

const place = (url) => String(url).replace(/[?#].*/s, "");

/** Reads a page that was loaded from `url`. */
export function page(html, url) {
  if (typeof html !== "string") throw misuse(`page takes the HTML as a text: page(await response.text(), response.url); it was given ${inline(html)}`);
  return new Page(html, String(url));
}

class Page {
  #html;
  #outline;

  constructor(html, url) {
    this.#html = html;
    this.url = url;
    this.#outline = read(ops.op_html_outline(html, url), (why) => new AssertionError(`the page ${place(url)} cannot be read: ${why}`));
    this.forms = Object.freeze(this.#outline.forms.map((form) => new Form(form, url)));
    Object.freeze(this);
  }

  /** The text of `<title>`; `undefined` where there is none. */
  get title() {
    return this.#outline.title ?? undefined;
  }

  /** What relative URLs of the page are relative to. */
  get base() {
    return this.#outline.base;
  }

  get links() {
    return this.#outline.links.map(({ url, href, text, rel }) => ({ url: url ?? undefined, href, text, rel }));
  }

  get resources() {
    return this.#outline.resources.map(({ kind, url, integrity, crossorigin }) => ({
      kind,
      url: url ?? undefined,
      integrity: integrity ?? undefined,
      crossorigin: crossorigin ?? undefined,
    }));
  }

  /** The elements that a CSS selector finds, at most 1,000. */
  select(selector) {
    if (typeof selector !== "string") throw misuse(`select takes a CSS selector as a text; it was given ${inline(selector)}`);
    return read(ops.op_html_select(this.#html, selector), misuse);
  }

  /** The first element that a CSS selector finds. Fails where there is none. */
  find(selector) {
    const [found] = this.select(selector);
    if (found === undefined) throw new AssertionError(`the page ${place(this.url)} has no element \`${selector}\``);
    return found;
  }

  /** The first link with this text, or whose text the regular expression matches. Fails where there is none. */
  link(text) {
    const matches = (found) => (typeof text === "string" ? found.text === text : text.test(found.text));
    const found = this.links.find(matches);
    if (found === undefined) throw new AssertionError(`the page ${place(this.url)} has no link ${inline(text)}`);
    if (found.url === undefined) {
      throw new AssertionError(`the link ${inline(text)} of the page ${place(this.url)} leads to ${inline(found.href)}, which is no URL`);
    }
    return found;
  }

  /** The first form that has a field of this name. Fails where there is none. */
  formWith(field) {
    const found = this.forms.find((form) => form.controls.some(({ name }) => name === field));
    if (found === undefined) throw new AssertionError(`the page ${place(this.url)} has no form with a field \`${field}\``);
    return found;
  }
}

class Form {
  #page;

  constructor({ id, name, action, method, enctype, controls }, url) {
    this.#page = place(url);
    Object.assign(this, { id: id ?? undefined, name: name ?? undefined, action: action ?? undefined, method, enctype });
    this.controls = Object.freeze(controls);
    Object.freeze(this);
  }

  /** What the form sends when nobody touches it, hidden fields included. */
  get fields() {
    const fields = {};
    for (const { name, value, sent } of this.controls) if (sent) fields[name] = value;
    return fields;
  }

  /**
   * Name and value of all that is sent, in order, with some fields filled in: a text, several texts, or for a checkbox
   * `true` or `false`. A name that the form does not have fails, as a person would not find it either.
   */
  filled(values = {}, { button } = {}) {
    const names = this.controls.map(({ name }) => name);
    for (const name of Object.keys(values)) {
      if (!names.includes(name)) {
        throw new AssertionError(`the form of ${this.#page} has no field \`${name}\`: it has ${names.join(", ") || "none"}`);
      }
    }
    // Of several buttons with one name, only the one that is pressed is sent.
    const pressed = this.#button(button);
    const entries = [];
    const filledIn = new Set();
    for (const control of this.controls) {
      const { name, type } = control;
      if (type === "submit") {
        if (control === pressed) entries.push([name, control.value]);
      } else if (!Object.hasOwn(values, name)) {
        if (control.sent) entries.push([name, control.value]);
      } else if (type === "checkbox" || type === "radio") {
        if (this.#isChosen(control, values[name])) entries.push([name, control.value]);
      } else if (!filledIn.has(name)) {
        filledIn.add(name);
        for (const value of [values[name]].flat()) entries.push([name, this.#typed(control, value)]);
      }
    }
    return entries;
  }

  /** By its name, or by `name=value` where several share the name. */
  #button(button) {
    if (button === undefined) return undefined;
    const buttons = this.controls.filter(({ type }) => type === "submit");
    const found = buttons.find(({ name, value }) => name === button || `${name}=${value}` === button);
    if (found === undefined) throw new AssertionError(`the form of ${this.#page} has no button \`${button}\``);
    return found;
  }

  #isChosen({ name, type, value }, wanted) {
    if (typeof wanted === "boolean" && type === "checkbox") return wanted;
    const choices = this.controls.filter((control) => control.name === name).map((control) => control.value);
    for (const choice of [wanted].flat()) {
      if (!choices.includes(choice)) {
        throw new AssertionError(`the field \`${name}\` of the form of ${this.#page} has no choice ${inline(choice)}: it has ${choices.join(", ")}`);
      }
    }
    return [wanted].flat().includes(value);
  }

  #typed({ name, options }, value) {
    if (typeof value !== "string" && typeof value !== "number") {
      throw misuse(`the field \`${name}\` is filled in with a text; it was given ${typeof value}`);
    }
    if (options !== undefined && !options.includes(String(value))) {
      throw new AssertionError(`the field \`${name}\` of the form of ${this.#page} has no option ${inline(String(value))}: it has ${options.join(", ")}`);
    }
    return String(value);
  }
}
