import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, until as inTime, long, openBrowser, withViewer } from './browser.mjs';
import { parallax, seesAsKept, tellsApart } from './eyes.mjs';
import {
  aim,
  choose,
  chooseEnd,
  drawsAtMost,
  enterVr,
  framesOn,
  HEADSET,
  hold,
  holdStick,
  letGo,
  look,
  PATIENCE_MS,
  pointAt,
  pushButton,
  pushStick,
  turnHead,
  xr,
  xrIs,
} from './headset.mjs';

const VIEWPORT = { width: 480, height: 240 };
/** Drawn twice a frame. */
const SPLATS = 900;
/** What IWER says, also of a lost context, and three where one is lost on purpose. */
const EXPECTED = ['Requested frame rate', 'Context', 'WebGL', "reading '0'"];
const until = (page, condition, argument) => inTime(page, condition, argument, PATIENCE_MS);
const inVr = (browser, options, use) =>
  withViewer(
    browser,
    {
      init: HEADSET,
      expect: EXPECTED,
      context: { viewport: VIEWPORT },
      budget: SPLATS,
      ...options,
    },
    use,
  );
const splatsSeen = (page) =>
  until(
    page,
    () => document.body.dataset.xrShape === 'splat' && Number(document.body.dataset.xrSplats) > 500,
  );

describe('in a headset', () => {
  let browser;
  before(async () => {
    browser = await openBrowser('--autoplay-policy=no-user-gesture-required');
  });
  after(() => browser.close());

  it('says in one sentence why there is no VR, where there is none', () =>
    withViewer(browser, {}, async (page) => {
      const door = page.locator('.masthead .vr-door');
      await until(page, () => document.querySelector('.vr-door')?.dataset.vr === 'none');
      await door.click();
      const note = page.locator('.vr-note');
      assert.match(await note.textContent(), /headset/);
      await assertAccessible(page);
      await note.getByRole('button', { name: 'Close' }).click();
      assert.equal(await note.count(), 0);
      await door.click();
      await note.waitFor();
      await page.getByRole('link', { name: 'Albums' }).click();
      await page.getByRole('heading', { level: 1, name: 'Albums' }).waitFor();
      assert.equal(await note.count(), 0);
    }));

  it('leaves the headset again, and says so, where VR cannot be loaded', () =>
    inVr(
      browser,
      {
        init: `${HEADSET}
          const request = navigator.xr.requestSession.bind(navigator.xr);
          navigator.xr.requestSession = async (...wish) => {
            const session = await request(...wish);
            session.addEventListener('end', () => { window.sessionEnded = true; });
            return session;
          };`,
        expect: [...EXPECTED, 'Failed to load resource', 'dynamically imported module'],
      },
      async (page) => {
        await page.route(/\/house-[^/]*\.js/, (route) => route.abort());
        await page.locator('.vr-door[data-vr=ready]:visible').first().click();
        await until(page, () => window.sessionEnded);
        assert.match(await page.locator('.vr-note').textContent(), /could not begin/);
      },
    ));

  it('stands before a wall of photos, and leaves by its wrist', () =>
    inVr(browser, { photos: 60 }, async (page) => {
      await enterVr(page);
      await xrIs(page, 'xr', 'wall');
      await until(page, () => Number(document.body.dataset.xrCards) >= 60);
      await xrIs(page, 'xrMissing', '0');
      const wall = await look(page);
      assert.ok((await parallax(page, wall)) > 1, 'both eyes see the same');
      await seesAsKept(page, 'wall', wall);
      // Everything on the wall is one mesh; panels, rays and surroundings are the rest, for each eye.
      await drawsAtMost(page, 20);
      const asked = await page.evaluate(() => ({
        rate: window.immichvrHouse.renderer.xr.getSession().frameRate,
        foveation: window.immichvrHouse.renderer.xr.getFoveation(),
      }));
      assert.equal(asked.rate, 90);
      assert.ok(asked.foveation > 0, 'no foveation was asked for');
      await tellsApart(page, ['wall', 'place', 'wrist', 'film', 'scene']);
      await pushButton(page, 'left', 'x-button');
      await chooseEnd(page, 'exit');
      await until(page, () => !('xr' in document.body.dataset));
    }));

  it(
    'opens a photo as a place, goes on to the next, makes one, and comes out where it was',
    long,
    () =>
      inVr(browser, { photos: 60 }, async (page) => {
        const asked = [];
        page.on('request', (request) => asked.push(request.url()));
        await enterVr(page);
        await choose(page, 'photo-0000');
        await xrIs(page, 'xrPhoto', 'photo-0000');
        await splatsSeen(page);
        await framesOn(page, 6);
        const { xrScale, xrReach, xrLevel } = await xr(page);
        assert.equal(Number(xrScale), 1, 'depth in metres is shown at true scale');
        assert.ok(Number(xrReach) > 0.1 && Number(xrReach) < 0.6, xrReach);
        assert.equal(xrLevel, 'light');
        const place = await look(page);
        assert.ok((await parallax(page, place)) > 0.5, 'there is no depth');
        await seesAsKept(page, 'place', place);
        await drawsAtMost(page, 20);

        await pushButton(page, 'left', 'x-button');
        await xrIs(page, 'xrWrist', 'true');
        await seesAsKept(page, 'wrist', await look(page));
        await choose(page, 'favourite');
        await until(page, () => window.immichvrHouse.store.photos.get('photo-0000').favorite);
        const splats = await watched(page, 'xrSplats');
        await choose(page, 'quality');
        await choose(page, 'quality');
        await xrIs(page, 'xrLevel', 'full');
        await framesOn(page, 8);
        const [least] = await splats();
        assert.ok(least > 0, 'nothing was shown between two levels');

        await choose(page, 'flat');
        await xrIs(page, 'xrShape', 'screen');
        await choose(page, 'layout');
        await xrIs(page, 'xrLayout', 'sbs');
        await xrIs(page, 'xrShape', 'stereo');
        for (const layout of ['tb', 'mono']) {
          await choose(page, 'layout');
          await xrIs(page, 'xrLayout', layout);
        }
        await xrIs(page, 'xrShape', 'screen');
        await choose(page, 'deep');
        await splatsSeen(page);

        await pushStick(page, 'right', 1, 0);
        await xrIs(page, 'xrPhoto', 'photo-0001');
        await xrIs(page, 'xrShape', 'screen');
        await choose(page, 'wall');
        await xrIs(page, 'xr', 'wall');
        await pushButton(page, 'left', 'x-button');
        await xrIs(page, 'xrWrist', 'false');
        const held = await deviceMemory(page);
        await choose(page, 'photo-0000');
        await splatsSeen(page);
        await pushButton(page, 'right', 'b-button');
        await xrIs(page, 'xr', 'wall');
        await framesOn(page, 4);
        // The wrist's panel gives its own picture back whenever it grows, and takes another when it is shown.
        const { geometries, textures } = await deviceMemory(page);
        assert.ok(geometries <= held.geometries, `${geometries} of ${held.geometries} geometries`);
        assert.ok(textures <= held.textures, `${textures} of ${held.textures} textures`);
        await choose(page, 'photo-0003');
        await xrIs(page, 'xrPhoto', 'photo-0003');
        await pushButton(page, 'left', 'x-button');
        await choose(page, 'make');
        await splatsSeen(page);
        await chooseEnd(page, 'exit');
        await until(page, () => !('xr' in document.body.dataset));
        await until(page, () => location.hash === '#/photo/photo-0003');
        const { origin } = new URL(page.url());
        assert.deepEqual(
          asked.filter((url) => !url.startsWith(origin) && !/^(blob|data):/.test(url)),
          [],
        );
      }),
  );

  it(
    'is pulled and thrown, shows albums, hears what is looked for, and goes into an album and back',
    long,
    () =>
      inVr(
        browser,
        {
          photos: 60,
          init: `${HEADSET}
          window.SpeechRecognition = class extends EventTarget {
            start() { window.speech = this; }
            stop() { this.dispatchEvent(new Event('end')); }
            abort() {}
          };`,
        },
        async (page) => {
          await enterVr(page);
          await until(page, () => Number(document.body.dataset.xrCards) >= 60);
          const before = await page.evaluate(() => window.immichvrHouse.placeOf('photo-0012'));
          await pointAt(page, 'photo-0012');
          await hold(page);
          await aim(page, 'photo-0003');
          await letGo(page);
          await xrIs(page, 'xr', 'wall');
          await framesOn(page, 10);
          const moved = await page.evaluate(() => window.immichvrHouse.placeOf('photo-0012'));
          assert.ok(moved[0] < before[0] - 0.3, `${before} went to ${moved}`);

          await turnHead(page, 45);
          await choose(page, 'albums');
          await xrIs(page, 'xrShelf', 'albums');
          await until(page, () => Number(document.body.dataset.xrCards) > 2);
          await turnHead(page, 0);
          const album = await page.evaluate(() => window.immichvrHouse.wall.wall.source.card(0).id);
          await choose(page, album);
          await until(page, () => window.immichvrHouse.wall.wall.source.card(0)?.kind === 'item');
          await pushButton(page, 'right', 'b-button');
          await until(page, () => window.immichvrHouse.wall.wall.source.card(0)?.kind === 'way');

          await turnHead(page, 45);
          const span = () => {
            const { columns, pitch } = window.immichvrHouse.wall.wall.shape;
            return columns * pitch;
          };
          const standing = await page.evaluate(span);
          await choose(page, 'seated');
          assert.ok((await page.evaluate(span)) < standing, 'the wall is as wide for who sits');
          await choose(page, 'left');
          await choose(page, 'search', 'left');
          await until(page, () => window.speech);
          await page.evaluate(() => {
            const say = (transcript) =>
              window.speech.dispatchEvent(
                Object.assign(new Event('result'), {
                  results: [Object.assign([{ transcript }], { isFinal: false })],
                }),
              );
            say('ridges');
          });
          await xrIs(page, 'xrHeard', 'ridges');
          await page.evaluate(() => window.speech.stop());
          await until(page, () => window.immichvrHouse.wall.wall.source.complete);
          assert.ok(Number((await xr(page)).xrCards) > 0);
        },
      ),
  );

  it('is done by hand: a pinch opens, a palm turned to the eyes has the menu', long, () =>
    inVr(browser, { photos: 24, path: '&motion=0' }, async (page) => {
      await page.evaluate(() => {
        const { headset } = window;
        headset.primaryInputMode = 'hand';
        headset.hands.right.position.set(0.2, 1.3, -0.3);
        headset.hands.left.position.set(-0.15, 1.35, -0.4);
      });
      await enterVr(page);
      await until(page, () => Number(document.body.dataset.xrCards) >= 24);
      await drawsAtMost(page, 130);
      await choose(page, 'photo-0004');
      await xrIs(page, 'xrPhoto', 'photo-0004');
      assert.equal((await xr(page)).xrWrist, 'false');
      await turnPalm(page);
      await xrIs(page, 'xrWrist', 'true');
      await choose(page, 'next');
      await xrIs(page, 'xrPhoto', 'photo-0005');
    }),
  );

  it(
    'goes on while the system shows something over it, and after the graphics device was lost',
    long,
    () =>
      inVr(browser, { photos: 24, path: '#/photo/photo-0000' }, async (page) => {
        await page.waitForSelector('img.flat');
        await enterVr(page);
        await xrIs(page, 'xrPhoto', 'photo-0000');
        await splatsSeen(page);
        assert.equal(await page.locator('canvas.deep').count(), 0, 'the page draws it too');
        await page.evaluate(() => window.headset.updateVisibilityState('visible-blurred'));
        await xrIs(page, 'xrVisible', 'visible-blurred');
        await page.evaluate(() => window.headset.updateVisibilityState('visible'));
        await xrIs(page, 'xrVisible', 'visible');
        await framesOn(page, 5);

        await page.evaluate(() => {
          const gl = window.immichvrHouse.renderer.getContext();
          window.losing = gl.getExtension('WEBGL_lose_context');
          window.losing.loseContext();
        });
        await xrIs(page, 'xrLost', 'true');
        await page.evaluate(() => window.losing.restoreContext());
        await until(page, () => !('xrLost' in document.body.dataset));
        await framesOn(page, 5);
        await splatsSeen(page);
        await framesOn(page, 6);
        await seesAsKept(page, 'place', await look(page));

        // Who walked away stands in the photo again after recentring.
        await page.evaluate(() => window.headset.position.set(0.8, 1.3, 0.5));
        await framesOn(page, 3);
        await page.evaluate(() => window.immichvrHouse.recentre());
        await framesOn(page, 6);
        await seesAsKept(page, 'place', await look(page));
        await page.evaluate(() => window.immichvrHouse.renderer.xr.getSession().end());
        await until(page, () => !('xr' in document.body.dataset));
        assert.equal(await page.evaluate(() => location.hash), '#/photo/photo-0000');
        await until(page, () => document.body.dataset.mode === 'splat');
      }),
  );

  it('plays a video on a screen and with depth, and goes to where one points', long, () =>
    inVr(browser, { path: '#/videos' }, async (page) => {
      await page.waitForSelector('.tile, .video-wall a, a[href^="#/video/"]');
      await enterVr(page);
      await xrIs(page, 'xrShelf', 'videos');
      await until(page, () => Number(document.body.dataset.xrCards) > 1);
      const id = await page.evaluate(() => {
        const { source } = window.immichvrHouse.wall.wall;
        for (let i = 0; i < source.count; i += 1)
          if (source.card(i).item.badges['depth-video']) return source.card(i).id;
        return null;
      });
      await choose(page, id);
      await xrIs(page, 'xrVideo', id);
      await until(page, () => Number(document.body.dataset.xrTime) > 0.2);
      assert.equal((await xr(page)).xrShape, 'curved');
      await choose(page, 'play');
      await xrIs(page, 'xrPlays', 'false');
      await choose(page, 'time');
      const { xrTime } = await xr(page);
      assert.ok(Number(xrTime) > 0.5, xrTime);
      await seesAsKept(page, 'film', await look(page));
      await choose(page, 'depth');
      await xrIs(page, 'xrShape', 'depth');
      await framesOn(page, 10);
      const depth = await look(page);
      assert.ok((await parallax(page, depth)) > 0.5);
      await drawsAtMost(page, 24);
      await choose(page, 'wall');
      await xrIs(page, 'xr', 'wall');
    }),
  );

  it('walks in a scene, goes on to another at once, and comes out at its page', long, () =>
    inVr(
      browser,
      {
        path: '#/scene/room',
        prepare: (gateway) => {
          gateway.scenes.add('room');
          gateway.scenes.wallIn('room', 0.6);
          gateway.scenes.add('dots', ['points'], 'points');
        },
      },
      async (page) => {
        await until(page, () => document.querySelector('.scene-canvas')?.dataset.version);
        await enterVr(page);
        await xrIs(page, 'xrScene', 'room');
        const { version } = await page.evaluate(() => ({
          ...document.querySelector('.scene-canvas').dataset,
        }));
        assert.equal(version, undefined, 'the page draws it too');
        await until(page, () => Number(document.body.dataset.xrSplats) > 500);
        await framesOn(page, 6);
        const seen = await look(page);
        assert.ok((await parallax(page, seen)) > 0.5, 'there is no depth');
        await seesAsKept(page, 'scene', seen);
        await drawsAtMost(page, 20);

        const at = async () => (await xr(page)).xrAt.split(' ').map(Number);
        const before = await at();
        const vignette = await watched(page, 'xrVignette');
        await holdStick(page, 'left', 0, -1, 2);
        const [x, z] = await at();
        assert.ok(z < before[1] - 0.05, `went from ${before} to ${x}, ${z}`);
        const [, darkest] = await vignette();
        assert.ok(darkest > 0.3, 'the edge stays clear while one moves');
        await holdStick(page, 'left', 0, -1, 40);
        const [farX, farZ] = await at();
        assert.ok(Math.hypot(farX, farZ) < 0.6, `went through a wall to ${farX}, ${farZ}`);
        await pushStick(page, 'left', 0, 0);

        // At once: to the floor that is pointed at, and by the stick of the pointing hand.
        const atBeginning = '0.00 0.00';
        const toBeginning = () => page.evaluate(() => window.immichvrHouse.recentre());
        const isAway = () => until(page, (was) => document.body.dataset.xrAt !== was, atBeginning);
        await toBeginning();
        await xrIs(page, 'xrAt', atBeginning);
        await choose(page, 'floor');
        await isAway();
        await toBeginning();
        await xrIs(page, 'xrAt', atBeginning);
        await page.evaluate(() => window.headset.controllers.right.quaternion.set(0, 0, 0, 1));
        await pushStick(page, 'right', 0, -1);
        await isAway();

        await pushButton(page, 'right', 'b-button');
        await xrIs(page, 'xr', 'wall');
        await xrIs(page, 'xrShelf', 'scenes');
        await choose(page, 'dots');
        await xrIs(page, 'xrScene', 'dots');
        await until(page, () => Number(document.body.dataset.xrSplats) === 400);
        await drawsAtMost(page, 20);
        await pushButton(page, 'left', 'x-button');
        await chooseEnd(page, 'exit');
        await until(page, () => !('xr' in document.body.dataset));
        await until(page, () => location.hash === '#/scene/dots');
        await until(page, () => document.querySelector('.scene-canvas')?.dataset.version);
      },
    ),
  );
});

/** What the device holds that was not given back. */
const deviceMemory = (page) =>
  page.evaluate(() => ({ ...window.immichvrHouse.renderer.info.memory }));

/** Looks at a number that is told of VR from now on; answers with the least and the most that it was. */
async function watched(page, name) {
  await page.evaluate((key) => {
    const now = () => Number(document.body.dataset[key]);
    const seen = [now(), now()];
    Object.assign(window, { watched: { ...window.watched, [key]: seen } });
    new MutationObserver(() => {
      seen[0] = Math.min(seen[0], now());
      seen[1] = Math.max(seen[1], now());
    }).observe(document.body, { attributes: true });
  }, name);
  return () => page.evaluate((key) => window.watched[key], name);
}

/** Turns the left palm to the eyes. */
async function turnPalm(page) {
  await page.evaluate(() => {
    const { headset } = window;
    const hand = headset.hands.left;
    hand.position.set(-0.15, 1.4, -0.4);
    const half = -1.27;
    hand.quaternion.set(Math.sin(half), 0, 0, Math.cos(half));
  });
  await framesOn(page, 5);
}
