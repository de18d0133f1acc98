/** Elements of EBML (RFC 8794), the form of Matroska and WebM files. */
const MAGIC = [0x1a, 0x45, 0xdf, 0xa3];

export const isEbml = (bytes: Uint8Array): boolean => MAGIC.every((byte, at) => bytes[at] === byte);

/** A number of variable length: how many bytes it has, and its value with or without the mark of that; null past the end. */
function variable(bytes: Uint8Array, at: number, keepsMark: boolean): [number, number] | null {
  const first = bytes[at];
  if (!first) return null;
  const length = Math.clz32(first) - 23;
  if (at + length > bytes.length) return null;
  let value = keepsMark ? first : first & (0xff >> length);
  let isUnknown = value === 0xff >> length;
  for (const byte of bytes.subarray(at + 1, at + length)) {
    value = value * 256 + byte;
    isUnknown &&= byte === 0xff;
  }
  // A size of all ones: up to the end of what it lies in.
  return [length, isUnknown && !keepsMark ? Number.POSITIVE_INFINITY : value];
}

/** The contents of the elements of this kind that lie directly in these bytes, as far as those go. */
export function ebmlChildren(bytes: Uint8Array, kind: number): Uint8Array[] {
  const found: Uint8Array[] = [];
  for (let at = 0; ; ) {
    const id = variable(bytes, at, true);
    const size = id && variable(bytes, at + id[0], false);
    if (!id || !size) return found;
    const start = at + id[0] + size[0];
    if (id[1] === kind) found.push(bytes.subarray(start, start + size[1]));
    at = start + size[1];
  }
}

/** An element's content as a whole number. */
export const unsigned = (content: Uint8Array): number =>
  content.reduce((value, byte) => value * 256 + byte, 0);
