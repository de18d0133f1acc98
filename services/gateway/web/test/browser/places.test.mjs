import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  assertAccessible,
  assertFits,
  awaited,
  long,
  openBrowser,
  state,
  until,
  withViewer,
} from './browser.mjs';

const WIDE = { viewport: { width: 1280, height: 800 } };
const PHONE = { viewport: { width: 390, height: 800 } };
const SMALL = { viewport: { width: 320, height: 640 } };
const LOADED = '.tile img.is-loaded';

const heading = (page, name) => page.getByRole('heading', { level: 1, name }).waitFor();

/** The ids of three jobs that wait, from first to last, in the list that is opened. */
async function threeWait(page, library) {
  await heading(page, 'Albums');
  const jobs = ['photo-0001', 'photo-0003', 'photo-0004'].map((id) =>
    library.start('splat', library.photos.get(id), { model: 'x', force: true }),
  );
  await page.getByRole('link', { name: /^Jobs/ }).click();
  return jobs.map(({ id }) => id);
}

describe('the places of the library', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('are reached from the side, each with its address, and back again', () =>
    withViewer(browser, { context: WIDE }, async (page) => {
      await page.waitForSelector(LOADED);
      const side = page.getByRole('navigation', { name: 'Places' });
      for (const place of ['Albums', 'Favourites', 'People', 'Places', 'Memories', 'Jobs']) {
        await side.getByRole('link', { name: place }).click();
        await heading(page, place);
        await until(page, (hash) => location.hash === hash, `#/${place.toLowerCase()}`);
        assert.equal(await page.locator('.side [aria-current=page]').textContent(), place);
        assert.match(await page.title(), new RegExp(`^${place} · ImmichVR`));
      }
      for (const place of ['Memories', 'Places', 'People']) {
        await page.goBack();
        await heading(page, place);
      }
      await page.goForward();
      await heading(page, 'Places');
      await side.getByRole('link', { name: 'Photos', exact: true }).click();
      await until(page, () => document.body.dataset.view === 'gallery');
    }));

  it('are in a bar and a drawer on a phone, where nothing is wider than the window', () =>
    withViewer(browser, { context: PHONE }, async (page) => {
      await page.waitForSelector(LOADED);
      assert.equal(await page.locator('.side').isVisible(), false);
      await page.getByRole('link', { name: 'Albums' }).click();
      await heading(page, 'Albums');
      await page.getByRole('button', { name: 'More' }).click();
      await assertAccessible(page);
      await page.getByRole('dialog').getByRole('link', { name: 'People' }).click();
      await heading(page, 'People');
      assert.equal(await page.getByRole('dialog').count(), 0);
      await page.getByRole('button', { name: 'More' }).click();
      await page.keyboard.press('Escape');
      assert.equal(await page.getByRole('dialog').count(), 0);
    }));

  for (const [how, context, when] of [
    ['wide, dark', { ...WIDE, colorScheme: 'dark' }, {}],
    ['wide, light', { ...WIDE, colorScheme: 'light' }, long],
    ['narrow, dark', { ...SMALL, colorScheme: 'dark' }, long],
    ['narrow, light', { ...PHONE, colorScheme: 'light' }, {}],
  ]) {
    it(`have nothing that axe complains about, nor anything beyond the window: ${how}`, when, () =>
      withViewer(browser, { context }, async (page) => {
        await page.waitForSelector(LOADED);
        const places = [
          '',
          'albums',
          'album/album-shared',
          'people',
          'person/person-ana',
          'places',
        ];
        places.push('place?city=Lisbon', 'favourites', 'memories/2026-11-29', 'search?q=a', 'jobs');
        for (const place of places) {
          await page.evaluate((hash) => {
            location.hash = hash;
          }, `#/${place}`);
          await page.waitForFunction(() =>
            document
              .querySelector('.gallery main')
              ?.querySelector('img, .gallery-notice:not([hidden])'),
          );
          await assertAccessible(page);
          await assertFits(page);
        }
      }),
    );
  }

  it('show albums, those of others marked, and an album whose photos lead back to it', () =>
    withViewer(browser, { context: WIDE, path: '&motion=0#/albums' }, async (page) => {
      const card = page.getByRole('link', { name: /Wedding of Ana and Tom/ });
      assert.match(await card.textContent(), /Shared by Ana/);
      assert.match(
        await page.getByRole('link', { name: /For the neighbours/ }).textContent(),
        /Has a link/,
      );
      await card.click();
      await heading(page, 'Wedding of Ana and Tom');
      await page.locator('.tile[data-id="photo-0003"] a').click();
      await until(page, () => document.body.dataset.view === 'photo');
      await page.keyboard.press('ArrowRight');
      await until(page, () => location.hash === '#/photo/photo-0006');
      await page.keyboard.press('Escape');
      await heading(page, 'Wedding of Ana and Tom');
      assert.equal(await page.evaluate(() => document.activeElement.dataset.id), 'photo-0006');
    }));

  it('lead back to the album after a reload on one of its photos', () =>
    withViewer(browser, { context: WIDE, path: '&motion=0#/album/album-own' }, async (page) => {
      await page.locator('.tile[data-id="photo-0004"] a').click();
      await until(page, () => document.body.dataset.view === 'photo');
      await page.reload();
      await page.getByRole('button', { name: 'Next photo' }).waitFor();
      await page.keyboard.press('ArrowRight');
      await until(page, () => location.hash === '#/photo/photo-0006');
      await page.keyboard.press('Escape');
      await heading(page, 'Summer by the lake');
    }));

  it('say that an album is empty, and that one is not there', () =>
    withViewer(
      browser,
      { context: WIDE, path: '#/album/album-empty', expect: ['404'] },
      async (page) => {
        await page.getByText('This album is empty').waitFor();
        await page.evaluate(() => {
          location.hash = '#/album/unknown';
        });
        await page.getByRole('button', { name: 'Try again' }).waitFor();
      },
    ));

  it('search by what pictures show, and say where that is off what works', () =>
    withViewer(browser, { context: WIDE, expect: ['409'] }, async (page, { places }) => {
      await page.waitForSelector(LOADED);
      await page.getByRole('searchbox').first().fill('a beach');
      await page.keyboard.press('Enter');
      await heading(page, 'Search');
      await page.waitForSelector('.place-main .tile');
      await until(page, () => location.hash === '#/search?q=a+beach');
      places.smart = false;
      await page.getByRole('searchbox', { name: 'Search your photos' }).fill('coffee');
      await page.keyboard.press('Enter');
      await page.getByText('Search by what pictures show is off here.').waitFor();
      await page.getByRole('button', { name: 'Search in file names' }).click();
      await until(page, () => location.hash === '#/search?q=coffee&mode=name');
      await page
        .getByRole('link', { name: /^coffee/ })
        .first()
        .waitFor();
      await page.goBack();
      await page.getByText('Search by what pictures show is off here.').waitFor();
    }));

  it('show the day of earlier years, from the strip above the photos', () =>
    withViewer(browser, { context: WIDE }, async (page) => {
      await page.getByRole('link', { name: '3 years ago' }).click();
      await heading(page, 'Memories');
      await page.getByRole('heading', { name: /^3 years ago/ }).waitFor();
      await page.evaluate(() => {
        location.hash = '#/memories/2026-01-02';
      });
      await page.getByRole('link', { name: 'The day before' }).click();
      await page.getByText('No memories of this day').waitFor();
      await until(page, () => location.hash === '#/memories/2026-01-01');
    }));

  it('keep how far a list was scrolled', () =>
    withViewer(
      browser,
      { context: WIDE, photos: 300, path: '&motion=0#/album/album-own' },
      async (page) => {
        await page.waitForSelector(LOADED);
        await page.mouse.move(700, 500);
        await page.mouse.wheel(0, 2600);
        await until(page, () => document.querySelector('.gallery').scrollTop > 1500);
        const before = await page.evaluate(() => document.querySelector('.gallery').scrollTop);
        await page.evaluate(() => {
          location.hash = '#/people';
        });
        await heading(page, 'People');
        await page.goBack();
        await heading(page, 'Summer by the lake');
        const after = await page.evaluate(() => document.querySelector('.gallery').scrollTop);
        assert.ok(Math.abs(after - before) < 3, `${after} is not ${before}`);
      },
    ));

  it('show jobs: why one failed, retried and cancelled there', () =>
    withViewer(browser, { context: WIDE, jobSeconds: 600 }, async (page, { library }) => {
      await page.waitForSelector(LOADED);
      await until(page, () => document.body.dataset.socket === 'connected');
      library.failures.set('photo-0001', 'invalid_image');
      const { id } = library.start('splat', library.photos.get('photo-0001'), { model: 'auto' });
      library.change(library.jobs.get(id), {
        state: 'failed',
        error: { code: 'invalid_image', message: 'not a JPEG', retriable: true },
      });
      const running = library.start('splat', library.photos.get('photo-0003'), { model: 'auto' });
      await page.getByRole('link', { name: /^Jobs/ }).click();
      const row = page.locator(`[data-job="${running.id}"]`);
      await row.getByRole('progressbar').waitFor();
      await assertAccessible(page);
      await row.getByRole('button', { name: /^Cancel/ }).click();
      await page.locator(`[data-job="${running.id}"][data-state=cancelled]`).waitFor();
      await page.getByRole('button', { name: 'Failed' }).click();
      const failed = page.locator(`[data-job="${id}"]`);
      await failed.getByText('could not be read as a photo').waitFor();
      await assertAccessible(page);
      await failed.getByRole('button', { name: /^Retry/ }).click();
      await page.getByRole('button', { name: 'Under way' }).click();
      await page.locator('.job').getByRole('progressbar').waitFor();
      assert.equal((await state(page)).view, 'jobs');
    }));

  it('show jobs in their order, though one is told of before the list is there', () =>
    withViewer(browser, { context: WIDE, jobSeconds: 600 }, async (page, { library }) => {
      await page.waitForSelector(LOADED);
      await until(page, () => document.body.dataset.socket === 'connected');
      const [old] = ['photo-0001', 'photo-0003', 'photo-0004'].map((id) =>
        library.start('splat', library.photos.get(id), { model: 'x', force: true }),
      );
      let answer;
      const told = new Promise((resolve) => {
        answer = resolve;
      });
      await page.route('**/api/jobs?*limit=60*', (route) => told.then(() => route.continue()));
      await page.getByRole('link', { name: /^Jobs/ }).click();
      await page.waitForSelector('.jobs', { state: 'attached' });
      library.change(library.jobs.get(old.id), { progress: { fraction: 0.5, stage: 'read' } });
      await page.locator(`[data-job="${old.id}"]`).waitFor();
      answer();
      await until(page, () => document.querySelectorAll('.job').length === 3);
      assert.equal(await page.locator('.job').last().getAttribute('data-job'), old.id);
    }));

  it('leave a job where it was told of when its page of the list is read', () =>
    withViewer(browser, { context: WIDE, jobSeconds: 600 }, async (page, { library }) => {
      await page.waitForSelector(LOADED);
      await until(page, () => document.body.dataset.socket === 'connected');
      const photo = library.photos.get('photo-0001');
      const [first] = Array.from({ length: 61 }, (_, n) =>
        library.start('splat', photo, { model: `model-${n}`, force: true }),
      );
      await page.getByRole('link', { name: /^Jobs/ }).click();
      await until(page, () => document.querySelectorAll('.job').length === 60);
      library.change(first, { progress: { fraction: 0.5, stage: 'read' } });
      await page.locator(`.job:first-child[data-job="${first.id}"]`).waitFor();
      await page.getByRole('button', { name: 'Show more' }).click();
      await page.getByRole('button', { name: 'Show more' }).waitFor({ state: 'hidden' });
      assert.equal(await page.locator('.job').first().getAttribute('data-job'), first.id);
      assert.equal(await page.locator('.job').count(), 61);
    }));

  it('mark a favourite where one may, and list it', () =>
    withViewer(
      browser,
      {
        context: WIDE,
        path: '&motion=0#/photo/photo-0003',
        prepare: ({ state: gateway }) => gateway.others.add('photo-0004'),
      },
      async (page, { places }) => {
        const heart = page.getByRole('button', { name: 'Favourite' });
        await heart.click();
        await until(
          page,
          () => document.querySelector('.favourite').getAttribute('aria-pressed') === 'true',
        );
        await page.getByRole('status').getByText('Is a favourite.').waitFor({ state: 'attached' });
        assert.ok(places.favourites.has('photo-0003'));
        await page.evaluate(() => {
          location.hash = '#/favourites';
        });
        await page.waitForSelector('.tile[data-id="photo-0003"]');
        await page.waitForSelector('.tile[data-id="video-0001"]');
        await page.evaluate(() => {
          location.hash = '#/photo/photo-0004';
        });
        await until(page, () => document.querySelector('.favourite').disabled);
      },
    ));

  it('keep the list as it was while its photos are looked at', () =>
    withViewer(
      browser,
      { context: WIDE, jobSeconds: 600, path: '&motion=0#/favourites' },
      async (page, { library, places }) => {
        const read = [];
        page.on('request', (request) => {
          if (/favorite=|api\/jobs\?.*limit=60/.test(request.url())) read.push(request.url());
        });
        await page.waitForSelector('.tile[data-id="video-0001"]');
        const before = read.length;
        await page.locator('.tile[data-id="photo-0002"] a').click();
        await page.getByRole('button', { name: 'Next photo' }).waitFor();
        await page.keyboard.press('ArrowRight');
        await until(page, () => location.hash === '#/photo/photo-0005');
        await page.keyboard.press('Escape');
        await until(page, () => document.activeElement.dataset.id === 'photo-0005');
        await page.locator('.tile[data-id="video-0001"] a').click();
        await until(page, () => document.body.dataset.view === 'video');
        await page.goBack();
        await until(page, () => document.body.dataset.view === 'favourites');
        assert.equal(read.length, before);
        places.favourites.add('photo-0003');
        const wish = { model: 'auto', force: true };
        library.start('splat', library.photos.get('photo-0003'), wish);
        await page.getByRole('link', { name: /^Jobs/ }).click();
        await page.locator('.job a').first().click();
        const jobs = read.length;
        await until(page, () => document.body.dataset.view === 'photo');
        await page.keyboard.press('Escape');
        await until(page, () => document.body.dataset.view === 'jobs');
        assert.equal(read.length, jobs);
        await page.getByRole('link', { name: 'Favourites' }).click();
        await page.waitForSelector('.tile[data-id="photo-0003"]');
      },
    ));

  it('tell how far what is made of many is, and halt it, go on and end it', () =>
    withViewer(
      browser,
      {
        context: WIDE,
        path: '&motion=0#/jobs',
        prepare: ({ batches }) => batches.begin('b-1', {}, { failed: 2 }),
      },
      async (page, { batches }) => {
        const row = page.locator('.batch');
        await row.getByText('Under way · 10 of 40 there · 2 failed').waitFor();
        assert.equal(await row.getByRole('progressbar').getAttribute('aria-valuenow'), '30');
        await assertAccessible(page);
        await row.getByRole('button', { name: /^Pause/ }).click();
        await row.getByText('Paused · 10 of 40 there · 2 failed').waitFor();
        assert.equal(batches.known.get('b-1').state, 'paused');
        assert.equal(await row.getByRole('button', { name: /^Pause/ }).count(), 0);
        await row.getByRole('button', { name: /^Go on/ }).click();
        await row.getByText('Under way').waitFor();
        batches.known.get('b-1').waits = 'it works from 22:00 to 06:00 (UTC)';
        await row.getByText('it works from 22:00 to 06:00 (UTC)').waitFor();
        await row.getByRole('button', { name: /^Retry what failed/ }).click();
        await row.getByText('failed').waitFor({ state: 'hidden' });
        await row.getByRole('button', { name: /^Cancel/ }).click();
        await row.waitFor({ state: 'detached' });
        assert.equal(batches.known.get('b-1').state, 'cancelled');
      },
    ));

  it('say why what is made of many could not be halted', () =>
    withViewer(
      browser,
      {
        context: WIDE,
        path: '&motion=0#/jobs',
        expect: ['404'],
        prepare: ({ batches }) => batches.begin('b-1'),
      },
      async (page, { batches }) => {
        const pause = page.locator('.batch').getByRole('button', { name: /^Pause/ });
        await pause.waitFor();
        batches.known.clear();
        await pause.click();
        await page.locator('.batch').getByRole('alert').filter({ hasText: /\w/ }).waitFor();
      },
    ));

  it('show the heart of the photo that it was pressed on, however late the answer', () =>
    withViewer(
      browser,
      { context: WIDE, path: '&motion=0#/photo/photo-0003', expect: ['503'] },
      async (page) => {
        const pressed = () =>
          page.evaluate(() => document.querySelector('.favourite').getAttribute('aria-pressed'));
        const held = [];
        await page.route('**/favorite', (route) => held.push(route));
        await page.getByRole('button', { name: 'Next photo' }).waitFor();
        await page.getByRole('button', { name: 'Favourite' }).click();
        await page.keyboard.press('ArrowRight');
        await until(page, () => location.hash === '#/photo/photo-0004');
        assert.equal(await pressed(), 'false');
        await page.keyboard.press('ArrowLeft');
        await until(page, () => location.hash === '#/photo/photo-0003');
        assert.equal(await pressed(), 'true');
        await held[0].fulfill({ status: 503, json: { code: 'unavailable', status: 503 } });
        await until(
          page,
          () => document.querySelector('.favourite').getAttribute('aria-pressed') === 'false',
        );
        await page.getByRole('button', { name: 'Try again' }).click();
        await until(
          page,
          () => document.querySelector('.favourite').getAttribute('aria-pressed') === 'true',
        );
        assert.match(held[1].request().url(), /photo-0003/);
        await held[1].continue();
        await page.getByRole('status').getByText('Is a favourite.').waitFor({ state: 'attached' });
        assert.equal(await pressed(), 'true');
      },
    ));

  it('show the album that is looked at, though the one before is told of later', () =>
    withViewer(browser, { context: WIDE, path: '&motion=0#/album/album-own' }, async (page) => {
      await heading(page, 'Summer by the lake');
      const held = [];
      await page.route('**/api/albums/album-shared', (route) => held.push(route));
      const go = (id) =>
        page.evaluate((album) => {
          location.hash = `#/album/${album}`;
        }, id);
      const asked = awaited(page.waitForRequest('**/api/albums/album-shared'));
      await go('album-shared');
      await asked;
      await go('album-own');
      await heading(page, 'Summer by the lake');
      const told = awaited(page.waitForResponse('**/api/albums/album-shared'));
      await held[0].continue();
      await (await told).finished();
      await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(resolve)));
      await heading(page, 'Summer by the lake');
    }));

  it('go on with the job that a retry led to, in its row', () =>
    withViewer(browser, { context: WIDE, jobSeconds: 600 }, async (page, { library }) => {
      const { id } = library.start('splat', library.photos.get('photo-0001'), { model: 'auto' });
      library.change(library.jobs.get(id), {
        state: 'failed',
        error: { code: 'invalid_image', message: 'not a JPEG', retriable: true },
      });
      const next = { ...library.jobs.get(id), id: 'another', state: 'queued', error: null };
      await page.route('**/retry', (route) => route.fulfill({ status: 202, json: next }));
      await page.getByRole('link', { name: /^Jobs/ }).click();
      await page.getByRole('button', { name: 'Failed' }).click();
      await page
        .locator(`[data-job="${id}"]`)
        .getByRole('button', { name: /^Retry/ })
        .click();
      await page.locator('[data-job=another][data-state=queued]').waitFor();
      assert.equal(await page.locator('.job').count(), 1);
      assert.equal(await page.getByRole('button', { name: /^Retry/ }).count(), 0);
    }));

  it('put a job first that waits, by the keyboard too', () =>
    withViewer(
      browser,
      { context: WIDE, jobSeconds: 600, path: '#/albums' },
      async (page, { library }) => {
        const [first, second, third] = await threeWait(page, library);
        const row = (id) => page.locator(`[data-job="${id}"]`);
        await row(third).getByText('2 jobs ahead').waitFor();
        const button = row(third).getByRole('button', { name: /^Put first/ });
        await button.focus();
        await page.keyboard.press('Enter');
        await row(third).getByText('next in line').waitFor();
        await row(first).getByText('1 job ahead').waitFor();
        await row(second).getByText('2 jobs ahead').waitFor();
        await page
          .getByRole('status')
          .getByText('goes before all else of yours')
          .waitFor({ state: 'attached' });
        assert.ok(await button.evaluate((one) => one === document.activeElement));
        library.change(library.jobs.get(third), { state: 'running' });
        await button.waitFor({ state: 'hidden' });
        await assertAccessible(page);
      },
    ));

  it('say that a job is first, though where all stand cannot be read, or is read late', () =>
    withViewer(
      browser,
      { context: WIDE, jobSeconds: 600, path: '#/albums', expect: ['503'] },
      async (page, { library }) => {
        const [first, second, third] = await threeWait(page, library);
        const row = (id) => page.locator(`[data-job="${id}"]`);
        const putFirst = (id) => row(id).getByRole('button', { name: /^Put first/ });
        const stateIs = (id, wanted) =>
          page.locator(`[data-job="${id}"][data-state=${wanted}]`).waitFor();
        await row(third).getByText('2 jobs ahead').waitFor();

        await page.route('**/api/jobs?*', (route) => route.fulfill({ status: 503 }), { times: 1 });
        await putFirst(third).click();
        await row(third).getByText('next in line').waitFor();
        await page
          .getByRole('status')
          .getByText('goes before all else of yours')
          .waitFor({ state: 'attached' });
        assert.equal(await page.locator('.job-why').filter({ visible: true }).count(), 0);

        await page.route(
          '**/api/jobs?*',
          async (route) => {
            const response = await route.fetch();
            library.change(library.jobs.get(first), { state: 'running' });
            await stateIs(first, 'running');
            await route.fulfill({ response });
          },
          { times: 1 },
        );
        await putFirst(second).click();
        await row(third).getByText('1 job ahead').waitFor();
        await stateIs(first, 'running');

        library.change(library.jobs.get(first), { state: 'queued' });
        await stateIs(first, 'queued');
        assert.ok(await putFirst(first).isHidden());
        assert.doesNotMatch(await row(first).locator('.job-state').textContent(), /ahead|next/);
      },
    ));

  it('say how many jobs would be cancelled where more are not shown', () =>
    withViewer(
      browser,
      { context: WIDE, photos: 100, jobSeconds: 600, path: '#/albums' },
      async (page, { library }) => {
        await heading(page, 'Albums');
        for (const photo of library.photos.values())
          library.start('splat', photo, { model: 'x', force: true });
        await page.getByRole('link', { name: /^Jobs/ }).click();
        await page.getByRole('button', { name: /^Cancel the \d+ shown$/ }).waitFor();
        await page.getByRole('button', { name: 'Show more' }).click();
        await page.getByRole('button', { name: 'Cancel all' }).waitFor();
      },
    ));
});
