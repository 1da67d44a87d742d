/** Where the columns of a part of a dataset are to be had, as bytes in the order of the machine. */
export type ColumnFiles = Record<string, { url: string; dtype: 'f32' | 'i32' }>;

/** The columns of each part, from a server. */
export async function fetchColumns<P extends string>(
  parts: Readonly<Record<P, ColumnFiles>>,
): Promise<Record<P, Record<string, Float32Array | Int32Array>>> {
  const fetched: Partial<Record<P, Record<string, Float32Array | Int32Array>>> = {};
  for (const part of Object.keys(parts) as P[]) {
    const columns: Record<string, Float32Array | Int32Array> = {};
    for (const [column, { url, dtype }] of Object.entries(parts[part])) {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`${url}: ${response.status} ${response.statusText}`);
      const bytes = await response.arrayBuffer();
      columns[column] = dtype === 'i32' ? new Int32Array(bytes) : new Float32Array(bytes);
    }
    fetched[part] = columns;
  }
  return fetched as Record<P, Record<string, Float32Array | Int32Array>>;
}
