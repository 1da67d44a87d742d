import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** A Redis of the test's own, with a password. `folder`: for what it might write. */
export async function startRedis(
  folder: string,
  password: string,
): Promise<{ url: string; child: ChildProcess }> {
  const port = await freePort();
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', folder];
  const child = spawn('redis-server', [...args, '--requirepass', password], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout!.on('data', (text) => (said += text));
  const failed = once(child, 'error').then(([error]) => {
    throw new Error(`redis-server does not start: ${error.message}`);
  });
  const ready = async () => {
    while (!said.includes('Ready to accept connections')) {
      if (child.exitCode !== null) throw new Error(`redis-server does not start: ${said}`);
      await sleep(20);
    }
  };
  await Promise.race([ready(), failed]);
  failed.catch(() => {});
  return { url: `redis://127.0.0.1:${port}`, child };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
