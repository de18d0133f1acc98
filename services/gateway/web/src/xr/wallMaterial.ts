import * as THREE from 'three';
import type { WallShape } from './wallLayout';

const VERTEX = /* glsl */ `
  attribute vec4 cell; // azimuth, height above the eyes, layer, glow
  uniform float radius;
  uniform vec2 size;
  varying vec2 vUv;
  varying float vLayer;
  varying float vGlow;
  varying float vAside;

  void main() {
    vUv = uv;
    vLayer = cell.z;
    vGlow = cell.w;
    float closer = radius * (1.0 - 0.035 * cell.w);
    float grown = 1.0 + 0.05 * cell.w;
    float azimuth = cell.x + position.x * size.x * grown;
    vAside = abs(cell.x);
    vec3 place = vec3(sin(azimuth) * closer, cell.y + position.y * size.y * grown, -cos(azimuth) * closer);
    gl_Position = projectionMatrix * modelViewMatrix * vec4(place, 1.0);
  }
`;

const FRAGMENT = /* glsl */ `
  precision highp sampler2DArray;
  uniform sampler2DArray pictures;
  uniform float span;
  uniform vec2 corners;
  varying vec2 vUv;
  varying float vLayer;
  varying float vGlow;
  varying float vAside;

  void main() {
    // Rounded corners, and a soft edge of about a pixel.
    vec2 from = (abs(vUv - 0.5) - 0.5) * corners + 0.06;
    float outside = length(max(from, 0.0)) - 0.06;
    float soft = fwidth(outside) + 1e-5;
    float inside = 1.0 - smoothstep(-soft, soft, outside);
    vec3 colour = vLayer < 0.0
      ? vec3(0.13, 0.145, 0.19)
      : texture(pictures, vec3(vUv.x, 1.0 - vUv.y, floor(vLayer + 0.5))).rgb;
    float rim = smoothstep(-0.035 - soft, -0.035, outside) * vGlow;
    colour = mix(colour, vec3(0.72, 0.8, 1.0), rim);
    float alpha = inside * (1.0 - smoothstep(span * 0.42, span * 0.55, vAside));
    if (alpha < 0.01) discard;
    gl_FragColor = vec4(colour, alpha);
  }
`;

/** Draws thumbnails, each a layer of one texture, on a cylinder around the origin. */
export function wallMaterial(pictures: THREE.Texture): THREE.ShaderMaterial {
  return new THREE.ShaderMaterial({
    vertexShader: VERTEX,
    fragmentShader: FRAGMENT,
    transparent: true,
    depthWrite: false,
    side: THREE.DoubleSide,
    uniforms: {
      pictures: { value: pictures },
      radius: { value: 1 },
      size: { value: new THREE.Vector2() },
      corners: { value: new THREE.Vector2() },
      span: { value: 1 },
    },
  });
}

/** Tells it how large thumbnails are, and how far around they go. */
export function tellShape(material: THREE.ShaderMaterial, shape: WallShape): void {
  const { uniforms } = material;
  (uniforms.radius as THREE.IUniform).value = shape.radius;
  (uniforms.size as THREE.IUniform).value.set(shape.width, shape.height);
  (uniforms.corners as THREE.IUniform).value.set((shape.width * shape.radius) / shape.height, 1);
  (uniforms.span as THREE.IUniform).value = (shape.columns + 1.5) * shape.pitch;
}
