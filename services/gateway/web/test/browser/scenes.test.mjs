/** Places to walk in: what is opened, what is followed, what is chosen to make one of. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { assertAccessible, awaited, openBrowser, until, withViewer } from './browser.mjs';

const ROOM = '#/scene/room';

describe('scenes', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  const withScenes = (options, use) =>
    withViewer(
      browser,
      {
        path: ROOM,
        ...options,
        prepare: (gateway) => {
          gateway.scenes.add('room');
          gateway.scenes.add('dots', ['points'], 'points');
          options.prepare?.(gateway);
        },
      },
      use,
    );
  const versionIs = (page, version) =>
    until(
      page,
      (wanted) => document.querySelector('.scene-canvas')?.dataset.version === wanted,
      version,
    );
  const go = (page, hash) =>
    page.evaluate((to) => {
      location.hash = to;
    }, hash);

  it('are walked in by keys, also where Shift comes in between, and are accessible', () =>
    withScenes({}, async (page) => {
      await versionIs(page, 'splat-gaussians');
      await assertAccessible(page);
      const canvas = page.locator('.scene-canvas');
      await until(page, () => document.querySelector('.scene-canvas')?.dataset.at);
      const stood = await canvas.getAttribute('data-at');
      await canvas.focus();
      await page.keyboard.down('w');
      await until(page, (was) => document.querySelector('.scene-canvas').dataset.at !== was, stood);
      await page.keyboard.down('Shift');
      await page.keyboard.up('w');
      await page.keyboard.up('Shift');
      const stays = await page.evaluate(async () => {
        const { dataset } = document.querySelector('.scene-canvas');
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        await frame();
        await frame();
        const at = dataset.at;
        for (let i = 0; i < 5; i += 1) await frame();
        return dataset.at === at;
      });
      assert.ok(stays, 'nobody walks on by a key that was let go of');
    }));

  it('let nobody through their walls, and along them everybody', () =>
    withScenes({ prepare: ({ scenes }) => scenes.wallIn('room', 0.1) }, async (page) => {
      await versionIs(page, 'splat-gaussians');
      const canvas = page.locator('.scene-canvas');
      await until(page, () => document.querySelector('.scene-canvas')?.dataset.walls === '');
      const at = async () => (await canvas.getAttribute('data-at')).split(' ').map(Number);
      const roll = async (notches) => {
        for (let notch = 0; notch < notches; notch += 1) await page.mouse.wheel(0, -100);
        await page.evaluate(() => new Promise((done) => requestAnimationFrame(done)));
      };
      await canvas.hover();
      await roll(14);
      await until(
        page,
        () => Number(document.querySelector('.scene-canvas').dataset.at.split(' ')[2]) < -0.05,
      );
      const [, , stopped] = await at();
      await roll(14);
      const [, , still] = await at();
      assert.ok(stopped > -0.1 && still > -0.1, `before the wall, not at ${stopped}, ${still}`);
      await canvas.focus();
      await page.keyboard.down('d');
      await until(
        page,
        () => Number(document.querySelector('.scene-canvas').dataset.at.split(' ')[0]) > 0.02,
      );
      await page.keyboard.up('d');
    }));

  it('show the one that the address names, though another answers late', () =>
    withScenes({ path: '#/scenes' }, async (page, gateway) => {
      await page.locator('[data-scene="dots"]').waitFor();
      let answer;
      gateway.scenes.held.set('room', new Promise((resolve) => (answer = resolve)));
      const late = awaited(
        page.waitForResponse((response) => response.url().endsWith('/scenes/room')),
      );
      await go(page, ROOM);
      await page.getByText('Loading…').waitFor();
      await go(page, '#/scene/dots');
      await versionIs(page, 'points-points');
      answer();
      await (await late).finished();
      await page.evaluate(() => new Promise((resolve) => setTimeout(resolve)));
      assert.equal(await page.locator('.scenes h1').textContent(), 'Scene dots');
      assert.equal(
        await page.locator('.scene-canvas').getAttribute('data-version'),
        'points-points',
      );
    }));

  it('of points alone are shown, and all their files are linked', () =>
    withScenes({ path: '#/scene/dots' }, async (page) => {
      await until(page, () => document.querySelector('.scene-canvas')?.dataset.points === '400');
      const links = await page.locator('.scene-files a').allTextContents();
      assert.deepEqual(
        links.map((link) => link.split(' ')[0]),
        ['dots_points.ply', 'dots_points-1.glb'],
      );
      assert.ok(await page.getByRole('button', { name: 'Fill missing regions' }).isDisabled());
    }));

  it('of points in levels show the coarse one at once, and finer ones when they come', () => {
    let come;
    return withScenes(
      {
        path: '#/scene/deep',
        prepare: ({ scenes }) => {
          scenes.add('deep', ['levels'], 'points');
          scenes.heldLevels = new Promise((resolve) => (come = resolve));
        },
      },
      async (page) => {
        const has = (count) =>
          until(
            page,
            (wanted) => document.querySelector('.scene-canvas')?.dataset.points === wanted,
            count,
          );
        await has('20');
        come();
        await has('900');
      },
    );
  });

  it('of points in tiles load what is seen, as fine as it is seen', () =>
    withScenes(
      {
        path: '#/scene/wide',
        prepare: ({ scenes }) => scenes.add('wide', ['tiled'], 'points'),
      },
      async (page) => {
        const asked = new Set();
        page.on('request', (request) => asked.add(request.url().split('/').at(-1)));
        const has = (count) =>
          until(
            page,
            (wanted) => document.querySelector('.scene-canvas')?.dataset.points === wanted,
            count,
          );
        await has('1600');
        await page.locator('.scene-canvas').focus();
        // Turned away from the left half, that is not drawn; wholly turned away, nothing is.
        const box = await page.locator('.scene-canvas').boundingBox();
        const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
        await page.mouse.move(x, y);
        await page.mouse.down();
        await page.mouse.move(x - box.width * 0.45, y, { steps: 6 });
        await page.mouse.up();
        await until(
          page,
          () => Number(document.querySelector('.scene-canvas').dataset.points) <= 800,
        );
      },
    ));

  it('take up after a reload what is being filled, and name how each version was', () =>
    withScenes(
      {
        prepare: (gateway) => {
          gateway.scenes.add('room', ['gaussians', 'gaussians-inpainted-lama']);
          gateway.scenes.start('filling', 'inpaint', 'room');
        },
      },
      async (page, gateway) => {
        await page.locator('.scene-progress[data-job="filling"]').waitFor();
        gateway.scenes.end(gateway.scenes.jobs.get('filling'), 'gaussians-inpainted-fill');
        await versionIs(page, 'splat-gaussians-inpainted-fill');
        const versions = await page.getByLabel('Version').locator('option').allTextContents();
        assert.deepEqual(versions, [
          'As it was made',
          'Filled: LaMa',
          'Filled: Carry on what is beside it',
        ]);
      },
    ));

  it('are entered from the list when they are made, not when something else of them is', () =>
    withScenes({ path: '#/scenes' }, async (page, gateway) => {
      await page.locator('[data-scene="room"]').waitFor();
      const { scenes } = gateway;
      const packed = scenes.start('packed', 'dataset', 'dots');
      const made = scenes.start('made', 'reconstruct', 'room');
      await page.locator('.scene-progress[data-job="made"]').waitFor();
      assert.equal(await page.locator('.scene-progress').count(), 1);
      scenes.end(packed);
      scenes.end(made);
      await versionIs(page, 'splat-gaussians');
    }));

  it('that are not there are told in words, with nothing to press', () =>
    withScenes({ path: '#/scene/nowhere', expect: ['404'] }, async (page) => {
      await page.getByRole('heading', { name: 'Not here any more' }).waitFor();
      await page.getByText('It may have been deleted').waitFor();
      assert.equal(
        await page.locator('.scene-view :is(button, select)').filter({ visible: true }).count(),
        0,
      );
      await go(page, '#/scene/dots');
      await versionIs(page, 'points-points');
      assert.ok(await page.getByLabel('Version').isVisible());
    }));

  it('that could not be read are tried again', () =>
    withScenes({ path: '#/scenes', expect: ['503'] }, async (page) => {
      await page.locator('[data-scene="dots"]').waitFor();
      await page.route('**/api/scenes/dots', (route) => route.fulfill({ status: 503 }), {
        times: 1,
      });
      await go(page, '#/scene/dots');
      await page.getByRole('button', { name: 'Try again' }).click();
      await versionIs(page, 'points-points');
      assert.ok(await page.getByRole('button', { name: 'Try again' }).isHidden());
    }));

  it('are deleted after a yes', () =>
    withScenes({}, async (page, gateway) => {
      await page.getByRole('button', { name: 'Delete this scene' }).click();
      await page.getByRole('button', { name: 'Cancel' }).click();
      assert.ok(gateway.scenes.scenes.has('room'));
      await page.getByRole('button', { name: 'Delete this scene' }).click();
      await page.getByRole('button', { name: 'Delete', exact: true }).click();
      await page.locator('[data-scene="dots"]').waitFor();
      assert.equal(await page.locator('[data-scene="room"]').count(), 0);
    }));

  it('survive the loss of the graphics device', () =>
    withScenes({ expect: ['Context Lost'] }, async (page) => {
      await versionIs(page, 'splat-gaussians');
      await page.evaluate(() => {
        const canvas = document.querySelector('.scene-canvas');
        canvas.dataset.version = 'lost';
        canvas.getContext('webgl2').getExtension('WEBGL_lose_context').loseContext();
      });
      await versionIs(page, 'splat-gaussians');
    }));

  it('are made of any photo, those around a chosen one first, and each sending is agreed to', () =>
    withScenes({ path: '#/scenes', photos: 130 }, async (page, gateway) => {
      await page.getByRole('button', { name: 'Make a place' }).first().click();
      const boxes = page.locator('.scene-picks input');
      await until(page, () => document.querySelectorAll('.scene-picks input').length === 120);
      const form = page.getByRole('form', { name: 'Make a place' });
      await form.getByRole('button', { name: 'More' }).click();
      await until(page, () => document.querySelectorAll('.scene-picks input').length === 130);
      await boxes.last().check();
      await form.locator('[name=method]').selectOption('cloud');
      await form.getByLabel('Yes, send them').check();
      await form.getByRole('button', { name: 'Make a place' }).click();
      await page.locator('.scene-progress[data-job="job-made"]').waitFor();
      assert.deepEqual(gateway.scenes.wishes[0].source, { photo_ids: ['photo-0129'] });
      assert.equal(gateway.scenes.wishes[0].sends, true);

      await go(page, '#/scenes?photo=photo-0100');
      await until(
        page,
        () => document.querySelector('.scene-picks input:checked')?.value === 'photo-0100',
      );
      const first = await boxes.first().inputValue();
      assert.ok(first > 'photo-0070', `begins about then, not at ${first}`);
      await form.locator('[name=method]').selectOption('cloud');
      assert.equal(await form.getByLabel('Yes, send them').isChecked(), false);
    }));

  it('are made of photos with the cameras that somebody has, which are checked first', () =>
    withScenes({ path: '#/scenes', photos: 8 }, async (page, gateway) => {
      gateway.scenes.reconstruct.poses.push('given');
      await page.getByRole('button', { name: 'Make a place' }).first().click();
      const form = page.getByRole('form', { name: 'Make a place' });
      const boxes = form.locator('.scene-picks input');
      await until(page, () => document.querySelectorAll('.scene-picks input').length === 8);
      const file = form.getByLabel('I have the cameras');
      const give = (told) =>
        file.setInputFiles({
          name: 'transforms.json',
          mimeType: 'application/json',
          buffer: Buffer.from(told),
        });
      const make = form.getByRole('button', { name: 'Make a place' });
      await boxes.nth(0).check();
      await boxes.nth(1).check();
      await give('no cameras at all');
      await form.getByText('This file is no JSON.').waitFor();
      assert.ok(await make.isEnabled(), 'cameras are searched for then');

      const names = await form
        .locator('.scene-picks img')
        .evaluateAll((all) => all.map((one) => one.alt));
      const pose = [1, 0, 0, 0].map((_, row) =>
        [0, 1, 2, 3].map((column) => Number(row === column)),
      );
      const frames = names.slice(1, 4).map((name) => ({
        file_path: `images/${name}`,
        transform_matrix: pose,
        sharpness: 1,
      }));
      await give(JSON.stringify({ fl_x: 500, frames }));
      await form.getByText('1 of the 2 chosen photos').waitFor();
      assert.ok(await make.isDisabled(), 'one camera is too few');
      await boxes.nth(2).check();
      await form.getByText('2 of the 3 chosen photos').waitFor();
      await assertAccessible(page);
      await make.click();
      await page.locator('.scene-progress[data-job="job-made"]').waitFor();
      const [wish] = gateway.scenes.wishes;
      assert.equal(wish.poses, 'given');
      assert.deepEqual(wish.cameras, {
        fl_x: 500,
        frames: frames.map(({ sharpness, ...rest }) => rest),
      });
    }));

  it('are made with the cameras that were chosen last, whichever file is read last', () =>
    withScenes({ path: '#/scenes', photos: 8 }, async (page, gateway) => {
      gateway.scenes.reconstruct.poses.push('given');
      await page.evaluate(() => {
        const read = Blob.prototype.text;
        const until = new Promise((resolve) => {
          window.readOn = resolve;
        });
        Blob.prototype.text = async function text() {
          const told = await read.call(this);
          if (told === 'no cameras at all') await until;
          if (told === 'changed') throw new DOMException('changed', 'NotReadableError');
          return told;
        };
      });
      await page.getByRole('button', { name: 'Make a place' }).first().click();
      const form = page.getByRole('form', { name: 'Make a place' });
      await until(page, () => document.querySelectorAll('.scene-picks input').length === 8);
      const give = (told) =>
        form.getByLabel('I have the cameras').setInputFiles({
          name: 'transforms.json',
          mimeType: 'application/json',
          buffer: Buffer.from(told),
        });
      const pose = [1, 0, 0, 0].map((_, row) =>
        [0, 1, 2, 3].map((column) => Number(row === column)),
      );
      const frames = ['a.jpg', 'b.jpg'].map((file_path) => ({ file_path, transform_matrix: pose }));
      await give('no cameras at all');
      await give(JSON.stringify({ frames }));
      await form.getByText('It has 2 cameras').waitFor();
      await page.evaluate(async () => {
        window.readOn();
        await new Promise((resolve) => setTimeout(resolve));
      });
      await form.getByText('It has 2 cameras').waitFor();
      assert.equal(await form.getByText('This file is no JSON.').count(), 0);
      await give('changed');
      await form.getByText('choose it again').waitFor();
      assert.equal(await form.getByText('It has 2 cameras').count(), 0);
    }));

  it('whose walls cannot be read say so, and are walked through', () =>
    withScenes(
      {
        prepare: ({ scenes }) => {
          scenes.scenes.get('room').walls = Buffer.from('no walls');
        },
      },
      async (page) => {
        await versionIs(page, 'splat-gaussians');
        await page.getByText('its walls could not be read').waitFor();
        assert.equal(await page.locator('.scene-canvas').getAttribute('data-walls'), null);
      },
    ));
});
