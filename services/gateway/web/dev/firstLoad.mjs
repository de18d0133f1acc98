import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

/** Bytes, gzipped, of what the page built into `dist` asks for before anything is opened: itself, scripts, styles. */
export function firstLoad(dist) {
  const gzipped = (path) => gzipSync(readFileSync(join(dist, path)), { level: 9 }).length;
  const page = readFileSync(join(dist, 'index.html'), 'utf8');
  const parts = [...page.matchAll(/(?:src|href)="\.\/(assets-static\/[^"]+)"/g)];
  return parts.reduce((sum, [, path]) => sum + gzipped(path), gzipped('index.html'));
}
