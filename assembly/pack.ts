// Copies parts of a matrix to a thread's scratch so that a product reads them side by side. Strides are in bytes.

/** Four rows of `to`, `width` apart, get the columns of four vectors. */
@inline
function transpose(x0: v128, x1: v128, x2: v128, x3: v128, to: usize, width: usize): void {
  const low01 = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
  const high01 = v128.shuffle<f32>(x0, x1, 2, 6, 3, 7);
  const low23 = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
  const high23 = v128.shuffle<f32>(x2, x3, 2, 6, 3, 7);
  v128.store(to, v128.shuffle<f64>(low01, low23, 0, 2));
  v128.store(to + width, v128.shuffle<f64>(low01, low23, 1, 3));
  v128.store(to + 2 * width, v128.shuffle<f64>(high01, high23, 0, 2));
  v128.store(to + 3 * width, v128.shuffle<f64>(high01, high23, 1, 3));
}

/** The same for vectors that are made rather than loaded. */
// @ts-ignore: decorator
@inline
export function packSquare(x0: v128, x1: v128, x2: v128, x3: v128, to: usize, width: usize): void {
  transpose(x0, x1, x2, x3, to, width);
}

/** The first lanes of four vectors as one. */
// @ts-ignore: decorator
@inline
export function packStep(x0: v128, x1: v128, x2: v128, x3: v128, to: usize): void {
  const low = v128.shuffle<f32>(x0, x1, 0, 4, 1, 5);
  const high = v128.shuffle<f32>(x2, x3, 0, 4, 1, 5);
  v128.store(to, v128.shuffle<f64>(low, high, 0, 2));
}

/**
 * Row p of `to`, 16 bytes at p * width, gets elements p of four rows that begin anywhere: `step` bytes between those of a row.
 */
export function packFour(
  row0: usize, row1: usize, row2: usize, row3: usize, step: usize, k: i32, to: usize, width: usize,
): void {
  let left = k;
  if (row1 - row0 == 4 && row2 - row0 == 8 && row3 - row0 == 12) {
    packVector(row0, step, k, to, width);
    return;
  }
  let at: usize = 0;
  if (step == 4) {
    for (; left >= 4; left -= 4, at += 16) {
      transpose(v128.load(row0 + at), v128.load(row1 + at), v128.load(row2 + at), v128.load(row3 + at), to, width);
      to += 4 * width;
    }
  }
  for (; left > 0; left--, at += step, to += width) {
    store<f32>(to, load<f32>(row0 + at));
    store<f32>(to, load<f32>(row1 + at), 4);
    store<f32>(to, load<f32>(row2 + at), 8);
    store<f32>(to, load<f32>(row3 + at), 12);
  }
}

/** The same for four rows `stride` apart, of which only so many exist. */
export function packColumns(from: usize, stride: usize, rows: i32, k: i32, to: usize, width: usize): void {
  packStrided(from, stride, 4, rows, k, to, width);
}

@inline const PANEL: i32 = 16;

/**
 * As packColumns, from a matrix that lies in panels of 16 columns, `size` bytes each: `from` is where the rows begin in the
 * first panel, and element 0 is in column `first`.
 */
export function packPaneled(
  from: usize, first: usize, size: usize, rows: i32, k: i32, to: usize, width: usize,
): void {
  from += first / PANEL * size;
  const inside = <i32>(first % PANEL);
  if (inside > 0) {
    const steps = min(k, PANEL - inside);
    packColumns(from + 4 * inside, 4 * PANEL, rows, steps, to, width);
    to += steps * width;
    k -= steps;
    from += size;
  }
  if (rows == 4) {
    for (; k >= PANEL; k -= PANEL, from += size) {
      for (let at = from; at < from + 4 * PANEL; at += 16, to += 4 * width) {
        transpose(v128.load(at), v128.load(at, 64), v128.load(at, 128), v128.load(at, 192), to, width);
      }
    }
  }
  for (; k > 0; k -= PANEL, from += size) {
    const steps = min(k, PANEL);
    packColumns(from, 4 * PANEL, rows, steps, to, width);
    to += steps * width;
  }
}

/** As packColumns, for elements of a row that do not lie side by side: `step` bytes between them. */
export function packStrided(
  from: usize, stride: usize, step: usize, rows: i32, k: i32, to: usize, width: usize,
): void {
  const row1 = rows > 1 ? from + stride : from;
  const row2 = rows > 2 ? row1 + stride : from;
  const row3 = rows > 3 ? row2 + stride : from;
  packFour(from, row1, row2, row3, step, k, to, width);
}

/** k rows of one vector, `stride` apart, to rows `width` apart. */
export function packVector(from: usize, stride: usize, k: i32, to: usize, width: usize): void {
  for (let p = 0; p < k; p++, from += stride, to += width) v128.store(to, v128.load(from));
}

/** k rows of two vectors. */
export function packVectors2(from: usize, stride: usize, k: i32, to: usize, width: usize): void {
  for (let p = 0; p < k; p++, from += stride, to += width) {
    v128.store(to, v128.load(from));
    v128.store(to, v128.load(from, 16), 16);
  }
}

/** k rows, `stride` apart, of so many panels of two vectors side by side: each panel goes to a place of its own, `size` apart. */
export function packPanels2(from: usize, stride: usize, k: i32, to: usize, size: usize, panels: usize): void {
  for (let p = 0; p < k; p++, from += stride, to += 32) {
    let at = from;
    for (let i: usize = 0, out = to; i < panels; i++, at += 32, out += size) {
      v128.store(out, v128.load(at));
      v128.store(out, v128.load(at, 16), 16);
    }
  }
}

/** As packPanels2, for panels of 3 vectors. */
export function packPanels3(from: usize, stride: usize, k: i32, to: usize, size: usize, panels: usize): void {
  for (let p = 0; p < k; p++, from += stride, to += 48) {
    let at = from;
    for (let i: usize = 0, out = to; i < panels; i++, at += 48, out += size) {
      v128.store(out, v128.load(at));
      v128.store(out, v128.load(at, 16), 16);
      v128.store(out, v128.load(at, 32), 32);
    }
  }
}

/** As packPanels2, for panels of 4 vectors. */
export function packPanels4(from: usize, stride: usize, k: i32, to: usize, size: usize, panels: usize): void {
  for (let p = 0; p < k; p++, from += stride, to += 64) {
    let at = from;
    for (let i: usize = 0, out = to; i < panels; i++, at += 64, out += size) {
      v128.store(out, v128.load(at));
      v128.store(out, v128.load(at, 16), 16);
      v128.store(out, v128.load(at, 32), 32);
      v128.store(out, v128.load(at, 48), 48);
    }
  }
}
