import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { constants, gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';
import { firstLoad } from './dev/firstLoad.mjs';

const COMPRESSIBLE = /\.(js|css|html|svg)$/;
const SMALLEST_WORTH_COMPRESSING = 1024;
const LARGEST_FIRST_LOAD = 86_000;

/** Writes a `.gz` beside every text file, so that the gateway serves it without compressing again. */
function gzipSiblings(): Plugin {
  let outDir = 'dist';
  return {
    name: 'gzip-siblings',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      for (const name of readdirSync(outDir, { recursive: true, encoding: 'utf8' })) {
        if (!COMPRESSIBLE.test(name)) continue;
        const bytes = readFileSync(join(outDir, name));
        if (bytes.length < SMALLEST_WORTH_COMPRESSING) continue;
        writeFileSync(
          join(outDir, `${name}.gz`),
          gzipSync(bytes, { level: constants.Z_BEST_COMPRESSION }),
        );
      }
    },
  };
}

/** What of the catalogue the viewer reads; the rest is for the server. */
const READ = {
  kinds: ['title', 'makes', 'extends'],
  assets: ['title'],
  formats: ['use'],
  errors: ['sentence', 'remedy', 'retriable'],
};

/** Leaves out of the catalogue, which is a part of the first load, what nobody reads there. */
function shortCatalogue(): Plugin {
  return {
    name: 'short-catalogue',
    enforce: 'pre',
    transform(code, id) {
      if (!id.endsWith('/src/api/catalog.json')) return null;
      const whole: Record<string, Record<string, Record<string, unknown>>> = JSON.parse(code);
      const parts = Object.entries(READ).map(([part, fields]) => {
        const entries = Object.entries(whole[part] ?? {}).map(([key, entry]) => {
          return [key, Object.fromEntries(fields.map((field) => [field, entry[field]]))];
        });
        return [part, Object.fromEntries(entries)];
      });
      return { code: JSON.stringify(Object.fromEntries(parts)), map: null };
    },
  };
}

/** Ends a build whose first page asks for more than it may: what it does not need is imported where it is needed. */
function limitFirstLoad(): Plugin {
  let outDir = 'dist';
  return {
    name: 'limit-first-load',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir;
    },
    closeBundle() {
      const bytes = firstLoad(outDir);
      if (bytes > LARGEST_FIRST_LOAD)
        throw new Error(
          `The first load is ${bytes} bytes, gzipped; ${LARGEST_FIRST_LOAD} are allowed`,
        );
    },
  };
}

const gateway = process.env.IMMICHVR_GATEWAY_URL ?? 'http://127.0.0.1:8087';

export default defineConfig({
  // Relative, so that the viewer also works below a path of a reverse proxy.
  base: './',
  build: {
    target: 'es2022',
    assetsDir: 'assets-static',
    // Spark inlines its WASM and worker: 2.6 MB in one lazy chunk.
    chunkSizeWarningLimit: 3000,
    reportCompressedSize: false,
    rolldownOptions: { input: { index: 'index.html', live: 'live.html' } },
  },
  server: { proxy: { '/api': { target: gateway, ws: true } } },
  plugins: [shortCatalogue(), gzipSiblings(), limitFirstLoad()],
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
} as Parameters<typeof defineConfig>[0]);
