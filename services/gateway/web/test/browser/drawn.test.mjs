import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decode, encode } from '@msgpack/msgpack';
import { modeIs, openBrowser, splatsShown, state, until, withViewer } from './browser.mjs';

const DEEP = '&motion=0#/photo/photo-0000';
/** 32 by 20 pixels of red. */
const RED = Buffer.from(
  '/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAA0JCgsKCA0LCgsODg0PEyAVExISEyccHhcgLikxMC4pLSwzOko+MzZG' +
    'NywtQFdBRkxOUlNSMj5aYVpQYEpRUk//2wBDAQ4ODhMREyYVFSZPNS01T09PT09PT09PT09PT09PT09PT09PT09P' +
    'T09PT09PT09PT09PT09PT09PT09PT09PT0//wAARCAAUACADASIAAhEBAxEB/8QAFQABAQAAAAAAAAAAAAAAAAAA' +
    'AAX/xAAUEAEAAAAAAAAAAAAAAAAAAAAA/8QAFgEBAQEAAAAAAAAAAAAAAAAAAAUG/8QAFBEBAAAAAAAAAAAAAAAA' +
    'AAAAAP/aAAwDAQACEQMRAD8AjAJrXAAAAAAP/9k=',
  'base64',
);
const READY = { type: 'ready', version: 1, renderer: 'cpu', gaussians: 4321, focus: 2, nearest: 1 };

/** Serves the photo's WebSocket as a worker that draws would. */
async function serveDrawing(page, heard, { refuse, closeAfter = Infinity } = {}) {
  let pictures = 0;
  await page.routeWebSocket(/\/api\/stream$/, (socket) => {
    const say = (message) => socket.send(Buffer.from(encode(message)));
    socket.onMessage((bytes) => {
      const message = decode(bytes);
      heard.push(message);
      if (refuse) {
        say({ type: 'error', code: refuse, message: 'no' });
        socket.close();
      } else if (message.type === 'hello') say(READY);
      else if (message.type === 'pose') {
        pictures += 1;
        const { seq, t, width, height } = message;
        const timings = { wait: 0, render: 0.02, encode: 0.001 };
        const picture = { seq, t, width, height, settled: true, timings, dropped: 0 };
        say({ type: 'picture', format: 'jpeg', data: RED, ...picture });
        if (pictures % closeAfter === 0) {
          say({ type: 'error', code: 'session_over', message: 'begin anew' });
          socket.close();
        }
      }
    });
  });
}

const choose = async (page, label) => {
  await page.keyboard.press('Shift');
  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('button', { name: label }).click();
};

const drawnBy = (page, who) => until(page, (wanted) => document.body.dataset.drawn === wanted, who);

const poses = (heard) => heard.filter(({ type }) => type === 'pose');

describe('3D that the server draws', () => {
  let browser;
  before(async () => {
    browser = await openBrowser();
  });
  after(() => browser.close());

  it('is chosen, follows the hand, tells its figures, and is given back', () =>
    withViewer(browser, { path: DEEP, draws: true }, async (page) => {
      const heard = [];
      await serveDrawing(page, heard);
      await splatsShown(page);
      await choose(page, 'Draw on the server');
      await drawnBy(page, 'server');
      assert.equal((await state(page)).mode, 'splat');
      const { place, id, asset, output } = heard[0];
      assert.deepEqual([output, place, id], ['picture', 'photos', 'photo-0000']);
      assert.match(asset, /^splat-/);
      const rest = poses(heard)[0];
      assert.deepEqual([rest.place[3], rest.place[7], rest.place[11]].map(Math.abs), [0, 0, 0]);
      assert.ok(rest.width * rest.height <= 1280 * 720);
      for (let i = 0; i < 4; i += 1) await page.keyboard.press('a');
      await page.waitForFunction(() => document.querySelector('.stage').matches('.leans'));
      assert.ok(Math.abs(poses(heard).at(-1).place[3]) > 0.01, 'the pose follows the lean');
      assert.ok(heard.filter(({ type }) => type === 'ack').length >= poses(heard).length - 2);
      const middle = await page.evaluate(() => {
        const canvas = document.querySelector('canvas.is-remote');
        const [x, y] = [canvas.width / 2, canvas.height / 2];
        return [...canvas.getContext('2d').getImageData(x, y, 1, 1).data];
      });
      assert.ok(middle[0] > 150 && middle[2] < 80, `not the server's picture: ${middle}`);
      await page.keyboard.press('g');
      await page.waitForSelector('.figures >> text=the server, cpu');
      await page.waitForSelector('.figures >> text=4,321');
      await choose(page, 'Draw on this device');
      await drawnBy(page, 'device');
      await page.waitForSelector('.figures >> text=WebGL 2');
    }));

  it('begins another session where one has ended, as soon as one moves', () =>
    withViewer(browser, { path: DEEP, draws: true }, async (page) => {
      const heard = [];
      await serveDrawing(page, heard, { closeAfter: 2 });
      await splatsShown(page);
      await choose(page, 'Draw on the server');
      await drawnBy(page, 'server');
      const hellos = () => heard.filter(({ type }) => type === 'hello').length;
      while (hellos() < 3) await page.keyboard.press('a');
      assert.equal((await state(page)).drawn, 'server');
    }));

  it('is drawn here again, without a word, where the server does not', () =>
    withViewer(browser, { path: DEEP, draws: true }, async (page) => {
      const heard = [];
      await serveDrawing(page, heard, { refuse: 'no_worker' });
      await splatsShown(page);
      await choose(page, 'Draw on the server');
      while (!heard.length) await page.waitForTimeout(20);
      await drawnBy(page, 'device');
      assert.equal((await state(page)).mode, 'splat');
      assert.equal(await page.locator('[data-card=error]:visible').count(), 0);
    }));

  it('is there for who has no WebGL at all', () =>
    withViewer(
      browser,
      {
        path: '#/models',
        draws: true,
        init: () => {
          HTMLCanvasElement.prototype.getContext = new Proxy(
            HTMLCanvasElement.prototype.getContext,
            {
              apply: (get, canvas, [kind, ...more]) =>
                kind.startsWith('webgl') ? null : Reflect.apply(get, canvas, [kind, ...more]),
            },
          );
        },
      },
      async (page) => {
        await serveDrawing(page, []);
        await page.evaluate(() => {
          location.hash = '#/photo/photo-0000';
        });
        await modeIs(page, 'splat');
        await drawnBy(page, 'server');
      },
    ));
});
