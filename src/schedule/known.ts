/** What a map holds for a key; where it holds nothing, what `make` gives it. */
export function known<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  let value = map.get(key);
  if (value === undefined) {
    value = make();
    map.set(key, value);
  }
  return value;
}

export const emptyList = <T>(): T[] => [];
