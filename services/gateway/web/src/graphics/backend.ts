/** What draws on a canvas: WebGPU, or WebGL 2, which alone draws splats and in headsets. */
export type Backend = 'webgpu' | 'webgl2';

/** Why it is this one. */
export type Why =
  /** The browser has a graphics device for WebGPU. */
  | 'offered'
  /** The address says so: `?graphics=webgl2`, or `webgpu` also where a processor would do its work. */
  | 'asked'
  /** The browser has no WebGPU. */
  | 'missing'
  /** It has, and gives nothing to draw with. */
  | 'refused'
  /** It had not said so by the time it was needed. */
  | 'late'
  /** A processor would do the work of a graphics device, which WebGL 2 asks less of. */
  | 'software'
  /** The device is gone: it was taken away, or its driver fell. */
  | 'lost'
  /** It drew an error. */
  | 'failed';

export interface Choice {
  backend: Backend;
  why: Why;
}

/** What of WebGPU is asked before a choice. */
export interface Offer {
  requestAdapter(wish: {
    powerPreference: 'high-performance';
  }): Promise<{ info: { isFallbackAdapter: boolean } } | null>;
}

const REFUSED: Choice = { backend: 'webgl2', why: 'refused' };
/** Longer than this nobody waits to hear whether there is WebGPU: WebGL 2 is there at once. */
const PATIENCE_MS = 500;

/** Chooses what draws points and layers of depth; `gpu` is the browser's `navigator.gpu`. */
export async function chooseBackend(search: string, gpu: Offer | undefined): Promise<Choice> {
  const asked = new URLSearchParams(search).get('graphics');
  if (asked === 'webgl2') return { backend: 'webgl2', why: 'asked' };
  if (!gpu) return { backend: 'webgl2', why: 'missing' };
  const wish = { powerPreference: 'high-performance' } as const;
  const answer = gpu.requestAdapter(wish).catch(() => null);
  if (asked === 'webgpu') return (await answer) ? { backend: 'webgpu', why: 'asked' } : REFUSED;
  const adapter = await Promise.race([answer, after(PATIENCE_MS)]);
  if (adapter === undefined) return { backend: 'webgl2', why: 'late' };
  if (!adapter) return REFUSED;
  return adapter.info.isFallbackAdapter
    ? { backend: 'webgl2', why: 'software' }
    : { backend: 'webgpu', why: 'offered' };
}

const after = (ms: number) =>
  new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms));

/** The choice of one visit: made once, and taken back for good where WebGPU does not keep what it promised. */
export class Graphics {
  /** Null until it is made. */
  choice: Choice | null = null;
  private choosing: Promise<void> | null = null;

  constructor(private readonly ask: () => Promise<Choice>) {}

  async choose(): Promise<Choice> {
    this.choosing ??= this.ask().then((choice) => {
      this.choice ??= choice;
    });
    await this.choosing;
    return this.choice as Choice;
  }

  /** WebGL 2 draws from now on. */
  giveUp(why: 'lost' | 'failed'): void {
    this.choice = { backend: 'webgl2', why };
  }
}

export const graphics = new Graphics(() => chooseBackend(location.search, navigator.gpu));
