import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  assertAccessible,
  awaited,
  difference,
  modeIs,
  openBrowser,
  picture,
  pressToMove,
  state,
  until,
  withViewer,
} from './browser.mjs';

const FLAT_ONLY = '&motion=0#/video/video-0000';
const DEEP = '&motion=0#/video/video-0003';
const FPS = 12;
const SIZE = [320, 180];

const momentIs = (page, ms) =>
  until(page, (wanted) => Number(document.body.dataset.moment) === wanted, ms);
const momentOf = (frame) => Math.round((frame * 1000) / FPS);

/** Waits until nothing is drawn any more. */
async function stillness(page) {
  const frames = async () => (await state(page)).frames;
  let before = null;
  for (let now = await frames(); now !== before; now = await frames()) {
    before = now;
    await page.waitForTimeout(600);
  }
}

/** Drags the place in the film to a part of its length, from another one. */
async function scrub(page, from, to) {
  const { x, y, width, height } = await page.locator('.timeline-line').boundingBox();
  await page.mouse.move(x + width * from, y + height / 2);
  await page.mouse.down();
  await page.mouse.move(x + width * to, y + height / 2, { steps: 4 });
  await page.mouse.up();
}

/** A finger that goes from one place to another. */
async function drag(page, from, to) {
  const client = await page.context().newCDPSession(page);
  const touch = (type, places) =>
    client.send('Input.dispatchTouchEvent', {
      type,
      touchPoints: places.map(([x, y]) => ({ x, y })),
    });
  await touch('touchStart', [from]);
  for (const part of [0.25, 0.5, 0.75, 1])
    await touch('touchMove', [from.map((at, i) => at + (to[i] - at) * part)]);
  await touch('touchEnd', []);
}

/** How wide and high what is not bare is, in pixels of the page, by a line and a column through its middle. */
async function bare(page, shot) {
  return page.evaluate(async (source) => {
    const image = new Image();
    image.src = `data:image/png;base64,${source}`;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height);
    const context = canvas.getContext('2d');
    context.drawImage(image, 0, 0);
    const { data } = context.getImageData(0, 0, image.width, image.height);
    const isBare = (x, y) => {
      const at = 4 * (y * image.width + x);
      return data[at] > 240 && data[at + 1] < 15 && data[at + 2] > 240;
    };
    const drawn = (length, at) => Array.from({ length }, (_, i) => !isBare(...at(i)));
    const least = (runs) => Math.min(...runs.map((run) => run.filter(Boolean).length));
    const [w, h] = [image.width, image.height];
    return {
      across: least([0.5, 0.3, 0.7].map((y) => drawn(w, (x) => [x, Math.round(y * h)]))),
      down: least([0.5, 0.35, 0.65].map((x) => drawn(h, (y) => [Math.round(x * w), y]))),
    };
  }, shot.toString('base64'));
}

describe('videos', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('lie in a list of their own, are walked through by keys, and get the focus back', () =>
    withViewer(browser, { path: '&motion=0' }, async (page) => {
      await page.goto(page.url().replace(/#.*|$/, '#/videos'));
      await page.waitForSelector('.tile[data-id=video-0004]');
      const tile = page.locator('.tile[data-id=video-0001]');
      assert.match(await tile.locator('.sr-only').textContent(), /square-tall-1\.mp4.*, 0:06, /);
      assert.equal(await tile.locator('[data-badge=depth-video]').count(), 1);
      await assertAccessible(page);
      await page.locator('.tile[data-id=video-0000] a').focus();
      await page.keyboard.press('ArrowRight');
      await page.keyboard.press('Enter');
      await until(page, () => document.body.dataset.view === 'video');
      assert.equal(new URL(page.url()).hash, '#/video/video-0001');
      await page.keyboard.press('Escape');
      await until(page, () => document.body.dataset.view === 'videos');
      await until(page, () => document.activeElement?.dataset.id === 'video-0001');
      await page.getByRole('link', { name: 'Photos', exact: true }).click();
      await page.waitForSelector('.tile[data-id=photo-0000]');
    }));

  it('show their beginning where the library has no pictures of them', () =>
    withViewer(
      browser,
      {
        path: '&motion=0#/videos',
        expect: ['404'],
        prepare: ({ state: gateway }) => Object.assign(gateway, { picturesOfVideos: false }),
      },
      async (page) => {
        await until(page, () => document.querySelector('.tile-film')?.readyState >= 2);
      },
    ));

  it('that are not there are told in words, with nothing to press but the way back', () =>
    withViewer(browser, { path: '&motion=0#/video/nowhere', expect: ['404'] }, async (page) => {
      await page.locator('[data-card=error]').getByText('This is not here any more').waitFor();
      assert.equal(await page.title(), 'Not here any more · ImmichVR');
      const buttons = page.locator('.video button').filter({ visible: true });
      assert.deepEqual(
        await buttons.evaluateAll((all) => all.map((one) => one.ariaLabel ?? one.textContent)),
        ['Back to the videos', 'Close'],
      );
      await page.evaluate(() => {
        location.hash = '#/video/video-0000';
      });
      await modeIs(page, 'flat');
      await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
      assert.match(await page.title(), /^.+\.mp4 · ImmichVR$/);
    }));

  it('play, stand still, skip, and step by frames', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await modeIs(page, 'depth');
      await page.keyboard.press('1');
      await modeIs(page, 'flat');
      await page.getByRole('button', { name: 'Play', exact: true }).click();
      await page.getByRole('button', { name: 'Pause' }).waitFor();
      await until(page, () => Number(document.body.dataset.moment) > 300);
      await page.keyboard.press('k');
      await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
      await page.keyboard.press('Home');
      await momentIs(page, 0);
      await page.keyboard.press('.');
      await momentIs(page, momentOf(1));
      await page.keyboard.press('.');
      await page.keyboard.press('.');
      await momentIs(page, momentOf(3));
      await page.keyboard.press(',');
      await momentIs(page, momentOf(2));
      await page.keyboard.press('ArrowRight');
      await momentIs(page, momentOf(71));
      await assertAccessible(page);
    }));

  it('are seen with depth in the place of the flat picture, and move when one leans', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await modeIs(page, 'depth');
      await page.keyboard.press('ArrowRight');
      await momentIs(page, momentOf(71));
      // The film is there, its frame is not seen yet: the next one counts from where it went.
      await page.evaluate(() => {
        const film = document.querySelector('video.film');
        const next = new KeyboardEvent('keydown', { key: '.', bubbles: true });
        const isThere = () => film.currentTime === 0 && document.body.dispatchEvent(next);
        film.addEventListener('seeked', isThere);
      });
      await page.keyboard.press('Home');
      await momentIs(page, momentOf(1));
      const rest = await picture(page);
      await pressToMove(page, 'a');
      await stillness(page);
      const leaned = await picture(page);
      assert.ok((await difference(page, rest, leaned)) > 1.5);
      await pressToMove(page, 'r');
      await stillness(page);
      assert.ok((await difference(page, rest, await picture(page))) < 0.5);
      await page.keyboard.press('1');
      await modeIs(page, 'flat');
      await momentIs(page, momentOf(1));
      const off = await difference(page, rest, await picture(page));
      assert.ok(off < 6, `depth is off by ${off}`);
    }));

  it('are sought along a line that shows what is there', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await modeIs(page, 'depth');
      const line = page.locator('.timeline-line');
      const { width } = await line.boundingBox();
      await line.hover({ position: { x: width * 0.55, y: 14 } });
      await page.locator('.glimpse').waitFor();
      assert.equal(await page.locator('.glimpse').getAttribute('data-tile'), '288,0');
      await scrub(page, 0.1, 0.5);
      await until(page, () => Math.abs(Number(document.body.dataset.moment) - 3000) < 100);
      assert.match(await line.getAttribute('aria-valuetext'), /0:0[23] of 0:06/);
    }));

  it('are liked as they were the last time', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await modeIs(page, 'depth');
      for (const key of ['>', 'o', 'ArrowDown', 'm', ']']) await page.keyboard.press(key);
      await page.reload();
      await modeIs(page, 'depth');
      await page.getByRole('button', { name: 'Sound on' }).click();
      const volume = page.getByLabel('Volume', { exact: true });
      assert.equal(await volume.getAttribute('aria-valuetext'), '90 %');
      await page.getByRole('button', { name: 'Playback' }).click();
      assert.equal(await page.getByLabel('Speed', { exact: true }).inputValue(), '1.25');
      assert.ok(await page.getByLabel('Play again at the end').isChecked());
      const strength = page.getByRole('slider', { name: 'Depth strength' });
      assert.equal(await strength.getAttribute('aria-valuetext'), '110 %');
      await assertAccessible(page);
    }));

  it('get depth that is watched while it is made, and flat beyond', () =>
    withViewer(
      browser,
      { path: FLAT_ONLY, prepare: ({ films }) => Object.assign(films, { mostParts: 3 }) },
      async (page, { films }) => {
        await page.getByRole('button', { name: 'Make 3D' }).click();
        await page.locator('.video [data-card=progress]').waitFor();
        await modeIs(page, 'depth');
        await scrub(page, 0.1, 0.8);
        await modeIs(page, 'flat');
        await until(page, () => Number(document.body.dataset.moment) > 4500);
        await scrub(page, 0.8, 0.2);
        await modeIs(page, 'depth');
        films.mostParts = 6;
        await page.locator('.video [data-card=progress]').waitFor({ state: 'hidden' });
        await scrub(page, 0.2, 0.8);
        await until(page, () => Number(document.body.dataset.moment) > 4500);
        assert.equal((await state(page)).mode, 'depth');
      },
    ));

  it('are the films of live photos too, which one comes from and goes back to', () =>
    withViewer(
      browser,
      {
        path: '&motion=0#/photo/photo-0001',
        prepare: ({ films, library }) => {
          library.photos.get('photo-0001').live = true;
          films.videos.set('photo-0001', { ...films.videos.get('video-0000'), id: 'photo-0001' });
        },
      },
      async (page) => {
        await modeIs(page, 'flat');
        await page.getByRole('button', { name: 'More', exact: true }).click();
        await page.getByRole('link', { name: /^Watch its film/ }).click();
        await until(page, () => document.body.dataset.view === 'video');
        await page.getByRole('button', { name: 'Make 3D' }).click();
        await modeIs(page, 'depth');
        await page.keyboard.press('Escape');
        await until(page, () => document.body.dataset.view === 'photo');
        assert.equal(new URL(page.url()).hash, '#/photo/photo-0001');
      },
    ));

  it('say in words why they have no depth, and stop when they are told to', () =>
    withViewer(
      browser,
      {
        path: FLAT_ONLY,
        jobSeconds: 1,
        prepare: ({ films }) => films.failures.set('video-0000', 'internal'),
      },
      async (page, { films }) => {
        const make = page.getByRole('button', { name: 'Make 3D' });
        await make.click();
        await page
          .locator('.video [data-card=error]')
          .getByRole('button', { name: 'Close' })
          .click();
        films.jobSeconds = 600;
        await make.click();
        await page.getByRole('button', { name: 'Cancel' }).click();
        await make.waitFor();
        await modeIs(page, 'flat');
      },
    ));

  it('are downloaded, with stereo that is made when it is asked for', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await modeIs(page, 'depth');
      await page.getByRole('button', { name: 'Download' }).click();
      const panel = page.locator('#popup-download-video');
      await panel.getByRole('link', { name: 'Original video' }).waitFor();
      await panel.getByRole('link', { name: 'Colour and depth side by side' }).waitFor();
      const download = awaited(page.waitForEvent('download'));
      await panel.getByRole('button', { name: 'Over and under' }).click();
      assert.match((await download).suggestedFilename(), /over-under\.mp4$/);
      await assertAccessible(page);
    }));

  it('fill their place wherever one leans', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await modeIs(page, 'depth');
      await page.addStyleTag({
        content:
          '.stage { background: #f0f !important } .ambience, .flat, .film { visibility: hidden !important }',
      });
      for (const keys of ['aaaaaawwwwww', 'ddddddssssss']) {
        await page.keyboard.press('r');
        for (const key of keys) await page.keyboard.press(key);
        await stillness(page);
        const { width, height } = await page.locator('canvas.deep').boundingBox();
        // The video has a shape of its own, and lies in the middle of the window.
        const { across, down } = await bare(page, await picture(page));
        const scale = Math.min(width / SIZE[0], height / SIZE[1]);
        assert.ok(Math.abs(across - SIZE[0] * scale) <= 2, `${across} pixels wide`);
        assert.ok(Math.abs(down - SIZE[1] * scale) <= 2, `${down} pixels high`);
      }
    }));

  it('play at a click, and not at two, which lead back to the middle', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await modeIs(page, 'depth');
      await page.mouse.click(240, 150);
      await page.getByRole('button', { name: 'Pause' }).waitFor();
      await page.mouse.click(240, 150);
      await page.getByRole('button', { name: 'Play', exact: true }).waitFor();
      await page.keyboard.press('Home');
      await momentIs(page, 0);
      const rest = await picture(page);
      await pressToMove(page, 'a');
      await stillness(page);
      await page.mouse.dblclick(240, 150);
      await stillness(page);
      assert.equal((await state(page)).moment, '0');
      assert.ok((await difference(page, rest, await picture(page))) < 0.5);
    }));

  it('are led by fingers: a tap for the controls, a drag along the line, a swipe to the next', () =>
    withViewer(browser, { path: FLAT_ONLY, context: { hasTouch: true } }, async (page) => {
      await modeIs(page, 'flat');
      await page.getByRole('button', { name: 'Play', exact: true }).tap();
      await until(page, () => Number(document.body.dataset.moment) > 100);
      const rests = (wanted) =>
        until(
          page,
          (is) => document.querySelector('.video').classList.contains('is-resting') === is,
          wanted,
        );
      await page.touchscreen.tap(240, 110);
      await rests(true);
      await page.touchscreen.tap(240, 110);
      await rests(false);
      await page.getByRole('button', { name: 'Pause' }).tap();
      const line = await page.locator('.timeline-line').boundingBox();
      const middle = line.y + line.height / 2;
      await drag(page, [line.x + line.width * 0.2, middle], [line.x + line.width * 0.5, middle]);
      await until(page, () => Math.abs(Number(document.body.dataset.moment) - 3000) < 200);
      await drag(page, [400, 110], [120, 110]);
      await until(page, () => location.hash === '#/video/video-0001');
    }));

  it('fill the screen, and leave it, by key and by button', () =>
    withViewer(browser, { path: FLAT_ONLY }, async (page) => {
      await modeIs(page, 'flat');
      await page.keyboard.press('f');
      await until(page, () => document.fullscreenElement !== null);
      await page.getByRole('button', { name: 'Full screen' }).click();
      await until(page, () => document.fullscreenElement === null);
    }));

  it('are made with a model that is chosen, and say why it was another one', () =>
    withViewer(browser, { path: FLAT_ONLY }, async (page, { films }) => {
      films.reason = 'Video Depth Anything Small is not here';
      await page.getByRole('button', { name: 'More' }).click();
      await page.getByRole('button', { name: 'Make 3D with…' }).click();
      const dialog = page.getByRole('dialog', { name: 'Make 3D' });
      await assertAccessible(page);
      await dialog.getByLabel('Video Depth Anything Small').check();
      await dialog.getByRole('button', { name: 'Make it' }).click();
      await modeIs(page, 'depth');
      assert.deepEqual(
        [...films.jobs.values()].map(({ params }) => params.model),
        ['vda-small'],
      );
      await page.locator('.video [data-card=progress]').waitFor({ state: 'hidden' });
      await page.getByRole('button', { name: 'More' }).click();
      await page.getByText('Video Depth Anything Small is not here').waitFor();
      await page.getByRole('button', { name: 'Make 3D again…' }).waitFor();
    }));
});
