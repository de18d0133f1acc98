/** A headset that is none: Meta's IWER in the page, with helpers that point, press and look. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { until } from './browser.mjs';

const IWER = readFileSync(createRequire(import.meta.url).resolve('iwer/build/iwer.min.js'), 'utf8');

/** Two eyes drawn in software, on a machine that does other things too. */
export const PATIENCE_MS = 120_000;

/** What is run in a page before anything else: a Quest 3 whose wearer stands 1.6 m high. */
export const HEADSET = `${IWER};
  window.headset = new IWER.XRDevice(IWER.metaQuest3, { stereoEnabled: true });
  window.headset.installRuntime({ forceInstall: true });
  window.headset.position.set(0, 1.6, 0);
  window.headset.controllers.left.position.set(-0.25, 1.2, -0.35);
  window.headset.controllers.right.position.set(0.25, 1.3, -0.3);`;

export const xr = (page) =>
  page.evaluate(() =>
    Object.fromEntries(
      Object.entries(document.body.dataset).filter(([name]) => name.startsWith('xr')),
    ),
  );

/** Waits until a fact about VR is as wanted. */
export const xrIs = (page, name, wanted, timeout = PATIENCE_MS) =>
  until(page, ([key, value]) => document.body.dataset[key] === value, [name, wanted], timeout);

/** Waits for so many more frames. */
export async function framesOn(page, more = 3) {
  const before = Number((await xr(page)).xrFrames ?? 0);
  await until(page, (n) => Number(document.body.dataset.xrFrames) >= n, before + more, PATIENCE_MS);
}

export async function enterVr(page) {
  await page.locator('.vr-door[data-vr=ready]:visible').last().click();
  await until(page, () => Number(document.body.dataset.xrFrames) > 2, null, PATIENCE_MS);
}

/** Points a controller or a hand at something that has a name in VR, until that stays where it is. */
export async function pointAt(page, name, side = 'right') {
  for (
    let before = null, at = [0, 0, 0];
    before === null || Math.hypot(...at.map((v, i) => v - before[i])) > 0.004;
  ) {
    before = at;
    await aim(page, name, side);
    at = await page.evaluate((n) => window.immichvrHouse.placeOf(n), name);
  }
}

/** Points to where something is now, which may move with that, as the wall that is held does. */
export async function aim(page, name, side = 'right') {
  await until(page, (n) => window.immichvrHouse.placeOf(n) !== null, name, PATIENCE_MS);
  await page.evaluate(
    ([target, which]) => {
      const { headset, immichvrHouse } = window;
      const [x, y, z] = immichvrHouse.placeOf(target);
      const isHand = headset.primaryInputMode === 'hand';
      const held = isHand ? headset.hands[which] : headset.controllers[which];
      const from = held.position;
      const [dx, dy, dz] = [x - from.x, y - from.y, z - from.z];
      const yaw = Math.atan2(-dx, -dz);
      const pitch = Math.atan2(dy, Math.hypot(dx, dz));
      const [cy, sy] = [Math.cos(yaw / 2), Math.sin(yaw / 2)];
      const [cp, sp] = [Math.cos(pitch / 2), Math.sin(pitch / 2)];
      held.quaternion.set(cy * sp, sy * cp, -sy * sp, cy * cp);
    },
    [name, side],
  );
  await framesOn(page, 3);
}

async function setTrigger(page, side, value, more = 2) {
  await page.evaluate(
    ([which, amount]) => {
      const { headset } = window;
      if (headset.primaryInputMode === 'hand') headset.hands[which].updatePinchValue(amount);
      else headset.controllers[which].updateButtonValue('trigger', amount);
    },
    [side, value],
  );
  if (more > 0) await framesOn(page, more);
}

/** Presses and lets go: a trigger, or two fingers. */
export async function press(page, side = 'right') {
  await setTrigger(page, side, 1);
  await setTrigger(page, side, 0);
}

export const hold = (page, side = 'right') => setTrigger(page, side, 1);
export const letGo = (page, side = 'right') => setTrigger(page, side, 0);

export async function choose(page, name, side = 'right') {
  await pointAt(page, name, side);
  await press(page, side);
}

/** Chooses what ends the session, after which no frame comes. */
export async function chooseEnd(page, name, side = 'right') {
  await pointAt(page, name, side);
  await hold(page, side);
  await setTrigger(page, side, 0, 0);
}

export async function pushButton(page, side, button) {
  for (const value of [1, 0]) {
    await page.evaluate(
      ([which, id, amount]) => window.headset.controllers[which].updateButtonValue(id, amount),
      [side, button, value],
    );
    await framesOn(page, 2);
  }
}

export async function pushStick(page, side, x, y) {
  for (const [across, up] of [
    [x, y],
    [0, 0],
  ]) {
    await page.evaluate(
      ([which, a, b]) => window.headset.controllers[which].updateAxes('thumbstick', a, b),
      [side, across, up],
    );
    await framesOn(page, 2);
  }
}

/** Holds a stick for so many frames, and goes on holding it. */
export async function holdStick(page, side, x, y, frames) {
  await page.evaluate(
    ([which, a, b]) => window.headset.controllers[which].updateAxes('thumbstick', a, b),
    [side, x, y],
  );
  await framesOn(page, frames);
}

/** Fails where a frame asks the device to draw more often than this, both eyes together. */
export async function drawsAtMost(page, calls) {
  await framesOn(page, 2);
  const drawn = Number((await xr(page)).xrCalls);
  assert.ok(drawn > 0 && drawn <= calls, `${drawn} draw calls in a frame, of at most ${calls}`);
}

export async function look(page, path) {
  await framesOn(page, 2);
  return page.screenshot({ path, timeout: 60_000 });
}

/** Turns the head to the left by so many degrees. */
export async function turnHead(page, degrees) {
  await page.evaluate((angle) => {
    const half = (angle * Math.PI) / 360;
    window.headset.quaternion.set(0, Math.sin(half), 0, Math.cos(half));
  }, degrees);
  await framesOn(page, 2);
}
