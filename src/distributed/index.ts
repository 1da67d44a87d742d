/**
 * One training over several processes, on one machine or many, in Node: `import { mpi } from '2headgrad/distributed'`.
 *
 * @module 2headgrad/distributed
 */

export { PeerError } from './errors.js';
export { type MpiOptions, mpi } from './mpi.js';
export { Peers } from './peers.js';
