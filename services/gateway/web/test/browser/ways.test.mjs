import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  assertAccessible,
  assertFits,
  modeIs,
  openBrowser,
  pressToMove,
  until,
  withViewer,
} from './browser.mjs';

const WIDE = { viewport: { width: 900, height: 700 } };

describe('ways through a library', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('settings change how the gallery looks at once, and are kept with the account', () =>
    withViewer(browser, { context: WIDE }, async (page) => {
      const tile = () =>
        page.evaluate(() => document.querySelector('.tile')?.getBoundingClientRect().height);
      await page.waitForSelector('.tile');
      const before = await tile();
      await page.evaluate(() => {
        location.hash = '#/settings';
      });
      const size = page.getByRole('spinbutton', { name: 'Size of the pictures' });
      await size.fill('2');
      await size.press('Enter');
      await page.getByText('Kept.').waitFor();
      await page.getByRole('checkbox', { name: 'Photos open in 3D' }).uncheck();
      await assertAccessible(page);
      await page.reload();
      await until(page, () => document.querySelector('input[name=thumbnailSize]')?.value === '2');
      assert.equal(
        await page.getByRole('checkbox', { name: 'Photos open in 3D' }).isChecked(),
        false,
      );
      await page.keyboard.press('Escape');
      await until(page, () => document.body.dataset.view === 'gallery');
      await until(
        page,
        (least) => document.querySelector('.tile').getBoundingClientRect().height > least,
        before * 1.4,
      );
      await page.goto(`${page.url().split('#')[0]}#/photo/photo-0000`);
      await until(page, () => document.body.dataset.mode === 'depth');
      assert.ok(await page.getByRole('button', { name: '3D', exact: true }).isDisabled());
    }));

  it('each setting of the gallery counts for what is shown, fetched and made', () =>
    withViewer(browser, { context: WIDE, photos: 40 }, async (page, gateway) => {
      const settle = (gallery) =>
        page.request.patch(`${gateway.url}api/me/settings`, { data: { gallery } });
      const perRow = () =>
        page.evaluate(() => {
          const lists = [...document.querySelectorAll('.virtual-list')];
          const tops = lists.flatMap((list) =>
            [...list.children].map((tile) => Math.round(tile.getBoundingClientRect().top)),
          );
          return Math.max(...tops.map((top) => tops.filter((one) => one === top).length));
        });
      await page.waitForSelector('.tile img.is-loaded');
      const usual = await perRow();
      await settle({
        adjacentPhotosCount: 1,
        animationDuration: 0.1,
        backgroundColor: '#123456',
        parallaxIntensity: 0,
        rowWidth: 2,
        thumbnailSize: 1.5,
        gaussianSplat: { defaultQuality: 'light', formats: ['splat'] },
      });
      await page.reload();
      await page.waitForSelector('.tile img.is-loaded');
      const wide = await perRow();
      assert.ok(wide < usual, `${wide} in a row, ${usual} before`);

      const asked = [];
      page.on('request', (request) => asked.push(request));
      await page.evaluate(() => {
        location.hash = '#/photo/photo-0008';
      });
      await until(page, () => ['depth', 'splat'].includes(document.body.dataset.mode));
      const backdrop = await page.evaluate(
        () => getComputedStyle(document.querySelector('.photo')).backgroundColor,
      );
      assert.equal(backdrop, 'rgb(18, 52, 86)');
      const fade = await page.evaluate(() =>
        getComputedStyle(document.documentElement).getPropertyValue('--slow'),
      );
      assert.equal(fade, '0.1s');
      await page.keyboard.press('d');
      await modeIs(page, 'depth');
      await pressToMove(page, 'a');
      const seen = await page.evaluate(() =>
        document.querySelector('.stage').style.getPropertyValue('--seen'),
      );
      assert.ok(Number(seen) < 0.01, `${seen} of a lean where that is set to nothing`);
      await page.getByRole('button', { name: 'Download' }).click();
      const formats = await page.locator('.popup-item:visible').allTextContents();
      const [splat, ply] = ['SPLAT', 'PLY'].map((format) =>
        formats.findIndex((words) => words.startsWith(format)),
      );
      assert.ok(splat >= 0 && splat < ply, formats.join(' | '));
      await page.keyboard.press('Escape');
      const previews = asked
        .map((request) => /photo-00(\d\d)\/preview/.exec(request.url())?.[1])
        .filter(Boolean);
      assert.deepEqual([...new Set(previews)].sort(), ['07', '08', '09']);
      await page.evaluate(() => {
        location.hash = '#/photo/photo-0001';
      });
      const wish = page.waitForRequest((request) => request.url().endsWith('photo-0001/splat'));
      await page.getByRole('button', { name: 'Make it 3D' }).click();
      assert.equal((await wish).postDataJSON().quality, 'light');
    }));

  it('the places are told in German where that is chosen', () =>
    withViewer(browser, { context: WIDE, path: '#/settings' }, async (page) => {
      await page.getByRole('combobox', { name: 'Language' }).selectOption('de');
      await page.getByRole('heading', { name: 'Einstellungen' }).waitFor();
      assert.equal(await page.evaluate(() => document.documentElement.lang), 'de');
      await page.getByRole('link', { name: 'Erinnerungen' }).click();
      await page.getByText('Vor 1 Jahr, 2025').waitFor();
      await assertAccessible(page);
    }));

  it('everything is told in the language that the browser asks for', () =>
    withViewer(
      browser,
      {
        context: { ...WIDE, locale: 'de-DE' },
        expect: ['404'],
        path: '&motion=0#/photo/photo-0001',
      },
      async (page, gateway) => {
        await page.getByRole('button', { name: '3D erzeugen' }).waitFor();
        await page.getByRole('button', { name: 'Herunterladen' }).click();
        await page.getByRole('link', { name: 'Original des Fotos' }).waitFor();
        await page.goto(`${gateway.url}#/photo/photo-9999`);
        await page.getByText('Das ist nicht mehr hier.').waitFor();
        for (const [hash, words] of [
          ['models', 'Läuft jetzt schon'],
          ['account', 'Ein Headset einlassen'],
          ['automation', 'Nur die leichte Fassung'],
          ['scenes', 'Einen Ort erzeugen'],
        ]) {
          await page.goto(`${gateway.url}#/${hash}`);
          await page.getByText(words).first().waitFor();
          await assertAccessible(page);
        }
      },
    ));

  for (const colorScheme of ['dark', 'light'])
    it(`pages and photos fit the narrowest window, and nothing is amiss for axe: ${colorScheme}`, () =>
      withViewer(
        browser,
        {
          context: { viewport: { width: 320, height: 640 }, colorScheme, hasTouch: true },
          path: '&motion=0#/settings',
        },
        async (page, gateway) => {
          const pages = [
            ['#/settings', '.settings-group'],
            ['#/account', '.sign-ins li'],
            ['#/automation', '.automation-form'],
            ['#/models', '.model'],
            ['#/tags', '.tag'],
            ['#/videos', '.tile'],
            ['#/scenes', '.scenes-main'],
            ['#/photo/photo-0001', '.make'],
            ['#/video/video-0000', '.player-controls'],
          ];
          for (const [hash, there] of pages) {
            await page.evaluate((where) => {
              location.hash = where;
            }, hash);
            await until(page, (view) => document.body.dataset.view === view, hash.split('/')[1]);
            await page.locator(there).first().waitFor();
            await assertFits(page);
            await assertAccessible(page);
          }
          await page.goto(`${gateway.url}live.html`);
          await page.locator('.live-actions').waitFor();
          await assertFits(page);
          await assertAccessible(page);
        },
      ));

  it('what opens over a page fits the narrowest window too, in the language of longer words', () =>
    withViewer(
      browser,
      {
        context: { viewport: { width: 320, height: 640 }, locale: 'de-DE', hasTouch: true },
        path: '&motion=0#/photo/photo-0000',
        expect: ['/api/photos/photo-0001'],
        jobSeconds: 60,
        prepare: ({ library }) => {
          library.photos.get('photo-0000').rough = true;
          library.broken.add('photo-0001');
        },
      },
      async (page, { state }) => {
        const button = (name) => page.getByRole('button', { name, exact: true });
        const goTo = (hash) => page.evaluate((where) => location.assign(where), hash);
        await page.locator('.rough:not(:disabled)').waitFor();
        await assertFits(page);
        for (const name of ['Herunterladen', 'Mehr']) {
          await button(name).click();
          await page.locator('.popup-panel:visible .popup-item').first().waitFor();
          await assertFits(page);
          await page.keyboard.press('Escape');
        }
        await goTo('#/photo/photo-0001');
        await page.getByRole('alert').getByText('Noch einmal versuchen').waitFor();
        await assertFits(page);
        await goTo('#/video/video-0000');
        await button('Wiedergabe').click();
        await assertFits(page);
        await page.keyboard.press('Escape');
        await goTo('#/memories/2026-11-29?play');
        await page.locator('.presentation img.flat').waitFor();
        await assertFits(page);
        const tops = await page
          .locator('.presentation-words button:visible')
          .evaluateAll((all) => all.map((one) => one.getBoundingClientRect().top));
        assert.equal(new Set(tops).size, 1, `buttons stand in rows at ${tops}`);
        await goTo('#/');
        await page.locator('.tile-link').first().focus();
        await page.keyboard.press('Space');
        await button('Daraus 3D erzeugen').waitFor();
        await assertFits(page);
        await page.keyboard.press('Escape');
        await button('Abmelden').click();
        await page.getByRole('dialog').getByText('Zugangsschlüssel').waitFor();
        await assertFits(page);
        assert.equal(state.authenticated, false);
      },
    ));

  it('tags list what has them, and those below them', () =>
    withViewer(browser, { context: WIDE, path: '#/tags' }, async (page) => {
      await page.getByRole('link', { name: /2024/ }).waitFor();
      await assertAccessible(page);
      await page.getByRole('link', { name: /2024/ }).click();
      await page.getByRole('heading', { name: 'trips › 2024' }).waitFor();
      await page.waitForSelector('.tile');
    }));

  it('memories play one after the other, stand still when told to, and are left by Escape', () =>
    withViewer(browser, { context: WIDE, path: '#/memories' }, async (page) => {
      await page.getByRole('link', { name: 'Play' }).click();
      await until(page, () => document.body.dataset.presents);
      const dialog = page.getByRole('dialog', { name: 'Memories, one after the other' });
      assert.match(await dialog.textContent(), /1 of \d/);
      await assertAccessible(page);
      await dialog.getByRole('button', { name: 'Pause' }).click();
      const first = await page.evaluate(() => document.body.dataset.presents);
      await dialog.getByRole('button', { name: 'Next' }).click();
      await until(page, (one) => document.body.dataset.presents !== one, first);
      assert.equal(await dialog.locator('audio, video').count(), 0);
      // Each is moved through by its depth, but not while it stands still.
      const frames = () => page.evaluate(() => Number(document.body.dataset.frames));
      await until(page, () => document.body.dataset.mode === 'depth');
      let still = -1;
      for (let now = await frames(); now !== still; now = await frames()) {
        still = now;
        await page.waitForTimeout(700);
      }
      await dialog.getByRole('button', { name: 'Go on' }).click();
      await until(page, (before) => Number(document.body.dataset.frames) > before + 2, still);
      await page.keyboard.press('Escape');
      await until(page, () => document.body.dataset.presents === undefined);
      assert.match(await page.evaluate(() => location.hash), /^#\/memories\/[\d-]+$/);
    }));

  it('what is said is searched for, where the browser understands speech, else that is told', () =>
    withViewer(
      browser,
      {
        context: WIDE,
        path: '#/search',
        init: () => {
          // What a browser has that understands: it hears a word, then ends.
          class Ear extends EventTarget {
            start() {
              setTimeout(() => {
                const results = [Object.assign([{ transcript: 'ridges' }], { isFinal: true })];
                this.dispatchEvent(Object.assign(new Event('result'), { results }));
                this.dispatchEvent(new Event('end'));
              });
            }
          }
          window.SpeechRecognition = Ear;
        },
      },
      async (page) => {
        await page.getByRole('button', { name: 'Search by voice' }).click();
        await until(page, () => location.hash.includes('q=ridges'));
        await page.evaluate(() => {
          window.SpeechRecognition = undefined;
          window.webkitSpeechRecognition = undefined;
        });
        await page.getByRole('button', { name: 'Search by voice' }).click();
        await page.getByText(/does not understand speech/).waitFor();
      },
    ));

  it('the focus is where it was after a dialog of a photo is closed', () =>
    withViewer(browser, { context: WIDE, path: '#/photo/photo-0001' }, async (page) => {
      await page.getByRole('button', { name: 'More', exact: true }).click();
      await page.getByRole('button', { name: /^Make 3D with/ }).click();
      await page.getByRole('heading', { name: 'Make 3D' }).waitFor();
      await page.keyboard.press('Escape');
      const focused = () => page.evaluate(() => document.activeElement.getAttribute('aria-label'));
      assert.equal(await focused(), 'More');
    }));

  it('a photo of all directions is looked around in, and not lifted', () =>
    withViewer(
      browser,
      {
        path: '&motion=0#/photo/photo-0001',
        prepare: ({ library }) => {
          library.photos.get('photo-0001').projection = 'EQUIRECTANGULAR';
        },
      },
      async (page) => {
        await until(page, () => document.body.dataset.sphere === 'shown');
        assert.ok(await page.getByRole('button', { name: 'Make it 3D' }).isHidden());
        const look = () => page.locator('canvas.sphere').screenshot();
        const ahead = await look();
        await page.mouse.move(200, 150);
        await page.mouse.down();
        await page.mouse.move(330, 150, { steps: 4 });
        await page.mouse.up();
        const deadline = Date.now() + 60_000;
        while (ahead.equals(await look())) assert.ok(Date.now() < deadline, 'it does not turn');
        await assertAccessible(page);
      },
    ));

  it('the viewer opens without a network after it was opened once, and says that nothing answers', () =>
    withViewer(
      browser,
      {
        context: { ...WIDE, serviceWorkers: 'allow' },
        expect: ['Failed to load resource', 'WebSocket', 'ERR_'],
      },
      async (page, gateway) => {
        await page.waitForSelector('.tile');
        const manifest = await page.evaluate(async () =>
          (await fetch('manifest.webmanifest')).json(),
        );
        assert.deepEqual([manifest.display, manifest.icons.length], ['standalone', 3]);
        await page.evaluate(async () => {
          await navigator.serviceWorker.ready;
        });
        const kept = await page.evaluate(async () => {
          const cache = await caches.open('immichvr-shell-1');
          return (await cache.keys()).map(({ url }) => new URL(url).pathname);
        });
        assert.ok(kept.includes('/') && kept.some((path) => path.endsWith('.js')), kept.join());
        assert.ok(!kept.some((path) => path.startsWith('/api/')), 'nobody’s photos are kept');
        gateway.close();
        await page.context().setOffline(true);
        await page.reload();
        await page.getByText('The server does not answer.').waitFor();
      },
    ));
});
