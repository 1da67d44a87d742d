/** Bytes that the second-level cache of a core is taken to keep. */
export const CACHE_BYTES = 1024 * 1024;
