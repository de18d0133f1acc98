import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSync } from 'vite';
import { expect, test } from 'vitest';

const SOURCES = new URL('../src/', import.meta.url).pathname;
/** Where texts belong, and what is generated. */
const ELSEWHERE = /^(texts\/|api\/openapi\.ts)/;

/** Attributes and properties that people read, or hear. */
const SAID = new Set([
  'aria-label',
  'aria-valuetext',
  'aria-description',
  'title',
  'placeholder',
  'alt',
  'textContent',
  'label',
]);

/** What reads like words and is not said to anybody. */
const UNSAID = [
  /^(Arrow(Left|Right|Up|Down)|Page(Up|Down)|Home|End|Escape|Enter|Tab)$/, // keys, as events name them
  /^ImmichVR$/,
  /^Make 3D$/, // a tag of Immich's
  /^(ApiError|AbortError|DeviceOrientationEvent|Opus)$/,
  /^(FullPano|CroppedArea)\w+Pixels$/, // properties of XMP
  /^io server disconnect$/, // Socket.IO's
  /^\((pointer|prefers-[a-z-]+): /, // media queries
  /\bsans-serif\b/,
  /\bpx\b/, // styles and fonts
  /^(albums|people|video|immichvr|float|uchar) \{\}$/, // keys of what is kept; lines of a PLY
  /\b(void main|uniform|varying)\b/, // shaders
  /^(button is-|icon icon-)/, // classes
  /^https:|#\/account$/, // addresses
  /^\{\} · ImmichVR$/,
];

interface Node {
  type: string;
  start: number;
  [field: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && 'type' in value;

/** The words of a literal or a template, its holes as {}; null for anything else. */
function wordsOf(node: Node): string | null {
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value;
  if (node.type !== 'TemplateLiteral') return null;
  const parts = node.quasis as { value: { cooked: string } }[];
  return parts.map(({ value }) => value.cooked).join('{}');
}

const nameOf = (node: unknown): string => {
  if (!isNode(node)) return '';
  if (node.type === 'MemberExpression') return nameOf(node.property);
  return String(node.name ?? node.value ?? '');
};

/** What is never said: types, what is thrown, classes, selectors, what is compared. */
function isSilent(node: Node, parent: Node): boolean {
  if (/^(Import|Export(All|Named)|TS(?!As|NonNull|Satisfies))/.test(node.type))
    return node.type !== 'ExportNamedDeclaration' || node.source !== null;
  if (node.type === 'ThrowStatement' || node.type === 'SwitchCase') return false;
  if (node.type === 'NewExpression') return /(Error|DOMException)$/.test(nameOf(node.callee));
  if (node.type === 'CallExpression') {
    const callee = node.callee as Node;
    const owner = callee.type === 'MemberExpression' ? nameOf(callee.object) : '';
    return (
      /^(querySelector(All)?|matches|closest|matchMedia)$/.test(nameOf(callee)) ||
      owner === 'classList'
    );
  }
  return parent.type === 'Property' && parent.value === node && nameOf(parent.key) === 'class';
}

/** Whether a text stands where it is read or heard. */
function isSaid(node: Node, parent: Node): boolean {
  if (parent.type === 'Property') return parent.value === node && SAID.has(nameOf(parent.key));
  if (parent.type === 'AssignmentExpression')
    return parent.right === node && SAID.has(nameOf(parent.left));
  if (parent.type !== 'CallExpression') return false;
  const at = (parent.arguments as Node[]).indexOf(node);
  const called = nameOf(parent.callee);
  return (called === 'el' && at >= 2) || (called === 'announce' && at >= 0);
}

/** Texts that stand in code. */
function untold(code: string, name = 'some.ts'): string[] {
  const found: string[] = [];
  const look = (node: Node, parent: Node) => {
    if (isSilent(node, parent)) return;
    const words = wordsOf(node);
    const isKey = parent.type === 'Property' && parent.key === node;
    if (words !== null && !isKey && !UNSAID.some((one) => one.test(words))) {
      const reads = /^\s*\p{Lu}\p{Ll}/u.test(words) || /\p{L}[,.;:!?]? \p{L}/u.test(words);
      if (reads || (isSaid(node, parent) && /\p{L}{2}/u.test(words.replaceAll('{}', ''))))
        found.push(`${name}:${code.slice(0, node.start).split('\n').length} ${words}`);
    }
    for (const value of Object.values(node))
      for (const child of Array.isArray(value) ? value : [value])
        if (isNode(child)) look(child, node);
  };
  const { program, errors } = parseSync(name, code, { lang: 'ts' });
  expect(errors, name).toEqual([]);
  look(program as unknown as Node, program as unknown as Node);
  return found;
}

test('whatever is said is said by the files of texts, in every language', () => {
  const files = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !ELSEWHERE.test(name))
    .sort();
  expect(files.length).toBeGreaterThan(200);
  const found = files.flatMap((name) => untold(readFileSync(join(SOURCES, name), 'utf8'), name));
  expect(found).toEqual([]);
}, 60_000);

test('texts in code are found wherever they may stand', () => {
  const hidden = [
    "el('p', {}, 'done');",
    "el('img', { alt: 'poster' });",
    "button.title = 'later';",
    "announce(name + ' is here');",
    "const WORDS = { a: 'Not downloaded' };",
    "tell(ok ? 'It is in.' : texts.no);",
  ];
  for (const code of hidden) expect(untold(code), code).toHaveLength(1);
  const silent = [
    "el('p', { class: 'button is-primary' });",
    "if (event.key === 'Escape') leave();",
    "throw new Error('There is no such place');",
    "root.querySelector('main a');",
    "import { Api } from './Some Where';",
    "el('p', {}, texts.done);",
  ];
  for (const code of silent) expect(untold(code), code).toEqual([]);
});
