import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, openBrowser, state, until, withViewer } from './browser.mjs';

const IMAGES = '.tile img.is-loaded';

describe('the gallery', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('shows photos with badges as text, and is accessible', () =>
    withViewer(browser, { context: { viewport: { width: 1100, height: 700 } } }, async (page) => {
      await page.waitForSelector(IMAGES);
      await until(page, () => document.body.dataset.socket === 'connected');
      assert.equal((await state(page)).view, 'gallery');
      const first = page.locator('[data-id="photo-0000"] .tile-badges');
      assert.equal(await first.textContent(), '[3D][D]');
      await page.getByRole('link', { name: /^motorcycle-0\.jpg.*3D ready$/ }).waitFor();
      await assertAccessible(page);
    }));

  it('keeps the aspect of every photo', () =>
    withViewer(browser, {}, async (page) => {
      await page.waitForSelector(IMAGES);
      const worst = await page.evaluate(() =>
        Math.max(
          ...[...document.querySelectorAll('.tile')].map((tile) => {
            const { width, height } = tile.getBoundingClientRect();
            const wanted = Number(tile.style.getPropertyValue('--aspect'));
            return Math.abs(width / height / wanted - 1);
          }),
        ),
      );
      assert.ok(worst < 0.01, `a tile is off by ${worst}`);
    }));

  it('loads further pages while scrolling, to the last photo', () =>
    withViewer(browser, { photos: 130 }, async (page) => {
      await page.waitForSelector(IMAGES);
      for (let i = 0; i < 12; i += 1) {
        await page.locator('.sentinel').scrollIntoViewIfNeeded();
        await page.waitForTimeout(50);
      }
      await until(page, () => document.querySelectorAll('.tile').length === 130);
      assert.match(await page.locator('.summary').textContent(), /^130 photos/);
    }));

  it('is walked with arrow keys: one tab stop, Enter opens, Esc comes back', () =>
    withViewer(browser, { path: '&motion=0' }, async (page) => {
      await page.waitForSelector(IMAGES);
      assert.equal(await page.locator('.tile-link[tabindex="0"]').count(), 1);
      await page.locator('a[data-id="photo-0000"]').focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('Enter');
      await until(page, () => document.body.dataset.view === 'photo');
      await page.keyboard.press('ArrowRight');
      await until(page, () => location.hash === '#/photo/photo-0002');
      await page.keyboard.press('Escape');
      await until(page, () => document.body.dataset.view === 'gallery');
      const focused = await page.evaluate(() => document.activeElement.dataset.id);
      assert.equal(focused, 'photo-0002');
    }));

  it('shows progress live on the tile, then the badge', () =>
    withViewer(browser, { jobSeconds: 1.5 }, async (page, { library }) => {
      await page.waitForSelector(IMAGES);
      await until(page, () => document.body.dataset.socket === 'connected');
      const tile = page.locator('.tile[data-id="photo-0003"]');
      library.start('splat', library.photos.get('photo-0003'), { model: 'auto' });
      await tile.locator('[role=progressbar][aria-valuenow]').waitFor();
      assert.match(await tile.locator('.tile-words').textContent(), /%$/);
      await tile.locator('[data-badge=splat]').waitFor();
      assert.equal(await tile.locator('.tile-status').isVisible(), false);
      assert.match(await page.locator('[role=status].sr-only').textContent(), /3D is ready for/);
    }));

  it('takes in what comes and goes without moving what is looked at', () =>
    withViewer(browser, { photos: 60 }, async (page, { socket, library }) => {
      await page.waitForSelector(IMAGES);
      await until(page, () => document.body.dataset.socket === 'connected');
      const topOf = (id) =>
        page.evaluate((wanted) => {
          const tile = document.querySelector(`.tile[data-id="${wanted}"]`);
          return Math.round(tile.getBoundingClientRect().top);
        }, id);
      const entry = library.entry(library.photos.get('photo-0001'));
      const there = ['a', 'b', 'c', 'd', 'e'].map((id) => ({
        ...entry,
        ...{ kind: 'photo', id, name: `${id}.jpg`, taken_at: '2027-01-01T00:00:00Z' },
      }));
      await page.locator('.tile[data-id="photo-0020"]').scrollIntoViewIfNeeded();
      await page.evaluate(() => document.querySelector('.gallery').scrollBy(0, 40));
      const seen = await page.evaluate(
        () =>
          [...document.querySelectorAll('.tile')].find(
            (tile) => tile.getBoundingClientRect().bottom > 0,
          ).dataset.id,
      );
      const before = await topOf(seen);
      socket.emit('library:changed', { there, gone: [], more: false });
      await until(page, () => document.querySelectorAll('.tile').length === 65);
      assert.ok(Math.abs((await topOf(seen)) - before) <= 2);
      const gone = [{ kind: 'photo', id: 'a' }];
      socket.emit('library:changed', { there: [], gone, more: false });
      await until(page, () => !document.querySelector('.tile[data-id="a"]'));
      assert.ok(Math.abs((await topOf(seen)) - before) <= 2);
      assert.equal(await page.locator('.tile').first().getAttribute('data-id'), 'b');
    }));

  it('says in words what failed', () =>
    withViewer(browser, {}, async (page, { library }) => {
      await page.waitForSelector(IMAGES);
      await until(page, () => document.body.dataset.socket === 'connected');
      library.failures.set('photo-0001', 'invalid_image');
      library.start('splat', library.photos.get('photo-0001'), { model: 'auto' });
      const words = page.locator('.tile[data-id="photo-0001"] .tile-status.is-failed');
      await words.waitFor();
      assert.equal(await words.textContent(), '3D could not be made');
    }));

  it('says what to do when there are no photos', () =>
    withViewer(browser, { photos: 0, library: 'folder' }, async (page) => {
      await page.getByText('No photos yet').waitFor();
      await page.getByText(/Put some photos into the folder/).waitFor();
      await assertAccessible(page);
    }));

  it('says what is wrong when the server fails, and tries again', () =>
    withViewer(
      browser,
      {
        expect: ['503'],
        prepare: ({ state: gateway }) => {
          gateway.broken = true;
        },
      },
      async (page, gateway) => {
        await page.getByText('A part of the server is down.').waitFor();
        gateway.state.broken = false;
        await page.getByRole('button', { name: 'Try again' }).click();
        await page.waitForSelector(IMAGES);
      },
    ));

  it('says when the server does not answer at all, and tries again', () => {
    const init = () => {
      const { fetch } = window;
      window.fetch = (...given) =>
        window.serverIsBack ? fetch(...given) : Promise.reject(new TypeError('Failed to fetch'));
    };
    return withViewer(browser, { init }, async (page) => {
      await page.getByText('The server does not answer.').waitFor();
      await page.evaluate(() => {
        window.serverIsBack = true;
      });
      await page.getByRole('button', { name: 'Try again' }).click();
      await page.waitForSelector(IMAGES);
    });
  });

  it('asks to sign in, says why it was refused, and goes on', () =>
    withViewer(
      browser,
      {
        expect: ['401'],
        prepare: ({ state: gateway }) => {
          gateway.authenticated = false;
        },
      },
      async (page) => {
        await page.locator('dialog[open]').waitFor();
        await assertAccessible(page);
        await page.getByRole('radio', { name: 'API key' }).check();
        await page.getByLabel('Immich API key').fill('wrong');
        await page.keyboard.press('Enter');
        await page.getByText('Immich does not accept this API key.').waitFor();
        await page.getByLabel('Immich API key').fill('right');
        await page.keyboard.press('Enter');
        await page.waitForSelector(IMAGES);
        await page.getByRole('button', { name: 'Sign out' }).click();
        await page.locator('dialog[open]').waitFor();
        assert.equal(await page.locator('.tile').count(), 0);
      },
    ));

  it('works below the path of a reverse proxy', () =>
    withViewer(browser, { base: '/photos/vr/' }, async (page) => {
      await page.waitForSelector(IMAGES);
      await until(page, () => document.body.dataset.socket === 'connected');
    }));

  it('goes on with polling while events do not arrive, and catches up after', () =>
    withViewer(
      browser,
      { jobSeconds: 3, expect: ['WebSocket', 'socket.io'] },
      async (page, { library, socket }) => {
        await page.waitForSelector(IMAGES);
        await until(page, () => document.body.dataset.socket === 'connected');
        const photo = library.photos.get('photo-0003');
        library.start('splat', photo, { model: 'auto' });
        const tile = page.locator('.tile[data-id="photo-0003"]');
        await tile.locator('[role=progressbar][aria-valuenow]').waitFor();
        socket.drop({ refuse: true });
        await page.getByText('Live updates paused').waitFor();
        assert.equal((await state(page)).socket, 'disconnected');
        await tile.locator('[data-badge=splat]').waitFor({ timeout: 15_000 });
        library.photos.get('photo-0001').splat = true;
        socket.allow();
        await until(page, () => document.body.dataset.socket === 'connected');
        await page.locator('.tile[data-id="photo-0001"] [data-badge=splat]').waitFor();
      },
    ));
});
