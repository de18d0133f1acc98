/** WebGPU and WebGL 2 draw the same, and where WebGPU refuses, falls or fails, WebGL 2 is there. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { difference, modeIs, openBrowser, picture, until, WEBGPU, withViewer } from './browser.mjs';

const PLACE = 'wide';
const POINTS = 1600;
const DEPTH_ONLY = 'photo-0005';
const DEEP = 'photo-0000';

/** Keeps the devices that the page asks for, so that a test can take them away. */
const KEEP_DEVICES = () => {
  window.devices = [];
  const ask = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...wishes) {
    const device = await ask.apply(this, wishes);
    window.devices.push(device);
    return device;
  };
};
const NO_ADAPTER = () => {
  GPU.prototype.requestAdapter = async () => null;
};
const NO_SHADER = () => {
  const create = GPUDevice.prototype.createShaderModule;
  GPUDevice.prototype.createShaderModule = function (wish) {
    return create.call(this, { ...wish, code: `${wish.code} nonsense` });
  };
};
const NO_PIPELINE = () => {
  GPUDevice.prototype.createRenderPipelineAsync = () => Promise.reject(new Error('too much'));
};
/** Of points and of a photo's layers, whose buffers alone have as many bytes. */
const NO_BUFFER = () => {
  const create = GPUDevice.prototype.createBuffer;
  GPUDevice.prototype.createBuffer = function (wish) {
    const size = wish.size > 4096 ? this.limits.maxBufferSize + 4 : wish.size;
    return create.call(this, { ...wish, size });
  };
};
const FALLS = [
  ['a shader', NO_SHADER],
  ['a pipeline', NO_PIPELINE],
  ['a buffer', NO_BUFFER],
];
/** What goes wrong from `spoilt` on, in the middle of drawing. */
const SPOILT = {
  'a frame throws': () => {
    const submit = GPUQueue.prototype.submit;
    GPUQueue.prototype.submit = function (commands) {
      if (window.spoilt) throw new RangeError('no room');
      submit.call(this, commands);
    };
  },
  'a frame is no valid one': () => {
    const draw = GPURenderPassEncoder.prototype.drawIndexed;
    GPURenderPassEncoder.prototype.drawIndexed = function (count, ...rest) {
      draw.call(this, window.spoilt ? 2 ** 30 : count, ...rest);
    };
  },
  'a frame wants a buffer that is too large': () => {
    const getCurrentTexture = GPUCanvasContext.prototype.getCurrentTexture;
    GPUCanvasContext.prototype.getCurrentTexture = function () {
      const [device] = window.devices;
      if (window.spoilt)
        device.createBuffer({
          size: device.limits.maxBufferSize + 4,
          usage: GPUBufferUsage.VERTEX,
          mappedAtCreation: true,
        });
      return getCurrentTexture.call(this);
    };
  },
};
const COMPLAINTS = ['WebGPU', 'nonsense', 'Shader', 'Pipeline', 'Invalid', 'range', 'exceeds'];
const loseDevices = (page) =>
  page.evaluate(() => {
    for (const device of window.devices) device.destroy();
  });

/** A picture once the photo stands still: no frame has come between three looks. */
async function stillPicture(page) {
  await page.evaluate(() => {
    window.looks = { frames: '', same: 0 };
  });
  await page.waitForFunction(
    () => {
      const { looks } = window;
      const { frames } = document.body.dataset;
      looks.same = frames === looks.frames ? looks.same + 1 : 0;
      looks.frames = frames;
      return looks.same >= 2;
    },
    undefined,
    { polling: 300, timeout: 60_000 },
  );
  return picture(page);
}

/** Where one stands in a place, once one has stopped walking. */
async function stillAt(page) {
  const at = await page.waitForFunction(
    () => {
      const { at } = document.querySelector('.scene-canvas').dataset;
      const isStill = at === window.stoodAt;
      window.stoodAt = at;
      return isStill && at;
    },
    undefined,
    { polling: 400, timeout: 60_000 },
  );
  return at.jsonValue();
}

/** What the panel of figures says, once it says what draws. */
async function figures(page) {
  await until(page, () => document.querySelectorAll('.figures div').length > 1);
  return page.evaluate(() =>
    Object.fromEntries(
      [...document.querySelectorAll('.figures div')].map(({ children: [name, value] }) => [
        name.textContent,
        value.textContent,
      ]),
    ),
  );
}

describe('WebGPU and WebGL 2', () => {
  let browser;
  before(async () => {
    browser = await openBrowser(...WEBGPU);
  });
  after(() => browser.close());

  const inPlace = (graphics, options, use) =>
    withViewer(
      browser,
      {
        path: `${graphics && `&graphics=${graphics}`}#/scene/${PLACE}`,
        prepare: ({ scenes }) => scenes.add(PLACE, ['tiled'], 'points'),
        ...options,
      },
      async (page, gateway) => {
        await until(
          page,
          (wanted) => document.querySelector('.scene-canvas')?.dataset.points === wanted,
          String(POINTS),
        );
        await use(page, gateway);
      },
    );
  const withPhoto = (graphics, photo, options, use) =>
    withViewer(
      browser,
      { path: `&motion=0&graphics=${graphics}#/photo/${photo}`, ...options },
      use,
    );
  const drawnBy = async (page, canvas = '.scene-canvas') =>
    (await page.locator(canvas).getAttribute('data-engine')).includes('webgpu')
      ? 'webgpu'
      : 'webgl2';
  const lean = async (page) => {
    await page.mouse.move(200, 150);
    await page.mouse.down();
    await page.mouse.move(330, 150, { steps: 5 });
    await page.mouse.up();
  };
  /** All points of a place are drawn by WebGL 2 after WebGPU, which is told in its figures. */
  const comesByWebGl2 = async (page, told) => {
    await until(page, () => {
      const { engine = 'webgpu', points } = document.querySelector('.scene-canvas').dataset;
      return !engine.includes('webgpu') && points === '1600';
    });
    await page.locator('.scene-canvas').press('G');
    assert.equal((await figures(page)).WebGPU, told);
  };
  /**
   * A photo's depth, drawn by WebGL 2 after WebGPU, leans, and its figures tell why. leant: how it looked before, which
   * stays.
   */
  const leansByWebGl2 = async (page, told, leant = null) => {
    await until(page, () => {
      const { engine = 'webgpu' } = document.querySelector('canvas.deep')?.dataset ?? {};
      return !engine.includes('webgpu') && document.body.dataset.mode === 'depth';
    });
    await page.keyboard.press('g');
    assert.equal((await figures(page)).WebGPU, told);
    await page.keyboard.press('g');
    const stays = leant && (await stillPicture(page));
    await page.keyboard.press('r');
    const rest = await stillPicture(page);
    if (leant) {
      const off = await difference(page, leant, stays);
      assert.ok(off < 0.6 * (await difference(page, leant, rest)), `the lean is off by ${off}`);
    }
    await lean(page);
    assert.ok((await difference(page, rest, await stillPicture(page))) > 1.5);
  };

  it('draw points of a place alike, and are told in its figures', async () => {
    const seen = {};
    for (const graphics of ['webgl2', 'webgpu'])
      await inPlace(graphics, {}, async (page) => {
        assert.equal(await drawnBy(page), graphics);
        seen[graphics] = await page.locator('.scene-canvas').screenshot();
        await page.locator('.scene-canvas').press('g');
        const told = await figures(page);
        assert.equal(told.Points, '1,600');
        assert.equal(told['Drawn by'], `this device, with ${WORDS[graphics]}`);
        if (graphics === 'webgl2') return;
        const off = await difference(page, seen.webgl2, seen.webgpu);
        assert.ok(off <= 1, `the points are off by ${off}`);
      });
  });

  it('draw a photo with depth alike while one leans', async () => {
    const seen = {};
    for (const graphics of ['webgl2', 'webgpu'])
      await withPhoto(graphics, DEPTH_ONLY, {}, async (page) => {
        await modeIs(page, 'depth');
        assert.equal(await drawnBy(page, 'canvas.deep'), graphics);
        await lean(page);
        seen[graphics] = await stillPicture(page);
        if (graphics === 'webgl2') return;
        const off = await difference(page, seen.webgl2, seen.webgpu);
        assert.ok(off <= 1, `the depth is off by ${off}`);
      });
  });

  it('take turns in a photo, depth by the one and splats by the other, as one leans', () =>
    withPhoto('webgpu', DEEP, {}, async (page) => {
      const isDrawn = async (mode, by) => {
        await modeIs(page, mode);
        const { engine } = await page
          .locator('canvas.deep:not(.is-behind)')
          .evaluate((it) => it.dataset);
        assert.equal(engine.includes('webgpu'), by === 'webgpu');
      };
      await until(page, () => Number(document.body.dataset.splats) > 500);
      await isDrawn('splat', 'webgl2');
      const splatsAtRest = await stillPicture(page);
      await page.keyboard.press('2');
      await isDrawn('depth', 'webgpu');
      await lean(page);
      const leant = await stillPicture(page);
      await page.keyboard.press('3');
      await isDrawn('splat', 'webgl2');
      const splatsLeant = await stillPicture(page);
      const [leans, rests] = [
        await difference(page, leant, splatsLeant),
        await difference(page, leant, splatsAtRest),
      ];
      assert.ok(
        leans < 0.8 * rests,
        `splats are off where depth was left: ${leans}, ${rests} at rest`,
      );
      await page.keyboard.press('2');
      await isDrawn('depth', 'webgpu');
      const off = await difference(page, leant, await stillPicture(page));
      assert.ok(off < 0.5, `depth is off where it was left by ${off}`);
    }));

  it('chosen by the browser itself, WebGL 2 draws where a processor would do the work', () =>
    inPlace('', {}, async (page) => {
      assert.equal(await drawnBy(page), 'webgl2');
      await page.locator('.scene-canvas').press('g');
      assert.match((await figures(page)).WebGPU, /^not used/);
    }));

  it('come to WebGL 2 where the browser gives no device', () =>
    inPlace('webgpu', { init: NO_ADAPTER }, async (page) => {
      assert.equal(await drawnBy(page), 'webgl2');
    }));

  for (const [what, init] of FALLS) {
    it(`come to WebGL 2 in a place where ${what} cannot be made`, () =>
      inPlace('webgpu', { init, expect: COMPLAINTS }, (page) => comesByWebGl2(page, FAILED)));

    it(`come to WebGL 2 in a photo where ${what} cannot be made`, () =>
      withPhoto('webgpu', DEPTH_ONLY, { init, expect: COMPLAINTS }, (page) =>
        leansByWebGl2(page, FAILED),
      ));
  }

  for (const [what, init] of Object.entries(SPOILT)) {
    const options = { init: `(${KEEP_DEVICES})();(${init})()`, expect: COMPLAINTS };
    const spoil = (page) =>
      page.evaluate(() => {
        window.spoilt = true;
      });

    it(`come to WebGL 2 in a place while ${what}, with whoever stands there`, () =>
      inPlace('webgpu', options, async (page) => {
        assert.equal(await drawnBy(page), 'webgpu');
        const canvas = page.locator('.scene-canvas');
        const at = () => canvas.getAttribute('data-at');
        const began = await at();
        await canvas.press('w', { delay: 200 });
        await until(
          page,
          (was) => document.querySelector('.scene-canvas').dataset.at !== was,
          began,
        );
        const stood = await stillAt(page);
        await spoil(page);
        await canvas.hover();
        await page.mouse.down();
        await page.mouse.move(200, 120);
        await page.mouse.up();
        await comesByWebGl2(page, FAILED);
        assert.equal(await at(), stood);
      }));

    it(`come to WebGL 2 in a photo while ${what}`, () =>
      withPhoto('webgpu', DEPTH_ONLY, options, async (page) => {
        await modeIs(page, 'depth');
        await lean(page);
        const leant = await stillPicture(page);
        await spoil(page);
        await page.keyboard.press('w');
        await leansByWebGl2(page, FAILED, leant);
      }));
  }

  it('come to WebGL 2 in a place whose device is lost, with all of its points', () =>
    inPlace('webgpu', { init: KEEP_DEVICES }, async (page) => {
      assert.equal(await drawnBy(page), 'webgpu');
      await loseDevices(page);
      await comesByWebGl2(page, 'not used: its device was lost');
    }));

  it('come to WebGL 2 in a photo whose device is lost, with its depth', () =>
    withPhoto('webgpu', DEPTH_ONLY, { init: KEEP_DEVICES }, async (page) => {
      await modeIs(page, 'depth');
      await loseDevices(page);
      await leansByWebGl2(page, 'not used: its device was lost');
    }));
});

const FAILED = 'not used: it failed here';
const WORDS = { webgpu: 'WebGPU', webgl2: 'WebGL 2' };
