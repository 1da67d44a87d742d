// Register tiles of a matrix product: each adds up k products for a block of C and leaves the block at `out`,
// rows 32 bytes apart. A is read by splatting single elements, B by rows of one or two vectors, so A may lie in
// any order and B needs its columns side by side. Eight accumulators are what V8 keeps in registers.
// Strides are in bytes.

import { multiplyAdd } from './madd';

export function tile4x8(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, out: usize): void {
  let a1 = a + aRow;
  let a2 = a + 2 * aRow;
  let a3 = a + 3 * aRow;
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  let c31 = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a);
    c00 = multiplyAdd(x0, b0, c00);
    c01 = multiplyAdd(x0, b1, c01);
    const x1 = v128.load32_splat(a1);
    c10 = multiplyAdd(x1, b0, c10);
    c11 = multiplyAdd(x1, b1, c11);
    const x2 = v128.load32_splat(a2);
    c20 = multiplyAdd(x2, b0, c20);
    c21 = multiplyAdd(x2, b1, c21);
    const x3 = v128.load32_splat(a3);
    c30 = multiplyAdd(x3, b0, c30);
    c31 = multiplyAdd(x3, b1, c31);
    a += aCol;
    a1 += aCol;
    a2 += aCol;
    a3 += aCol;
    b += bRow;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
  v128.store(out, c10, 32);
  v128.store(out, c11, 48);
  v128.store(out, c20, 64);
  v128.store(out, c21, 80);
  v128.store(out, c30, 96);
  v128.store(out, c31, 112);
}

export function tile4x4(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, out: usize): void {
  let a1 = a + aRow;
  let a2 = a + 2 * aRow;
  let a3 = a + 3 * aRow;
  let c00 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c30 = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const x0 = v128.load32_splat(a);
    c00 = multiplyAdd(x0, b0, c00);
    const x1 = v128.load32_splat(a1);
    c10 = multiplyAdd(x1, b0, c10);
    const x2 = v128.load32_splat(a2);
    c20 = multiplyAdd(x2, b0, c20);
    const x3 = v128.load32_splat(a3);
    c30 = multiplyAdd(x3, b0, c30);
    a += aCol;
    a1 += aCol;
    a2 += aCol;
    a3 += aCol;
    b += bRow;
  }
  v128.store(out, c00);
  v128.store(out, c10, 32);
  v128.store(out, c20, 64);
  v128.store(out, c30, 96);
}

export function tile3x8(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, out: usize): void {
  let a1 = a + aRow;
  let a2 = a + 2 * aRow;
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  let c21 = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a);
    c00 = multiplyAdd(x0, b0, c00);
    c01 = multiplyAdd(x0, b1, c01);
    const x1 = v128.load32_splat(a1);
    c10 = multiplyAdd(x1, b0, c10);
    c11 = multiplyAdd(x1, b1, c11);
    const x2 = v128.load32_splat(a2);
    c20 = multiplyAdd(x2, b0, c20);
    c21 = multiplyAdd(x2, b1, c21);
    a += aCol;
    a1 += aCol;
    a2 += aCol;
    b += bRow;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
  v128.store(out, c10, 32);
  v128.store(out, c11, 48);
  v128.store(out, c20, 64);
  v128.store(out, c21, 80);
}

export function tile3x4(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, out: usize): void {
  let a1 = a + aRow;
  let a2 = a + 2 * aRow;
  let c00 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c20 = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const x0 = v128.load32_splat(a);
    c00 = multiplyAdd(x0, b0, c00);
    const x1 = v128.load32_splat(a1);
    c10 = multiplyAdd(x1, b0, c10);
    const x2 = v128.load32_splat(a2);
    c20 = multiplyAdd(x2, b0, c20);
    a += aCol;
    a1 += aCol;
    a2 += aCol;
    b += bRow;
  }
  v128.store(out, c00);
  v128.store(out, c10, 32);
  v128.store(out, c20, 64);
}

export function tile2x8(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, out: usize): void {
  let a1 = a + aRow;
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  let c11 = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a);
    c00 = multiplyAdd(x0, b0, c00);
    c01 = multiplyAdd(x0, b1, c01);
    const x1 = v128.load32_splat(a1);
    c10 = multiplyAdd(x1, b0, c10);
    c11 = multiplyAdd(x1, b1, c11);
    a += aCol;
    a1 += aCol;
    b += bRow;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
  v128.store(out, c10, 32);
  v128.store(out, c11, 48);
}

export function tile2x4(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, out: usize): void {
  let a1 = a + aRow;
  let c00 = f32x4.splat(0);
  let c10 = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const x0 = v128.load32_splat(a);
    c00 = multiplyAdd(x0, b0, c00);
    const x1 = v128.load32_splat(a1);
    c10 = multiplyAdd(x1, b0, c10);
    a += aCol;
    a1 += aCol;
    b += bRow;
  }
  v128.store(out, c00);
  v128.store(out, c10, 32);
}

export function tile1x8(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, out: usize): void {
  let c00 = f32x4.splat(0);
  let c01 = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const x0 = v128.load32_splat(a);
    c00 = multiplyAdd(x0, b0, c00);
    c01 = multiplyAdd(x0, b1, c01);
    a += aCol;
    b += bRow;
  }
  v128.store(out, c00);
  v128.store(out, c01, 16);
}

export function tile1x4(a: usize, aRow: usize, aCol: usize, b: usize, bRow: usize, k: i32, out: usize): void {
  let c00 = f32x4.splat(0);
  for (let p = 0; p < k; p++) {
    const b0 = v128.load(b);
    const x0 = v128.load32_splat(a);
    c00 = multiplyAdd(x0, b0, c00);
    a += aCol;
    b += bRow;
  }
  v128.store(out, c00);
}

