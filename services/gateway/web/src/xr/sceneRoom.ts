import * as THREE from 'three';
import { ApiError } from '../api/client';
import type { Asset, AssetFile, SceneDetails } from '../api/schema';
import { fileOfRole } from '../photo/modes';
import { versionsOf, versionWords } from '../scenes/versions';
import { steppedWithin, wallsOf } from '../scenes/walls';
import { explainRefusal } from '../ui/errors';
import { around, type Ground, type Spot } from './ground';
import { Leap } from './leap';
import { levelsFor, levelsToLoad } from './levels';
import { nextQuality } from './likings';
import type { Row } from './panelLayout';
import { stepScale } from './place';
import type { Target } from './pointers';
import type { Asked, House, Room } from './room';
import { SceneContent } from './sceneContent';
import { groundOf, lieOf, type Walked } from './scenePlace';
import { sceneRows } from './sceneRows';
import { texts } from './texts';

const NOWHERE = around(0.5);
const freely: Walked = (_, to) => to;

/** A place that one walks in. */
export class SceneRoom implements Room {
  readonly name = 'scene';
  readonly group = new THREE.Group();
  ground: Ground = NOWHERE;
  id = '';
  private readonly content: SceneContent;
  private readonly leap: Leap;
  private scene: SceneDetails | null = null;
  private version: Asset | null = null;
  private level = '';
  private scale = 1;
  private note = '';
  private head: Spot = { x: 0, z: 0 };
  private walked: Walked = freely;
  /** Of which version it is known, or read, what one cannot walk through. */
  private walled = '';
  /** This version has walls, which could not be had. */
  private isUnwalled = false;
  private walling = new AbortController();
  private visit = new AbortController();
  private loading = new AbortController();

  constructor(private readonly house: House) {
    this.content = new SceneContent(house.cloud.get);
    this.leap = new Leap(
      () => -house.eyeHeight,
      () => this.head,
      () => this.ground,
      (spot) => house.leap(() => spot),
    );
    this.group.add(this.content.group, this.leap.group);
  }

  async open(id: string): Promise<void> {
    this.close();
    this.visit = new AbortController();
    const { signal } = this.visit;
    const { house } = this;
    this.id = id;
    this.say(texts.scene.loading);
    house.surround.quiet();
    house.surround.setFloorShown(false);
    house.settle();
    try {
      const scene = await house.api.scene(id);
      if (signal.aborted) return;
      this.scene = scene;
      this.version = versionsOf(scene.assets)[0] ?? null;
      this.arrange();
      await this.show();
    } catch (error) {
      if (!signal.aborted) this.failed(error);
    }
  }

  targets(): Target[] {
    return [this.leap];
  }

  step(_seconds: number, head: THREE.Vector3): void {
    this.head = head;
  }

  act({ up, ray, back }: Asked): void {
    this.leap.push(up, ray);
    if (back) this.house.toWall();
  }

  rows(): Row[] {
    const { scene, version, house } = this;
    const versions = versionsOf(scene?.assets ?? []);
    return sceneRows({
      name: scene?.name ?? '',
      note: this.note || (this.isUnwalled ? texts.scene.wallsUnread : ''),
      version: version && versions.length > 1 ? versionWords(version) : null,
      quality: version?.kind === 'splat' ? house.likings.quality : null,
      scale: this.scale,
    });
  }

  press(id: string): void {
    const { house } = this;
    const actions: Record<string, () => void> = {
      version: () => this.nextVersion(),
      quality: () => {
        house.like({ quality: nextQuality(house.likings.quality) });
        this.reload();
      },
      smaller: () => this.resize(stepScale(this.scale, -1)),
      larger: () => this.resize(stepScale(this.scale, 1)),
      life: () => this.resize(1),
      recentre: () => house.recentre(),
      wall: () => house.toWall(),
      exit: () => house.leave(),
    };
    actions[id]?.();
    house.tell();
  }

  sleep(): void {}

  restore(): void {
    void this.open(this.id);
  }

  relevel(): void {
    this.reload();
  }

  /** More than the device can do, however little is asked of it. */
  giveUp(): void {
    this.house.toWall(texts.scene.slow);
  }

  close(): void {
    this.visit.abort();
    this.loading.abort();
    this.walling.abort();
    this.leap.hide();
    this.content.clear();
    this.house.surround.setFloorShown(true);
    this.scene = this.version = null;
    this.level = this.walled = '';
    this.isUnwalled = false;
    this.scale = 1;
    this.ground = NOWHERE;
    this.walked = freely;
  }

  dispose(): void {
    this.close();
    this.leap.dispose();
  }

  facts(): Record<string, string> {
    return {
      xrScene: this.id,
      xrSplats: String(this.content.count),
      xrLevel: this.level,
      xrScale: this.scale.toFixed(3),
      xrAt: [this.head.x, this.head.z].map(inCentimetres).join(' '),
    };
  }

  /** `floor`: what lies a step and a half ahead. */
  placeOf(name: string): THREE.Vector3 | null {
    if (name !== 'floor') return null;
    return new THREE.Vector3(this.head.x, -this.house.eyeHeight, this.head.z - 0.6);
  }

  private arrange(): void {
    const cameras = this.scene?.cameras ?? [];
    const lie = lieOf(cameras, this.scale);
    this.content.lie(lie);
    this.ground = groundOf(cameras, lie, this.walked);
  }

  /** Shows the version that is chosen: its lightest level at once, then the best that the device bears. */
  private async show(): Promise<void> {
    const { version, house, content } = this;
    this.loading.abort();
    this.loading = new AbortController();
    const signal = AbortSignal.any([this.visit.signal, this.loading.signal]);
    if (!version) throw new TypeError('nothing of this scene can be shown');
    const files = this.filesOf(version);
    if (files.length === 0) throw new TypeError('no file of this scene can be shown');
    void this.wall(version).catch((error: unknown) => this.failed(error));
    const result = `${version.key} `;
    for (const { url, name } of levelsToLoad(files, result, this.level)) {
      const bytes = await house.api.bytes(url, () => {}, signal);
      if (version.kind === 'points') content.showPoints(bytes);
      else if (!(await content.showSplats(bytes, name, signal))) return;
      this.level = result + url;
      house.settle();
      this.say('');
    }
  }

  private filesOf(version: Asset): AssetFile[] {
    const { house } = this;
    if (version.kind !== 'points')
      return levelsFor(version.files, house.splats(), house.likings.quality);
    const points = fileOfRole(version, 'points');
    return points?.format === 'ply' ? [points] : [];
  }

  /** Has read what one cannot walk through in a version, once, whichever levels of it come and go meanwhile. */
  private async wall(version: Asset): Promise<void> {
    if (this.walled === version.key) return;
    this.walled = version.key;
    this.isUnwalled = false;
    this.walk(freely);
    this.walling.abort();
    this.walling = new AbortController();
    const { signal } = this.walling;
    const { walls, isUnread } = await wallsOf(this.house.api, version, signal);
    if (signal.aborted) return;
    this.isUnwalled = isUnread;
    if (isUnread) {
      // Whoever chooses another quality, or this version again, has them fetched once more.
      this.walled = '';
      this.house.tell();
    } else this.walk((from, to) => steppedWithin(walls, from, to));
  }

  private walk(walked: Walked): void {
    this.walked = walked;
    this.arrange();
  }

  private reload(): void {
    void this.show().catch((error: unknown) => this.failed(error));
  }

  /** The scene grows around its beginning; who stands elsewhere is taken along to the same place of it. */
  private resize(scale: number): void {
    const { visit } = this;
    if (scale === this.scale) return;
    this.house.leap(() => {
      const { x, z } = this.head;
      if (visit.signal.aborted) return { x, z };
      const growth = scale / this.scale;
      this.scale = scale;
      this.arrange();
      this.house.tell();
      return { x: x * growth, z: z * growth };
    });
  }

  private nextVersion(): void {
    const all = versionsOf(this.scene?.assets ?? []);
    const at = all.findIndex(({ key }) => key === this.version?.key);
    this.version = all[(at + 1) % all.length] ?? null;
    this.reload();
  }

  private failed(error: unknown): void {
    if (this.visit.signal.aborted || isAbort(error)) return;
    this.say(error instanceof ApiError ? explainRefusal(error).title : texts.photo.broken);
  }

  private say(note: string): void {
    this.note = note;
    this.house.tell();
  }
}

/** Without a sign of what is next to nothing. */
const inCentimetres = (metres: number): string => (Math.round(metres * 100) / 100 || 0).toFixed(2);

const isAbort = (error: unknown): boolean =>
  error instanceof DOMException && error.name === 'AbortError';
