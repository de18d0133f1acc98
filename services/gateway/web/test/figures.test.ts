import { afterEach, describe, expect, it, vi } from 'vitest';
import { Emitter } from '../src/emitter';
import { FiguresDoor } from '../src/photo/figuresDoor';
import type { Drawn } from '../src/photo/sight';
import type { Stage } from '../src/photo/stage';

const made: { last: Drawn | null; shown: boolean; runs: boolean }[] = [];
vi.mock('../src/photo/figures', () => ({
  Figures: class {
    element = {};
    shown = false;
    runs = false;
    constructor(
      _: unknown,
      readonly last: Drawn | null,
    ) {
      made.push(this);
    }
    show(isShown: boolean) {
      this.shown = isShown;
      this.runs = isShown;
    }
    run(runs: boolean) {
      this.runs = runs && this.shown;
    }
  },
}));

class Drawing extends Emitter<{ figures: Drawn; mode: string }> {
  draw(splats: number) {
    this.emit('figures', { splats, there: null });
  }
  rest() {
    this.emit('mode', 'flat');
  }
}

function setUp() {
  const stage = new Drawing();
  const places: unknown[] = [];
  const place = { append: (element: unknown) => places.push(element) };
  const door = new FiguresDoor(
    stage as unknown as Stage,
    place as unknown as Pick<HTMLElement, 'append'>,
  );
  return { stage, door, places };
}

describe('the figures of what is drawn', () => {
  afterEach(() => {
    made.length = 0;
  });

  it('are one panel, however fast they are asked for', async () => {
    const { door, places } = setUp();
    door.run(true);
    await Promise.all([door.toggle(), door.toggle(), door.toggle()]);
    expect([places.length, made.length]).toEqual([1, 1]);
    expect(made[0]).toMatchObject({ shown: true, runs: true });
    await door.toggle();
    expect(made[0]).toMatchObject({ shown: false, runs: false });
  });

  it('tell of a picture that is at rest', async () => {
    const { door, stage } = setUp();
    stage.draw(7);
    await door.toggle();
    expect(made[0]?.last?.splats).toBe(7);
    const other = setUp();
    other.stage.draw(7);
    other.stage.rest();
    await other.door.toggle();
    expect(made[1]?.last).toBeNull();
  });

  it('measure nothing once the photo was left while they came', async () => {
    const { door } = setUp();
    door.run(true);
    const coming = door.toggle();
    door.run(false);
    await coming;
    expect(made[0]).toMatchObject({ shown: true, runs: false });
    door.run(true);
    expect(made[0]?.runs).toBe(true);
  });
});
