// A thread of a compiled session in a page. Plain JavaScript, so that bundlers find it as it is.
import { work } from './work.js';

addEventListener(
  'message',
  ({ data }) => {
    work(data, postMessage);
    postMessage('ended');
  },
  { once: true },
);
