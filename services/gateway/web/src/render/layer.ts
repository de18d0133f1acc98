import * as THREE from 'three';
import { TIGHTNESS } from './tightness';

/** What a layer of a photo is drawn from: a grid of squares over it, each vertex as far away as its disparity says. */
export interface Layer {
  colour: THREE.Texture;
  disparity: THREE.Texture;
  /** Of disparity 0 and of 1, in inverse lengths. */
  inverseRange: THREE.Vector2;
  /** fx, fy, cx, cy, in parts of the photo's width and height. */
  intrinsics: THREE.Vector4;
  /** How large the photo is on screen at rest, in device pixels; it changes. */
  restSize: THREE.Vector2;
  /** A cell stretched to this many times its size is gone; half of that, it starts to fade. 0: none is. */
  stretchGone: number;
}

/** Makes a layer's material as what draws it has them. */
export type LayerOf = (layer: Layer) => THREE.Material;

/** What is so little of a fragment that it is left out. */
export const LEAST_ALPHA = 0.02;
/** Which of the smaller pictures of a texture is looked at, in levels from the usual one. */
export const SHARPER = -0.5;

const VERTEX = /* glsl */ `
  uniform sampler2D disparity;
  uniform vec2 inverseRange;
  uniform vec4 intrinsics;
  varying vec3 vSource;
  varying float vViewDepth;

  void main() {
    float depth = 1.0 / mix(inverseRange.x, inverseRange.y, textureLod(disparity, uv, 0.0).r);
    vec2 pixel = vec2(uv.x, 1.0 - uv.y);
    vec2 ray = (pixel - intrinsics.zw) / intrinsics.xy;
    vec4 view = modelViewMatrix * vec4(ray.x * depth, -ray.y * depth, -depth, 1.0);
    // In this form the place in the photo is linear in space, across depth steps too.
    vSource = vec3(uv * depth, depth);
    vViewDepth = -view.z / length(modelMatrix[0].xyz);
    gl_Position = projectionMatrix * view;
  }
`;

const FRAGMENT = /* glsl */ `
  uniform sampler2D colour;
  uniform float stretchGone;
  varying vec3 vSource;
  varying float vViewDepth;

  ${TIGHTNESS}
  void main() {
    vec2 uv = vSource.xy / vSource.z;
    float alpha = 1.0;
    if (stretchGone > 0.0) {
      float stretch = (vViewDepth / vSource.z) / max(tightness(uv), 1e-4);
      alpha = 1.0 - smoothstep(stretchGone * 0.5, stretchGone, stretch);
      if (alpha < ${LEAST_ALPHA}) discard;
    }
    gl_FragColor = vec4(texture2D(colour, uv, ${SHARPER.toFixed(1)}).rgb, alpha);
  }
`;

/** A layer as WebGL 2 draws it. */
export const layerByShaders: LayerOf = (layer) =>
  new THREE.ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    transparent: true,
    uniforms: Object.fromEntries(Object.entries(layer).map(([name, value]) => [name, { value }])),
  });
