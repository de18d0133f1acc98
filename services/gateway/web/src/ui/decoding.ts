/** A picture, ready to be drawn. Throws where it cannot be had, or shown. */
export async function decoded(address: string): Promise<HTMLImageElement> {
  const image = new Image();
  image.src = address;
  await image.decode();
  return image;
}
