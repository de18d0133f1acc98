import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RemoteView } from '../src/remote/view';
import { type Leant, Rig } from '../src/render/rig';
import { picture, ready, socketOf } from './drawing';

const SOURCE = { fx: 1000, fy: 1000, cx: 500, cy: 300, width: 1000, height: 600 };
const RETRIED_MS = 10_000;
const GIVEN_UP_MS = 200_000;

/** Bitmaps are there when `decoded` is called; they count how many are open. */
const decoding = { open: 0, waiting: [] as (() => void)[], fails: false };

const decoded = async () => {
  for (const resolve of decoding.waiting.splice(0)) resolve();
  await vi.advanceTimersByTimeAsync(0);
};

const bitmap = () =>
  new Promise((resolve, reject) => {
    decoding.waiting.push(() => {
      if (decoding.fails) {
        reject(new Error('no picture'));
        return;
      }
      decoding.open += 1;
      resolve({
        close: () => {
          decoding.open -= 1;
        },
      });
    });
  });

function viewOf(from: Leant | null = null) {
  const lines: ReturnType<typeof socketOf>[] = [];
  const told: unknown[] = [];
  const canvas = {
    clientWidth: 500,
    clientHeight: 300,
    getContext: () => ({ clearRect: () => {}, drawImage: () => {} }),
  };
  const open = () => {
    const line = socketOf();
    lines.push(line);
    return line.socket;
  };
  const view = new RemoteView(
    canvas as unknown as HTMLCanvasElement,
    open,
    { place: 'photos', id: 'p', asset: 'splat-x' },
    SOURCE,
    1,
    {
      sways: false,
      from,
      onPicture: (lean) => told.push(lean),
      onOver: (code) => told.push(code),
    },
  );
  const line = () => lines.at(-1) as ReturnType<typeof socketOf>;
  const poses = () => line().sent.filter(({ type }) => type === 'pose').length;
  const end = (code: string) => {
    line().say({ type: 'error', code, message: '' });
    line().socket.onclose?.({} as CloseEvent);
  };
  const showsFirst = async () => {
    line().say(ready);
    await vi.advanceTimersByTimeAsync(50);
    line().say(picture(1));
    await decoded();
  };
  return { view, lines, told, line, poses, end, showsFirst };
}

describe('a splat that the server draws', () => {
  beforeEach(() => {
    vi.useFakeTimers();
    Object.assign(decoding, { open: 0, waiting: [], fails: false });
    vi.stubGlobal('window', globalThis);
    vi.stubGlobal('devicePixelRatio', 1);
    vi.stubGlobal('createImageBitmap', bitmap);
    vi.stubGlobal('requestAnimationFrame', (run: (now: number) => void) =>
      setTimeout(() => run(performance.now()), 16),
    );
    vi.stubGlobal('cancelAnimationFrame', clearTimeout);
    vi.stubGlobal(
      'ResizeObserver',
      class {
        observe() {}
        disconnect() {}
      },
    );
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('shows nothing of a picture that is there after it was closed, and keeps none', async () => {
    const { view, line, told } = viewOf();
    line().say(ready);
    line().say(picture(1));
    view.dispose();
    await decoded();
    await vi.advanceTimersByTimeAsync(GIVEN_UP_MS);
    expect([told, decoding.open]).toEqual([[], 0]);
  });

  it('is seen from where the viewer was when the device drew, from its first picture on', async () => {
    const rig = new Rig();
    rig.setLimits(0.2, 0.5);
    rig.orbitBy(-0.1, 0);
    while (rig.step(1 / 60));
    const aside = ({ place }: { place: number[] }) => place[3] as number;
    const asked = ({ sent }: ReturnType<typeof socketOf>) =>
      sent.filter(({ type }) => type === 'pose') as unknown as { place: number[] }[];
    const { view, line, showsFirst } = viewOf(rig.leant);
    await showsFirst();
    const [first] = asked(line());
    expect(first && aside(first)).not.toBeCloseTo(0, 2);
    // The viewer leant elsewhere meanwhile.
    rig.orbitBy(0.2, 0);
    while (rig.step(1 / 60));
    view.show(true, rig.leant);
    await vi.advanceTimersByTimeAsync(50);
    const last = asked(line()).at(-1);
    expect(Math.sign((last && aside(last)) ?? 0)).toBe(-Math.sign((first && aside(first)) ?? 0));
    expect(view.leant.now.yaw).toBeCloseTo(rig.leant.now.yaw, 6);
  });

  it('waits for its first picture though it is not shown, and is over where none comes', async () => {
    const { view, lines, told } = viewOf();
    view.show(false);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(lines[0]?.socket.onmessage).not.toBeNull();
    await vi.advanceTimersByTimeAsync(GIVEN_UP_MS);
    expect(told).toEqual(['no_worker']);
  });

  it('leaves once it is hidden for a while, and asks for nothing until it is shown', async () => {
    const { view, lines, line, poses, showsFirst, told } = viewOf();
    view.show(true);
    await showsFirst();
    view.show(false);
    const asked = poses();
    line().say(picture(2));
    await decoded();
    expect([told, decoding.open]).toEqual([[0], 1]);
    await vi.advanceTimersByTimeAsync(20_000);
    expect(line().socket.onmessage).toBeNull();
    view.setSway(true);
    view.leanTo(1, 0);
    await vi.advanceTimersByTimeAsync(RETRIED_MS);
    expect([lines.length, poses()]).toEqual([1, asked]);
    view.show(true);
    await vi.advanceTimersByTimeAsync(50);
    expect(lines.length).toBe(2);
  });

  it('tries again what passes, a while later, and gives up what does not', async () => {
    const { lines, end, told } = viewOf();
    end('unavailable');
    await vi.advanceTimersByTimeAsync(500);
    expect(lines.length).toBe(1);
    await vi.advanceTimersByTimeAsync(RETRIED_MS);
    expect([lines.length, told]).toEqual([2, []]);
    end('no_worker');
    expect(told).toEqual(['no_worker']);
  });

  it('begins no other session after one that lay idle until somebody moves', async () => {
    const { view, lines, end, showsFirst } = viewOf();
    view.show(true);
    await showsFirst();
    await vi.advanceTimersByTimeAsync(RETRIED_MS);
    end('idle');
    await vi.advanceTimersByTimeAsync(RETRIED_MS);
    expect(lines.length).toBe(1);
    view.leanTo(1, 0);
    await vi.advanceTimersByTimeAsync(50);
    expect(lines.length).toBe(2);
  });

  it('is over where what comes is no picture', async () => {
    const { line, told } = viewOf();
    decoding.fails = true;
    line().say(ready);
    line().say(picture(1));
    await decoded();
    expect(told).toEqual(['unreadable']);
  });
});
