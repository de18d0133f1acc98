/** Takes the pictures of docs/viewer.md from the built viewer over invented photos. `make pictures`. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { openBrowser } from '../test/browser/browser.mjs';
import { startMock } from './mock.mjs';

const OUT = fileURLToPath(new URL('../../../../docs/images/', import.meta.url));
const WIDE = { width: 1280, height: 800 };
const PHONE = { width: 390, height: 780 };
const PICTURES = [
  { name: 'gallery', hash: '#/', viewport: WIDE, waits: '.tile img.is-loaded' },
  {
    name: 'gallery-phone',
    hash: '#/',
    viewport: PHONE,
    waits: '.tile img.is-loaded',
    scheme: 'light',
  },
  {
    name: 'photo',
    hash: '#/photo/photo-0000',
    viewport: WIDE,
    waits: 'canvas.deep',
    in3d: true,
    about: true,
  },
  { name: 'settings', hash: '#/settings', viewport: WIDE, waits: '.settings-group' },
  { name: 'memories', hash: '#/memories?play', viewport: WIDE, waits: '.presentation img.flat' },
];

/** In the page. */
function everyTileSeenIsLoaded() {
  const isSeen = (one) => {
    const { top, bottom } = one.getBoundingClientRect();
    return bottom > 0 && top < innerHeight;
  };
  return [...document.querySelectorAll('.tile img')]
    .filter(isSeen)
    .every((one) => one.classList.contains('is-loaded'));
}

mkdirSync(OUT, { recursive: true });
const gateway = await startMock({ photos: 60 });
const browser = await openBrowser();
try {
  for (const { name, hash, viewport, waits, scheme = 'dark', in3d, about } of PICTURES) {
    const context = await browser.newContext({
      viewport,
      colorScheme: scheme,
      serviceWorkers: 'block',
    });
    const page = await context.newPage();
    await page.goto(`${gateway.url}?budget=3000&motion=0${hash}`);
    await page.waitForSelector(waits, { state: 'attached', timeout: 60_000 });
    await page.waitForFunction(everyTileSeenIsLoaded, undefined, { timeout: 60_000 });
    await page.waitForFunction(
      () => [...document.images].every(({ complete }) => complete),
      undefined,
      { timeout: 60_000 },
    );
    if (in3d)
      await page.waitForFunction(() => Number(document.body.dataset.splats) > 500, undefined, {
        timeout: 60_000,
      });
    await page.waitForTimeout(2500);
    if (about) {
      await page.keyboard.press('i');
      await page.evaluate(async () => {
        const panel = document.querySelector('.info');
        await Promise.allSettled(panel.getAnimations().map((animation) => animation.finished));
      });
    }
    await page.waitForTimeout(600);
    await page.screenshot({ path: `${OUT}viewer-${name}.jpg`, type: 'jpeg', quality: 78 });
    await context.close();
  }
} finally {
  await browser.close();
  gateway.close();
}
