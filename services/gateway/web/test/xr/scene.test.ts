import * as THREE from 'three';
import { describe, expect, it, vi } from 'vitest';
import type { SceneCamera } from '../../src/api/schema';
import { reachable, throwFrom } from '../../src/xr/landing';
import { Leap } from '../../src/xr/leap';
import { uprightBy } from '../../src/xr/level';
import { groundOf, lieOf, nearSpots, spotsOf } from '../../src/xr/scenePlace';

/** A camera at x, y, z of the scene's axes (y down, z ahead), turned to the right by so many radians. */
function cameraAt(x: number, y: number, z: number, right = 0): SceneCamera {
  const [sin, cos] = [Math.sin(right), Math.cos(right)];
  const pose = [cos, 0, sin, x, 0, 1, 0, y, -sin, 0, cos, z, 0, 0, 0, 1];
  return { camera_to_world: pose } as SceneCamera;
}

/** The same camera in a world that is tipped upwards by so many radians around its x axis. */
function tipped({ camera_to_world }: SceneCamera, up: number): SceneCamera {
  const pose = new THREE.Matrix4().fromArray(camera_to_world).transpose();
  pose.premultiply(new THREE.Matrix4().makeRotationX(up));
  return { camera_to_world: pose.transpose().toArray() } as SceneCamera;
}

describe('a scene in its room', () => {
  const cameras = [cameraAt(2, -1, 3, 0.7), cameraAt(4, -1, 3), cameraAt(2, -1, 6)];

  it('has its first camera in the middle, looking ahead, however large it is shown', () => {
    for (const wish of [1, 2]) {
      const lie = lieOf(cameras, wish);
      const group = new THREE.Group();
      group.scale.setScalar(lie.scale);
      group.quaternion.copy(lie.turn);
      group.position.copy(lie.origin);
      group.updateMatrixWorld();
      // The screen's axes have y and z the other way.
      const [x, y, z] = [2, 1, -3];
      const eye = group.localToWorld(new THREE.Vector3(x, y, z));
      expect(eye.length()).toBeCloseTo(0, 6);
      const before = new THREE.Vector3(x + Math.sin(0.7), y, z - Math.cos(0.7));
      const ahead = group.localToWorld(before);
      expect(ahead.toArray()).toEqual([
        expect.closeTo(0, 6),
        expect.closeTo(0, 6),
        expect.closeTo(-wish, 6),
      ]);
      const spots = spotsOf(cameras, lie);
      const second = group.localToWorld(new THREE.Vector3(4, 1, -3));
      expect(spots[1]?.x).toBeCloseTo(second.x, 6);
      expect(spots[1]?.z).toBeCloseTo(second.z, 6);
    }
  });

  it('stands where it is, without any camera', () => {
    const { scale, turn, origin } = lieOf([], 1);
    expect([scale, ...turn.toArray(), ...origin.toArray()]).toEqual([1, 0, 0, 0, 1, 0, 0, 0]);
  });

  it('lies as it is where its world is upright, though all look down on a table', () => {
    const { turn } = lieOf([tipped(cameraAt(0, 0, 0), -0.6), tipped(cameraAt(1, 0, 0), -0.6)], 1);
    expect(new THREE.Vector3(0, 1, 0).applyQuaternion(turn).toArray()).toEqual([
      expect.closeTo(0, 6),
      expect.closeTo(1, 6),
      expect.closeTo(0, 6),
    ]);
  });

  it('is set upright where its world is not, by what is up in its pictures, and walked in', () => {
    // The same cameras in a world whose y is ahead, as one that was exported with another axis up.
    const askew = cameras.map((one) => tipped(one, Math.PI / 2));
    const [right, wrong] = [lieOf(cameras, 2), lieOf(askew, 2)];
    const [seen, there] = [right, wrong].map((lie) =>
      spotsOf(lie === right ? cameras : askew, lie),
    );
    for (const [i, { x, z }] of (seen ?? []).entries()) {
      expect(there?.[i]?.x).toBeCloseTo(x, 5);
      expect(there?.[i]?.z).toBeCloseTo(z, 5);
    }
    const step = groundOf(askew, wrong, (_, to) => to).step({ x: 0, z: 0 }, { x: 0.2, z: -0.1 });
    expect([step.x, step.z]).toEqual([expect.closeTo(0.2, 5), expect.closeTo(-0.1, 5)]);
  });

  it('stays as it is where its pictures look straight down, or do not agree on what is up', () => {
    const stays = (...some: SceneCamera[]) =>
      expect(uprightBy(some).angleTo(new THREE.Quaternion())).toBeCloseTo(0, 6);
    const down = (x: number) => tipped(cameraAt(x, 0, 0), -Math.PI / 2);
    stays(down(0), down(1));
    stays(tipped(cameraAt(0, 0, 0), Math.PI / 2));
    stays(tipped(cameraAt(0, 0, 0), 1.2), tipped(cameraAt(1, 0, 0), -1.2));
  });

  it('is walked in around where its pictures were taken, and back from beyond', () => {
    const spots = [
      { x: 0, z: 0 },
      { x: 3, z: 0 },
    ];
    expect(nearSpots(spots, 1, { x: 0, z: 0 }, { x: 0.5, z: 0 })).toEqual({ x: 0.5, z: 0 });
    const stopped = nearSpots(spots, 1, { x: 0, z: 0.9 }, { x: 0, z: 0.5 });
    expect(0.9 + stopped.z).toBeCloseTo(1);
    const outside = nearSpots(spots, 1, { x: 0, z: 2 }, { x: 0, z: 0.5 });
    expect(outside.z).toBeCloseTo(0);
    expect(nearSpots(spots, 1, { x: 0, z: 2 }, { x: 0, z: -0.5 })).toEqual({ x: 0, z: -0.5 });
  });

  it('of one picture may be looked into from less than a metre around it', () => {
    const { step } = groundOf([cameraAt(0, 0, 0)], lieOf([cameraAt(0, 0, 0)], 1), (_, to) => to);
    const far = step({ x: 0, z: 0 }, { x: 5, z: 0 });
    expect(far.x).toBeCloseTo(0.8);
  });

  it('is not walked through where it is solid, at the height of the eyes', () => {
    const asked: number[] = [];
    const { step } = groundOf(cameras, lieOf(cameras, 2), (from, to) => {
      asked.push(from.x, from.y, from.z);
      return { ...to, x: from.x };
    });
    const done = step({ x: 0, z: 0 }, { x: 0.2, z: 0 });
    // In the screen's axes, y and z the other way.
    for (const [i, one] of [2, 1, -3].entries()) expect(asked[i]).toBeCloseTo(one, 6);
    // Only along the scene's z, which is turned in the room.
    expect(Math.hypot(done.x, done.z)).toBeLessThan(0.2);
    expect(Math.hypot(done.x, done.z)).toBeGreaterThan(0);
  });
});

describe('going somewhere at once', () => {
  it('lands ahead of the hand, the farther the higher it points, and not out of sight', () => {
    const level = throwFrom([0, 1.3, 0], [0, 0, -1], 0).spot;
    const up = throwFrom([0, 1.3, 0], [0, Math.SQRT1_2, -Math.SQRT1_2], 0).spot;
    expect(level?.z).toBeLessThan(-2);
    expect(up?.z).toBeLessThan(level?.z as number);
    expect(throwFrom([0, 40, 0], [0, 0, -1], 0).spot).toBeNull();
    const { path } = throwFrom([0, 1.3, 0], [0, 0, -1], 0);
    expect(path[0]?.[1]).toBeCloseTo(1.3);
    expect(path.at(-1)?.[1]).toBeCloseTo(0);
  });

  it('ends where the way there ends', () => {
    const step = (from: { x: number; z: number }, wanted: { x: number; z: number }) =>
      from.x + wanted.x > 1 ? { x: 0, z: 0 } : wanted;
    const at = reachable({ x: 0, z: 0 }, { x: 3, z: 0 }, step);
    expect(at.x).toBeGreaterThan(0.85);
    expect(at.x).toBeLessThanOrEqual(1);
    expect(reachable({ x: 0, z: 0 }, { x: 0.5, z: 0.5 }, step)).toEqual({
      x: expect.closeTo(0.5, 3),
      z: expect.closeTo(0.5, 3),
    });
  });

  it('is looked for some times a second, not for every frame of a hand that trembles', () => {
    const went: { x: number; z: number }[] = [];
    const step = vi.fn((_: object, wanted: { x: number; z: number }) => wanted);
    const ground = { pace: 1, step };
    const leap = new Leap(
      () => 0,
      () => ({ x: 0, z: 0 }),
      () => ground,
      (spot) => went.push(spot),
    );
    const ray = { origin: new THREE.Vector3(), direction: new THREE.Vector3() };
    const touching = (z: number) => ({ ray, point: new THREE.Vector3(0, 0, z), seconds: 0.01 });
    const clock = vi.spyOn(performance, 'now').mockReturnValue(0);
    leap.hover(touching(-2));
    const once = step.mock.calls.length;
    leap.hover(touching(-3));
    clock.mockReturnValue(1000);
    leap.hover(touching(-2.02));
    expect(step).toHaveBeenCalledTimes(once);
    leap.hover(touching(-3));
    expect(step.mock.calls.length).toBeGreaterThan(once);
    leap.release(touching(-1), true);
    expect(went).toEqual([{ x: 0, z: expect.closeTo(-1) }]);
    clock.mockRestore();
  });

  it('is not gone to by a hand that is lost sight of while it aims', () => {
    const go = vi.fn();
    const leap = new Leap(
      () => 0,
      () => ({ x: 0, z: 0 }),
      () => ({ pace: 1, step: (_, wanted) => wanted }),
      go,
    );
    const ray = { origin: new THREE.Vector3(0, 1.3, 0), direction: new THREE.Vector3(0, 0, -1) };
    leap.push(1, ray);
    leap.push(0, null);
    leap.push(0, ray);
    expect(go).not.toHaveBeenCalled();
    leap.push(1, ray);
    leap.push(0, ray);
    expect(go).toHaveBeenCalledOnce();
  });
});
