import type { WebGLRenderer } from 'three';
import { expect, it, vi } from 'vitest';
import { Cloud } from '../../src/xr/cloud';

const made: { dispose: () => void }[] = [];
vi.mock('../../src/render/splats', () => ({
  SplatScene: class {
    idle = async () => {};
    dispose = vi.fn();
    constructor() {
      made.push(this);
    }
  },
}));

it('what was made for a device that is lost is given back, and made once for the next', async () => {
  const cloud = new Cloud({} as WebGLRenderer, null);
  const before = await cloud.get();
  cloud.forget();
  const [after, same] = await Promise.all([cloud.get(), cloud.get()]);
  expect(after).toBe(same);
  expect(after).not.toBe(before);
  await vi.waitFor(() => expect(before.dispose).toHaveBeenCalledOnce());
  expect(after.dispose).not.toHaveBeenCalled();
});

it('nothing is made for a device once VR is over, however late it was loaded', async () => {
  const many = made.length;
  const cloud = new Cloud({} as WebGLRenderer, null);
  const late = cloud.get();
  await Promise.all([cloud.dispose(), expect(late).rejects.toThrow('nothing to draw on')]);
  expect(made).toHaveLength(many);
});
