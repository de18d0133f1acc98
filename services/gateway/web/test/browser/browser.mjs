/** A headless Chromium and the mock gateway, for tests that look at the built viewer. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { delimiter, join } from 'node:path';
import { chromium } from 'playwright-core';
import { startMock } from '../../dev/mock.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const FLAGS = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--use-angle=swiftshader',
  '--enable-unsafe-swiftshader',
];
/** With these the browser has WebGPU by a processor, in Vulkan of software: else no picture of it reaches the page. */
export const WEBGPU = [
  '--enable-unsafe-webgpu',
  '--use-webgpu-adapter=swiftshader',
  '--enable-features=Vulkan',
  '--use-vulkan=swiftshader',
];
const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];
const MACOS = '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome';
/** What Playwright itself says where a test has no service worker. */
const BLOCKED = 'Service Worker registration blocked';
/** What the browser itself says where it is asked for WebGPU and the machine has no graphics device. */
const NO_DEVICE = 'No available adapters';
/** Small and few: software rendering costs 10 to 20 µs per splat and frame. */
export const BUDGET = 3000;
/** What takes minutes of a processor is for the night: `LONG=1` runs it too. */
export const long = { skip: !process.env.LONG && 'LONG=1 runs it' };
const VIEWPORT = { width: 480, height: 300 };

export async function openBrowser(...flags) {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? browserPath(),
    headless: true,
    args: [...FLAGS, ...flags],
  });
}

function browserPath() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = [...paths, MACOS].find((path) => existsSync(path));
  assert.ok(found, 'no Chromium or Chrome is installed: apt install chromium');
  return found;
}

/**
 * Runs `use` with a page on a fresh gateway; fails on anything unexpected in the console. What failed runs once more: a
 * stall of the machine passes then, a fault fails again.
 */
export async function withViewer(browser, options, use) {
  try {
    await withFreshViewer(browser, options, use);
  } catch (error) {
    process.stderr.write(`once more, after: ${String(error).split('\n')[0]}\n`);
    await withFreshViewer(browser, options, use);
  }
}

async function withFreshViewer(browser, options, use) {
  const {
    path = '',
    budget = BUDGET,
    expect = [],
    context: contextOptions,
    init,
    prepare,
    ...mockOptions
  } = options;
  const gateway = await startMock({ photos: 24, jobSeconds: 0.6, ...mockOptions });
  prepare?.(gateway);
  const context = await browser.newContext({
    viewport: VIEWPORT,
    serviceWorkers: 'block',
    ...contextOptions,
  });
  const page = await context.newPage();
  const complaints = [];
  const complain = (text) => {
    if (![...expect, BLOCKED, NO_DEVICE].some((allowed) => text.includes(allowed)))
      complaints.push(text);
  };
  page.on('pageerror', (error) => complain(`error: ${error}`));
  page.on('console', (message) => {
    if (message.type() === 'log') return;
    complain(`${message.type()}: ${message.text()} ${message.location().url}`);
  });
  if (init) await page.addInitScript(init);
  try {
    await page.goto(`${gateway.url}?budget=${budget}${path}`);
    await use(page, gateway);
    assert.deepEqual(complaints, []);
  } finally {
    await context.close();
    gateway.close();
  }
}

export const state = (page) => page.evaluate(() => ({ ...document.body.dataset }));

export async function until(page, condition, argument, timeout = 60_000) {
  await page.waitForFunction(condition, argument, { timeout });
}

export const modeIs = (page, mode) =>
  until(page, (wanted) => document.body.dataset.mode === wanted, mode);

/** Presses what moves the picture, and waits until it is drawn anew; more frames may follow. */
export async function pressToMove(page, key) {
  const before = Number((await state(page)).frames ?? 0);
  await page.keyboard.press(key);
  await until(page, (frames) => Number(document.body.dataset.frames) > frames, before);
}

export async function splatsShown(page) {
  await until(page, () => Number(document.body.dataset.splats) > 500);
}

/** A wait that somebody may give up: that it never came is then nobody's error. */
export function awaited(wait) {
  wait.catch(() => {});
  return wait;
}

/** Fails when axe finds anything to complain about. */
export async function assertAccessible(page) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async () => {
    const { axe } = window;
    const ending = document
      .getAnimations()
      .filter((animation) => Number.isFinite(animation.effect.getComputedTiming().endTime));
    await Promise.allSettled(ending.map((animation) => animation.finished));
    const result = await axe.run(document, { resultTypes: ['violations'] });
    return result.violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target.join(' ')).join(', ')}`,
    );
  });
  assert.deepEqual(violations, []);
}

/** Fails when anything that is read or pressed reaches beyond the window, but for what is scrolled aside. */
export async function assertFits(page) {
  const beyond = await page.evaluate(() =>
    [
      ...document.querySelectorAll(
        'a, button, input, select, h1, h2, h3, p, label, li, dd, summary',
      ),
    ]
      .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.strip'))
      .map((one) => [one, one.getBoundingClientRect()])
      .filter(([, { left, right, width }]) => width > 1 && (right > innerWidth + 1 || left < -1))
      .map(([one]) => `${one.tagName.toLowerCase()}.${one.className} ${one.textContent}`),
  );
  assert.deepEqual(beyond, []);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
}

/** Mean absolute difference of two screenshots of the stage, 0 to 255, decoded in the page. */
export async function difference(page, a, b) {
  return page.evaluate(
    async (sources) => {
      const [one, other] = await Promise.all(
        sources.map(async (source) => {
          const image = new Image();
          image.src = `data:image/png;base64,${source}`;
          await image.decode();
          const canvas = new OffscreenCanvas(image.width, image.height);
          const context = canvas.getContext('2d');
          context.drawImage(image, 0, 0);
          return context.getImageData(0, 0, image.width, image.height).data;
        }),
      );
      let sum = 0;
      for (let i = 0; i < one.length; i += 1) sum += Math.abs(one[i] - other[i]);
      return sum / one.length;
    },
    [a.toString('base64'), b.toString('base64')],
  );
}

/** A picture of the stage alone, after cross-fades have ended. */
export async function picture(page) {
  await page.addStyleTag({
    content: '.photo > :not(.stage) { display: none !important }',
  });
  await page.waitForTimeout(900);
  return page.screenshot({ timeout: 60_000 });
}
