import * as THREE from 'three';
import type { SourceCamera } from '../api/schema';
import { disposeMesh, ORDER, pictureTexture } from './paint';

/**
 * What lies around a photo: a dome of its own colours that grows dark behind the viewer, and a floor that fades. Before
 * the photo lies the same dome once more, with a window in it whose edge is feathered, so that the photo ends nowhere.
 */

const FAR = 400;
/** As many colours as the page takes for its ambience. */
const COLUMNS = 24;
const ROWS = 16;
const FEATHER = '0.052'; // 3°
const FLOOR = 2.4;

const DOME_VERTEX = /* glsl */ `
  varying vec3 vDirection;
  void main() {
    vDirection = position;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }
`;

const AMBIENCE = /* glsl */ `
  uniform sampler2D colours;
  uniform vec4 lens;
  uniform float glow;
  varying vec3 vDirection;

  // Where a direction lies in the photo: right and up from its middle, in halves of its size, by angles.
  vec2 placeOf(vec3 direction) {
    vec2 angle = vec2(atan(direction.x, -direction.z), asin(clamp(direction.y, -1.0, 1.0)));
    return (angle - lens.xy) / lens.zw;
  }

  vec3 ambience(vec3 direction) {
    vec2 place = placeOf(direction);
    // Beyond the edge the colours go on from there, softer the farther away they are.
    vec2 at = clamp(place * 0.5 + 0.5, 0.04, 0.96);
    float beyond = length(max(abs(place) - 1.0, 0.0));
    vec3 near = textureLod(colours, at, clamp(beyond * 4.0, 0.5, 3.5)).rgb;
    vec3 all = textureLod(colours, vec2(0.5), 8.0).rgb;
    vec3 colour = mix(near, all, smoothstep(0.2, 2.6, beyond));
    return colour * mix(0.66, 0.2, smoothstep(0.0, 2.6, beyond)) * glow;
  }
`;

const DOME_FRAGMENT = /* glsl */ `
  ${AMBIENCE}
  void main() {
    gl_FragColor = vec4(ambience(normalize(vDirection)), 1.0);
  }
`;

const FRAME_FRAGMENT = /* glsl */ `
  ${AMBIENCE}
  uniform vec4 photo;
  void main() {
    vec3 direction = normalize(vDirection);
    // Inside the photo's rectangle this is positive, in about radians.
    vec2 ray = direction.xy / max(-direction.z, 1e-3);
    vec2 inside = min(ray - photo.xy, photo.zw - ray);
    float depth = direction.z < 0.0 ? min(inside.x, inside.y) : -1.0;
    float alpha = 1.0 - smoothstep(0.0, ${FEATHER}, depth);
    if (alpha < 0.004) discard;
    gl_FragColor = vec4(ambience(direction), alpha);
  }
`;

const FLOOR_FRAGMENT = /* glsl */ `
  uniform vec3 tint;
  varying vec2 vUv;
  void main() {
    float far = length(vUv - 0.5) * 2.0;
    float rings = 0.85 + 0.15 * smoothstep(0.46, 0.5, abs(fract(far * 3.0) - 0.5));
    gl_FragColor = vec4(tint * rings, 0.5 * (1.0 - smoothstep(0.1, 1.0, far)));
  }
`;

export class Surround {
  readonly group = new THREE.Group();
  private readonly colours = new THREE.DataTexture(new Uint8Array(4), 1, 1);
  private readonly shared = {
    colours: { value: this.colours as THREE.Texture },
    lens: { value: new THREE.Vector4(0, 0, 0.5, 0.4) },
    glow: { value: 1 },
  };
  private readonly photo = { value: new THREE.Vector4(-0.5, -0.4, 0.5, 0.4) };
  private readonly tint = { value: new THREE.Vector3(0.12, 0.13, 0.17) };
  private readonly dome: THREE.Mesh;
  private readonly window: THREE.Mesh;
  private readonly floor: THREE.Mesh;

  constructor() {
    this.colours.needsUpdate = true;
    const ball = new THREE.SphereGeometry(1, 48, 32);
    this.dome = new THREE.Mesh(ball, this.material(DOME_FRAGMENT, {}, false));
    this.dome.scale.setScalar(FAR);
    this.dome.renderOrder = ORDER.dome;
    const frame = { photo: this.photo };
    this.window = new THREE.Mesh(
      new THREE.SphereGeometry(1, 48, 32),
      this.material(FRAME_FRAGMENT, frame, true),
    );
    this.window.renderOrder = ORDER.frame;
    this.window.visible = false;
    const floor = new THREE.PlaneGeometry(2 * FLOOR, 2 * FLOOR).rotateX(-Math.PI / 2);
    this.floor = new THREE.Mesh(
      floor,
      new THREE.ShaderMaterial({
        vertexShader:
          'varying vec2 vUv; void main() { vUv = uv; gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0); }',
        fragmentShader: FLOOR_FRAGMENT,
        transparent: true,
        depthWrite: false,
        uniforms: { tint: this.tint },
      }),
    );
    this.floor.renderOrder = ORDER.floor;
    this.dome.frustumCulled = this.window.frustumCulled = false;
    this.group.add(this.dome, this.floor, this.window);
    this.quiet();
  }

  /** How far below the eyes the floor is. */
  setFloor(below: number): void {
    this.floor.position.y = -below;
  }

  /** Without it, where what is shown has a floor of its own. */
  setFloorShown(shown: boolean): void {
    this.floor.visible = shown;
  }

  /** Only a dim room, as around the wall. */
  quiet(): void {
    const canvas = document.createElement('canvas');
    canvas.width = COLUMNS;
    canvas.height = ROWS;
    const context = canvas.getContext('2d');
    if (context) {
      const shade = context.createLinearGradient(0, 0, 0, ROWS);
      shade.addColorStop(0, '#1d2233');
      shade.addColorStop(0.55, '#343b52');
      shade.addColorStop(1, '#14161f');
      context.fillStyle = shade;
      context.fillRect(0, 0, COLUMNS, ROWS);
    }
    this.take(canvas);
    this.shared.glow.value = 0.75;
    this.shared.lens.value.set(0, 0, 1.2, 0.9);
    this.tint.value.set(0.3, 0.34, 0.44);
    this.unframe();
  }

  /** The colours of a picture that this camera took. */
  suit(image: CanvasImageSource, camera: SourceCamera): void {
    const canvas = document.createElement('canvas');
    canvas.width = COLUMNS;
    canvas.height = ROWS;
    const context = canvas.getContext('2d', { willReadFrequently: true });
    context?.drawImage(image, 0, 0, COLUMNS, ROWS);
    this.take(canvas);
    const ground = context?.getImageData(0, ROWS - 2, COLUMNS, 2).data;
    if (ground) this.tint.value.fromArray(mean(ground)).multiplyScalar(0.55);
    const { fx, fy, cx, cy, width, height } = camera;
    const [left, right] = [-cx / fx, (width - cx) / fx];
    const [bottom, top] = [-(height - cy) / fy, cy / fy];
    this.photo.value.set(left, bottom, right, top);
    const [w, e, s, n] = [left, right, bottom, top].map(Math.atan) as [
      number,
      number,
      number,
      number,
    ];
    this.shared.lens.value.set((w + e) / 2, (s + n) / 2, (e - w) / 2, (n - s) / 2);
    this.shared.glow.value = 1;
  }

  /** Shows the photo through a window this far away, turned around the viewer as the photo is. */
  frame(distance: number, turn: THREE.Quaternion): void {
    this.window.visible = true;
    this.window.scale.setScalar(distance);
    this.dome.quaternion.copy(turn);
    this.window.quaternion.copy(turn);
  }

  /** The photo hangs before the viewer, without a window. */
  unframe(): void {
    this.window.visible = false;
    this.dome.quaternion.identity();
  }

  dispose(): void {
    for (const mesh of [this.dome, this.window, this.floor]) disposeMesh(mesh);
    this.shared.colours.value.dispose();
  }

  private take(canvas: HTMLCanvasElement): void {
    this.shared.colours.value.dispose();
    const map = pictureTexture(canvas);
    map.anisotropy = 1;
    this.shared.colours.value = map;
  }

  private material(
    fragmentShader: string,
    uniforms: Record<string, THREE.IUniform>,
    isWindow: boolean,
  ): THREE.ShaderMaterial {
    return new THREE.ShaderMaterial({
      vertexShader: DOME_VERTEX,
      fragmentShader,
      side: THREE.BackSide,
      transparent: isWindow,
      depthWrite: false,
      depthTest: false,
      uniforms: { ...this.shared, ...uniforms },
    });
  }
}

function mean(pixels: Uint8ClampedArray): [number, number, number] {
  const sum: [number, number, number] = [0, 0, 0];
  for (let i = 0; i < pixels.length; i += 4)
    for (let k = 0; k < 3; k += 1) sum[k as 0] += (pixels[i + k] as number) / 255;
  const n = pixels.length / 4;
  return [sum[0] / n, sum[1] / n, sum[2] / n];
}
