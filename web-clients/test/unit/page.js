/**
 * Just enough of a page for the dashboard's modules: elements that hold texts and attributes, frames that a test draws, and
 * a tab that it hides. What only a real browser knows (layout, focus, style) is tested in one, in ../e2e.
 */

/** An element; texts are children too. */
class FakeElement extends EventTarget {
  /** @type {FakeElement | undefined} */
  parent;
  /** @type {(FakeElement | string)[]} */
  nodes = [];
  /** @type {Record<string, string>} */
  dataset = {};
  className = "";
  hidden = false;
  disabled = false;
  open = false;
  style = { setProperty() {} };

  /** @param {string} tag */
  constructor(tag) {
    super();
    this.tag = tag;
  }

  get children() {
    return this.nodes.filter((node) => node instanceof FakeElement);
  }

  /** @returns {FakeElement | null} */
  get firstElementChild() {
    return this.children.at(0) ?? null;
  }

  /** @returns {FakeElement | null} */
  get lastElementChild() {
    return this.children.at(-1) ?? null;
  }

  /** @returns {string} */
  get textContent() {
    return this.nodes.map((node) => (node instanceof FakeElement ? node.textContent : node)).join("");
  }

  set textContent(text) {
    this.nodes = text === "" ? [] : [text];
  }

  get classList() {
    const names = () => this.className.split(" ").filter(Boolean);
    const put = (/** @type {string} */ name, /** @type {boolean} */ on) => (this.className = [...names().filter((other) => other !== name), ...(on ? [name] : [])].join(" "));
    return {
      contains: (/** @type {string} */ name) => names().includes(name),
      add: (/** @type {string} */ name) => put(name, true),
      remove: (/** @type {string} */ name) => put(name, false),
      toggle: (/** @type {string} */ name, on = !names().includes(name)) => put(name, on),
    };
  }

  /** @param {string} name @param {string} value */
  setAttribute(name, value) {
    if (name === "class") this.className = value;
    else if (name === "hidden") this.hidden = true;
    else if (name.startsWith("data-")) this.dataset[name.slice("data-".length)] = value;
  }

  /** @param {...(FakeElement | string)} nodes */
  append(...nodes) {
    this.replaceChildren(...this.nodes, ...nodes);
  }

  /** @param {...(FakeElement | string)} nodes */
  prepend(...nodes) {
    this.replaceChildren(...nodes, ...this.nodes);
  }

  /** @param {...(FakeElement | string)} nodes */
  replaceChildren(...nodes) {
    for (const node of nodes) if (node instanceof FakeElement) node.parent = this;
    this.nodes = nodes;
  }

  /** @param {FakeElement} node @param {FakeElement | null} before */
  insertBefore(node, before) {
    node.remove();
    const at = before ? this.nodes.indexOf(before) : this.nodes.length;
    this.replaceChildren(...this.nodes.slice(0, at), node, ...this.nodes.slice(at));
  }

  remove() {
    if (this.parent) this.parent.nodes = this.parent.nodes.filter((node) => node !== this);
  }

  /** @param {string} tag a name of an element: no other selector is known here @returns {FakeElement | null} */
  querySelector(tag) {
    for (const child of this.children) {
      const found = child.tag === tag ? child : child.querySelector(tag);
      if (found) return found;
    }
    return null;
  }
}

/** The tab: as a `document`, as far as the modules ask. */
class FakeDocument extends EventTarget {
  hidden = false;
  visibilityState = "visible";
  body = new FakeElement("body");
  /** @param {string} tag */
  createElement = (tag) => new FakeElement(tag);
  /** @param {string} _namespace @param {string} tag */
  createElementNS = (_namespace, tag) => new FakeElement(tag);

  /** @param {boolean} hidden */
  hide(hidden) {
    this.hidden = hidden;
    this.visibilityState = hidden ? "hidden" : "visible";
    this.dispatchEvent(new Event("visibilitychange"));
  }
}

/**
 * From here on, and to the end of this process, there is a page.
 * @returns {{document: FakeDocument, frame: () => void}} `frame`: the next animation frame comes
 */
export function openPage() {
  /** @type {(() => void)[]} */
  const asked = [];
  const document = new FakeDocument();
  const store = { getItem: () => null, setItem() {} };
  Object.assign(globalThis, {
    document, Node: FakeElement, Element: FakeElement, HTMLElement: FakeElement,
    location: { href: "http://shop.example/", origin: "http://shop.example" }, localStorage: store, sessionStorage: store,
    matchMedia: () => ({ matches: false }), addEventListener() {}, removeEventListener() {},
    requestAnimationFrame: (/** @type {() => void} */ draw) => asked.push(draw),
  });
  return { document, frame: () => asked.splice(0).forEach((draw) => draw()) };
}

/**
 * A module of the dashboard, once there is a page. (By its address, so that it is checked as what it is, without Node's types.)
 * @param {string} path
 * @returns {Promise<any>}
 */
export function dashboard(path) {
  return import(new URL(`../../dashboard/${path}`, import.meta.url).href);
}
