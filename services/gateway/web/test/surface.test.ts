import * as THREE from 'three';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { WebGpuSurface } from '../src/graphics/webgpu';

const renderer = vi.hoisted(() => ({
  init: vi.fn(),
  setClearColor: vi.fn(),
  render: vi.fn(),
  compileAsync: vi.fn(),
  dispose: vi.fn(),
}));
/** What the last renderer that was made does where its device tells an error. */
const heard = vi.hoisted(() => ({ error: () => {} }));
vi.mock('three/webgpu', () => ({
  WebGPUBackend: class {},
  Renderer: class {
    init = renderer.init;
    setClearColor = renderer.setClearColor;
    render = renderer.render;
    compileAsync = renderer.compileAsync;
    dispose = renderer.dispose;
    set onError(error: () => void) {
      heard.error = error;
    }
  },
}));
vi.mock('../src/graphics/webgpuLayers', () => ({}));
vi.mock('../src/graphics/webgpuPoints', () => ({}));

type Deed = () => Promise<unknown>;

const [SCENE, CAMERA] = [new THREE.Scene(), new THREE.Camera()];

/** A canvas that WebGPU draws on, its device, which does such things, and why that is over. */
async function opened(
  does: Partial<Record<'createRenderPipelineAsync' | 'popErrorScope', Deed>> = {},
) {
  let lose = () => {};
  const device = {
    lost: new Promise<void>((resolve) => (lose = resolve)),
    queue: { onSubmittedWorkDone: async () => {} },
    createRenderPipelineAsync: async (): Promise<unknown> => ({}),
    popErrorScope: async (): Promise<unknown> => null,
    destroy: vi.fn(),
    ...does,
  };
  const canvas = { getContext: () => ({}) } as unknown as HTMLCanvasElement;
  const gone = vi.fn();
  const surface = await WebGpuSurface.open(canvas, device as unknown as GPUDevice, gone);
  return { surface, device, gone, lose: () => lose() };
}

describe('a canvas of WebGPU', () => {
  beforeEach(() => {
    vi.resetAllMocks();
    renderer.dispose.mockResolvedValue(undefined);
  });

  it('is over, once and for all, where a frame throws', async () => {
    const { surface, gone } = await opened();
    surface.render(SCENE, CAMERA);
    expect(gone).not.toHaveBeenCalled();
    renderer.render.mockImplementation(() => {
      throw new RangeError('createBuffer failed, size is too large');
    });
    surface.render(SCENE, CAMERA);
    surface.render(SCENE, CAMERA);
    heard.error();
    expect(gone.mock.calls).toEqual([['failed']]);
    expect(renderer.render).toHaveBeenCalledTimes(2);
  });

  it('is over where what is drawn next cannot be had ready', async () => {
    const { surface, gone } = await opened();
    renderer.compileAsync.mockRejectedValue(new RangeError('too large'));
    await surface.prepare(SCENE, CAMERA);
    expect(gone.mock.calls).toEqual([['failed']]);
    await surface.prepare(SCENE, CAMERA);
    expect(renderer.compileAsync).toHaveBeenCalledOnce();
  });

  it('is over where its device tells an error, or is lost', async () => {
    const first = await opened();
    heard.error();
    expect(first.gone.mock.calls).toEqual([['failed']]);
    const second = await opened();
    second.lose();
    await vi.waitFor(() => expect(second.gone.mock.calls).toEqual([['lost']]));
  });

  it('is over where a pipeline cannot be made', async () => {
    const refusal = new Error('too many bindings');
    const later = await opened({ createRenderPipelineAsync: () => Promise.reject(refusal) });
    await expect(later.device.createRenderPipelineAsync()).rejects.toBe(refusal);
    expect(later.gone.mock.calls).toEqual([['failed']]);
    const atOnce = await opened({ popErrorScope: async () => refusal });
    expect(await atOnce.device.popErrorScope()).toBe(refusal);
    expect(atOnce.gone.mock.calls).toEqual([['failed']]);
    const well = await opened();
    await well.device.createRenderPipelineAsync();
    expect(await well.device.popErrorScope()).toBeNull();
    expect(well.gone).not.toHaveBeenCalled();
  });

  it('gives its device back, also where its renderer cannot end well', async () => {
    const { surface, device, gone, lose } = await opened();
    renderer.dispose.mockRejectedValue(new Error('half gone'));
    surface.dispose();
    await vi.waitFor(() => expect(device.destroy).toHaveBeenCalledOnce());
    lose();
    heard.error();
    surface.render(SCENE, CAMERA);
    await Promise.resolve();
    expect(gone).not.toHaveBeenCalled();
    expect(renderer.render).not.toHaveBeenCalled();
  });
});
