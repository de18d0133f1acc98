import { el } from '../ui/dom';

/** Something that can be set: its element, and how it shows what is set. */
export interface Field {
  name: string;
  element: HTMLElement;
  show(value: unknown): void;
}

type Keep<T> = (value: T) => Promise<void>;

function row(label: string, control: HTMLElement, note = ''): HTMLElement {
  return el(
    'label',
    { class: 'settings-row' },
    el('span', {}, label, note && el('small', {}, note)),
    control,
  );
}

/** A number between two others, in steps. */
export function number(
  name: string,
  label: string,
  [min, max, step]: [number, number, number],
  keep: Keep<number>,
  note = '',
): Field {
  const input = el('input', { type: 'number', name, min, max, step });
  input.addEventListener('change', () => {
    const value = input.valueAsNumber;
    if (Number.isFinite(value)) void keep(Math.min(Math.max(value, min), max));
  });
  const show = (value: unknown) => {
    input.value = String(value);
  };
  return { name, element: row(label, input, note), show };
}

export function toggle(name: string, label: string, keep: Keep<boolean>): Field {
  const input = el('input', { type: 'checkbox', name });
  input.addEventListener('change', () => void keep(input.checked));
  const show = (value: unknown) => {
    input.checked = Boolean(value);
  };
  return { name, element: row(label, input), show };
}

export function swatch(name: string, label: string, keep: Keep<string>): Field {
  const input = el('input', { type: 'color', name });
  input.addEventListener('change', () => void keep(input.value));
  const show = (value: unknown) => {
    input.value = String(value);
  };
  return { name, element: row(label, input), show };
}

export function select(
  name: string,
  label: string,
  options: [value: string, label: string][],
  keep: Keep<string>,
): Field {
  const input = el('select', { name });
  input.append(...options.map(([value, words]) => el('option', { value }, words)));
  input.addEventListener('change', () => void keep(input.value));
  const show = (value: unknown) => {
    input.value = String(value);
  };
  return { name, element: row(label, input), show };
}

/** Some of several, at least one. */
export function several(
  name: string,
  label: string,
  options: string[],
  keep: Keep<string[]>,
): Field {
  const boxes = options.map((value) => el('input', { type: 'checkbox', name, value }));
  const chosen = () => boxes.filter(({ checked }) => checked).map(({ value }) => value);
  for (const box of boxes)
    box.addEventListener('change', () => {
      if (chosen().length === 0) box.checked = true;
      else void keep(chosen());
    });
  const labels = boxes.map((box) => el('label', {}, box, ` ${box.value.toUpperCase()}`));
  const element = el(
    'div',
    { class: 'settings-row', role: 'group', 'aria-label': label },
    el('span', {}, label),
    el('span', { class: 'settings-several' }, ...labels),
  );
  const show = (value: unknown) => {
    for (const box of boxes) box.checked = (value as string[]).includes(box.value);
  };
  return { name, element, show };
}
