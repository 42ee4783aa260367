/** How a picture is cut into tiles: integer arithmetic, and part of the format. */

/** Tiles begin at multiples of this many pixels. */
export const UNIT = 128;

/** A rectangle of pixels. */
export class Box {
  constructor(
    readonly top: number,
    readonly left: number,
    readonly height: number,
    readonly width: number,
  ) {}

  get bottom(): number {
    return this.top + this.height;
  }

  get right(): number {
    return this.left + this.width;
  }

  equals(other: Box): boolean {
    return (
      this.top === other.top &&
      this.left === other.left &&
      this.height === other.height &&
      this.width === other.width
    );
  }

  /** This box with a margin on all sides, clipped to `within`. */
  grown(margin: number, within: Box): Box {
    const top = Math.max(this.top - margin, within.top);
    const left = Math.max(this.left - margin, within.left);
    const bottom = Math.min(this.bottom + margin, within.bottom);
    const right = Math.min(this.right + margin, within.right);
    return new Box(top, left, bottom - top, right - left);
  }
}

/** The tiles of a picture, in row order. The last one of a row or column has between half and one
 * and a half times the side, or all of a smaller picture. */
export class TileGrid {
  readonly high: number;
  readonly wide: number;

  constructor(
    readonly height: number,
    readonly width: number,
    readonly side: number,
  ) {
    this.high = this.count(height);
    this.wide = this.count(width);
  }

  get whole(): Box {
    return new Box(0, 0, this.height, this.width);
  }

  get length(): number {
    return this.high * this.wide;
  }

  /** The pixels of a tile. */
  box(number: number): Box {
    const row = Math.floor(number / this.wide);
    const col = number % this.wide;
    const top = row * this.side;
    const left = col * this.side;
    const height = row < this.high - 1 ? this.side : this.height - top;
    const width = col < this.wide - 1 ? this.side : this.width - left;
    return new Box(top, left, height, width);
  }

  /** The numbers of the tiles that share pixels with a box, which is not empty. */
  touching(box: Box): number[] {
    const found: number[] = [];
    const lastRow = this.tileAt(box.bottom - 1, this.high);
    const lastCol = this.tileAt(box.right - 1, this.wide);
    for (let row = this.tileAt(box.top, this.high); row <= lastRow; row++) {
      for (let col = this.tileAt(box.left, this.wide); col <= lastCol; col++) {
        found.push(row * this.wide + col);
      }
    }
    return found;
  }

  private count(length: number): number {
    return Math.max(1, Math.floor((length + (this.side >> 1)) / this.side));
  }

  private tileAt(place: number, count: number): number {
    return Math.min(Math.floor(place / this.side), count - 1);
  }
}
