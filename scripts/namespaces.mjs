// Two hosts on one machine: network namespaces of Linux with a cable between them, for tests and measurements of what runs on several
// hosts. Needs root and iproute2.

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The address of each host; no other network is in their namespaces. */
const ADDRESSES = ['10.9.0.1', '10.9.0.2'];
const CABLE = 'cable';

/** Runs one of iproute2's programs.
 * @param {string} program @param {string} args */
function run(program, args) {
  execFileSync(program, args.split(' '), { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
}

/** @param {number} pid */
function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** Why hosts cannot be made here, or null if they can. */
export function whyNoHosts() {
  if (process.getuid?.() !== 0) return 'network namespaces need root';
  const name = `try${process.pid}`;
  try {
    run('ip', `netns add ${name}`);
    run('ip', `netns del ${name}`);
    return null;
  } catch (error) {
    return `network namespaces cannot be made here: ${/** @type {Error} */ (error).message.trim()}`;
  }
}

/**
 * Makes two hosts, `hosta` and `hostb`; `rate`, as in '1gbit', is what goes over the cable in each direction.
 * `mpirun(slots, args)` is a command with its arguments that runs Open MPI's on the first of them, with so many processes on each.
 * @param {{ rate?: string }} [options]
 */
export function makeHosts({ rate } = {}) {
  const names = ['hosta', 'hostb'];
  const spaces = names.map((name) => `${name}${process.pid}`);
  const folder = mkdtempSync(join(tmpdir(), '2headgrad-hosts-'));
  /** @param {string} space */
  const pids = (space) =>
    execFileSync('ip', ['netns', 'pids', space], { encoding: 'utf8' })
      .split('\n')
      .filter(Boolean)
      .map(Number);
  const close = () => {
    for (const space of spaces)
      try {
        for (const pid of pids(space)) kill(pid);
        run('ip', `netns del ${space}`);
      } catch {
        // It was never made.
      }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const space of spaces) run('ip', `netns add ${space}`);
    run('ip', `-n ${spaces[0]} link add ${CABLE} type veth peer name ${CABLE} netns ${spaces[1]}`);
    spaces.forEach((space, i) => {
      run('ip', `-n ${space} addr add ${ADDRESSES[i]}/24 dev ${CABLE}`);
      for (const device of ['lo', CABLE]) run('ip', `-n ${space} link set ${device} up`);
      if (rate)
        run('tc', `-n ${space} qdisc add dev ${CABLE} root tbf rate ${rate} burst 256kb latency 100ms`);
    });
    /** @param {number} host */
    const entering = (host) => [
      ...['netns', 'exec', spaces[host], 'unshare', '--uts', 'sh', '-c'],
      `hostname ${names[host]}; exec "$@"`,
      'sh',
    ];
    // As ssh, which mpirun would take to get to another host: an address, then a command.
    const agent = join(folder, 'agent.sh');
    writeFileSync(
      agent,
      `#!/bin/sh\nshift\nexec ip netns exec ${spaces[1]} unshare --uts sh -c "hostname ${names[1]}; $*"\n`,
    );
    chmodSync(agent, 0o755);
    return {
      names,
      /** @param {number} slots @param {readonly string[]} args */
      mpirun(slots, args) {
        const hosts = ADDRESSES.map((address) => `${address}:${slots}`).join(',');
        // Each host would bind its processes to the first processors, which are the other's, too.
        const options = ['--host', hosts, '-n', `${2 * slots}`, '--bind-to', 'none'];
        return {
          command: 'ip',
          args: [...entering(0), 'mpirun', ...options, '--mca', 'plm_rsh_agent', agent, ...args],
        };
      },
      /** The processes on a host. @param {number} host */
      pids: (host) => pids(spaces[host]),
      /** Pulls the cable. */
      cut: () => run('ip', `-n ${spaces[0]} link set ${CABLE} down`),
      close,
    };
  } catch (error) {
    close();
    throw error;
  }
}
