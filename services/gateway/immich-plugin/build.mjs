import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const HERE = fileURLToPath(new URL('.', import.meta.url));

/** Makes the folder that Immich installs: a manifest and its wasm, for a gateway at one of `hosts`. */
export async function build(hosts, folder) {
  if (hosts.length === 0 || hosts.some((host) => !/^[A-Za-z0-9._-]+$/.test(host)))
    throw new Error('name the host of your gateway, without scheme and port');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const wasm = join(folder, 'plugin.wasm');
  const { error, stderr } = await asc.main([
    'assembly/plugin.ts',
    '--baseDir',
    HERE,
    '--outFile',
    wasm,
  ]);
  if (error) throw new Error(stderr.toString());
  // Immich imports a plugin again once its manifest has changed, and by nothing else.
  const hash = createHash('sha256').update(readFileSync(wasm)).digest('hex');
  const manifest = JSON.parse(readFileSync(join(HERE, 'manifest.json'), 'utf8'));
  manifest.wasmPath = `plugin-${hash.slice(0, 12)}.wasm`;
  for (const method of manifest.methods) method.allowedHosts = hosts;
  renameSync(wasm, join(folder, manifest.wasmPath));
  writeFileSync(join(folder, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  try {
    await build(process.argv.slice(2), join(HERE, 'dist', 'immichvr'));
    console.log("dist/immichvr is made: copy it to Immich's folder of plugins");
  } catch (error) {
    console.error(`${error.message}\nnpm run build -- vr.example.org`);
    process.exitCode = 2;
  }
}
