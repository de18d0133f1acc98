import { PerspectiveCamera, Vector3 } from 'three';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DepthScene } from '../src/render/depth';
import { aimCamera } from '../src/render/framing';
import { Rig } from '../src/render/rig';

const VIEW = { width: 900, height: 700 };
const FOCUS = 2;
const SIDE = 48;
const CAMERA = { fx: 800, fy: 820, cx: 560, cy: 380, width: 1200, height: 800 };
const [NEAR, FAR] = [1.5, 40];

/** A picture whose grey is this at each place: across and down, 0 to 1. */
const grey = (of: (across: number, down: number) => number) =>
  ({ naturalWidth: SIDE, of }) as unknown as HTMLImageElement;

function withCanvas() {
  let drawn: (across: number, down: number) => number = () => 0.5;
  const context = {
    drawImage: (image: { of: typeof drawn }) => {
      drawn = image.of;
    },
    getImageData: () => ({
      data: Array.from({ length: SIDE * SIDE }, (_, index) => {
        const value = drawn((index % SIDE) / (SIDE - 1), Math.floor(index / SIDE) / (SIDE - 1));
        return [255 * value, 0, 0, 255];
      }).flat(),
    }),
  };
  vi.stubGlobal('document', { createElement: () => ({ getContext: () => context }) });
}

/** A photo near at the left and below, and a camera that has leaned as far as this. */
function leaning([right, down, closer]: number[]) {
  withCanvas();
  const disparity = grey((across, below) => 0.5 * (1 - across) + 0.5 * below * below);
  const layers = { colour: disparity, disparity, background: null, backgroundDisparity: null };
  const photo = new DepthScene({ ...layers, near: NEAR, far: FAR, camera: CAMERA }, 8, 1);
  photo.setScale(FOCUS / photo.focus);
  const camera = new PerspectiveCamera();
  const scale = aimCamera(camera, CAMERA, VIEW.width, VIEW.height);
  const rig = new Rig();
  rig.setLimits(0.13, photo.nearest / photo.focus);
  rig.orbitBy(right ?? 0, down ?? 0);
  rig.dollyBy(closer ?? 0);
  while (rig.step(0.1));
  const { x, y, z } = rig.position();
  camera.position.set(x * FOCUS, y * FOCUS, z * FOCUS);
  camera.lookAt(0, 0, -FOCUS);
  camera.updateMatrixWorld();
  const zoom = photo.zoomFor(camera);
  camera.zoom = zoom;
  camera.updateProjectionMatrix();
  const lands = (across: number, below: number) => {
    const value = 0.5 * (1 - across) + 0.5 * below * below;
    const depth = photo.scene.scale.x / (value * (1 / NEAR - 1 / FAR) + 1 / FAR);
    const { fx, fy, cx, cy, width, height } = CAMERA;
    const point = new Vector3((across * width - cx) / fx, (cy - below * height) / fy, -1);
    point.multiplyScalar(depth).project(camera);
    return [(point.x * VIEW.width) / 2, (point.y * VIEW.height) / 2] as const;
  };
  return { zoom, half: { across: 600 * scale, up: 400 * scale }, lands };
}

describe('a photo with depth from where one leans', () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it.each([
    [[1, 0]],
    [[-1, 0]],
    [[0, 1]],
    [[0, -1]],
    [[0.5, -0.5, -0.3]],
    [[-1, 1, 0.2]],
  ])('fills its place at %j', (lean) => {
    const { half, lands } = leaning(lean);
    const slack = 2;
    for (let index = 0; index < SIDE; index += 1) {
      const along = index / (SIDE - 1);
      expect(lands(0, along)[0]).toBeLessThan(-half.across + slack);
      expect(lands(1, along)[0]).toBeGreaterThan(half.across - slack);
      expect(lands(along, 1)[1]).toBeLessThan(-half.up + slack);
      expect(lands(along, 0)[1]).toBeGreaterThan(half.up - slack);
    }
  });

  it('is shown as it is where nobody leans', () => {
    expect(leaning([0, 0]).zoom).toBeCloseTo(1, 9);
  });
});
