import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  assertAccessible,
  assertFits,
  awaited,
  difference,
  modeIs,
  openBrowser,
  picture,
  pressToMove,
  splatsShown,
  state,
  until,
  withViewer,
} from './browser.mjs';

const DEEP = '&motion=0#/photo/photo-0000';
const FLAT_ONLY = '&motion=0#/photo/photo-0001';
const HALF = '&motion=0#/photo/photo-0003';
const DEPTH_ONLY = '&motion=0#/photo/photo-0005';
const frames = async (page) => Number((await state(page)).frames ?? 0);

/** Whether nothing is drawn any more, soon enough; software may take seconds for the frames that are asked for. */
async function stillness(page) {
  for (let tries = 0; tries < 12; tries += 1) {
    const before = await frames(page);
    await page.waitForTimeout(700);
    if ((await frames(page)) === before) return true;
  }
  return false;
}

/** What a function says of the pixels of a screenshot, in the page, whose rules forbid it to read code itself. */
const measured = (page, screenshot, measure, given = null) =>
  page.evaluate(`(async () => {
    const image = new Image();
    image.src = 'data:image/png;base64,${screenshot.toString('base64')}';
    await image.decode();
    const context = new OffscreenCanvas(image.width, image.height).getContext('2d');
    context.drawImage(image, 0, 0);
    const whole = context.getImageData(0, 0, image.width, image.height);
    return (${measure})(whole, ${JSON.stringify(given)});
  })()`);

/** How much neighbours differ in the middle of a picture: the mean of its Laplacian. */
const sharpness = (page, screenshot) =>
  measured(page, screenshot, ({ data, width, height }) => {
    let sum = 0;
    let count = 0;
    const green = (x, y) => data[(y * width + x) * 4 + 1];
    for (let y = Math.round(height * 0.3); y < height * 0.7; y += 1)
      for (let x = Math.round(width * 0.4); x < width * 0.6; x += 1) {
        const around = green(x - 1, y) + green(x + 1, y) + green(x, y - 1) + green(x, y + 1);
        sum += Math.abs(4 * green(x, y) - around);
        count += 1;
      }
    return sum / count;
  });

/** The part of a box in which magenta is seen, but for its edge, which fades. */
const bareOf = (page, screenshot, box) =>
  measured(
    page,
    screenshot,
    ({ data, width }, { x: left, y: top, width: across, height: down }) => {
      let bare = 0;
      let count = 0;
      for (let y = Math.ceil(top + down * 0.04); y < top + down * 0.96; y += 1)
        for (let x = Math.ceil(left + across * 0.04); x < left + across * 0.96; x += 1) {
          const at = (y * width + x) * 4;
          count += 1;
          if (data[at] > 200 && data[at + 1] < 60 && data[at + 2] > 200) bare += 1;
        }
      return bare / count;
    },
    box,
  );

describe('a photo', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('is flat at once, then deep, then in 3D; then nothing is drawn any more', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await page.waitForSelector('img.flat');
      await splatsShown(page);
      assert.equal((await state(page)).mode, 'splat');
      assert.ok(await stillness(page), 'frames go on although nothing moves');
      await assertAccessible(page);
      await pressToMove(page, 'a');
      assert.ok(await stillness(page), 'frames go on after the movement ended');
    }));

  it('at rest is the photo itself, with depth and in 3D', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await splatsShown(page);
      const splats = await picture(page);
      await page.keyboard.press('2');
      await modeIs(page, 'depth');
      const depth = await picture(page);
      await page.keyboard.press('1');
      await modeIs(page, 'flat');
      const flat = await picture(page);
      const offDepth = await difference(page, depth, flat);
      const offSplats = await difference(page, splats, flat);
      assert.ok(offDepth < 0.5, `depth is off by ${offDepth}`);
      assert.ok(offSplats < 0.5, `the splats are off by ${offSplats}`);
    }));

  it('changes when one leans, and resets to where it was', () =>
    withViewer(browser, { path: DEPTH_ONLY }, async (page) => {
      await modeIs(page, 'depth');
      const rest = await picture(page);
      await page.mouse.move(200, 150);
      await page.mouse.down();
      await page.mouse.move(330, 150, { steps: 5 });
      await page.mouse.up();
      const leaned = await picture(page);
      assert.ok((await difference(page, rest, leaned)) > 1.5);
      await page.mouse.wheel(0, -400);
      await page.mouse.dblclick(240, 150);
      await page.waitForTimeout(1200);
      assert.ok((await difference(page, rest, await picture(page))) < 0.5);
    }));

  it('is swiped away by touch while flat, and pinched closer while deep', () =>
    withViewer(
      browser,
      { path: '&motion=0#/photo/photo-0004', context: { hasTouch: true } },
      async (page) => {
        await page.getByRole('button', { name: 'Next photo' }).waitFor();
        const device = await page.context().newCDPSession(page);
        const touch = (type, ...points) =>
          device.send('Input.dispatchTouchEvent', {
            type,
            touchPoints: points.map(([x, y], id) => ({ x, y, id })),
          });
        await touch('touchStart', [330, 150]);
        for (const x of [280, 220, 160]) await touch('touchMove', [x, 150]);
        await touch('touchEnd');
        await until(page, () => location.hash === '#/photo/photo-0005');
        await modeIs(page, 'depth');
        const rest = await picture(page);
        await touch('touchStart', [220, 150], [260, 150]);
        for (const reach of [40, 70, 110])
          await touch('touchMove', [240 - reach, 150], [240 + reach, 150]);
        await touch('touchEnd');
        assert.ok((await difference(page, rest, await picture(page))) > 1.5);
        assert.equal(await page.evaluate(() => location.hash), '#/photo/photo-0005');
      },
    ));

  it('is stepped by a swipe in 3D too, and looked around in by a finger that rested', () =>
    withViewer(
      browser,
      { path: '&motion=0#/photo/photo-0005', context: { hasTouch: true } },
      async (page) => {
        await modeIs(page, 'depth');
        const device = await page.context().newCDPSession(page);
        const touch = (type, ...points) =>
          device.send('Input.dispatchTouchEvent', {
            type,
            touchPoints: points.map(([x, y], id) => ({ x, y, id })),
          });
        const rest = await picture(page);
        await touch('touchStart', [220, 150]);
        await page.waitForTimeout(400);
        for (const x of [222, 240, 270, 310]) await touch('touchMove', [x, 150]);
        await touch('touchEnd');
        assert.ok((await difference(page, rest, await picture(page))) > 1.5);
        assert.equal(await page.evaluate(() => location.hash), '#/photo/photo-0005');
        await touch('touchStart', [330, 150]);
        for (const x of [280, 220, 160]) await touch('touchMove', [x, 150]);
        await touch('touchEnd');
        await until(page, () => location.hash === '#/photo/photo-0006');
      },
    ));

  it('is enlarged to its own pixels where it is flat, moved about, and at rest again', () =>
    withViewer(
      browser,
      {
        path: FLAT_ONLY,
        // Its original has more pixels than the preview.
        prepare: ({ library }) => {
          const photo = library.photos.get(FLAT_ONLY.split('/').at(-1));
          const { width, height } = photo.source;
          photo.source = { ...photo.source, width: width * 3, height: height * 3 };
        },
      },
      async (page) => {
        const zoom = async () => Number((await state(page)).zoom ?? 1);
        const box = () =>
          page.evaluate(() => document.querySelector('img.flat').getBoundingClientRect().toJSON());
        await until(page, () => document.querySelector('img.flat')?.src.includes('/preview'));
        await page.mouse.dblclick(300, 100);
        await until(page, () => document.body.dataset.pixels === 'original');
        assert.match(await page.locator('img.flat').getAttribute('src'), /original$/);
        assert.ok((await zoom()) >= 2);
        const near = await box();
        await page.mouse.move(240, 150);
        await page.mouse.down();
        await page.mouse.move(180, 150, { steps: 4 });
        await page.mouse.up();
        assert.ok(Math.abs((await box()).x - near.x + 60) < 2, 'a drag moves it along');
        assert.equal(await page.evaluate(() => location.hash), `#${FLAT_ONLY.split('#')[1]}`);
        const before = await zoom();
        await page.mouse.wheel(0, -300);
        await until(page, (least) => Number(document.body.dataset.zoom) > least, before * 1.2);
        await page.mouse.dblclick(240, 150);
        await until(page, () => document.body.dataset.zoom === undefined);
        await page.keyboard.press('+');
        await until(page, () => Number(document.body.dataset.zoom) > 1.1);
        await page.keyboard.press('r');
        await until(page, () => document.body.dataset.zoom === undefined);
        await assertAccessible(page);
      },
    ));

  it('is pinched larger while flat, and not swiped away then', () =>
    withViewer(browser, { path: FLAT_ONLY, context: { hasTouch: true } }, async (page) => {
      await page.getByRole('button', { name: 'Next photo' }).waitFor();
      const device = await page.context().newCDPSession(page);
      const touch = (type, ...points) =>
        device.send('Input.dispatchTouchEvent', {
          type,
          touchPoints: points.map(([x, y], id) => ({ x, y, id })),
        });
      await touch('touchStart', [220, 150], [260, 150]);
      for (const reach of [40, 70, 110])
        await touch('touchMove', [240 - reach, 150], [240 + reach, 150]);
      await touch('touchEnd');
      await until(page, () => Number(document.body.dataset.zoom) > 2);
      await touch('touchStart', [330, 150]);
      for (const x of [280, 220, 160]) await touch('touchMove', [x, 150]);
      await touch('touchEnd');
      await page.waitForTimeout(100);
      assert.equal(await page.evaluate(() => location.hash), `#${FLAT_ONLY.split('#')[1]}`);
    }));

  it('is looked around in by tilting the device, until one does not want that', () =>
    withViewer(
      browser,
      { path: DEPTH_ONLY, context: { hasTouch: true, isMobile: true } },
      async (page) => {
        await modeIs(page, 'depth');
        const tilt = (gamma) =>
          page.evaluate(
            (g) =>
              window.dispatchEvent(
                new DeviceOrientationEvent('deviceorientation', { beta: 60, gamma: g }),
              ),
            gamma,
          );
        const rest = await picture(page);
        await tilt(0);
        await tilt(16);
        const leaned = await picture(page);
        assert.ok((await difference(page, rest, leaned)) > 1.5);
        await page.keyboard.press('t');
        assert.ok((await difference(page, rest, await picture(page))) < 0.5);
        await tilt(-16);
        assert.ok((await difference(page, rest, await picture(page))) < 0.5);
      },
    ));

  it('moves within a frame that stays', () =>
    withViewer(browser, { path: DEPTH_ONLY }, async (page) => {
      await modeIs(page, 'depth');
      await page.mouse.move(200, 150);
      await page.mouse.down();
      await page.mouse.move(400, 150, { steps: 5 });
      await page.mouse.up();
      await picture(page);
      const { beside, seen } = await page.evaluate(() => {
        const { style } = document.querySelector('.stage');
        const seen = style.getPropertyValue('--seen');
        return { beside: Number.parseFloat(style.getPropertyValue('--beside')), seen };
      });
      assert.equal(Number(seen), 1);
      const clip = { x: 0, y: 20, width: Math.max(beside - 2, 1), height: 200 };
      const ambience = await page.screenshot({ clip });
      await page.addStyleTag({ content: '.deep, .flat { visibility: hidden }' });
      assert.ok((await difference(page, ambience, await page.screenshot({ clip }))) < 0.5);
    }));

  it('is as sharp with depth as it is flat, and leaves nothing bare wherever one leans', () =>
    withViewer(browser, { path: DEPTH_ONLY, budget: 100_000 }, async (page) => {
      await modeIs(page, 'depth');
      const flat = await sharpness(page, await picture(page));
      await page.addStyleTag({
        content:
          '.stage { background: #f0f !important } .ambience, .flat { visibility: hidden !important }',
      });
      for (const keys of ['aaaaaawwwwww', 'ddddddssssss']) {
        await page.keyboard.press('r');
        for (const key of keys) await page.keyboard.press(key);
        await until(page, () => {
          const { style } = document.querySelector('.stage');
          return Number(style.getPropertyValue('--seen')) === 1;
        });
        assert.ok(await stillness(page));
        const box = await page.evaluate(() => {
          const { style } = document.querySelector('.stage');
          const [beside, above] = ['--beside', '--above'].map(
            (name) => Number.parseFloat(style.getPropertyValue(name)) || 0,
          );
          const [width, height] = [innerWidth - 2 * beside, innerHeight - 2 * above];
          return { x: beside, y: above, width, height };
        });
        const seen = await picture(page);
        const [deep, bare] = [await sharpness(page, seen), await bareOf(page, seen, box)];
        assert.ok(deep >= 0.9 * flat, `${deep} of ${flat} with depth, after ${keys}`);
        assert.ok(bare < 0.002, `${bare} of the frame is bare, after ${keys}`);
      }
    }));

  it('that is in 3D is never offered to be made so while one steps through', () =>
    withViewer(
      browser,
      {
        path: '&motion=0#/photo/photo-0002',
        prepare: ({ library }) => {
          library.photos.get('photo-0003').splat = true;
        },
      },
      async (page, { state: gateway }) => {
        await splatsShown(page);
        gateway.delayMs = 200;
        await page.evaluate(() => {
          window.offered = 0;
          const look = () => {
            if (!document.querySelector('.photo .make').hidden) window.offered += 1;
          };
          const everything = { subtree: true, attributes: true, childList: true };
          new MutationObserver(look).observe(document.querySelector('.photo'), everything);
        });
        for (const [key, id] of [
          ['ArrowRight', 'photo-0003'],
          ['ArrowLeft', 'photo-0002'],
        ]) {
          await page.keyboard.press(key);
          await until(page, (wanted) => location.hash.endsWith(wanted), id);
          await splatsShown(page);
        }
        assert.equal(await page.evaluate(() => window.offered), 0);
      },
    ));

  it('is sharp before anything else of it, or beside it, is fetched', () => {
    const told = [];
    return withViewer(
      browser,
      {
        path: '#/models',
        prepare: ({ state: gateway }) => {
          gateway.delayMs = 100;
        },
      },
      async (page) => {
        await until(page, () => document.body.dataset.view === 'models');
        page.on('request', (request) => told.push(`asked ${request.url()}`));
        page.on('requestfinished', (request) => told.push(`came ${request.url()}`));
        await page.evaluate(() => {
          location.hash = '#/photo/photo-0002';
        });
        await modeIs(page, 'splat');
        const sharp = told.findIndex((one) => /^came .*photo-0002\/preview/.test(one));
        assert.ok(sharp >= 0, told.join('\n'));
        const early = told
          .slice(0, sharp)
          .filter((one) => /^asked .*(\/assets\/|viewport|\/preview)/.test(one))
          .filter((one) => !one.includes('photo-0002/preview'));
        assert.deepEqual(early, []);
      },
    );
  });

  it('that cannot be shown is told in words, and is not offered as 3D', () =>
    withViewer(
      browser,
      {
        path: FLAT_ONLY,
        expect: ['Failed to load resource'],
        prepare: ({ library }) => library.broken.add(FLAT_ONLY.split('/').at(-1)),
      },
      async (page, { library }) => {
        await page.getByText('The picture could not be loaded.').waitFor();
        assert.ok(await page.getByRole('button', { name: 'Make it 3D' }).isHidden());
        assert.ok(await page.locator('img.flat').isHidden());
        await assertAccessible(page);
        library.broken.clear();
        await page.getByRole('button', { name: 'Try again' }).click();
        await page.waitForSelector('img.flat');
        await page.getByRole('button', { name: 'Make it 3D' }).waitFor();
      },
    ));

  it('hides its controls at a tap and shows them at the next', () =>
    withViewer(browser, { path: DEPTH_ONLY, context: { hasTouch: true } }, async (page) => {
      await modeIs(page, 'depth');
      const resting = (wanted) =>
        until(page, (w) => document.querySelector('.photo').matches('.is-resting') === w, wanted);
      await resting(false);
      await page.touchscreen.tap(240, 110);
      await resting(true);
      await page.waitForTimeout(400);
      await page.touchscreen.tap(240, 110);
      await resting(false);
      await page.getByRole('button', { name: 'Next photo' }).tap();
      await until(page, () => location.hash === '#/photo/photo-0006');
    }));

  it('takes the light file under a budget, and never more splats than that', () =>
    withViewer(browser, { path: '&motion=0' }, async (page) => {
      const asked = [];
      page.on('request', (request) => asked.push(request.url()));
      await page.locator('a[data-id="photo-0000"]').click();
      await splatsShown(page);
      assert.ok(asked.some((url) => url.endsWith('-light.spz')));
      assert.ok(!asked.some((url) => url.endsWith('-full.spz')));
      assert.ok(Number((await state(page)).splats) <= 3000);
    }));

  it('shows the light file at once where there is room for more, and the full one when it is there', () =>
    withViewer(browser, {}, async (page, { url }) => {
      let arrive;
      const arrived = new Promise((resolve) => {
        arrive = resolve;
      });
      await page.route('**/*-full.spz', (route) => arrived.then(() => route.continue()));
      await page.goto(`${url}?motion=0`);
      await page.locator('a[data-id="photo-0000"]').click();
      await splatsShown(page);
      const light = Number((await state(page)).splats);
      arrive();
      await until(page, (fewer) => Number(document.body.dataset.splats) > 2 * fewer, light, 60_000);
    }));

  it('is made into 3D by one button, with live progress, and turns to it', () =>
    withViewer(browser, { path: HALF, jobSeconds: 600 }, async (page, { library }) => {
      await page.getByRole('button', { name: 'Make it 3D' }).click();
      const bar = page.locator('[data-card=progress] [role=progressbar]');
      await bar.waitFor();
      const [job] = library.jobs.values();
      library.advance(job, 0.4);
      await until(page, () => {
        const value = document
          .querySelector('[data-card=progress] [role=progressbar]')
          ?.getAttribute('aria-valuenow');
        return Number(value) > 20;
      });
      await assertAccessible(page);
      library.succeed(job, library.photos.get('photo-0003'));
      await splatsShown(page);
      assert.equal(await bar.isVisible(), false);
      assert.equal(await page.getByRole('button', { name: 'Make it 3D' }).isVisible(), false);
    }));

  it('stays as it is when making is cancelled', () =>
    withViewer(browser, { path: FLAT_ONLY, jobSeconds: 600 }, async (page, { library }) => {
      await page.getByRole('button', { name: 'Make it 3D' }).click();
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Make it 3D' }).waitFor();
      assert.equal([...library.jobs.values()][0].state, 'cancelled');
      assert.equal((await state(page)).mode, 'flat');
    }));

  it('says in words why 3D could not be made, and tries again', () =>
    withViewer(
      browser,
      {
        path: '&motion=0#/photo/photo-0003',
        prepare: ({ library }) => library.failures.set('photo-0003', 'out_of_memory'),
      },
      async (page) => {
        await page.getByRole('button', { name: 'Make it 3D' }).click();
        const card = page.locator('[data-card=error]');
        await card.waitFor();
        assert.match(await card.textContent(), /3D could not be made\..*ran out of memory/);
        await assertAccessible(page);
        await card.getByRole('button', { name: 'Try again' }).click();
        await splatsShown(page);
        assert.equal(await card.isVisible(), false);
      },
    ));

  it('explains a request that is refused', () =>
    withViewer(
      browser,
      { path: FLAT_ONLY, expect: ['503'], jobSeconds: 600 },
      async (page, gateway) => {
        const make = page.getByRole('button', { name: 'Make it 3D' });
        await make.waitFor();
        gateway.state.broken = true;
        await make.click();
        await page.locator('.photo').getByText('A part of the server is down.').waitFor();
        gateway.state.broken = false;
        await page.locator('.photo').getByRole('button', { name: 'Try again' }).click();
        await page.locator('[data-card=progress]').waitFor();
      },
    ));

  it('that does not exist is told in words', () =>
    withViewer(browser, { path: '#/photo/nowhere', expect: ['404'] }, async (page) => {
      await page.getByText('This is not here any more.').waitFor();
      await page.getByRole('heading', { name: 'Not here any more' }).waitFor();
      for (const gone of ['Make it 3D', '3D', 'Download'])
        assert.equal(await page.getByRole('button', { name: gone, exact: true }).count(), 0, gone);
      assert.ok(await page.locator('img.flat').isHidden());
      await page.keyboard.press('Escape');
      await until(page, () => document.body.dataset.view === 'gallery');
    }));

  it('stays flat and says so where there is no WebGL', () => {
    const init = () => {
      const { getContext } = HTMLCanvasElement.prototype;
      HTMLCanvasElement.prototype.getContext = function get(kind, ...rest) {
        return kind.startsWith('webgl') ? null : getContext.call(this, kind, ...rest);
      };
    };
    return withViewer(browser, { path: DEEP, init }, async (page) => {
      await page.getByText('This browser cannot show 3D.').waitFor();
      assert.equal((await state(page)).mode, 'flat');
      assert.equal(await page.locator('[data-mode=splat]').isDisabled(), true);
    });
  });

  it('survives the loss of the graphics device', () =>
    withViewer(
      browser,
      { path: DEEP, expect: ['Context Lost', 'CONTEXT_LOST', 'error: undefined'] },
      async (page) => {
        await splatsShown(page);
        await page.evaluate(() => {
          const canvas = document.querySelector('canvas.deep');
          canvas.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext();
        });
        await page.getByText('The graphics device stopped.').waitFor();
        assert.equal((await state(page)).mode, 'flat');
        await page.getByRole('button', { name: 'Try again' }).click();
        await splatsShown(page);
      },
    ));

  it('explains a 3D file that is broken, and stays with depth', () =>
    withViewer(browser, { path: '&motion=0', expect: ['Worker error'] }, async (page) => {
      await page.route('**/*-light.spz', (route) => route.fulfill({ body: 'not a splat' }));
      await page.locator('a[data-id="photo-0000"]').click();
      await page.getByText('The 3D of this photo could not be shown.').waitFor();
      assert.equal((await state(page)).mode, 'depth');
      await page.unroute('**/*-light.spz');
      await page.getByRole('button', { name: 'Try again' }).click();
      await splatsShown(page);
    }));

  it('moves gently by itself, but not for people who asked for less motion', async () => {
    const path = '#/photo/photo-0005';
    await withViewer(browser, { path }, async (page) => {
      await modeIs(page, 'depth');
      await until(page, () => Number(document.body.dataset.frames) > 12);
      await page.keyboard.press('m');
      await page.waitForTimeout(900);
      assert.ok(await stillness(page));
    });
    await withViewer(browser, { path, context: { reducedMotion: 'reduce' } }, async (page) => {
      await modeIs(page, 'depth');
      await page.waitForTimeout(1500);
      assert.ok((await frames(page)) <= 4);
    });
  });

  it('offers its files, and converts to others', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await splatsShown(page);
      await page.mouse.move(200, 120); // wakes the controls
      await page.getByRole('button', { name: 'Download' }).click();
      const panel = page.locator('#popup-download');
      await assertAccessible(page);
      const link = panel
        .getByRole('link', { name: /^SPZ 4/ })
        .or(panel.getByRole('link', { name: /^SPZ \d/ }));
      assert.match(await link.first().getAttribute('href'), /-full\.spz\?download=1$/);
      const downloading = awaited(page.waitForEvent('download'));
      await panel.getByRole('button', { name: /^PLY/ }).click();
      const download = await downloading;
      assert.equal(download.suggestedFilename(), 'photo-0000_lift-da2-small.ply');
    }));

  it('tells what made it and why', () =>
    withViewer(browser, { path: DEEP }, async (page, { library }) => {
      await modeIs(page, 'splat');
      await page.keyboard.press('i');
      const info = page.getByRole('complementary', { name: 'About this photo' });
      await info.getByText('Taken', { exact: true }).waitFor();
      await info.getByText('3D from Depth Anything V2 Small').waitFor();
      assert.match(await info.textContent(), /The photo carries no depth of its own/);
      await assertAccessible(page);
      for (const [width, height] of [
        [320, 568],
        [700, 380],
        [899, 700],
        [1280, 720],
      ]) {
        await page.setViewportSize({ width, height });
        await assertFits(page);
        const [seen, told] = await page.evaluate(() =>
          ['.stage', '.info'].map((one) => document.querySelector(one).getBoundingClientRect()),
        );
        assert.ok(
          seen.right <= told.left + 1 || seen.bottom <= told.top + 1,
          'nothing lies over it',
        );
        assert.ok(seen.width * seen.height > 0.4 * width * height);
      }
      library.photos.get('photo-0001').datedByFile = true;
      await page.keyboard.press('ArrowRight');
      await info.getByText('File dated', { exact: true }).waitFor();
      await page.keyboard.press('Escape');
      assert.equal(await info.isVisible(), false);
      assert.equal((await state(page)).view, 'photo');
    }));

  it('is seen as it was wished before the page was loaded again', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await modeIs(page, 'splat');
      await page.keyboard.press('1');
      await modeIs(page, 'flat');
      await page.reload();
      await page.locator('.photo[data-shows=flat] .mode[data-mode=splat]:enabled').waitFor();
      const isPressed = (mode) =>
        page.locator(`.mode[data-mode=${mode}]`).getAttribute('aria-pressed');
      assert.deepEqual([await isPressed('flat'), await isPressed('splat')], ['true', 'false']);
      assert.equal(await page.locator('.mode.is-coming').count(), 0);
    }));

  it('gives back what it held when one leaves, again and again', () =>
    withViewer(browser, { path: '&motion=0' }, async (page) => {
      for (let i = 0; i < 4; i += 1) {
        await page.locator('a[data-id="photo-0000"]').click();
        await splatsShown(page);
        await page.keyboard.press('Escape');
        await until(page, () => document.body.dataset.view === 'gallery');
        assert.equal(await page.locator('canvas.deep').count(), 0);
        assert.ok(await stillness(page));
      }
    }));

  it('is made to move, and stands still again when it is told to', () =>
    withViewer(browser, { path: FLAT_ONLY }, async (page) => {
      await modeIs(page, 'flat');
      await page.getByRole('button', { name: 'More', exact: true }).click();
      await page.getByRole('button', { name: /^Make it move/ }).click();
      await page.getByRole('radio', { name: /^Dolly/ }).check();
      await assertAccessible(page);
      await page.getByRole('button', { name: 'Make it', exact: true }).click();
      const clip = page.getByRole('button', { name: 'Motion clip' });
      await until(page, () => document.body.dataset.clip === 'playing');
      assert.equal(await clip.getAttribute('aria-pressed'), 'true');
      await page.keyboard.press('c');
      await until(page, () => !document.querySelector('.clip'));
      await page.keyboard.press('l');
      await page.getByRole('link', { name: 'Motion clip' }).waitFor();
    }));

  it('has what its 3D misses filled, and shows it before and after; both versions stay', () =>
    withViewer(browser, { path: DEEP }, async (page) => {
      await page.waitForSelector('img.flat');
      await page.keyboard.press('1');
      await modeIs(page, 'flat');
      const more = page.getByRole('button', { name: 'More', exact: true });
      await more.click();
      assert.equal(await page.getByRole('button', { name: 'Before and after…' }).count(), 0);
      await page.getByRole('button', { name: /^Fill missing regions/ }).click();
      await until(page, () => document.body.textContent.includes('3D is ready'));
      await more.click();
      await page.getByRole('button', { name: 'Before and after…' }).click();
      const dialog = page.getByRole('dialog', { name: 'What was filled' });
      await dialog.getByRole('slider', { name: 'Between before and after' }).fill('30');
      await assertAccessible(page);
      await dialog.getByRole('button', { name: 'Close' }).click();
      await page.keyboard.press('i');
      const about = page.locator('.info');
      await about.getByText(', filled').waitFor();
      assert.equal(await about.getByRole('button', { name: 'Show this' }).count(), 1);
    }));

  it('moves in Immich itself where that is wished, and of an external library after a yes', () =>
    withViewer(
      browser,
      {
        path: FLAT_ONLY,
        expect: ['409'],
        prepare: ({ automation }) => automation.external.add(FLAT_ONLY.split('/').at(-1)),
      },
      async (page) => {
        await modeIs(page, 'flat');
        const more = page.getByRole('button', { name: 'More', exact: true });
        await more.click();
        assert.equal(await page.getByRole('button', { name: /in Immich/ }).count(), 0);
        await page.getByRole('button', { name: /^Make it move/ }).click();
        await page.getByRole('button', { name: 'Make it', exact: true }).click();
        await until(page, () => document.body.dataset.clip === 'playing');
        await more.click();
        await page.getByRole('button', { name: /^Let it move in Immich/ }).click();
        await page.getByRole('button', { name: /^Let it move in Immich all the same/ }).click();
        await assertAccessible(page);
        await page.getByRole('button', { name: /^Let it stand still in Immich/ }).click();
        await page.getByRole('button', { name: /^Let it move in Immich/ }).waitFor();
      },
    ));

  it('says of guessed 3D that it is rough, gets the model, and makes it anew, with one press', () =>
    withViewer(
      browser,
      {
        path: '&motion=0#/photo/photo-0000',
        context: { viewport: { width: 900, height: 600 } },
        prepare: ({ library, models }) => {
          library.photos.get('photo-0000').rough = true;
          models.all.get('da2-small').state = 'downloadable';
        },
      },
      async (page, { library }) => {
        const chip = page.locator('.rough');
        await chip.getByText(/^Rough 3D · get the depth model \(.*MB\)/).waitFor();
        await until(page, () => document.body.dataset.socket === 'connected');
        await assertAccessible(page);
        await chip.focus();
        await page.keyboard.press('Enter');
        await page.locator('[data-card=progress] [role=progressbar]').waitFor();
        const [job] = [...library.jobs.values()].filter((one) => one.kind === 'splat');
        assert.equal(job.params.force, true);
        assert.equal(job.params.model, 'auto');
      },
    ));

  it('is made anew for which the model was wished, though another one is open by then', () =>
    withViewer(
      browser,
      {
        path: '&motion=0#/photo/photo-0000',
        context: { viewport: { width: 900, height: 600 } },
        prepare: ({ library, models }) => {
          library.photos.get('photo-0000').rough = true;
          models.all.get('da2-small').state = 'downloadable';
        },
      },
      async (page, { library }) => {
        const chip = page.locator('.rough');
        await chip.getByText(/^Rough 3D · get the depth model/).waitFor();
        await until(page, () => document.body.dataset.socket === 'connected');
        const asked = awaited(
          page.waitForResponse((response) => response.url().endsWith('/splat')),
        );
        await chip.click();
        await page.keyboard.press('ArrowRight');
        await until(page, () => location.hash === '#/photo/photo-0001');
        assert.match((await asked).url(), /photo-0000\/splat$/);
        const made = [...library.jobs.values()].filter((one) => one.kind === 'splat');
        assert.deepEqual(
          made.map((one) => one.photo_id),
          ['photo-0000'],
        );
      },
    ));

  it('becomes 3D at once, though the picture of the one before never came', () =>
    withViewer(browser, { path: '&motion=0#/photo/photo-0003' }, async (page) => {
      const held = awaited(
        page.waitForRequest((request) => request.url().includes('photo-0004/preview')),
      );
      await page.route('**/photo-0004/preview*', () => {});
      await page.getByRole('button', { name: 'Next photo' }).click();
      await held;
      await page.keyboard.press('ArrowRight');
      await until(page, () => location.hash === '#/photo/photo-0005');
      await until(page, () => document.body.dataset.mode !== 'flat');
    }));
});
