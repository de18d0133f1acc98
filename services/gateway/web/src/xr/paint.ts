import * as THREE from 'three';
import type { Part } from './projection';

/**
 * Materials of VR. Pictures are drawn as they are stored, without lights or conversions, and so are colours: what is
 * white in a photo is white on the wall.
 */

const PICTURE_VERTEX = /* glsl */ `
  uniform vec4 part;
  varying vec2 vPlace;
  varying vec2 vUv;
  void main() {
    vPlace = uv;
    vUv = part.xy + uv * part.zw;
    gl_Position = projectionMatrix * modelViewMatrix * vec4(position, 1.0);
  }
`;

const PICTURE_FRAGMENT = /* glsl */ `
  uniform sampler2D map;
  uniform float opacity;
  uniform vec2 feather;
  varying vec2 vPlace;
  varying vec2 vUv;
  void main() {
    vec4 texel = texture2D(map, vUv);
    vec2 within = min(vPlace, 1.0 - vPlace) / max(feather, vec2(1e-5));
    float edge = clamp(min(within.x, within.y), 0.0, 1.0);
    gl_FragColor = vec4(texel.rgb, texel.a * opacity * edge);
  }
`;

const PLAIN_VERTEX = /* glsl */ `
  void main() {
    vec4 place = vec4(position, 1.0);
    #ifdef USE_INSTANCING
      place = instanceMatrix * place;
    #endif
    gl_Position = projectionMatrix * modelViewMatrix * place;
  }
`;

const PLAIN_FRAGMENT = /* glsl */ `
  uniform vec4 colour;
  void main() {
    gl_FragColor = colour;
  }
`;

export type PictureMaterial = THREE.ShaderMaterial & {
  uniforms: Record<'map' | 'opacity' | 'part' | 'feather', THREE.IUniform>;
};

/** A picture, or a part of one. feather: how much of it fades at its edges, across and up, 0 to 1. */
export function pictureMaterial(
  map: THREE.Texture,
  { part = [0, 0, 1, 1] as Part, feather = [0, 0], side = THREE.FrontSide as THREE.Side } = {},
): PictureMaterial {
  return new THREE.ShaderMaterial({
    vertexShader: PICTURE_VERTEX,
    fragmentShader: PICTURE_FRAGMENT,
    transparent: true,
    depthWrite: false,
    side,
    uniforms: {
      map: { value: map },
      opacity: { value: 1 },
      part: { value: new THREE.Vector4(...part) },
      feather: { value: new THREE.Vector2(feather[0], feather[1]) },
    },
  }) as PictureMaterial;
}

export function plainMaterial(
  colour: [number, number, number],
  opacity = 1,
): THREE.ShaderMaterial & { uniforms: { colour: { value: THREE.Vector4 } } } {
  return new THREE.ShaderMaterial({
    vertexShader: PLAIN_VERTEX,
    fragmentShader: PLAIN_FRAGMENT,
    transparent: true,
    depthWrite: false,
    depthTest: false,
    uniforms: { colour: { value: new THREE.Vector4(...colour, opacity) } },
  }) as never;
}

/** A picture as a texture whose values stay as they are. */
export function pictureTexture(image: TexImageSource & { width: number }): THREE.Texture {
  const map = new THREE.Texture(image as HTMLImageElement);
  map.colorSpace = THREE.NoColorSpace;
  map.minFilter = THREE.LinearMipmapLinearFilter;
  map.anisotropy = 4;
  map.needsUpdate = true;
  return map;
}

export const ACCENT: [number, number, number] = [0.62, 0.72, 1];

/** Draws after everything else, in this order. */
export const ORDER = {
  dome: -20,
  floor: -19,
  picture: -5,
  frame: 20,
  wall: 30,
  panel: 40,
  body: 55,
  ray: 60,
  vignette: 80,
  fade: 90,
} as const;

export function disposeMesh(mesh: THREE.Mesh): void {
  mesh.removeFromParent();
  mesh.geometry.dispose();
  const { material } = mesh;
  for (const one of Array.isArray(material) ? material : [material]) one.dispose();
}
