import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, assertFits, openBrowser, state, until, withViewer } from './browser.mjs';

const WIDE = { viewport: { width: 1100, height: 700 } };
const PHONE = { viewport: { width: 360, height: 640 }, hasTouch: true, isMobile: true };
const tile = (page, at) => page.locator(`.tile[data-id="photo-000${at}"]`);
const chosen = (page, count) =>
  until(page, (wanted) => (document.body.dataset.chosen ?? '0') === wanted, String(count));

describe('what is chosen', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('becomes 3D together, told of in the drawer of jobs, which leads to the rest', () =>
    withViewer(browser, { context: WIDE, jobSeconds: 0.4 }, async (page, { library }) => {
      await page.waitForSelector('.tile img.is-loaded');
      await until(page, () => document.body.dataset.socket === 'connected');
      await tile(page, 1).hover();
      await tile(page, 1).getByRole('checkbox').click();
      await chosen(page, 1);
      await tile(page, 4)
        .locator('a')
        .click({ modifiers: ['Shift'] });
      await chosen(page, 4);
      assert.equal((await state(page)).view, 'gallery');
      await tile(page, 2).locator('a').click();
      await chosen(page, 3);
      await page.getByRole('region', { name: 'What is chosen' }).getByText('3 selected').waitFor();
      await assertAccessible(page);
      const without = ['photo-0001', 'photo-0003', 'photo-0004'].filter(
        (id) => !library.photos.get(id).splat,
      );
      assert.ok(without.length > 0);
      await page.getByRole('button', { name: 'Make 3D of these' }).click();
      await chosen(page, 0);
      const drawer = page.getByRole('complementary', { name: 'Jobs' });
      const items = without.length === 1 ? '1 item' : `${without.length} items`;
      await drawer.getByText(`3D of ${items} was asked for.`).waitFor();
      await assertAccessible(page);
      for (const id of without)
        await page.locator(`.tile[data-id="${id}"] [data-badge=splat]`).waitFor();
      await page.keyboard.press('Escape');
      await drawer.waitFor({ state: 'hidden' });
      library.jobSeconds = 600;
      const job = library.start('splat', library.photos.get('photo-0007'), { model: 'auto' });
      library.advance(job, 0.4);
      await page.getByRole('button', { name: /in progress$/ }).click();
      await drawer.getByRole('link', { name: 'All jobs' }).click();
      await until(page, () => document.body.dataset.view === 'jobs');
      await drawer.waitFor({ state: 'hidden' });
    }));

  it('is offered to be the newest photos while nothing is in 3D, until that is begun or waved away', () =>
    withViewer(
      browser,
      {
        context: { viewport: { width: 320, height: 640 } },
        jobSeconds: 60,
        prepare: ({ library }) => {
          for (const photo of library.photos.values()) photo.splat = false;
        },
      },
      async (page, { library }) => {
        const offer = page.getByRole('complementary', { name: 'Begin with 3D' });
        await offer.waitFor();
        await assertFits(page);
        await assertAccessible(page);
        await offer.getByRole('button', { name: 'Make 3D of 12 photos' }).click();
        await until(page, () => !document.querySelector('.first-steps:not([hidden])'));
        await page.getByText('3D of 12 items was asked for.').waitFor();
        assert.equal(library.jobs.size, 12);
        library.jobs.clear();
        await page.reload();
        await offer.getByRole('button', { name: 'Close' }).click();
        assert.ok(await offer.isHidden());
        await page.reload();
        await page.locator('.first-steps').waitFor({ state: 'attached' });
        assert.ok(await offer.isHidden());
      },
    ));

  it('is told of over the page on a phone, which is out of reach until Back, Escape or a link leads on', () =>
    withViewer(browser, { context: PHONE }, async (page, { library }) => {
      await page.waitForSelector('.tile img.is-loaded');
      await until(page, () => document.body.dataset.socket === 'connected');
      library.jobSeconds = 600;
      const drawer = page.getByRole('dialog', { name: 'Jobs' });
      const ask = async () => {
        await tile(page, 1).locator('a').focus();
        await page.keyboard.press(' ');
        await chosen(page, 1);
        await page.getByRole('button', { name: 'Make 3D of these' }).tap();
        await drawer.locator('.job').first().waitFor();
      };
      const isAway = async () => {
        await drawer.waitFor({ state: 'hidden' });
        await until(page, () => document.activeElement?.matches('.tile-link'));
        assert.equal((await state(page)).view, 'gallery');
      };
      await ask();
      await assertAccessible(page);
      await assertFits(page);
      for (let at = 0; at < 12; at += 1) {
        await page.keyboard.press('Tab');
        const isBehind = await page.evaluate(() => !!document.activeElement.closest('.gallery'));
        assert.ok(!isBehind, 'the focus stays in what covers the page');
      }
      await page.goBack();
      await isAway();
      await ask();
      await page.keyboard.press('Escape');
      await isAway();
      await ask();
      await drawer.getByRole('button', { name: 'Close jobs' }).tap();
      await isAway();
      const covers = () => page.evaluate(() => history.state.covers === true);
      await ask();
      await page.evaluate(() => {
        document.querySelector('[aria-label="Close jobs"]').click();
        document.querySelector('.summary-jobs').click();
      });
      await until(page, () => history.state.covers);
      await drawer.waitFor();
      await page.goBack();
      await drawer.waitFor({ state: 'hidden' });
      assert.equal(await covers(), false);
      await page.goForward();
      await until(page, () => !history.state.covers);
      await ask();
      assert.equal(await covers(), true);
      await page.reload();
      await page.waitForSelector('.tile img.is-loaded');
      await until(page, () => !history.state.covers);
      await ask();
      await drawer.locator('.job a').first().tap();
      await until(page, () => document.body.dataset.view === 'photo');
      await drawer.waitFor({ state: 'hidden' });
      await page.goBack();
      await until(page, () => document.body.dataset.view === 'gallery');
      await drawer.waitFor({ state: 'hidden' });
    }));

  it('is chosen by the space bar, with Shift up to there, and let go by Escape', () =>
    withViewer(browser, { context: WIDE }, async (page) => {
      await page.waitForSelector('.tile img.is-loaded');
      await tile(page, 0).locator('a').focus();
      await page.keyboard.press(' ');
      await chosen(page, 1);
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Shift+ ');
      await chosen(page, 3);
      await page
        .getByRole('link', { name: /, selected$/ })
        .nth(2)
        .waitFor();
      await page.keyboard.press('Escape');
      await chosen(page, 0);
      assert.equal((await state(page)).view, 'gallery');
      await page.keyboard.press('Enter');
      await until(page, () => document.body.dataset.view === 'photo');
    }));

  it('is begun by a finger that is held, and goes on by taps', () =>
    withViewer(browser, { context: PHONE }, async (page) => {
      await page.waitForSelector('.tile img.is-loaded');
      const client = await page.context().newCDPSession(page);
      const box = await tile(page, 1).boundingBox();
      const touchPoints = [{ x: box.x + box.width / 2, y: box.y + box.height / 2 }];
      await client.send('Input.dispatchTouchEvent', { type: 'touchStart', touchPoints });
      await chosen(page, 1);
      await client.send('Input.dispatchTouchEvent', { type: 'touchEnd', touchPoints: [] });
      // A click that the end of the touch made would be handled before this tap is.
      await tile(page, 2).locator('a').tap();
      await chosen(page, 2);
      assert.equal((await state(page)).view, 'gallery');
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.ok(!overflow);
      await assertAccessible(page);
      await page.getByRole('button', { name: 'Let go of the selection' }).tap();
      await chosen(page, 0);
      await tile(page, 2).locator('a').tap();
      await until(page, () => document.body.dataset.view === 'photo');
    }));

  it('is nothing on the page of a share link, and goes with the list that it was chosen in', () =>
    withViewer(browser, { context: WIDE }, async (page) => {
      await page.waitForSelector('.tile img.is-loaded');
      await tile(page, 0).locator('a').focus();
      await page.keyboard.press(' ');
      await chosen(page, 1);
      await page.getByRole('link', { name: 'Albums' }).click();
      await until(page, () => document.body.dataset.view === 'albums');
      await chosen(page, 0);
    }));
});

describe('what was looked at', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  const seen = (page) =>
    page.evaluate(() => {
      const top = (one) => one.getBoundingClientRect().top;
      const first = [...document.querySelectorAll('.tile')].find((one) => top(one) > 100);
      return first && [first.dataset.id, Math.round(top(first))];
    });

  const likeMany = ({ library, places }) => {
    for (const id of [...library.photos.keys()].slice(0, 300)) places.favourites.add(id);
  };

  /** Far enough that the top is out of sight, and what is seen there is read. */
  const scrollDown = (page) =>
    until(page, () => {
      const gallery = document.querySelector('.gallery');
      if (gallery.scrollTop < 1500) {
        gallery.scrollTo(0, 1500);
        return false;
      }
      const tops = [...document.querySelectorAll('.tile')].map(
        (one) => one.getBoundingClientRect().top,
      );
      return !document.querySelector('.is-waiting') && tops.some((top) => top > 100 && top < 400);
    });

  it('is there again after the page was loaded anew, in the months and in an album', () =>
    withViewer(browser, { photos: 600, context: WIDE, prepare: likeMany }, async (page) => {
      await page.waitForSelector('.tile img.is-loaded');
      for (const [hash, view] of [
        ['#/', 'gallery'],
        ['#/favourites', 'favourites'],
        ['#/album/album-shared', 'album'],
      ]) {
        await page.evaluate((where) => {
          location.hash = where;
        }, hash);
        await until(page, (there) => document.body.dataset.view === there, view);
        await page.waitForSelector('.tile img.is-loaded');
        await scrollDown(page);
        const before = await seen(page);
        await page.reload();
        await until(
          page,
          ([id, top]) => {
            const one = document.querySelector(`.tile[data-id="${id}"]`);
            return one && Math.abs(one.getBoundingClientRect().top - top) <= 2;
          },
          before,
        );
        assert.ok(await page.evaluate(() => document.querySelector('.gallery').scrollTop > 400));
      }
    }));
});
