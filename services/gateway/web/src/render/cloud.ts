import * as THREE from 'three';

/** Points of a place, as PLY has them: positions (n, 3) in its axes, and colours (n, 3) of 0 to 255. */
export interface Points {
  positions: Float32Array;
  colours: Uint8Array;
}

/** How large a point is on the page, in its pixels. */
export const POINT_PIXELS = 3;

/** Points as a scene of three shows them: its y and z point the other way. */
export type Cloud = THREE.Points | THREE.Mesh;
/** Makes them as what draws them has them. Materials are shared by all that one of these makes. */
export type CloudOf = (points: Points) => Cloud;

/** Points as WebGL 2 draws them. */
export function plainPoints(): CloudOf {
  const material = new THREE.PointsMaterial({
    vertexColors: true,
    sizeAttenuation: false,
    size: POINT_PIXELS,
  });
  material.onBeforeCompile = (shader) => {
    // The bytes are sRGB already and go to the screen as they are, as splats do.
    shader.fragmentShader = shader.fragmentShader.replace('#include <colorspace_fragment>', '');
  };
  return ({ positions, colours }) => {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', new THREE.BufferAttribute(positions, 3));
    geometry.setAttribute('color', new THREE.BufferAttribute(colours, 3, true));
    return turned(new THREE.Points(geometry, material));
  };
}

/** From the axes of files, OpenCV's, to three's. What is not in view is left out by whoever has tiles. */
export function turned<C extends Cloud>(cloud: C): C {
  cloud.frustumCulled = false;
  cloud.quaternion.set(1, 0, 0, 0);
  return cloud;
}

/** Lets go of a cloud: also of what was made to draw it, which its shared material would hold for good. */
export function forgetCloud(cloud: Cloud): void {
  cloud.geometry.dispose();
  cloud.dispose();
}

/** How many points a cloud has. */
export function countOf({ geometry }: Cloud): number {
  if (geometry instanceof THREE.InstancedBufferGeometry) return geometry.instanceCount;
  return geometry.getAttribute('position').count;
}
