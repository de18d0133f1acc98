import { isRovingKey, roveTo } from '../gallery/roving';
import { type Shown, tileAspect } from '../gallery/tile';
import { type Box, boxesWithin, firstWhere, justify, usualShare } from './layout';
import { type Measures, measuresOf } from './rows';
import { haveSameShapes, headingOf, type Laid, type Section, type Seen } from './sections';

/** What is at the top of the window: an item and its section, and how far below the top they lie, in pixels. */
export interface Anchor {
  id: string | null;
  key: string;
  below: number;
}

interface Place {
  section: Laid;
  index: number;
}

const SECTION_GAP_PX = 20;

/** Fewer pictures than these tell nothing of how high the others will be. */
const FEW = 30;

/**
 * Sections of justified rows below one another, and where on them everything lies: pixels from the top of the sheet.
 * Takes no part in drawing. What is as it was in one that is set again costs nothing: a library may have 100,000.
 */
export class Sheet {
  sections: Laid[] = [];
  /** Height of its rows. */
  row = 0;
  private width = 0;
  private readonly at = new Map<string, Place>();

  get height(): number {
    const last = this.sections.at(-1);
    return last ? last.top + last.height : 0;
  }

  /** All that is known, in order. */
  get known(): Shown[] {
    return this.sections.flatMap(({ items }) => items ?? []);
  }

  item(id: string): Shown | undefined {
    const place = this.at.get(id);
    return place?.section.items?.[place.index];
  }

  /** The key of the section that something lies in. */
  keyOf(id: string): string | undefined {
    return this.at.get(id)?.section.key;
  }

  /** Has these sections from now on, laid out for this width; as wide as before where that is 0. */
  set(sections: Section[], width: number): void {
    if (width > 0) this.width = width;
    const before = new Map(this.sections.map((section) => [section.key, section]));
    const kept = new Set<Laid>();
    this.sections = sections.map((section) => {
      const known = before.get(section.key);
      if (known && known.items === section.items && known.count === section.count) {
        kept.add(known);
        return Object.assign(known, section);
      }
      const isAlike = known && known.count === section.count && haveSameShapes(known, section);
      const { top, height, boxes, width } = isAlike ? known : BLANK;
      return { ...section, top, height, boxes, width };
    });
    for (const section of before.values()) if (!kept.has(section)) this.forget(section);
    for (const section of this.sections) if (!kept.has(section)) this.index(section);
    this.layOut();
  }

  /** Something is another than it was, in its place. */
  replace(item: Shown): boolean {
    const place = this.at.get(item.id);
    if (!place?.section.items) return false;
    place.section.items[place.index] = item;
    return true;
  }

  /** Rows are of another height from now on. */
  layOutAnew(): void {
    for (const section of this.sections) section.width = 0;
    this.layOut();
  }

  /** Where one of them lies; undefined where that is not known. */
  boxOf(id: string): Box | undefined {
    const place = this.at.get(id);
    const box = place?.section.boxes[place.index];
    return place && box && { ...box, top: place.section.top + headingOf(place.section) + box.top };
  }

  /** The sections that reach into a span, and which of their tiles do: at most so many. */
  within(top: number, bottom: number, most: number): Seen[] {
    const seen: Seen[] = [];
    let room = most;
    let at = firstWhere(this.sections, (one) => one.top + one.height >= top);
    for (; at < this.sections.length; at += 1) {
      const section = this.sections[at] as Laid;
      if (section.top > bottom) break;
      const origin = section.top + headingOf(section);
      const [first, end] = boxesWithin(section.boxes, top - origin, bottom - origin);
      const last = Math.min(end, first + room);
      room -= last - first;
      seen.push({ section, first, last });
    }
    return seen;
  }

  /** The section that a height lies in. */
  sectionAt(top: number): Laid | undefined {
    return this.sections[firstWhere(this.sections, (one) => one.top + one.height > top)];
  }

  /** What lies at a height, and how far below it that begins; null above everything. */
  anchorAt(top: number): Anchor | null {
    const section = top > 0 && this.sectionAt(top);
    if (!section) return null;
    const origin = section.top + headingOf(section);
    const [index] = boxesWithin(section.boxes, top - origin, top - origin);
    const box = section.boxes[index];
    const id = (box && section.items?.[index]?.id) ?? null;
    return { id, key: section.key, below: (box && id ? origin + box.top : section.top) - top };
  }

  /** At which height an anchor is as it was; undefined where neither it nor its section is there. */
  heightOf({ id, key, below }: Anchor): number | undefined {
    const place = id ? this.at.get(id) : undefined;
    const section = place?.section ?? this.sections.find((one) => one.key === key);
    if (!section) return undefined;
    return ((id && this.boxOf(id)?.top) || section.top) - below;
  }

  /** Where a key leads from one of them. */
  next(id: string, key: string): string | undefined {
    const { known } = this;
    const place = this.at.get(id);
    if (!isRovingKey(key) || !place) return undefined;
    let at = place.index;
    for (const section of this.sections) {
      if (section === place.section) break;
      at += section.items?.length ?? 0;
    }
    const boxes = this.sections.flatMap(({ boxes, top }) =>
      boxes.map((box) => ({ ...box, top: top + box.top })),
    );
    return known[roveTo(key, at, boxes)]?.id;
  }

  private forget(section: Laid): void {
    for (const { id } of section.items ?? [])
      if (this.at.get(id)?.section === section) this.at.delete(id);
  }

  private index(section: Laid): void {
    section.items?.forEach(({ id }, index) => {
      this.at.set(id, { section, index });
    });
  }

  private layOut(): void {
    if (this.width === 0) return;
    const measures = measuresOf(this.width);
    this.row = measures.row;
    for (const section of this.sections)
      if (section.items && section.width !== this.width) this.fill(section, measures);
    const share = this.share(measures);
    let top = 0;
    for (const section of this.sections) {
      section.top = top;
      if (!section.items) this.leaveRoom(section, Math.max(section.count * share, this.row));
      top += section.height + SECTION_GAP_PX;
    }
  }

  /** How much height a picture takes: as those do that are known, since what is not known is mostly like them. */
  private share({ row, gap }: Measures): number {
    let [count, height] = [0, 0];
    for (const section of this.sections) {
      if (!section.items) continue;
      count += section.items.length;
      height += section.height - headingOf(section) + gap;
    }
    return count < FEW ? usualShare(this.width, row, gap) : height / count;
  }

  private fill(section: Laid, { row, gap }: Measures): void {
    const { width } = this;
    const { boxes, height } = justify((section.items ?? []).map(tileAspect), width, row, gap);
    Object.assign(section, { width, boxes, height: headingOf(section) + height });
  }

  private leaveRoom(section: Laid, height: number): void {
    Object.assign(section, { boxes: [], height: headingOf(section) + height });
  }
}

/** Of a section that was not laid out yet. */
const BLANK = { top: 0, height: 0, boxes: [], width: 0 };
