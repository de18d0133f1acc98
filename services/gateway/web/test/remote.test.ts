import { describe, expect, it } from 'vitest';
import { WhoDraws } from '../src/photo/whoDraws';
import { MOST_PIXELS, poseFrom } from '../src/remote/pose';
import { RemoteStream } from '../src/remote/stream';
import { Pace } from '../src/render/pace';
import { picture, ready, socketOf } from './drawing';

const SOURCE = { fx: 1000, fy: 1000, cx: 500, cy: 300, width: 1000, height: 600 };
const FRAME = { width: 500, height: 300, pixelRatio: 1 };
const POSE = poseFrom({ x: 0, y: 0, z: 0 }, 2, SOURCE, FRAME, 1);

function streamOf() {
  const told: unknown[] = [];
  const line = socketOf();
  const stream = new RemoteStream(
    line.socket,
    { place: 'photos', id: 'p', asset: 'splat-x' },
    {
      ready: () => told.push('ready'),
      picture: ({ seq }, _, lean) => told.push([seq, lean]),
      over: (code) => told.push(code),
    },
  );
  line.socket.onopen?.({} as Event);
  return { ...line, stream, told };
}

describe('a pose', () => {
  it('at rest is where the photographer stood', () => {
    expect(POSE.place).toEqual([1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0].map((v) => expect.closeTo(v)));
    expect([POSE.fx, POSE.cx, POSE.width, POSE.height]).toEqual([500, 250, 500, 300]);
  });

  it('keeps what one turns around in the middle, and what is beside it on its side', () => {
    const { place } = poseFrom({ x: 0.3, y: 0.2, z: -0.1 }, 2, SOURCE, FRAME, 1);
    const seen = ([x, y, z]: [number, number, number]) =>
      [0, 4, 8].map((row) =>
        [x, y, z, 1].reduce((sum, value, part) => sum + value * Number(place[row + part]), 0),
      );
    const [x, y, z] = seen([0, 0, 2]);
    expect([x, y]).toEqual([expect.closeTo(0), expect.closeTo(0)]);
    expect(z).toBeCloseTo(2 * Math.hypot(0.3, 0.2, 0.9));
    expect(seen([1, 0, 2])[0]).toBeGreaterThan(0.5);
    // Down is down, for OpenCV; and who stands right and up sees what was near there move left and down.
    expect(seen([0, 1, 2])[1]).toBeGreaterThan(0.5);
    expect(seen([0, 0, 1])[0]).toBeLessThan(0);
    expect(seen([0, 0, 1])[1]).toBeGreaterThan(0);
  });

  it('asks for no more pixels than the server draws, in the shape of the photo', () => {
    const large = { width: 2400, height: 1440, pixelRatio: 2 };
    const pose = poseFrom({ x: 0, y: 0, z: 0 }, 2, SOURCE, large, 1.05);
    expect(pose.width * pose.height).toBeLessThanOrEqual(MOST_PIXELS);
    expect(pose.width / pose.height).toBeCloseTo(1000 / 600, 2);
    expect(pose.fx / pose.width).toBeCloseTo(1.05, 2);
    expect(pose.cx / pose.width).toBeCloseTo(0.5, 2);
  });
});

describe('the stream of pictures', () => {
  it('says what is to be drawn, and asks only once it is ready', () => {
    const { sent, say, stream } = streamOf();
    stream.ask(POSE, 0.1);
    expect(sent.map(({ type }) => type)).toEqual(['hello']);
    say(ready);
    expect(sent.map(({ type }) => type)).toEqual(['hello', 'pose']);
  });

  it('has two poses under way, and of those that wait the newest', () => {
    const { sent, say, stream, told } = streamOf();
    say(ready);
    for (let lean = 1; lean <= 9; lean += 1) stream.ask({ ...POSE, cx: lean }, lean);
    expect(sent.filter(({ type }) => type === 'pose').map(({ cx }) => cx)).toEqual([1, 2]);
    say(picture(2));
    expect(sent.slice(-2)).toMatchObject([
      { type: 'ack', seq: 2 },
      { type: 'pose', cx: 9 },
    ]);
    say(picture(3));
    say(picture(3));
    expect(told).toEqual(['ready', [2, 2], [3, 9], [3, 9]]);
  });

  it('goes on after one pose that failed, and tells why it is over', () => {
    const { socket, sent, say, stream, told } = streamOf();
    say(ready);
    stream.ask(POSE, 0);
    say({ type: 'error', code: 'internal', message: '', seq: 1 });
    stream.ask(POSE, 0);
    stream.ask(POSE, 0);
    expect(sent.filter(({ type }) => type === 'pose')).toHaveLength(3);
    say({ type: 'error', code: 'idle', message: '' });
    socket.onclose?.({} as CloseEvent);
    expect(told.at(-1)).toBe('idle');
  });
});

describe('who draws', () => {
  const storage = () => {
    const kept = new Map<string, string>();
    return {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => void kept.set(key, value),
      removeItem: (key: string) => void kept.delete(key),
    };
  };

  it('is the device until it is slow, and the server then, where it is offered', () => {
    const who = new WhoDraws(true, storage());
    expect(who.isSlow()).toBe(false);
    who.isOffered = true;
    expect(who.isServer(null)).toBe(true);
    who.refuse();
    expect(who.isServer(null)).toBe(false);
    who.askAgain();
    expect(who.isServer(null)).toBe(true);
  });

  it('is whom somebody chose, here and the next time', () => {
    const kept = storage();
    const who = new WhoDraws(true, kept);
    who.isOffered = true;
    who.choose('device');
    expect([who.isSlow(), who.isServer(true)]).toEqual([false, false]);
    who.choose('server');
    expect(who.isServer(true)).toBe(true);
    expect(new WhoDraws(true, kept).choice).toBe('server');
  });

  it('is the server where there is no WebGL, and never by itself where a budget was set', () => {
    const who = new WhoDraws(false, storage());
    who.isOffered = true;
    expect(who.isSlow()).toBe(false);
    expect(who.isServer(true)).toBe(false);
    expect(who.isServer(false)).toBe(true);
  });

  it('is told from frames: below ten a second, for a while', () => {
    const pace = new Pace();
    for (let i = 0; i < 100; i += 1) expect(pace.isTooSlow(0.06)).toBe(false);
    const slow = Array.from({ length: 15 }, () => pace.isTooSlow(0.2));
    expect(slow.indexOf(true)).toBe(11);
  });
});
