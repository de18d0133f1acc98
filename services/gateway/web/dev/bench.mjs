/**
 * First look: how long the built viewer takes to show a photo flat, with parallax and as splats, how large its first load
 * is, whether it draws while nothing moves, and whether fifty photos leave anything behind. `make bench-viewer`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../test/browser/browser.mjs';
import { firstLoad } from './firstLoad.mjs';
import { startMock } from './mock.mjs';

const BUDGET = 8000;
const ROUNDS = 5;
const IDLE_MS = 10_000;
const WAIT = { timeout: 120_000 };
const DIST = fileURLToPath(new URL('../dist/', import.meta.url));
const DEEP = [0, 2, 4, 6, 8].map((n) => `photo-000${n}`);

/** Milliseconds from a click on a photo to each of its states, in a page that was just loaded. */
async function firstLook(browser, gateway, id) {
  const page = await opened(browser, gateway);
  await page.evaluate((wanted) => {
    window.seen = {};
    const begun = () => (window.seen.begun ??= performance.now());
    document.querySelector(`a[data-id="${wanted}"]`).addEventListener('click', begun);
    const look = () => {
      const { mode, splats } = document.body.dataset;
      const now = performance.now();
      const flat = document.querySelector('img.flat');
      if (window.seen.begun && flat?.complete && flat.naturalWidth) window.seen.flat ??= now;
      if (mode === 'depth' || mode === 'splat') window.seen.parallax ??= now;
      if (Number(splats) > 500) window.seen.splat ??= now;
      if (!window.seen.splat) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  }, id);
  await page.locator(`a[data-id="${id}"]`).click();
  await page.waitForFunction(() => window.seen.splat, undefined, WAIT);
  const { begun, ...seen } = await page.evaluate(() => window.seen);
  await page.context().close();
  return Object.fromEntries(Object.entries(seen).map(([name, at]) => [name, at - begun]));
}

async function opened(browser, gateway, hash = '') {
  const context = await browser.newContext({
    viewport: { width: 960, height: 600 },
    serviceWorkers: 'block',
  });
  const page = await context.newPage();
  await page.goto(`${gateway.url}?budget=${BUDGET}&motion=0${hash}`);
  if (!hash) await page.waitForSelector('.tile img.is-loaded', WAIT);
  return page;
}

/** Frames that are drawn while nothing moves. */
async function idleFrames(browser, gateway) {
  const page = await opened(browser, gateway, `#/photo/${DEEP[0]}`);
  await page.waitForFunction(() => Number(document.body.dataset.splats) > 500, undefined, WAIT);
  const frames = () => page.evaluate(() => Number(document.body.dataset.frames));
  for (let before = -1; before !== (await frames()); before = await frames())
    await page.waitForTimeout(1500);
  const before = await frames();
  await page.waitForTimeout(IDLE_MS);
  const drawn = (await frames()) - before;
  await page.context().close();
  return drawn;
}

/** Megabytes of JavaScript's heap from the tenth to the fiftieth photo opened in a row. */
async function growth(browser, gateway) {
  const page = await opened(browser, gateway);
  const device = await page.context().newCDPSession(page);
  const heap = async () => {
    await device.send('HeapProfiler.collectGarbage');
    return (await device.send('Runtime.getHeapUsage')).usedSize;
  };
  let tenth = 0;
  for (let n = 0; n < 50; n += 1) {
    const id = `photo-${String(n % 24).padStart(4, '0')}`;
    await page.evaluate((to) => {
      location.hash = `#/photo/${to}`;
    }, id);
    await page.waitForFunction(
      (to) => document.querySelector('img.flat')?.src.endsWith(`${to}/preview`),
      id,
      WAIT,
    );
    if (n === 9) tenth = await heap();
  }
  const grown = (await heap()) - tenth;
  await page.context().close();
  return grown / 1e6;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

const gateway = await startMock({ photos: 24 });
const browser = await openBrowser();
try {
  const looks = [];
  for (let round = 0; round < ROUNDS; round += 1)
    looks.push(await firstLook(browser, gateway, DEEP[0]));
  const result = {
    measured: new Date().toISOString().slice(0, 10),
    machine: `${cpus().length} × ${cpus()[0]?.model.trim()}, SwiftShader, ${BUDGET} splats`,
    load: Number(readFileSync('/proc/loadavg', 'utf8').split(' ')[0]),
    flat_ms: Math.round(median(looks.map(({ flat }) => flat))),
    parallax_ms: Math.round(median(looks.map(({ parallax }) => parallax))),
    light_splat_ms: Math.round(median(looks.map(({ splat }) => splat))),
    first_load_kb_gz: Math.round(firstLoad(DIST) / 100) / 10,
    idle_frames: await idleFrames(browser, gateway),
    growth_mb_after_50: Math.round((await growth(browser, gateway)) * 10) / 10,
  };
  const out = process.argv[2];
  if (out) writeFileSync(out, `${JSON.stringify(result, null, 2)}\n`);
  process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
} finally {
  await browser.close();
  gateway.close();
}
