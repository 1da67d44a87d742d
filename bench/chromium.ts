// What a tab does, by the package as it is built for users. Training steps a second in Chromium against Node, on the same
// machine in turns, by the same code with the same parameters and data; W6-tiny has the width, depth, context and batch of the
// smallest model of TinyGPT, which trains in pages too, with the vocabulary of characters:
//
//   npm run bench:chromium -- [--only W1,W2,W3,W6-tiny] [--rounds 5] [--threads 1] [--seconds 1] [--json]
//
// Minutes of training on a text, with its curve and a sample; with --node the same without a tab:
//
//   npm run bench:chromium -- --text [--minutes 10] [--steps N] [--threads 2] [--data FILE] [--out FOLDER] [--node]
//
// (--context, --layers, --heads, --dim and --batch give another model.) How long LeNet trains until it tells 98 % of held-out digits right, in Node and in a tab; with --node without the tab:
//
//   npm run bench:chromium -- --digits [--percent 98] [--steps 6000] [--every 50] [--threads 1] [--json] [--node]

import { type CompareOptions, compare } from './chromium/compare.js';
import { trainOnDigits } from './chromium/digits.js';
import { open } from './chromium/open.js';
import { options } from './chromium/options.js';
import { trainOnText } from './chromium/text.js';

const { mode, node, json, ...given } = options(process.argv.slice(2));
const opened = node ? null : await open();
try {
  if (mode === 'text') await trainOnText(opened, given);
  else if (mode === 'digits') await trainOnDigits(opened, { ...given, json, steps: given.steps ?? 6000 });
  else if (opened) {
    const results = await compare(opened, given satisfies CompareOptions);
    if (json) console.log(JSON.stringify({ rounds: given.rounds, threads: given.threads, results }));
  }
} finally {
  await opened?.close();
}
