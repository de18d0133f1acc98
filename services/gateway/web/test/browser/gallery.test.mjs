import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, long, openBrowser, state, until, withViewer } from './browser.mjs';

const IMAGES = '.tile img.is-loaded';

describe('the gallery', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('shows photos with their badges, and is accessible', () =>
    withViewer(browser, { context: { viewport: { width: 1100, height: 700 } } }, async (page) => {
      await page.waitForSelector(IMAGES);
      await until(page, () => document.body.dataset.socket === 'connected');
      assert.equal((await state(page)).view, 'gallery');
      const first = page.locator('[data-id="photo-0000"] .tile-badges');
      assert.equal(await first.locator('[data-badge=splat] svg').count(), 1);
      assert.equal(await first.locator('.badge').count(), 1);
      await page.getByRole('link', { name: /^motorcycle-0\.jpg.*3D ready$/ }).waitFor();
      await assertAccessible(page);
    }));

  it('has what draws photos read once one of them is pointed at, not before', () =>
    withViewer(browser, {}, async (page) => {
      const asked = [];
      page.on('request', (request) => asked.push(request.url()));
      await page.waitForSelector(IMAGES);
      assert.ok(!asked.some((url) => url.includes('/viewport-')), asked.join('\n'));
      const read = page.waitForRequest(/\/viewport-/);
      await page.locator('.tile').first().hover();
      await read;
      assert.equal((await state(page)).view, 'gallery');
    }));

  it('leaves that to when a photo is open where data is dear', () =>
    withViewer(
      browser,
      {
        init: () => {
          Object.defineProperty(navigator, 'connection', { value: { saveData: true } });
        },
      },
      async (page) => {
        const asked = [];
        page.on('request', (request) => asked.push(request.url()));
        await page.waitForSelector(IMAGES);
        await page.locator('.tile').first().hover();
        const isPreview = /photo-0000\/preview/;
        const preview = page.waitForRequest(isPreview);
        await page.locator('.tile a').first().click();
        await preview;
        await page.waitForRequest(/\/viewport-/);
        const first = (what) => asked.findIndex((url) => what.test(url));
        assert.ok(first(isPreview) < first(/\/viewport-/), asked.join('\n'));
      },
    ));

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

  it(
    'holds few of many as elements, and leads to the last month by keys and by pointer',
    long,
    () =>
      withViewer(
        browser,
        { photos: 9000, context: { viewport: { width: 1280, height: 800 } } },
        async (page) => {
          await page.waitForSelector(IMAGES);
          assert.match(await page.locator('.summary').textContent(), /^9,005 items/);
          const scrubber = page.getByRole('slider', { name: 'Month' });
          assert.equal(await scrubber.getAttribute('aria-valuetext'), 'June 2026');
          await scrubber.focus();
          await page.keyboard.press('ArrowDown');
          await until(page, () =>
            [...document.querySelectorAll('.virtual-heading')].some(
              (heading) =>
                heading.textContent === 'May 2026' && heading.getBoundingClientRect().top < 400,
            ),
          );
          await page.keyboard.press('PageDown');
          await until(
            page,
            () =>
              document.querySelector('.scrubber').getAttribute('aria-valuetext') ===
              'December 2025',
          );
          await page.keyboard.press('End');
          await until(page, () => document.querySelector('.tile[data-id="photo-8999"]'));
          const box = await scrubber.boundingBox();
          await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
          await until(page, () =>
            [...document.querySelectorAll('.tile')].some((tile) => {
              const at = Number(tile.dataset.id.split('-')[1]);
              return at > 3500 && at < 5500;
            }),
          );
          const most = await page.evaluate(async () => {
            const gallery = document.querySelector('.gallery');
            let most = 0;
            for (let i = 0; i < 60; i += 1) {
              gallery.scrollTop = (gallery.scrollHeight * i) / 60;
              await new Promise((resolve) => requestAnimationFrame(resolve));
              most = Math.max(most, document.querySelectorAll('.tile').length);
            }
            return most;
          });
          assert.ok(most <= 400, `${most} tiles at once`);
          await assertAccessible(page);
        },
      ),
  );

  it('does not move what is looked at when a month above it comes to be known', () =>
    withViewer(
      browser,
      { photos: 900, context: { viewport: { width: 1280, height: 800 } } },
      async (page, { state: gateway }) => {
        await page.waitForSelector(IMAGES);
        await page.getByRole('slider', { name: 'Month' }).focus();
        await page.keyboard.press('End');
        await until(page, () =>
          document.querySelector('.tile[data-id="photo-0899"] img.is-loaded'),
        );
        gateway.delayMs = 1000;
        await page.evaluate(() => document.querySelector('.gallery').scrollBy(0, -900));
        const seen = () =>
          page.evaluate(() => {
            const tile = [...document.querySelectorAll('.tile')].find(
              (one) => one.getBoundingClientRect().top > 200,
            );
            return tile && [tile.dataset.id, Math.round(tile.getBoundingClientRect().top)];
          });
        await until(page, () => document.querySelector('.is-waiting'));
        const before = await seen();
        await until(page, () => !document.querySelector('.is-waiting'));
        const after = await page.evaluate(
          (id) =>
            Math.round(
              document.querySelector(`.tile[data-id="${id}"]`)?.getBoundingClientRect().top ?? -1,
            ),
          before[0],
        );
        assert.ok(Math.abs(after - before[1]) <= 2, `${before} is at ${after}`);
      },
    ));

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
    withViewer(browser, { jobSeconds: 600 }, async (page, { library }) => {
      await page.waitForSelector(IMAGES);
      await until(page, () => document.body.dataset.socket === 'connected');
      const tile = page.locator('.tile[data-id="photo-0003"]');
      const photo = library.photos.get('photo-0003');
      const job = library.start('splat', photo, { model: 'auto' });
      library.advance(job, 0.4);
      await tile.locator('[role=progressbar][aria-valuenow]').waitFor();
      assert.match(await tile.locator('.tile-words').textContent(), /%$/);
      library.succeed(job, photo);
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
      const source = library.photos.get('photo-0001');
      const names = ['a', 'b', 'c', 'd', 'e'];
      const added = names.map((id) => ({ ...source, id, taken_at: '2026-06-30T00:00:00Z' }));
      await page.evaluate(() => document.querySelector('.gallery').scrollBy(0, 1100));
      const visible = () =>
        [...document.querySelectorAll('.tile')].find(
          (tile) => tile.getBoundingClientRect().top > 80,
        )?.dataset.id;
      await until(page, visible);
      const seen = await page.evaluate(visible);
      const before = await topOf(seen);
      for (const photo of added) library.photos.set(photo.id, photo);
      const there = added.map((photo) => library.entry(photo));
      socket.emit('library:changed', { there, gone: [], more: false });
      await until(page, () => document.querySelector('.summary').textContent.startsWith('70'));
      assert.ok(Math.abs((await topOf(seen)) - before) <= 2);
      library.photos.delete('a');
      socket.emit('library:changed', {
        there: [],
        gone: [{ kind: 'photo', id: 'a' }],
        more: false,
      });
      await until(page, () => document.querySelector('.summary').textContent.startsWith('69'));
      assert.ok(Math.abs((await topOf(seen)) - before) <= 2);
      await page.evaluate(() => document.querySelector('.gallery').scrollTo(0, 0));
      await page.waitForSelector('.tile[data-id="b"]');
      await until(page, () => !document.querySelector('.tile[data-id="a"]'));
    }));

  it('reads again only the months that are seen when nobody knows what changed', () =>
    withViewer(browser, { photos: 400 }, async (page, { socket }) => {
      await page.waitForSelector(IMAGES);
      await until(page, () => document.body.dataset.socket === 'connected');
      const months = [];
      page.on('request', (request) => {
        const month = /timeline\/(\d{4}-\d\d)/.exec(request.url());
        if (month) months.push(month[1]);
      });
      const scroll = (to) =>
        page.evaluate((top) => document.querySelector('.gallery').scrollTo(0, top), to);
      const loadedAll = () =>
        document.querySelector('.virtual-list') && !document.querySelector('.is-waiting');
      for (const top of [2500, 5000, 7500, 0]) {
        await scroll(top);
        await until(page, loadedAll);
      }
      const passed = new Set(months).size;
      months.length = 0;
      const first = await page.evaluate(() => document.querySelector('.tile').dataset.id);
      socket.emit('library:changed', { there: [], gone: [], more: true });
      await until(page, loadedAll);
      await page.waitForTimeout(500);
      assert.ok(months.length > 0 && months.length < passed, `${months} of ${passed}`);
      assert.equal(await page.locator(`.tile[data-id="${first}"]`).count(), 1);
      await scroll(5000);
      await until(page, loadedAll);
      await page.waitForSelector('.tile img.is-loaded');
    }));

  it('leads from a photo that an address names to those beside it, and says which one it is', () =>
    withViewer(browser, { photos: 300, path: '&motion=0#/photo/photo-0200' }, async (page) => {
      await page.getByRole('button', { name: 'Next photo' }).waitFor();
      assert.match(await page.title(), /-200\.jpg · ImmichVR$/);
      await page.keyboard.press('ArrowRight');
      await until(page, () => location.hash === '#/photo/photo-0201');
      await page.keyboard.press('Escape');
      await until(page, () => document.activeElement.dataset.id === 'photo-0201');
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

  it('names a photo whose picture does not come, and asks again when the server is back', () =>
    withViewer(
      browser,
      {
        expect: ['Failed to load resource', 'WebSocket', 'socket.io'],
        prepare: ({ library }) => library.broken.add('photo-0002'),
      },
      async (page, { library, socket }) => {
        const tile = page.locator('.tile[data-id="photo-0002"]');
        await page.waitForSelector('.tile[data-id="photo-0002"].is-broken');
        await until(page, () => {
          const name = document.querySelector('.tile[data-id="photo-0002"] .tile-name');
          return getComputedStyle(name).opacity === '1';
        });
        library.broken.clear();
        socket.drop({ refuse: true });
        await until(page, () => document.body.dataset.socket === 'disconnected');
        socket.allow();
        await tile.locator('img.is-loaded').waitFor();
        assert.equal(await page.locator('.is-broken').count(), 0);
      },
    ));

  it('shows large tiles by larger pictures', () =>
    withViewer(
      browser,
      { context: { viewport: { width: 1280, height: 800 }, deviceScaleFactor: 2 }, photos: 40 },
      async (page) => {
        await page.waitForSelector(IMAGES);
        const addresses = () =>
          page.evaluate(() => [...document.querySelectorAll('.tile img')].map(({ src }) => src));
        assert.ok((await addresses()).every((src) => src.includes('/thumbnail?')));
        await page.evaluate(() => {
          location.hash = '#/settings';
        });
        const size = page.getByRole('spinbutton', { name: 'Size of the pictures' });
        await size.fill('2');
        await size.press('Enter');
        await page.getByText('Kept.').waitFor();
        await page.keyboard.press('Escape');
        await until(page, () =>
          [...document.querySelectorAll('.tile img')].some(({ src }) => src.includes('/preview?')),
        );
      },
    ));

  it('says what to do when there are no photos', () =>
    withViewer(browser, { photos: 0, films: 0, library: 'folder' }, async (page) => {
      await page.getByText('No photos yet').waitFor();
      await page.getByText(/Put some photos into the folder/).waitFor();
      await assertAccessible(page);
    }));

  it('shows by itself what comes into a folder that was empty', () =>
    withViewer(
      browser,
      { photos: 0, films: 0, library: 'folder' },
      async (page, { library, socket }) => {
        await page.getByText('No photos yet').waitFor();
        await until(page, () => document.body.dataset.socket === 'connected');
        library.addPhoto(0);
        const there = [library.entry(library.photos.get('photo-0000'))];
        socket.emit('library:changed', { there, gone: [], more: false });
        await page.waitForSelector('.tile[data-id="photo-0000"] img.is-loaded');
        assert.ok(await page.getByText('No photos yet').isHidden());
      },
    ));

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
      { jobSeconds: 600, expect: ['WebSocket', 'socket.io'] },
      async (page, { library, socket }) => {
        await page.waitForSelector(IMAGES);
        await until(page, () => document.body.dataset.socket === 'connected');
        const photo = library.photos.get('photo-0003');
        const job = library.start('splat', photo, { model: 'auto' });
        library.advance(job, 0.4);
        const tile = page.locator('.tile[data-id="photo-0003"]');
        await tile.locator('[role=progressbar][aria-valuenow]').waitFor();
        socket.drop({ refuse: true });
        await page.getByText('Live updates paused').waitFor();
        assert.equal((await state(page)).socket, 'disconnected');
        library.succeed(job, photo);
        await tile.locator('[data-badge=splat]').waitFor({ timeout: 60_000 });
        library.photos.get('photo-0001').splat = true;
        socket.allow();
        await until(page, () => document.body.dataset.socket === 'connected');
        await page.locator('.tile[data-id="photo-0001"] [data-badge=splat]').waitFor();
      },
    ));
});
