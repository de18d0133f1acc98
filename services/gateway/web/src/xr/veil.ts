import * as THREE from 'three';
import { disposeMesh, ORDER } from './paint';

const VERTEX = /* glsl */ `
  varying vec3 vDirection;
  void main() {
    vDirection = position;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }
`;

const FRAGMENT = /* glsl */ `
  uniform float vignette;
  uniform float dark;
  varying vec3 vDirection;
  void main() {
    float aside = acos(clamp(-normalize(vDirection).z, -1.0, 1.0));
    float edge = smoothstep(0.34, 0.62, aside) * vignette;
    float alpha = max(edge, dark);
    if (alpha < 0.004) discard;
    gl_FragColor = vec4(0.0, 0.0, 0.0, alpha);
  }
`;

/** Before the eyes: what darkens the edge while one is moved, and everything while something else is shown. */
export class Veil {
  readonly mesh: THREE.Mesh<THREE.SphereGeometry, THREE.ShaderMaterial>;
  private readonly vignette = { value: 0 };
  private readonly dark = { value: 0 };
  private fade: {
    from: number;
    to: number;
    seconds: number;
    gone: number;
    done: () => void;
  } | null = null;

  constructor() {
    const material = new THREE.ShaderMaterial({
      vertexShader: VERTEX,
      fragmentShader: FRAGMENT,
      side: THREE.BackSide,
      transparent: true,
      depthTest: false,
      depthWrite: false,
      uniforms: { vignette: this.vignette, dark: this.dark },
    });
    this.mesh = new THREE.Mesh(new THREE.SphereGeometry(0.3, 24, 16), material);
    this.mesh.renderOrder = ORDER.fade;
    this.mesh.frustumCulled = false;
  }

  /** Goes dark (1) or clear (0) in so many seconds. */
  fadeTo(to: number, seconds: number): Promise<void> {
    this.fade?.done();
    return new Promise((done) => {
      this.fade = { from: this.dark.value, to, seconds, gone: 0, done };
    });
  }

  step(seconds: number, vignette: number): void {
    this.vignette.value = vignette;
    const { fade } = this;
    if (fade) {
      fade.gone += seconds;
      const part = Math.min(fade.gone / fade.seconds, 1);
      this.dark.value = fade.from + (fade.to - fade.from) * part;
      if (part === 1) {
        this.fade = null;
        fade.done();
      }
    }
    this.mesh.visible = this.dark.value > 0.003 || vignette > 0.003;
  }

  dispose(): void {
    this.fade?.done();
    disposeMesh(this.mesh);
  }
}
