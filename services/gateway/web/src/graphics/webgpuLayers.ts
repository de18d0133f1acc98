import {
  cameraProjectionMatrix,
  Discard,
  Fn,
  float,
  If,
  max,
  mix,
  modelViewMatrix,
  modelWorldMatrix,
  smoothstep,
  texture,
  uniform,
  uv,
  varying,
  vec2,
  vec3,
  vec4,
} from 'three/tsl';
import { type Node, NodeMaterial } from 'three/webgpu';
import { type Layer, type LayerOf, LEAST_ALPHA, SHARPER } from '../render/layer';

/** A layer as WebGPU draws it: what `render/layer.ts` says in GLSL, said in nodes. */
export const layerByNodes: LayerOf = (layer) => {
  const material = new NodeMaterial();
  material.transparent = true;
  const inverseRange = uniform(layer.inverseRange);
  const intrinsics = uniform(layer.intrinsics);
  const seen = texture(layer.disparity, uv()).level(float(0)).r;
  const depth = float(1).div(mix(inverseRange.x, inverseRange.y, seen));
  const ray = vec2(uv().x, float(1).sub(uv().y)).sub(intrinsics.zw).div(intrinsics.xy);
  const view = modelViewMatrix.mul(
    vec4(ray.x.mul(depth), ray.y.mul(depth).negate(), depth.negate(), 1),
  );
  const source = varying(vec3(uv().mul(depth), depth));
  const viewDepth = varying(
    view.z.negate().div(modelWorldMatrix.mul(vec4(1, 0, 0, 0)).xyz.length()),
  );
  material.vertexNode = cameraProjectionMatrix.mul(view);
  const at = source.xy.div(source.z);
  const colour = texture(layer.colour, at).bias(float(SHARPER));
  material.fragmentNode = Fn(() => {
    // Before anything is left out: neighbours are needed for the size of what is looked at.
    const rgb = colour.rgb.toVar();
    const alpha = float(1).toVar();
    if (layer.stretchGone > 0) {
      alpha.assign(alphaOf(layer, at, viewDepth.div(source.z)));
      If(alpha.lessThan(LEAST_ALPHA), () => {
        Discard();
      });
    }
    return vec4(rgb, alpha);
  })();
  return material;
};

/** How much is seen of a fragment, by how far its cell is pulled apart. */
function alphaOf({ restSize, stretchGone }: Layer, at: Node<'vec2'>, farther: Node<'float'>) {
  const size = uniform(restSize);
  const dx = at.dFdx().mul(size);
  const dy = at.dFdy().mul(size);
  const sum = dx.dot(dx).add(dy.dot(dy));
  const area = dx.x.mul(dy.y).sub(dx.y.mul(dy.x));
  const root = max(sum.mul(sum).sub(area.mul(area).mul(4)), 0).sqrt();
  const tightness = max(sum.sub(root), 0).mul(0.5).sqrt();
  const stretch = farther.div(max(tightness, 1e-4));
  return float(1).sub(smoothstep(stretchGone * 0.5, stretchGone, stretch));
}
