import * as THREE from 'three';
import { disposeMesh, ORDER } from './paint';

/** Joints of a hand, as WebXR counts them. */
const JOINTS = 25;
const LEAST_RADIUS = 0.006;

const VERTEX = /* glsl */ `
  varying float vRim;
  void main() {
    #ifdef USE_INSTANCING
      vec4 view = modelViewMatrix * instanceMatrix * vec4(position, 1.0);
      vec3 facing = normalize(normalMatrix * mat3(instanceMatrix) * normal);
    #else
      vec4 view = modelViewMatrix * vec4(position, 1.0);
      vec3 facing = normalize(normalMatrix * normal);
    #endif
    vRim = 1.0 - abs(dot(facing, normalize(-view.xyz)));
    gl_Position = projectionMatrix * view;
  }
`;

const FRAGMENT = /* glsl */ `
  varying float vRim;
  void main() {
    gl_FragColor = vec4(mix(vec3(0.2, 0.22, 0.28), vec3(0.72, 0.78, 0.95), vRim * vRim), 1.0);
  }
`;

const material = () => new THREE.ShaderMaterial({ vertexShader: VERTEX, fragmentShader: FRAGMENT });

/** What one sees of one's own hand: a plain controller, or the joints of the hand. Nothing of it is fetched. */
export class Body {
  private readonly handle: THREE.Mesh;
  private readonly joints: THREE.InstancedMesh;

  constructor(
    grip: THREE.Object3D,
    private readonly hand: THREE.XRHandSpace,
    rig: THREE.Object3D,
  ) {
    // From the fist towards the thumb, as a grip lies.
    const handle = new THREE.CapsuleGeometry(0.016, 0.075, 4, 12).rotateX(-Math.PI / 2 + 0.35);
    this.handle = new THREE.Mesh(handle.translate(0, 0.004, 0.01), material());
    this.joints = new THREE.InstancedMesh(new THREE.SphereGeometry(1, 10, 8), material(), JOINTS);
    this.joints.frustumCulled = false;
    for (const mesh of [this.handle, this.joints]) mesh.renderOrder = ORDER.body;
    grip.add(this.handle);
    rig.add(this.joints);
  }

  step(source: XRInputSource | null): void {
    this.handle.visible = source !== null && !source.hand;
    this.joints.visible = Boolean(source?.hand);
    if (!source?.hand) return;
    let n = 0;
    const place = new THREE.Matrix4();
    for (const joint of Object.values(this.hand.joints)) {
      if (!joint?.visible || n >= JOINTS) continue;
      const radius = Math.max((joint as { jointRadius?: number }).jointRadius ?? 0, LEAST_RADIUS);
      place.makeScale(radius, radius, radius).setPosition(joint.position);
      this.joints.setMatrixAt(n, place);
      n += 1;
    }
    this.joints.count = n;
    this.joints.instanceMatrix.needsUpdate = true;
  }

  dispose(): void {
    this.joints.dispose();
    disposeMesh(this.handle);
    disposeMesh(this.joints);
  }
}
