type Child = Node | string | null | undefined | false;
type Listeners = { [E in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[E]) => void };

export interface Attributes {
  class?: string;
  on?: Listeners;
  data?: Record<string, string>;
  style?: Record<string, string>;
  [attribute: string]:
    | string
    | number
    | boolean
    | null
    | undefined
    | Listeners
    | Record<string, string>;
}

/** Makes an element: attributes (`true` sets an empty one, `false`/null leave it out), then children. */
export function el<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  const { on, data, style, ...rest } = attributes;
  for (const [name, value] of Object.entries(rest)) {
    if (value === false || value === null || value === undefined) continue;
    element.setAttribute(name, value === true ? '' : String(value));
  }
  for (const [event, listener] of Object.entries(on ?? {})) {
    element.addEventListener(event, listener as EventListener);
  }
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(style ?? {})) element.style.setProperty(name, value);
  element.append(...children.filter((child): child is Node | string => Boolean(child)));
  return element;
}
