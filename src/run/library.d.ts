/** The files of assembly/ by name. scripts/setup.mjs makes dist/run/library.js of them, for pages. */
export const library: Readonly<Record<string, string>>;
/** Tells builds of the package apart. */
export const build: string;
