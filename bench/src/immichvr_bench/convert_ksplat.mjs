// Makes a .ksplat with its reference implementation, for the bench.
// node convert_ksplat.mjs IN.ply OUT.ksplat LEVEL SH_DEGREE, run where @mkkellogg/gaussian-splats-3d is installed.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const found = createRequire(`${process.cwd()}/`).resolve("@mkkellogg/gaussian-splats-3d/build/gaussian-splats-3d.module.js");
const { PlyParser, SplatBufferGenerator } = await import(pathToFileURL(found));

const [input, output, level, degree] = process.argv.slice(2);
const bytes = readFileSync(input);
const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
const splats = PlyParser.parseToUncompressedSplatArray(buffer, Number(degree));
const made = SplatBufferGenerator.getStandardGenerator(1, Number(level)).generateFromUncompressedSplatArray(splats);
writeFileSync(output, Buffer.from(made.bufferData));
