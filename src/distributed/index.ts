// Training over several processes, on one machine or many; in Node.
export { PeerError } from './errors.js';
export { type MpiOptions, mpi } from './mpi.js';
export { Peers } from './peers.js';
