import { expect, test } from 'vitest';
import { readCameras, UnusableCameras, withCamera } from '../src/scenes/cameras';
import { texts } from '../src/texts';

const t = texts.scenes.cameras;
const POSE = [
  [1, 0, 0, 0.5],
  [0, 1, 0, 0],
  [0, 0, 1, 0],
  [0, 0, 0, 1],
];
const of = (file_path: string, more: object = {}) => ({
  file_path,
  transform_matrix: POSE,
  ...more,
});
const file = (told: unknown) => new Blob([typeof told === 'string' ? told : JSON.stringify(told)]);
const two = [of('images/a.png'), of('images/b.png')];

test('of a transforms.json what the gateway takes is read, of all cameras and of each', async () => {
  const told = {
    fl_x: 500,
    w: 640,
    h: 480,
    aabb_scale: 16,
    frames: [of('a.png', { sharpness: 9, fl_x: 400 }), { photo_id: 'p-2', transform_matrix: POSE }],
  };
  expect(await readCameras(file(told))).toEqual({
    fl_x: 500,
    w: 640,
    h: 480,
    frames: [of('a.png', { fl_x: 400 }), { photo_id: 'p-2', transform_matrix: POSE }],
  });
});

test.each([
  ['{', t.noJson],
  ['[1, 2]', t.noCameras],
  ['null', t.noCameras],
  [{ frames: {} }, t.noCameras],
  [{ frames: [of('a.png')] }, t.count(1, 1000)],
  [{ frames: Array.from({ length: 1001 }, () => of('a.png')) }, t.count(1001, 1000)],
  [{ frames: [...two, { transform_matrix: POSE }] }, t.noName(3)],
  [{ frames: [...two, 7] }, t.noName(3)],
  [{ frames: [...two, { file_path: 'c.png' }] }, t.noPose('c.png')],
  [{ frames: [...two, of('c.png', { transform_matrix: POSE.slice(1) })] }, t.noPose('c.png')],
  [
    { frames: [...two, of('c.png', { transform_matrix: [[1], [2], [3], [4]] })] },
    t.noPose('c.png'),
  ],
])('what is wrong with %j is said', async (told, words) => {
  await expect(readCameras(file(told))).rejects.toThrow(new UnusableCameras(words));
});

test('what is far too large is not read', async () => {
  const text = () => Promise.reject(new Error('it was read'));
  await expect(readCameras({ size: 1e9, text })).rejects.toThrow(new UnusableCameras(t.tooLarge));
});

test('a file that has changed since it was chosen is said to be that', async () => {
  const text = () => Promise.reject(new DOMException('could not be read', 'NotReadableError'));
  await expect(readCameras({ size: 9, text })).rejects.toThrow(new UnusableCameras(t.unreadable));
});

test('photos of one name have no camera by it, as it tells neither', async () => {
  const frames = [of('IMG_1.jpg'), of('IMG_2.png'), of('IMG_3.jpg')];
  const cameras = await readCameras(file({ frames }));
  const photos = [
    { id: 'one', name: 'IMG_1.jpg' },
    { id: 'another one', name: 'IMG_1.jpg' },
    { id: 'two', name: 'IMG_2.jpg' },
    { id: 'another two', name: 'IMG_2.HEIC' },
    { id: 'three', name: 'IMG_3.jpg' },
    { id: 'another three', name: 'IMG_3.HEIC' },
  ];
  expect(withCamera(cameras, photos).map(({ id }) => id)).toEqual(['three']);
});

test('photos are told by their id, their name in whatever folder, or that without its ending', async () => {
  const cameras = await readCameras(
    file({
      frames: [
        of('images/IMG_1.jpg'),
        of('C:\\shots\\IMG_2.png'),
        of('IMG_3'),
        { photo_id: 'four', file_path: 'IMG_5.jpg', transform_matrix: POSE },
      ],
    }),
  );
  const photos = [
    { id: 'one', name: 'IMG_1.jpg' },
    { id: 'two', name: 'IMG_2.HEIC' },
    { id: 'three', name: 'IMG_3.jpg' },
    { id: 'four', name: 'else.jpg' },
    { id: 'five', name: 'IMG_5.jpg' },
    { id: 'six', name: 'IMG_10.jpg' },
  ];
  const found = withCamera(cameras, photos).map(({ id }) => id);
  expect(found).toEqual(['one', 'two', 'three', 'four']);
});
