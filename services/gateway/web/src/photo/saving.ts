const PNG = 'image/png';
/** Some browsers read what is saved only after the press, and a file of many pixels takes its time. */
const READ_WITHIN_MS = 60_000;
/** Pixels a side of what is handed on: browsers do that only shortly after a press, and more take seconds to pack. */
const MOST_HANDED_ON = 4096;

/** Gives somebody a picture as a file of this name. Throws where it cannot be made one. */
export async function savePicture(picture: HTMLCanvasElement, name: string): Promise<void> {
  const file = await fileOf(picture, name);
  const link = document.createElement('a');
  const address = URL.createObjectURL(file);
  link.href = address;
  link.download = file.name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), READ_WITHIN_MS);
}

/** Hands a picture, scaled down if it is large, on to the app that is chosen; none may be. Throws where it cannot be made a file, or handed on. */
export async function sharePicture(picture: HTMLCanvasElement, name: string): Promise<void> {
  const files = [await fileOf(within(picture, MOST_HANDED_ON), name)];
  try {
    await navigator.share({ files });
  } catch (error) {
    if (!(error instanceof DOMException && error.name === 'AbortError')) throw error;
  }
}

/** This picture, or a copy whose longer side has that many pixels. */
function within(picture: HTMLCanvasElement, side: number): HTMLCanvasElement {
  const { width, height } = picture;
  const scale = side / Math.max(width, height);
  if (scale >= 1) return picture;
  const copy = document.createElement('canvas');
  copy.width = Math.max(Math.round(width * scale), 1);
  copy.height = Math.max(Math.round(height * scale), 1);
  copy.getContext('2d')?.drawImage(picture, 0, 0, copy.width, copy.height);
  return copy;
}

async function fileOf(picture: HTMLCanvasElement, name: string): Promise<File> {
  const blob = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, PNG));
  if (!blob) throw new Error('This picture cannot be made a file');
  return new File([blob], `${name.replace(/\.\w{2,5}$/, '')}_view.png`, { type: PNG });
}
