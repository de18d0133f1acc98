// Decodes the pictures named on stdin, `number<TAB>path` a line, as photo services do with sharp: upright, sRGB, over
// white. Writes the pixels to <folder>/<number>.raw and says on stdout what came of each.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const [, , modules, folder] = process.argv;
const sharp = createRequire(`${modules}/`)("sharp");

async function decode(path) {
  const picture = sharp(path, { failOn: "error", limitInputPixels: false });
  const flat = picture.rotate().toColourspace("srgb").flatten({ background: "#fff" }).removeAlpha();
  return flat.raw({ depth: "uchar" }).toBuffer({ resolveWithObject: true });
}

for await (const line of createInterface({ input: process.stdin })) {
  const [number, path] = line.split("\t");
  try {
    const { data, info } = await decode(path);
    writeFileSync(`${folder}/${number}.raw`, data);
    console.log(JSON.stringify({ number, shape: [info.height, info.width, info.channels] }));
  } catch (error) {
    console.log(JSON.stringify({ number, error: String(error.message).slice(0, 200) }));
  }
}
