/**
 * Plain points against instanced squares: how long a frame takes with each, in the browser's software renderer.
 * `node dev/pointsBench.mjs [count…]` prints a table; what a GPU makes of either is not measured.
 */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { openBrowser } from '../test/browser/browser.mjs';

const THREE = new URL('../node_modules/three/build/', import.meta.url);
const FRAMES = 9;
const COUNTS = process.argv.slice(2).map(Number);

const PAGE = `<!doctype html><script type="importmap">{"imports":{"three":"./three.module.js"}}</script>
<canvas width="960" height="540"></canvas>`;

/** Runs in the page: milliseconds of a frame, the median of some, until its last pixel is there. */
async function measure({ count, kind, frames }) {
  const THREE = await import('three');
  const canvas = document.querySelector('canvas').cloneNode();
  const renderer = new THREE.WebGLRenderer({ canvas, antialias: false });
  const camera = new THREE.PerspectiveCamera(60, 960 / 540, 0.01, 100);
  const positions = new Float32Array(count * 3);
  const colours = new Uint8Array(count * 3);
  for (let i = 0; i < count * 3; i += 1) {
    positions[i] = (Math.sin(i * 12.9898) * 43758.5453) % 1;
    colours[i] = (i * 37) % 256;
  }
  for (let i = 2; i < positions.length; i += 3) positions[i] -= 2;
  const scene = new THREE.Scene();
  if (kind === 'plain') {
    const geometry = new THREE.BufferGeometry();
    geometry.setAttribute('position', new THREE.BufferAttribute(positions, 3));
    geometry.setAttribute('color', new THREE.BufferAttribute(colours, 3, true));
    const look = { vertexColors: true, sizeAttenuation: false, size: 3 };
    scene.add(new THREE.Points(geometry, new THREE.PointsMaterial(look)));
  } else {
    const square = new THREE.InstancedBufferGeometry();
    const corners = [-1, -1, 0, 1, -1, 0, 1, 1, 0, -1, 1, 0];
    square.setAttribute('position', new THREE.Float32BufferAttribute(corners, 3));
    square.setIndex([0, 1, 2, 0, 2, 3]);
    square.setAttribute('at', new THREE.InstancedBufferAttribute(positions, 3));
    square.setAttribute('shade', new THREE.InstancedBufferAttribute(colours, 3, true));
    square.instanceCount = count;
    const material = new THREE.ShaderMaterial({
      vertexShader: `attribute vec3 at; attribute vec3 shade; varying vec3 tint;
        void main() {
          tint = shade;
          gl_Position = projectionMatrix * modelViewMatrix * vec4(at, 1.0);
          gl_Position.xy += position.xy * 3.0 / vec2(960.0, 540.0) * gl_Position.w;
        }`,
      fragmentShader: 'varying vec3 tint; void main() { gl_FragColor = vec4(tint, 1.0); }',
    });
    const mesh = new THREE.Mesh(square, material);
    mesh.frustumCulled = false;
    scene.add(mesh);
  }
  const gl = renderer.getContext();
  const pixel = new Uint8Array(4);
  const taken = [];
  for (let frame = 0; frame < frames + 2; frame += 1) {
    camera.rotation.y = frame * 0.01;
    const began = performance.now();
    renderer.render(scene, camera);
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
    if (frame > 1) taken.push(performance.now() - began);
  }
  renderer.dispose();
  renderer.forceContextLoss();
  return taken.sort((a, b) => a - b)[taken.length >> 1];
}

const server = createServer((request, response) => {
  const name = request.url.slice(1);
  const isScript = name.endsWith('.js');
  response.writeHead(200, { 'content-type': isScript ? 'text/javascript' : 'text/html' });
  response.end(isScript ? readFileSync(new URL(name, THREE)) : PAGE);
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const browser = await openBrowser();
const page = await browser.newPage();
await page.goto(`http://127.0.0.1:${server.address().port}/`);
for (const count of COUNTS.length ? COUNTS : [100_000, 500_000]) {
  const found = {};
  // In turn, so that what else the machine does counts for both.
  for (let round = 0; round < 3; round += 1) {
    for (const kind of ['plain', 'instanced']) {
      const ms = await page.evaluate(measure, { count, kind, frames: FRAMES });
      found[kind] = Math.min(found[kind] ?? Number.POSITIVE_INFINITY, ms);
    }
  }
  const ratio = (found.instanced / found.plain).toFixed(2);
  console.log(
    `${count} points: plain ${found.plain.toFixed(1)} ms, instanced ${found.instanced.toFixed(1)} ms, ${ratio} times`,
  );
}
await browser.close();
server.close();
