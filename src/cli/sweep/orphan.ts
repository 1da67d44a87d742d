import { workerData } from 'node:worker_threads';

// Beside a training: its process saves and ends when its parent is gone, unless a model holds the thread for good. Then this
// ends it, since nobody else is left who would.

const LOOK_MS = 500;

const { parent, grace } = workerData as { parent: number; grace: number };

const timer = setInterval(() => {
  if (isThere()) return;
  clearInterval(timer);
  setTimeout(() => process.kill(process.pid, 'SIGKILL'), grace);
}, LOOK_MS);

/** Windows keeps the number of a parent that is gone. */
function isThere(): boolean {
  if (process.platform !== 'win32') return process.ppid === parent;
  try {
    return process.kill(parent, 0);
  } catch {
    return false;
  }
}
