import * as THREE from 'three';
import type { RgbdLayout, SourceCamera } from '../api/schema';
import { assumedCamera, coveringZoom, reachesOf } from './framing';
import { TIGHTNESS } from './tightness';

/**
 * A film with depth as two displaced grids over one texture: every frame of the film holds its colour
 * and, beside it, its disparity, so that the two can never be of different moments. In front the frame
 * itself; behind it the same frame with what is far spread under what is near, which shows where the
 * front is torn between the two and fades.
 */

/** Disparity 0 to 1 in inverse lengths: a film tells how near things are to one another, not how far. */
const INVERSE_FAR = 0.3;
const INVERSE_NEAR = 0.8;
/** What stays in its place on screen when one leans. */
const INVERSE_FOCUS = 0.5;
const INVERSE_LEAST = 0.05;
/** How far under what is near the background is made to reach, as a part of the picture's width. */
const REACH = 0.06;
/** A front cell stretched to this many times its size is gone; half of that, it starts to fade. */
const STRETCH_GONE = 3;
/** How far colour is smeared over edges by how films store it, in pixels. */
const EDGE = '1.5';

const PLACES = /* glsl */ `
  uniform sampler2D film;
  uniform vec4 colourPlace;
  uniform vec4 depthPlace;
  uniform vec2 pictureSize;
  uniform vec2 reach;

  // Where the picture lies in the film; half a pixel inside, so that nothing from beside it is mixed in.
  vec2 placed(vec2 at, vec4 place) {
    vec2 inset = 0.5 / pictureSize;
    return place.xy + clamp(at, inset, 1.0 - inset) * place.zw;
  }

  float disparityAt(vec2 at) {
    // A vertex between near and far would belong to neither.
    vec2 pixel = (floor(at * pictureSize) + 0.5) / pictureSize;
    return textureLod(film, placed(pixel, depthPlace), 0.0).r;
  }

  // What is near reaches a little beyond its edge: its colour does, too.
  float frontAt(vec2 at) {
    vec2 aside = ${EDGE} / pictureSize;
    float beside = max(disparityAt(at + vec2(aside.x, 0.0)), disparityAt(at - vec2(aside.x, 0.0)));
    float above = max(disparityAt(at + vec2(0.0, aside.y)), disparityAt(at - vec2(0.0, aside.y)));
    return max(disparityAt(at), max(beside, above));
  }

  // Towards the farthest of what lies around.
  vec2 backdrop(vec2 at) {
    vec2 found = at;
    float least = disparityAt(at) - 0.05;
    for (int i = 0; i < 8; i += 1) {
      float angle = float(i) * 0.785398;
      vec2 aside = reach * vec2(cos(angle), sin(angle));
      for (int ring = 1; ring <= 2; ring += 1) {
        vec2 candidate = clamp(at + aside * float(ring) * 0.5, 0.0, 1.0);
        float disparity = disparityAt(candidate);
        if (disparity < least) {
          least = disparity;
          found = candidate;
        }
      }
    }
    return found;
  }
`;

const VERTEX = /* glsl */ `
  ${PLACES}
  uniform vec4 intrinsics;
  uniform float strength;
  varying vec3 vSource;
  varying float vViewDepth;

  void main() {
    #ifdef BEHIND
      float disparity = disparityAt(backdrop(uv));
    #else
      float disparity = frontAt(uv);
    #endif
    float inverse = mix(${INVERSE_FAR}, ${INVERSE_NEAR}, disparity);
    float depth = 1.0 / max(mix(${INVERSE_FOCUS}, inverse, strength), ${INVERSE_LEAST});
    vec2 pixel = vec2(uv.x, 1.0 - uv.y);
    vec2 ray = (pixel - intrinsics.zw) / intrinsics.xy;
    vec4 view = modelViewMatrix * vec4(ray.x * depth, -ray.y * depth, -depth, 1.0);
    // In this form the place in the picture is linear in space, across depth steps too.
    vSource = vec3(uv * depth, depth);
    vViewDepth = -view.z / length(modelMatrix[0].xyz);
    gl_Position = projectionMatrix * view;
  }
`;

const FRAGMENT = /* glsl */ `
  ${PLACES}
  varying vec3 vSource;
  varying float vViewDepth;

  ${TIGHTNESS}
  void main() {
    vec2 uv = vSource.xy / vSource.z;
    float alpha = 1.0;
    #ifdef BEHIND
      uv = backdrop(uv);
    #else
      float stretch = (vViewDepth / vSource.z) / max(tightness(uv), 1e-4);
      alpha = 1.0 - smoothstep(${(STRETCH_GONE / 2).toFixed(1)}, ${STRETCH_GONE.toFixed(1)}, stretch);
      if (alpha < 0.02) discard;
    #endif
    gl_FragColor = vec4(texture2D(film, placed(uv, colourPlace)).rgb, alpha);
  }
`;

/** The meshes that a film with depth is drawn by. */
export class FilmScene {
  readonly scene = new THREE.Scene();
  readonly camera: SourceCamera;
  /** Distances in units of the scene. */
  readonly focus = 1 / INVERSE_FOCUS;
  readonly nearest = 1 / INVERSE_NEAR;
  private readonly texture: THREE.VideoTexture;
  private readonly grid: THREE.PlaneGeometry;
  private readonly materials: THREE.ShaderMaterial[];
  private readonly strength = { value: 1 };
  private readonly restSize = { value: new THREE.Vector2(1, 1) };

  constructor(film: HTMLVideoElement, layout: RgbdLayout, columns: number) {
    const [, , width, height] = layout.colour;
    this.camera = assumedCamera(width, height);
    this.texture = new THREE.VideoTexture(film);
    this.texture.colorSpace = THREE.NoColorSpace;
    const rows = Math.max(2, Math.round((columns * height) / width));
    this.grid = new THREE.PlaneGeometry(1, 1, columns, rows);
    const { fx, fy, cx, cy } = this.camera;
    const uniforms = {
      film: { value: this.texture },
      colourPlace: { value: placeOf(layout.colour, layout) },
      depthPlace: { value: placeOf(layout.depth, layout) },
      pictureSize: { value: new THREE.Vector2(width, height) },
      reach: { value: new THREE.Vector2(REACH, (REACH * width) / height) },
      intrinsics: { value: new THREE.Vector4(fx / width, fy / height, cx / width, cy / height) },
      strength: this.strength,
      restSize: this.restSize,
    };
    this.materials = [true, false].map((behind) => this.layer(uniforms, behind));
  }

  /** Takes the film's frame anew, as after a seek that found it there already. */
  refresh(): void {
    this.texture.needsUpdate = true;
  }

  /** How much depth there is: 0 is flat, 1 as it was estimated. */
  setStrength(strength: number): void {
    this.strength.value = strength;
  }

  setScale(scale: number): void {
    this.scene.scale.setScalar(scale);
  }

  /** By how much the lens has to close in so that the film, seen by this camera, fills its place at rest. */
  zoomFor(camera: THREE.PerspectiveCamera): number {
    const rest = reachesOf(this.camera);
    const ends = (x: number[], y: number[]) =>
      [INVERSE_NEAR, INVERSE_FAR].flatMap((inverse) => {
        const depth = distanceOf(inverse, this.strength.value) * this.scene.scale.x;
        return x.flatMap((across) =>
          y.map((up) =>
            new THREE.Vector3(across, up, -1)
              .multiplyScalar(depth)
              .applyMatrix4(camera.matrixWorldInverse),
          ),
        );
      });
    const across = [-rest.left, rest.right];
    const up = [-rest.bottom, rest.top];
    return coveringZoom(
      {
        left: ends([-rest.left], up),
        right: ends([rest.right], up),
        bottom: ends(across, [-rest.bottom]),
        top: ends(across, [rest.top]),
      },
      rest,
    );
  }

  /** Sets how large the picture is on screen when nothing of it is moved, in device pixels. */
  setRestSize(width: number, height: number): void {
    this.restSize.value.set(width, height);
  }

  dispose(): void {
    for (const one of [this.texture, this.grid, ...this.materials]) one.dispose();
    this.scene.clear();
  }

  private layer(uniforms: Record<string, THREE.IUniform>, behind: boolean): THREE.ShaderMaterial {
    const material = new THREE.ShaderMaterial({
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      uniforms,
      defines: behind ? { BEHIND: '' } : {},
      transparent: true,
      depthWrite: !behind,
    });
    const mesh = new THREE.Mesh(this.grid, material);
    mesh.renderOrder = behind ? -1 : 0;
    mesh.frustumCulled = false;
    this.scene.add(mesh);
    return material;
  }
}

/** As the shader has it: how far away what was estimated at this inverse length is drawn. */
function distanceOf(inverse: number, strength: number): number {
  return 1 / Math.max(INVERSE_FOCUS + (inverse - INVERSE_FOCUS) * strength, INVERSE_LEAST);
}

/** A part of the film as a texture knows it: from the bottom left, in parts of the whole. */
export function placeOf(
  [x, y, width, height]: RgbdLayout['colour'],
  film: Pick<RgbdLayout, 'width' | 'height'>,
): THREE.Vector4 {
  return new THREE.Vector4(
    x / film.width,
    1 - (y + height) / film.height,
    width / film.width,
    height / film.height,
  );
}
