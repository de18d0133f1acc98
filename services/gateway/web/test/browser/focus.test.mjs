/** Where the focus is after what had it went, as a button does that is pressed: never nowhere. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { openBrowser, until, withViewer } from './browser.mjs';

const WIDE = { viewport: { width: 1280, height: 800 } };
const again = (within) => within.getByRole('button', { name: /^(Try again|Retry)/ });

/** Waits until something else has the focus that the selector says. */
const focusIs = (page, selector) =>
  until(page, (wanted) => document.activeElement?.matches(wanted), selector);

describe('the focus', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('stays beside a scene that is tried again', () =>
    withViewer(
      browser,
      { path: '#/scenes', expect: ['503'], prepare: ({ scenes }) => scenes.add('room') },
      async (page) => {
        await page.route('**/api/scenes/room', (route) => route.fulfill({ status: 503 }), {
          times: 1,
        });
        await page.locator('a[data-scene="room"]').press('Enter');
        await again(page).press('Enter');
        await page.locator('.scene-canvas[data-version]').waitFor();
        await focusIs(page, '.scene-side');
        await page.keyboard.press('Tab');
        assert.ok(await page.evaluate(() => document.activeElement.closest('.scene-side')));
      },
    ));

  it('stays with a job that is tried again, and with one that is cancelled', () =>
    withViewer(browser, { context: WIDE, jobSeconds: 600 }, async (page, { library }) => {
      await page.waitForSelector('.tile img.is-loaded');
      await until(page, () => document.body.dataset.socket === 'connected');
      const job = library.start('splat', library.photos.get('photo-0001'), { model: 'auto' });
      await page.getByRole('link', { name: /^Jobs/ }).press('Enter');
      const row = page.locator(`[data-job="${job.id}"]`);
      await row.getByRole('button', { name: /^Cancel/ }).press('Enter');
      await focusIs(page, '.job button:enabled');
      await again(row).press('Enter');
      await page.locator('.job').getByRole('progressbar').waitFor();
      await focusIs(page, '.job button:enabled');
      await page.locator('.job [aria-label^="Cancel"]').waitFor();
      await focusIs(page, '.job [aria-label^="Cancel"]');
    }));

  it('stays with a model whose download is tried again, and when it ends by itself', () =>
    withViewer(browser, { path: '#/models', context: WIDE }, async (page, { models }) => {
      models.failures.set('da3-base', 'no_space');
      await page.getByText('1 other model').click();
      const base = page.locator('[data-model="da3-base"]');
      await base.getByRole('button', { name: /^Download/ }).press('Enter');
      await base.getByText(/There is no space for the weights/).waitFor();
      await again(base).press('Enter');
      await focusIs(page, '[data-model="da3-base"] button');
      await base.getByRole('button', { name: /^Delete/ }).waitFor();
      await focusIs(page, '[data-model="da3-base"] button');
    }));

  it('stays on a photo whose picture, or whose 3D, is tried again', () =>
    withViewer(
      browser,
      {
        path: '&motion=0#/photo/photo-0003',
        expect: ['Failed to load resource'],
        prepare: ({ library }) => {
          library.broken.add('photo-0003');
          library.failures.set('photo-0003', 'out_of_memory');
        },
      },
      async (page, { library }) => {
        await page.getByText('The picture could not be loaded.').waitFor();
        library.broken.clear();
        await again(page).press('Enter');
        await focusIs(page, '.photo');
        await page.getByRole('button', { name: 'Make it 3D' }).press('Enter');
        await focusIs(page, '.photo');
        await page.locator('[data-card=error]').waitFor();
        await again(page).press('Enter');
        await focusIs(page, '.photo, .dock button');
      },
    ));

  it('stays in the gallery when that is read again, and where one presses beside everything nothing has it', () =>
    withViewer(
      browser,
      { context: WIDE, expect: ['503'], prepare: ({ state }) => (state.broken = false) },
      async (page, gateway) => {
        await page.waitForSelector('.tile img.is-loaded');
        gateway.state.broken = true;
        await page.evaluate(() => location.reload());
        await again(page).waitFor();
        gateway.state.broken = false;
        await again(page).press('Enter');
        await focusIs(page, 'main');
        await page.waitForSelector('.tile img.is-loaded');
        await page.getByRole('link', { name: 'Albums' }).focus();
        await page.mouse.click(1270, 4);
        await until(page, () => document.activeElement === document.body);
      },
    ));

  it('stays where a link in a line was that is replaced, moved, or out of reach for a while', () =>
    withViewer(
      browser,
      { path: '#/scene/room', context: WIDE, prepare: ({ scenes }) => scenes.add('room') },
      async (page) => {
        await page.locator('.scene-canvas[data-version]').waitFor();
        const list = page.locator('.scene-files');
        await list.locator('a').first().focus();
        await page.evaluate(() => new Promise(requestAnimationFrame));
        await list.evaluate((files) => {
          files.replaceChildren(...[...files.children].map((file) => file.cloneNode(true)));
        });
        await focusIs(page, '.scene-files a');
        await list.locator('a').first().focus();
        await list.evaluate((files) => files.prepend(files.firstElementChild));
        await focusIs(page, '.scene-files a');
        await list.evaluate((files) => (files.inert = true));
        await focusIs(page, '.scene-side');
      },
    ));

  it('is in the gallery after one has signed in, without a frame round the whole of it', () =>
    withViewer(
      browser,
      {
        expect: ['401'],
        prepare: ({ state }) => {
          state.authenticated = false;
        },
      },
      async (page) => {
        await page.getByRole('radio', { name: 'API key' }).check();
        await page.getByLabel('Immich API key').fill('right');
        await page.keyboard.press('Enter');
        await page.waitForSelector('.tile img.is-loaded');
        await focusIs(page, 'main:focus-visible');
        const frame = () => getComputedStyle(document.activeElement).outlineStyle;
        assert.equal(await page.evaluate(frame), 'none');
      },
    ));
});
