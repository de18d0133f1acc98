import * as THREE from 'three';
import { FilmScene } from '../render/film';
import type { Film } from '../video/film';
import type { Projection } from './projection';
import { Screen, spreadOfFilm } from './screen';

const DISTANCE = 2.6;
const CURVE = 0.5;
const GRID_COLUMNS = 320;
const GRID_COLUMNS_WITH_BUDGET = 96;

export type Look = 'flat' | 'curved' | 'depth';

/** What a video is seen on: a screen, flat or bent, all around, or a window with depth. */
export class VideoPicture {
  readonly group = new THREE.Group();
  private screen: Screen | null = null;
  private depth: FilmScene | null = null;

  /** isLimited: fewer columns of depth, where somebody asked for little. */
  constructor(private readonly isLimited: boolean) {}

  showDepth({ element, layout }: Film): void {
    this.drop();
    const columns = this.isLimited ? GRID_COLUMNS_WITH_BUDGET : GRID_COLUMNS;
    this.depth = new FilmScene(element, layout, columns);
    const { focus, camera } = this.depth;
    this.depth.setScale(DISTANCE / focus);
    this.depth.setRestSize(camera.width, camera.height);
    this.group.add(this.depth.scene);
  }

  showScreen(video: HTMLVideoElement, projection: Projection, look: Look): void {
    this.drop();
    const texture = new THREE.VideoTexture(video);
    texture.colorSpace = THREE.NoColorSpace;
    this.screen = new Screen(texture);
    this.group.add(this.screen.group);
    if (projection.shape !== 'flat') this.screen.showAround(projection);
    else {
      const spread = spreadOfFilm(projection, video.videoWidth, video.videoHeight);
      this.screen.showBefore(spread, DISTANCE, look === 'curved' ? CURVE : 0, projection);
    }
  }

  /** Takes the film's frame anew, as after a seek that found it there already. */
  refresh(): void {
    this.depth?.refresh();
  }

  drop(): void {
    this.screen?.dispose();
    this.depth?.scene.removeFromParent();
    this.depth?.dispose();
    this.screen = this.depth = null;
  }
}
