/** Colour transforms: YCoCg in floats, and the reversible YCoCg-R in integers. */

/** RGB (n, 3) to Y, Co and Cg. */
export function toYCoCg(rgb: ArrayLike<number>): Float32Array {
  const planes = new Float32Array(rgb.length);
  for (let i = 0; i < rgb.length; i += 3) {
    const [red, green, blue] = [rgb[i]!, rgb[i + 1]!, rgb[i + 2]!];
    const mean = (red + blue) / 2;
    planes[i] = (mean + green) / 2;
    planes[i + 1] = red - blue;
    planes[i + 2] = green - mean;
  }
  return planes;
}

/** YCoCg-R, whole numbers, to RGB. */
export function fromYCoCgR(luma: number, orange: number, green: number): number[] {
  const mean = luma - Math.floor(green / 2);
  const blue = mean - Math.floor(orange / 2);
  return [blue + orange, green + mean, blue];
}

/** A level rounded, halves to the even one, and clipped to 0..255. */
export function clipped8(level: number): number {
  byte[0] = level;
  return byte[0]!;
}

const byte = new Uint8ClampedArray(1);
