// The steps as Immich runs them: in Extism's host, with a stand-in for Immich's host functions.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import createPlugin from '@extism/extism';
import { build } from '../build.mjs';

const URL_OF_GATEWAY = 'https://vr.example.org/api/webhooks/immich/5c4f';
const CONFIG = {
  url: URL_OF_GATEWAY,
  secret: 's3cret',
  kind: 'splat',
  model: 'auto',
  quality: 'light',
};
const ASSET = {
  id: '0b7e',
  ownerId: '5c4f',
  type: 'IMAGE',
  visibility: 'timeline',
  isFavorite: false,
  originalFileName: 'Zoë "am" \\ See 🌊\n.jpg',
  checksum: { type: 'Buffer', data: [1, 2, 3] },
  exifInfo: { latitude: -33.5, description: '} ] "', fNumber: null },
};
const folder = mkdtempSync(join(tmpdir(), 'immichvr-plugin-'));
let manifest;
let plugin;
let calls;
let answer;

before(async () => {
  await build(['vr.example.org', 'localhost'], folder);
  manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'));
  const httpRequest = (current, place) => {
    calls.push(current.read(place).json());
    return current.store(JSON.stringify(answer));
  };
  const wasm = [{ data: readFileSync(join(folder, manifest.wasmPath)) }];
  const functions = { 'extism:host/user': { httpRequest } };
  plugin = await createPlugin({ wasm }, { useWasi: true, functions });
});

beforeEach(() => {
  calls = [];
  answer = { success: true, response: { ok: true, status: 202, body: '{"queued":true}' } };
});

after(async () => {
  await plugin.close();
  rmSync(folder, { recursive: true });
});

async function run(method, { config = {}, asset = {} } = {}) {
  const call = {
    trigger: 'AssetMetadataExtraction',
    type: 'AssetV1',
    config: { ...CONFIG, ...config },
    workflow: { id: 'w', authToken: 'immich-token', stepId: 's' },
    data: { asset: { ...ASSET, ...asset } },
  };
  const output = await plugin.call(method, JSON.stringify(call));
  return output.json();
}

test('a photo is sent as by the built-in webhook, with what is asked for', async () => {
  assert.deepEqual(await run('make3d'), { workflow: { continue: true } });
  assert.equal(calls.length, 1);
  const [url, { method, headers, body }] = calls[0].args;
  assert.equal(calls[0].authToken, 'immich-token');
  assert.equal(url, URL_OF_GATEWAY);
  assert.equal(method, 'POST');
  assert.deepEqual(headers, {
    'Content-Type': 'application/json',
    Authorization: 'Bearer s3cret',
  });
  assert.deepEqual(JSON.parse(body), {
    type: 'AssetV1',
    trigger: 'AssetMetadataExtraction',
    data: { asset: ASSET },
    ask: { kind: 'splat', model: 'auto', quality: 'light' },
  });
});

test('what is left out in the configuration is what the manifest says', async () => {
  await run('make3d', { config: { kind: undefined, model: undefined, quality: undefined } });
  const { properties } = manifest.methods[0].schema;
  const ask = JSON.parse(calls[0].args[1].body).ask;
  for (const name of ['kind', 'model', 'quality'])
    assert.equal(ask[name], properties[name].default);
});

test('making it move asks for a motion clip, whatever is configured', async () => {
  await run('makeItMove', { config: { kind: 'splat' } });
  assert.equal(JSON.parse(calls[0].args[1].body).ask.kind, 'motion');
});

test('nothing is sent of videos, of what is out of sight, and of what the filter leaves out', async () => {
  for (const [asset, config] of [
    [{ type: 'VIDEO' }],
    [{ visibility: 'locked' }],
    [{ visibility: 'hidden' }],
    [{}, { filter: 'favorites' }],
  ])
    assert.deepEqual(await run('make3d', { asset, config }), { workflow: { continue: true } });
  assert.equal(calls.length, 0);
  await run('make3d', { asset: { isFavorite: true }, config: { filter: 'favorites' } });
  assert.equal(calls.length, 1);
});

test('what the gateway refuses fails the step with its words, and without the secret', async () => {
  answer = {
    success: true,
    response: { ok: false, status: 401, body: '{"detail":"unknown secret"}' },
  };
  await assert.rejects(run('make3d'), (error) => {
    assert.match(String(error), /answered 401.*unknown secret/);
    assert.doesNotMatch(String(error), /s3cret|immich-token/);
    return true;
  });
});

test('a gateway that is not reached fails the step, and the next one works', async () => {
  for (const message of ['fetch failed', { statusCode: 400, message: 'fetch failed' }]) {
    answer = { success: false, status: 500, message };
    await assert.rejects(run('make3d'), /not reached.*fetch failed/s);
  }
  answer = { success: true, response: { ok: true, status: 202 } };
  assert.deepEqual(await run('make3d'), { workflow: { continue: true } });
});

test('a step that is not set up says what it lacks, and sends nothing', async () => {
  await assert.rejects(run('make3d', { config: { secret: '' } }), /no secret/);
  for (const url of ['', 'ftp://vr.example.org/api/webhooks/immich/x', 'https://elsewhere.example'])
    await assert.rejects(run('make3d', { config: { url } }), /the address of this step/);
  assert.equal(calls.length, 0);
});

test('what is no JSON fails the step, and the next one works', async () => {
  await assert.rejects(plugin.call('make3d', '{"config":{"url"'));
  assert.deepEqual(await run('make3d'), { workflow: { continue: true } });
});

test('many photos take no more memory than one', async () => {
  const asset = { exifInfo: { description: 'x'.repeat(50_000) } };
  for (let i = 0; i < 20; i++) await run('make3d', { asset });
  const before = process.memoryUsage().rss;
  for (let i = 0; i < 150; i++) {
    calls = [];
    await run('make3d', { asset });
  }
  assert.ok(process.memoryUsage().rss - before < 64e6);
});

test('the manifest is one that Immich takes', () => {
  assert.match(manifest.name, /^[a-z0-9-]+[a-z0-9]$/);
  assert.match(manifest.wasmPath, /^plugin-[0-9a-f]{12}\.wasm$/);
  const exported = WebAssembly.Module.exports(
    new WebAssembly.Module(readFileSync(join(folder, manifest.wasmPath))),
  ).map(({ name }) => name);
  for (const method of manifest.methods) {
    assert.ok(exported.includes(method.name));
    assert.deepEqual(method.allowedHosts, ['vr.example.org', 'localhost']);
    assert.equal(method.hostFunctions, true);
    for (const property of Object.values(method.schema.properties)) {
      assert.ok(property.title && property.description && property.type);
      assert.ok(!property.enum || property.enum.includes(property.default));
    }
  }
});

test('a plugin is not built for everywhere', async () => {
  await assert.rejects(build([], join(folder, 'none')), /name the host/);
  await assert.rejects(build(['*'], join(folder, 'none')), /name the host/);
});
