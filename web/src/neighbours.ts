/** The nearest samples of a position, exactly, and kriging weights in floating point. */

/** Points of a leaf of the tree. */
const LEAF = 8;

/** A k-d tree of integer positions. Among the nearest, ties go to the lower index. */
export class Tree {
  /** Of the last query, nearest first: indices, and squared distances. */
  readonly found = new Int32Array(64);
  readonly squares = new Float64Array(64);
  private count = 0;
  private wanted = 0;
  private limit = 0;
  private row = 0;
  private col = 0;
  private readonly index: Int32Array;
  private readonly rows: Int32Array;
  private readonly cols: Int32Array;
  /** By node: rows and columns of its bounds, and its least index. */
  private readonly nodes: Int32Array;

  /** @param scale what positions are multiplied by */
  constructor(rows: Int32Array, cols: Int32Array, scale = 1) {
    const count = rows.length;
    this.index = Int32Array.from({ length: count }, (_, i) => i);
    this.rows = rows.map((row) => row * scale);
    this.cols = cols.map((col) => col * scale);
    let size = 1;
    for (let leaf = count; leaf > LEAF; leaf = (leaf + 1) >> 1) size = 2 * size + 1;
    this.nodes = new Int32Array(5 * size);
    if (count) this.build(0, 0, count);
  }

  private build(node: number, start: number, end: number): void {
    let [top, bottom, left, right, least] = [Infinity, -Infinity, Infinity, -Infinity, Infinity];
    for (let i = start; i < end; i++) {
      const [row, col] = [this.rows[i]!, this.cols[i]!];
      if (row < top) top = row;
      if (row > bottom) bottom = row;
      if (col < left) left = col;
      if (col > right) right = col;
      if (this.index[i]! < least) least = this.index[i]!;
    }
    this.nodes.set([top, bottom, left, right, least], 5 * node);
    if (end - start <= LEAF) return;
    const middle = (start + end) >> 1;
    this.divide(bottom - top > right - left ? this.rows : this.cols, start, end, middle);
    this.build(2 * node + 1, start, middle);
    this.build(2 * node + 2, middle, end);
  }

  /** Quickselect: everything before `middle` is at most what is behind it. */
  private divide(keys: Int32Array, start: number, end: number, middle: number): void {
    let [low, high] = [start, end - 1];
    while (low < high) {
      const pivot = keys[(low + high) >> 1]!;
      let [i, j] = [low, high];
      while (i <= j) {
        while (keys[i]! < pivot) i++;
        while (keys[j]! > pivot) j--;
        if (i <= j) this.swap(i++, j--);
      }
      if (middle <= j) high = j;
      else if (middle >= i) low = i;
      else return;
    }
  }

  private swap(i: number, j: number): void {
    for (const each of [this.index, this.rows, this.cols]) {
      const kept = each[i]!;
      each[i] = each[j]!;
      each[j] = kept;
    }
  }

  /** Find up to `wanted` points near a position among those with indices below `limit`; returns
   * their number. */
  nearest(row: number, col: number, wanted: number, limit = this.index.length): number {
    this.row = row;
    this.col = col;
    this.wanted = Math.min(wanted, limit, this.index.length);
    this.limit = limit;
    this.count = 0;
    if (this.wanted) this.visit(0, 0, this.index.length, 0);
    return this.count;
  }

  private visit(node: number, start: number, end: number, apart: number): void {
    if (this.count === this.wanted && apart > this.squares[this.count - 1]!) return;
    if (end - start <= LEAF) {
      for (let i = start; i < end; i++) {
        const index = this.index[i]!;
        if (index >= this.limit) continue;
        const down = this.rows[i]! - this.row;
        const right = this.cols[i]! - this.col;
        this.offer(index, down * down + right * right);
      }
      return;
    }
    const middle = (start + end) >> 1;
    const [one, other] = [2 * node + 1, 2 * node + 2];
    const first = this.apart(one);
    const second = this.apart(other);
    if (first <= second) {
      if (first < Infinity) this.visit(one, start, middle, first);
      if (second < Infinity) this.visit(other, middle, end, second);
    } else {
      this.visit(other, middle, end, second);
      if (first < Infinity) this.visit(one, start, middle, first);
    }
  }

  /** Squared distance to the bounds of a node; infinite if no point of it counts. */
  private apart(node: number): number {
    const at = 5 * node;
    const nodes = this.nodes;
    if (nodes[at + 4]! >= this.limit) return Infinity;
    const down = Math.max(nodes[at]! - this.row, 0, this.row - nodes[at + 1]!);
    const right = Math.max(nodes[at + 2]! - this.col, 0, this.col - nodes[at + 3]!);
    return down * down + right * right;
  }

  private offer(index: number, square: number): void {
    const { found, squares } = this;
    let at = this.count;
    if (at === this.wanted) {
      const worst = squares[at - 1]!;
      if (square > worst || (square === worst && index > found[at - 1]!)) return;
      at--;
    } else {
      this.count++;
    }
    while (at > 0) {
      const before = squares[at - 1]!;
      if (before < square || (before === square && found[at - 1]! < index)) break;
      squares[at] = before;
      found[at] = found[at - 1]!;
      at--;
    }
    squares[at] = square;
    found[at] = index;
  }
}

const CORRELATION_LENGTH = 60;
const CORRELATION_POWER = 1.4;
/** Squared distances from this one on count as one less. */
const FAR = 1 << 16;

const covariances = Float64Array.from({ length: FAR }, (_, squared) =>
  Math.exp(-((squared / CORRELATION_LENGTH ** 2) ** (CORRELATION_POWER / 2))),
);

/** The covariance of pixels by squared distance. */
export function covariance(squared: number): number {
  return covariances[squared < FAR ? squared : FAR - 1]!;
}

/** Solves the equations of ordinary kriging from up to `most` sites. */
export class Kriging {
  private readonly system: Float64Array;
  private readonly order: Int32Array;
  private readonly solved: Float64Array;
  private size = 0;

  constructor(private readonly most: number) {
    this.system = new Float64Array((most + 1) ** 2);
    this.order = new Int32Array(most + 1);
    this.solved = new Float64Array(most + 1);
  }

  /** Take sites, all different: by Gaussian elimination with partial pivoting. */
  take(rows: ArrayLike<number>, cols: ArrayLike<number>, count: number): void {
    const size = (this.size = Math.min(count, this.most) + 1);
    const { system, order } = this;
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) {
        const [down, right] = [rows[i]! - rows[j]!, cols[i]! - cols[j]!];
        system[i * size + j] = covariance(down * down + right * right);
      }
      system[i * size + count] = system[count * size + i] = 1;
    }
    system[size * size - 1] = 0;
    for (let i = 0; i < size; i++) order[i] = i;
    for (let i = 0; i < size; i++) {
      let best = i;
      for (let row = i + 1; row < size; row++) {
        if (Math.abs(system[row * size + i]!) > Math.abs(system[best * size + i]!)) best = row;
      }
      if (best !== i) {
        for (let col = 0; col < size; col++) {
          const kept = system[i * size + col]!;
          system[i * size + col] = system[best * size + col]!;
          system[best * size + col] = kept;
        }
        const kept = order[i]!;
        order[i] = order[best]!;
        order[best] = kept;
      }
      for (let row = i + 1; row < size; row++) {
        const factor = system[row * size + i]! / system[i * size + i]!;
        system[row * size + i] = factor;
        if (factor === 0) continue;
        for (let col = i + 1; col < size; col++) {
          system[row * size + col]! -= factor * system[i * size + col]!;
        }
      }
    }
  }

  /** The solution for a right side of one more number than sites; overwritten by the next. */
  solve(right: ArrayLike<number>): Float64Array {
    const { size, system, solved } = this;
    for (let row = 0; row < size; row++) {
      let sum = right[this.order[row]!]!;
      for (let col = 0; col < row; col++) sum -= system[row * size + col]! * solved[col]!;
      solved[row] = sum;
    }
    for (let row = size - 1; row >= 0; row--) {
      let sum = solved[row]!;
      for (let col = row + 1; col < size; col++) sum -= system[row * size + col]! * solved[col]!;
      solved[row] = sum / system[row * size + row]!;
    }
    return solved;
  }
}
