/// <reference types="vite/client" />

declare module 'virtual:sealed' {
  /** The page of the frame that a model runs in. */
  export const frame: string;
  /** Where the code of the model's worker lies, relative to the page. */
  export const modelCode: string;
}

declare module 'virtual:thread' {
  /** The code of a thread of a session, a script without imports. */
  const code: string;
  export default code;
}
