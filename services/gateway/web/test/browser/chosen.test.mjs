import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, openBrowser, state, until, withViewer } from './browser.mjs';

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
      await page.waitForTimeout(100);
      assert.equal((await state(page)).view, 'gallery');
      await tile(page, 2).locator('a').tap();
      await chosen(page, 2);
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

  it('is there again after the page was loaded anew, in the months and in an album', () =>
    withViewer(browser, { photos: 600, context: WIDE }, async (page) => {
      await page.waitForSelector('.tile img.is-loaded');
      for (const hash of ['#/', '#/favourites', '#/album/album-shared']) {
        await page.evaluate((where) => {
          location.hash = where;
        }, hash);
        await page.waitForSelector('.tile img.is-loaded');
        await page.evaluate(() => document.querySelector('.gallery').scrollTo(0, 2600));
        await page.waitForTimeout(600);
        await until(page, () => !document.querySelector('.is-waiting'));
        const scrolled = await page.evaluate(() => document.querySelector('.gallery').scrollTop);
        if (scrolled < 400) continue; // this list is short
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
      }
    }));
});
