/** Gives somebody a picture as a file of this name. */
export async function savePicture(picture: HTMLCanvasElement, name: string): Promise<void> {
  const blob = await new Promise<Blob | null>((resolve) => picture.toBlob(resolve, 'image/png'));
  if (!blob) throw new Error('This picture cannot be made a file');
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `${name.replace(/\.\w{2,5}$/, '')}_view.png`;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** Copies a picture as it is, with all its pixels. */
export function copyPicture(image: HTMLImageElement, target: HTMLCanvasElement): void {
  target.width = image.naturalWidth;
  target.height = image.naturalHeight;
  target.getContext('2d')?.drawImage(image, 0, 0);
}
