/**
 * How long a frame of points takes in the browser's software renderer: plain points and instanced squares of WebGL 2, and
 * instanced squares of WebGPU, whose plain points are single pixels. `node dev/pointsBench.mjs [--json file] [count…]`
 * prints a table, and writes its figures into `file` under `points`. What a graphics device makes of them is not measured.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { openBrowser, WEBGPU } from '../test/browser/browser.mjs';

const THREE = new URL('../node_modules/three/build/', import.meta.url);
const [FRAMES, ROUNDS] = [3, 3];
const KINDS = ['plain', 'instanced', 'webgpu'];
const PAGE = `<!doctype html><script type="importmap">{"imports":{
  "three": "./three.module.js", "three/webgpu": "./three.webgpu.js", "three/tsl": "./three.tsl.js"
}}</script><canvas width="960" height="540"></canvas>`;

/** Runs in the page: milliseconds of each of some frames, until its last pixel is there. */
async function measure({ count, kind, frames }) {
  const THREE = await import('three');
  const canvas = document.querySelector('canvas').cloneNode();
  document.querySelector('canvas').replaceWith(canvas);
  const camera = new THREE.PerspectiveCamera(60, 960 / 540, 0.01, 100);
  const positions = new Float32Array(count * 3);
  const colours = new Uint8Array(count * 4).fill(255);
  for (let i = 0; i < count * 3; i += 1) positions[i] = (Math.sin(i * 12.9898) * 43758.5453) % 1;
  for (let i = 0; i < count * 4; i += 1) if (i % 4 < 3) colours[i] = (i * 37) % 256;
  for (let i = 2; i < positions.length; i += 3) positions[i] -= 2;

  const squares = () => {
    const square = new THREE.InstancedBufferGeometry();
    const corners = [-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0];
    square.setAttribute('position', new THREE.Float32BufferAttribute(corners, 3));
    square.setIndex([0, 1, 2, 0, 2, 3]);
    square.setAttribute('at', new THREE.InstancedBufferAttribute(positions, 3));
    square.setAttribute('shade', new THREE.InstancedBufferAttribute(colours, 4, true));
    square.instanceCount = count;
    return square;
  };
  const ways = {
    plain() {
      const geometry = new THREE.BufferGeometry();
      geometry.setAttribute('position', new THREE.BufferAttribute(positions, 3));
      geometry.setAttribute('color', new THREE.BufferAttribute(colours, 4, true));
      const look = { vertexColors: true, sizeAttenuation: false, size: 3 };
      return byWebGl(new THREE.Points(geometry, new THREE.PointsMaterial(look)));
    },
    instanced() {
      const material = new THREE.ShaderMaterial({
        vertexShader: `attribute vec3 at; attribute vec4 shade; varying vec4 tint;
          void main() {
            tint = shade;
            gl_Position = projectionMatrix * modelViewMatrix * vec4(at, 1.0);
            gl_Position.xy += position.xy * 3.0 / vec2(960.0, 540.0) * gl_Position.w;
          }`,
        fragmentShader: 'varying vec4 tint; void main() { gl_FragColor = tint; }',
      });
      return byWebGl(new THREE.Mesh(squares(), material));
    },
    async webgpu() {
      const { NodeMaterial, WebGPURenderer } = await import('three/webgpu');
      const {
        attribute,
        cameraProjectionMatrix,
        modelViewMatrix,
        positionGeometry,
        varying,
        vec2,
        vec4,
      } = await import('three/tsl');
      const material = new NodeMaterial();
      const middle = cameraProjectionMatrix
        .mul(modelViewMatrix)
        .mul(vec4(attribute('at', 'vec3'), 1));
      const corner = positionGeometry.xy.mul(3).div(vec2(960, 540)).mul(middle.w);
      material.vertexNode = vec4(middle.xy.add(corner), middle.z, middle.w);
      material.fragmentNode = varying(attribute('shade', 'vec4'));
      const renderer = new WebGPURenderer({ canvas, antialias: false });
      await renderer.init();
      renderer.outputColorSpace = THREE.LinearSRGBColorSpace;
      const scene = sceneOf(new THREE.Mesh(squares(), material));
      return {
        async draw() {
          renderer.render(scene, camera);
          await renderer.backend.device.queue.onSubmittedWorkDone();
        },
        end: () => renderer.dispose(),
      };
    },
  };
  function sceneOf(cloud) {
    cloud.frustumCulled = false;
    return new THREE.Scene().add(cloud);
  }
  function byWebGl(cloud) {
    const renderer = new THREE.WebGLRenderer({ canvas, antialias: false });
    const scene = sceneOf(cloud);
    const gl = renderer.getContext();
    const pixel = new Uint8Array(4);
    return {
      draw() {
        renderer.render(scene, camera);
        gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
      },
      end() {
        renderer.dispose();
        renderer.forceContextLoss();
      },
    };
  }

  const { draw, end } = await ways[kind]();
  const taken = [];
  for (let frame = 0; frame < frames + 2; frame += 1) {
    camera.rotation.y = frame * 0.01;
    const began = performance.now();
    await draw();
    if (frame > 1) taken.push(performance.now() - began);
  }
  await end();
  return taken;
}

const { values, positionals } = parseArgs({
  options: { json: { type: 'string' } },
  allowPositionals: true,
});
const counts = positionals.length ? positionals.map(Number) : [20_000, 100_000, 300_000];
const server = createServer((request, response) => {
  const name = request.url.slice(1);
  const isScript = name.endsWith('.js');
  response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
  response.end(isScript ? readFileSync(new URL(name, THREE)) : PAGE);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const browser = await openBrowser(...WEBGPU);
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);
const median = (taken) => [...taken].sort((a, b) => a - b)[taken.length >> 1];
const found = { load: Number(loadavg()[0].toFixed(2)) };
for (const count of counts) {
  const taken = Object.fromEntries(KINDS.map((kind) => [kind, []]));
  // In turn, so that what else the machine does counts for all.
  for (let round = 0; round < ROUNDS; round += 1)
    for (const kind of KINDS)
      taken[kind].push(...(await page.evaluate(measure, { count, kind, frames: FRAMES })));
  const ms = Object.fromEntries(
    KINDS.map((kind) => [`${kind}_ms`, Math.round(median(taken[kind]))]),
  );
  found[count] = ms;
  console.log(
    `${count} points: ${KINDS.map((kind) => `${kind} ${ms[`${kind}_ms`]} ms`).join(', ')}`,
  );
}
await browser.close();
server.close();
if (values.json) {
  const before = JSON.parse(readFileSync(values.json, 'utf8'));
  writeFileSync(values.json, `${JSON.stringify({ ...before, points: found }, null, 2)}\n`);
}
