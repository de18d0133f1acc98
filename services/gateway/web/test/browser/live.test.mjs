import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { decode, encode } from '@msgpack/msgpack';
import { assertAccessible, awaited, openBrowser, state, until, withViewer } from './browser.mjs';

const COLUMNS = 24;
const ROWS = 18;
const N = COLUMNS * ROWS;
const READY = { type: 'ready', version: 1, model: 'trial', licence: 'Apache-2.0' };

/** A wall of red at distance 2, as planes of float32. */
function wall() {
  const focal = ROWS / 2 / Math.tan(Math.PI / 8);
  const cells = Array.from({ length: N }, (_, i) => [i % COLUMNS, Math.floor(i / COLUMNS)]);
  const means = cells.flatMap(([x, y]) => [
    ((x + 0.5 - COLUMNS / 2) / focal) * 2,
    ((y + 0.5 - ROWS / 2) / focal) * 2,
    2,
  ]);
  const repeat = (...values) => cells.flatMap(() => values);
  const planes = [means, repeat(0.06, 0.06, 0.06), repeat(1, 0, 0, 0), repeat(1.7, -1.7, -1.7)];
  return { means, data: Float32Array.from([...planes, repeat(0.98)].flat()) };
}

function dataFor(output, frame) {
  const { means, data } = wall();
  if (output === 'gaussians') return { format: 'fp32', data: new Uint8Array(data.buffer) };
  if (output === 'points') {
    const points = new Uint8Array(N * 15).fill(255);
    points.set(new Uint8Array(Float32Array.from(means).buffer));
    return { format: 'points', data: points };
  }
  const disparity = new Uint8Array(N).fill(128);
  const facts = { disparity, width: COLUMNS, height: ROWS, near: 1, far: 4 };
  return { format: 'rgbd', data: frame.jpeg, ...facts };
}

/** A second of video, made in the page: the bytes of a WebM file. */
async function recordVideo() {
  const canvas = document.createElement('canvas');
  canvas.width = 160;
  canvas.height = 120;
  const context = canvas.getContext('2d');
  const recorder = new MediaRecorder(canvas.captureStream(15), { mimeType: 'video/webm' });
  const chunks = [];
  recorder.ondataavailable = ({ data }) => chunks.push(data);
  const stopped = new Promise((resolve) => {
    recorder.onstop = resolve;
  });
  recorder.start();
  for (let i = 0; i < 15; i += 1) {
    context.fillStyle = `hsl(${i * 20} 80% 50%)`;
    context.fillRect(0, 0, 160, 120);
    await new Promise((resolve) => setTimeout(resolve, 66));
  }
  recorder.stop();
  await stopped;
  return [...new Uint8Array(await new Blob(chunks).arrayBuffer())];
}

/** Serves the page's WebSocket as a worker would. */
async function serveLive(page, heard, { refuse, idleAfter = Infinity } = {}) {
  await page.routeWebSocket(/\/api\/stream$/, (socket) => {
    let wishes;
    let frames = 0;
    const say = (message) => socket.send(Buffer.from(encode(message)));
    socket.onMessage((bytes) => {
      const message = decode(bytes);
      heard.push(message);
      if (message.type === 'hello') {
        wishes = message;
        if (refuse) {
          say({ type: 'error', code: refuse, message: 'no' });
          socket.close();
        } else say({ ...READY, output: wishes.output, format: wishes.format });
      }
      if (message.type !== 'frame' && message.type !== 'capture') return;
      frames += 1;
      if (frames > idleAfter) {
        say({ type: 'error', code: 'idle', message: 'nothing came' });
        socket.close();
        return;
      }
      const output = message.output ?? wishes.output;
      const { seq, t } = message;
      const common = { seq, t, n: N, timings: {}, dropped: 0, fov: 45, invalid: 0 };
      if (message.type === 'frame') say({ type: output, ...common, ...dataFor(output, message) });
      else say({ type: 'capture', ...common, format: 'spz', data: new Uint8Array(100) });
    });
  });
}

const results = (page, count) =>
  until(page, (wanted) => Number(document.body.dataset.results) >= wanted, count);

describe('the live page', () => {
  let browser;
  before(async () => {
    browser = await openBrowser(
      '--use-fake-device-for-media-stream',
      '--use-fake-ui-for-media-stream',
    );
  });
  after(() => browser.close());

  for (const output of ['gaussians', 'points', 'rgbd']) {
    it(`draws ${output} from the camera and acknowledges each result`, () =>
      withViewer(browser, {}, async (page, gateway) => {
        const heard = [];
        await serveLive(page, heard);
        await page.goto(`${gateway.url}live.html?budget=500&format=fp32&output=${output}`);
        await page.getByRole('button', { name: 'Use the camera' }).click();
        await results(page, 8);
        await until(page, () => Number(document.body.dataset.frames) > 3);
        assert.equal((await state(page)).nonfinite, '0');
        const [hello] = heard;
        assert.equal(hello.version, 1);
        assert.equal(hello.max_gaussians, 500);
        const frames = heard.filter(({ type }) => type === 'frame');
        assert.ok(frames.every(({ jpeg }) => jpeg[0] === 0xff && jpeg[1] === 0xd8));
        assert.ok(heard.filter(({ type }) => type === 'ack').length >= 7);
        await page.getByRole('button', { name: 'Stop' }).click();
        assert.equal((await state(page)).live, 'closed');
        // Nothing of before stays, and it is said again what one can do.
        assert.ok(await page.locator('.live-canvas').isHidden());
        assert.ok(await page.locator('.live-line').isHidden());
        await page.getByText('Point a camera at something').waitFor();
      }));
  }

  it('plays a video file, shows its figures, and asks anew for another quality', () =>
    withViewer(browser, {}, async (page, gateway) => {
      const heard = [];
      await serveLive(page, heard);
      await page.goto(`${gateway.url}live.html?format=fp32&quality=low`);
      const video = await page.evaluate(recordVideo);
      const file = { name: 'clip.webm', mimeType: 'video/webm', buffer: Buffer.from(video) };
      await page.getByLabel('Open a video…').setInputFiles(file);
      await results(page, 3);
      const frame = heard.find(({ type }) => type === 'frame');
      assert.ok(frame.jpeg[0] === 0xff && frame.jpeg[1] === 0xd8);
      await page.getByText(/per second.*ms behind.*splats.*B\/s/).waitFor();
      await page.getByRole('button', { name: 'Settings' }).click();
      await page.getByLabel('Quality').selectOption('lowest');
      const hellos = () => heard.filter(({ type }) => type === 'hello');
      while (hellos().length < 2) await page.waitForTimeout(50);
      assert.deepEqual(
        hellos().map(({ process_res }) => process_res),
        [336, 168],
      );
    }));

  it('is worked by keyboard: figures, capture, a splat among points', () =>
    withViewer(browser, {}, async (page, gateway) => {
      const heard = [];
      await serveLive(page, heard);
      await page.goto(`${gateway.url}live.html?budget=500&format=fp32&output=points`);
      await page.getByRole('button', { name: 'Use the camera' }).click();
      await results(page, 3);
      await page.keyboard.press('d');
      await page.getByText('all finite, all in front').waitFor();
      await page.keyboard.press('p');
      await page.getByText('A splat of one moment').waitFor();
      assert.ok(heard.some(({ output }) => output === 'gaussians'));
      const download = awaited(page.waitForEvent('download'));
      await page.keyboard.press('c');
      assert.match((await download).suggestedFilename(), /^capture-.*\.spz$/);
      await assertAccessible(page);
    }));

  it('begins anew by itself after a silence, and says nothing of it', () =>
    withViewer(browser, {}, async (page, gateway) => {
      const heard = [];
      await serveLive(page, heard, { idleAfter: 4 });
      await page.goto(`${gateway.url}live.html?budget=500&format=fp32&output=points`);
      await page.getByRole('button', { name: 'Use the camera' }).click();
      await results(page, 8);
      assert.ok(heard.filter(({ type }) => type === 'hello').length >= 2);
      assert.equal((await state(page)).trouble, undefined);
    }));

  it('tells in words why a session did not begin', () =>
    withViewer(browser, {}, async (page, gateway) => {
      await serveLive(page, [], { refuse: 'licence_required' });
      await page.goto(`${gateway.url}live.html`);
      await page.getByRole('button', { name: 'Use the camera' }).click();
      await page.getByRole('alert').getByText('licence of this model').waitFor();
    }));

  it('says why there is no camera on a page that is not secure, and is accessible', () =>
    withViewer(
      browser,
      { init: "Object.defineProperty(window, 'isSecureContext', { value: false })" },
      async (page, gateway) => {
        await page.goto(`${gateway.url}live.html`);
        await page.getByText('secure pages only').waitFor();
        assert.ok(await page.getByRole('button', { name: 'Use the camera' }).isDisabled());
        await assertAccessible(page);
      },
    ));

  it('fits a phone and is found from the gallery', () =>
    withViewer(browser, { context: { viewport: { width: 360, height: 640 } } }, async (page) => {
      await page.getByRole('button', { name: 'More', exact: true }).click();
      await page.getByRole('link', { name: 'Live' }).click();
      await page.getByRole('button', { name: 'Use the camera' }).waitFor();
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth > innerWidth);
      assert.ok(!overflow);
    }));
});
