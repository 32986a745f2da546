/** What counts as a picture by its name: the formats that can be decoded. */
const PICTURE = /\.(jpe?g|png|webp|gif|avif|tiff?)$/i;
export const PICTURE_NAMES = '.jpg, .png, .webp, .gif, .avif or .tif';

export function hasPictureName(name: string): boolean {
  return PICTURE.test(name);
}
