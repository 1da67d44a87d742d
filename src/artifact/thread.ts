// A thread of a precompiled model.
import { serveThread } from './threads.js';

serveThread();
