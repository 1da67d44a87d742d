import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

/** A process that answers each line of JSON with one; other lines that it prints are not for us. */
export class Conversation {
  private readonly child: ChildProcess;
  private readonly ended: Promise<void>;
  private answer: ((line: Record<string, number>) => void) | null = null;
  private refuse: ((error: Error) => void) | null = null;
  private complaints = '';
  private failure: Error | null = null;

  constructor(command: string, args: readonly string[], env: NodeJS.ProcessEnv) {
    this.child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'pipe'] });
    this.child.stderr!.setEncoding('utf8').on('data', (text) => {
      this.complaints = (this.complaints + text).slice(-4000);
    });
    createInterface({ input: this.child.stdout! }).on('line', (line) => {
      if (line.startsWith('{')) this.answer?.(JSON.parse(line));
    });
    // A process that has ended does not read: what failed then is told by how it ended.
    this.child.stdin!.on('error', () => {});
    this.ended = new Promise((resolve) => {
      this.child.once('error', (error) => this.fail(error.message, resolve));
      this.child.once('close', (code, signal) => {
        const said = this.complaints.trim().split('\n').filter(Boolean);
        // The line that names the error: the last in Python, the first with a colon in Node.js.
        const line = said.find((l) => /^\w*(Error|Exception)\b.*:/.test(l)) ?? said.at(-1);
        this.fail(line ?? `it ended with ${signal ?? `code ${code}`}`, resolve);
      });
    });
  }

  ask(request: object): Promise<Record<string, number>> {
    return new Promise((resolve, reject) => {
      if (this.failure) return reject(this.failure);
      this.answer = resolve;
      this.refuse = reject;
      this.child.stdin!.write(`${JSON.stringify(request)}\n`);
    });
  }

  /** Begins with a file of these bytes, which lives no longer than that; where it fails the process ends. */
  async begin(bytes: Uint8Array, ask: (file: string) => Promise<unknown>): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), '2headgrad-bench-'));
    try {
      const file = join(folder, 'data');
      await writeFile(file, bytes);
      await ask(file);
    } catch (error) {
      await this.close();
      throw error;
    } finally {
      await rm(folder, { recursive: true });
    }
  }

  async close(): Promise<void> {
    this.child.stdin!.end();
    await this.ended;
  }

  private fail(message: string, resolve: () => void): void {
    this.failure ??= new Error(message);
    this.refuse?.(this.failure);
    resolve();
  }
}
