// Processes of a benchmark, and questions to them over their channel.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Root of the repository, seen from build/bench. */
export const root: string = join(__dirname, '../..');

/** Ends with this process, or when told. */
export class Child {
  readonly #process: ChildProcess;

  constructor(file: string, options: { env?: Record<string, string>; execArgv?: readonly string[] } = {}) {
    this.#process = fork(file, [], {
      cwd: root,
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...options.env },
      execArgv: [...(options.execArgv ?? [])],
      stdio: ['ignore', 'pipe', 'ignore', 'ipc'],
    });
  }

  /** The first line on stdout that says a port. */
  async port(): Promise<number> {
    let text = '';
    for await (const chunk of this.#process.stdout ?? []) {
      text += String(chunk);
      const match = /^listening (\d+)$/m.exec(text);
      if (match !== null) return Number(match[1]);
    }
    throw new Error('a process ended before it listened');
  }

  async ask<Answer>(question: unknown): Promise<Answer> {
    const answer = once(this.#process, 'message');
    this.#process.send(question as object); // any value that can be copied
    const [message] = (await answer) as [Answer]; // the files beside this one send what is asked for
    return message;
  }

  stop(): void {
    this.#process.kill();
  }
}
