import * as THREE from 'three';
import {
  attribute,
  cameraProjectionMatrix,
  modelViewMatrix,
  positionGeometry,
  screenDPR,
  screenSize,
  varying,
  vec4,
} from 'three/tsl';
import { NodeMaterial } from 'three/webgpu';
import { type CloudOf, POINT_PIXELS, turned } from '../render/cloud';

const CORNERS = [-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0];
const SQUARE = [0, 1, 2, 0, 2, 3];

/** Points as WebGPU draws them: a square for each, since its own points are single pixels. */
export function pointsByNodes(): CloudOf {
  const material = squares();
  const corners = new THREE.Float32BufferAttribute(CORNERS, 3);
  return ({ positions, colours }) => {
    const geometry = new THREE.InstancedBufferGeometry();
    geometry.setAttribute('position', corners);
    geometry.setIndex(SQUARE);
    geometry.setAttribute('at', new THREE.InstancedBufferAttribute(positions, 3));
    geometry.setAttribute('shade', new THREE.InstancedBufferAttribute(opaque(colours), 4, true));
    geometry.instanceCount = positions.length / 3;
    return turned(new THREE.Mesh(geometry, material));
  };
}

function squares(): NodeMaterial {
  const material = new NodeMaterial();
  const middle = cameraProjectionMatrix.mul(modelViewMatrix).mul(vec4(attribute('at', 'vec3'), 1));
  const corner = positionGeometry.xy.mul(screenDPR.mul(POINT_PIXELS)).div(screenSize);
  material.vertexNode = vec4(middle.xy.add(corner.mul(middle.w)), middle.z, middle.w);
  material.fragmentNode = varying(attribute('shade', 'vec4'));
  return material;
}

/** Four bytes for each colour: WebGPU reads nothing that is not of whole words. */
function opaque(colours: Uint8Array): Uint8Array {
  const count = colours.length / 3;
  const shades = new Uint8Array(count * 4).fill(255);
  for (let point = 0; point < count; point += 1) {
    shades[point * 4] = colours[point * 3] as number;
    shades[point * 4 + 1] = colours[point * 3 + 1] as number;
    shades[point * 4 + 2] = colours[point * 3 + 2] as number;
  }
  return shades;
}
