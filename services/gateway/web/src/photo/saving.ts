/** Some browsers read what is saved only after the press, and a file of many pixels takes its time. */
const READ_WITHIN_MS = 60_000;

/** Gives somebody a picture as a file of this name. Throws where it cannot be made one. */
export async function savePicture(picture: HTMLCanvasElement, name: string): Promise<void> {
  const blob = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('This picture cannot be made a file');
  const link = document.createElement('a');
  const address = URL.createObjectURL(blob);
  link.href = address;
  link.download = `${name.replace(/\.\w{2,5}$/, '')}_view.png`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), READ_WITHIN_MS);
}

/** Copies a picture as it is, with all its pixels. */
export function copyPicture(image: HTMLImageElement, target: HTMLCanvasElement): void {
  target.width = image.naturalWidth;
  target.height = image.naturalHeight;
  target.getContext('2d')?.drawImage(image, 0, 0);
}
