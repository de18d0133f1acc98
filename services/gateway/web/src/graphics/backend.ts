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
  requestAdapter(wish: { powerPreference: 'high-performance' }): Promise<Adapter | null>;
}

/** Browsers tell what does the work in one of these places, or in none. */
interface Adapter {
  info?: { isFallbackAdapter?: boolean };
  isFallbackAdapter?: boolean;
}

/** Waits for what was asked for. */
type Hear = () => Promise<Choice>;

const REFUSED: Choice = { backend: 'webgl2', why: 'refused' };
/** Longer than this nobody waits to hear whether there is WebGPU: WebGL 2 is there at once. */
const PATIENCE_MS = 500;

/**
 * Asks at once what draws points and layers of depth; patience begins with whoever waits to hear it. gpu: the browser's
 * `navigator.gpu`.
 */
export function askForBackend(search: string, gpu: Offer | undefined): Hear {
  const asked = new URLSearchParams(search).get('graphics');
  if (asked === 'webgl2') return async () => ({ backend: 'webgl2', why: 'asked' });
  if (!gpu) return async () => ({ backend: 'webgl2', why: 'missing' });
  const wish = { powerPreference: 'high-performance' } as const;
  const answer = gpu.requestAdapter(wish).catch(() => null);
  if (asked === 'webgpu')
    return async () => ((await answer) ? { backend: 'webgpu', why: 'asked' } : REFUSED);
  return async () => {
    const adapter = await inTime(answer);
    if (adapter === undefined) return { backend: 'webgl2', why: 'late' };
    if (!adapter) return REFUSED;
    return (adapter.info?.isFallbackAdapter ?? adapter.isFallbackAdapter)
      ? { backend: 'webgl2', why: 'software' }
      : { backend: 'webgpu', why: 'offered' };
  };
}

/** What is waited for, or undefined where it takes too long. */
export const inTime = <T>(answer: Promise<T>): Promise<T | undefined> =>
  Promise.race([answer, after(PATIENCE_MS)]);

const after = (ms: number) =>
  new Promise<undefined>((resolve) => setTimeout(() => resolve(undefined), ms));

/** The choice of one visit: made once, and taken back for good where WebGPU does not keep what it promised. */
export class Graphics {
  /** Null until it is made. */
  choice: Choice | null = null;
  private hear: Hear | null = null;
  private choosing: Promise<void> | null = null;

  constructor(private readonly askFor: () => Hear) {}

  /** Asks, so that whoever chooses later waits less. */
  ask(): void {
    try {
      this.hear ??= this.askFor();
    } catch {
      this.hear = async () => REFUSED;
    }
  }

  /** Never throws: where WebGPU cannot even be asked for, WebGL 2 is there. */
  async choose(): Promise<Choice> {
    this.choosing ??= this.decide();
    await this.choosing;
    return this.choice as Choice;
  }

  /** WebGL 2 draws from now on. */
  giveUp(why: 'late' | 'lost' | 'failed'): void {
    this.choice = { backend: 'webgl2', why };
  }

  private async decide(): Promise<void> {
    this.ask();
    const choice = await this.hear?.().catch(() => REFUSED);
    this.choice ??= choice ?? REFUSED;
  }
}

export const graphics = new Graphics(() => askForBackend(location.search, navigator.gpu));
