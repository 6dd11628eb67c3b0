// Processes of a benchmark, and questions to them over their channel.
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** Root of the repository, seen from build/bench. */
export const root: string = join(__dirname, '../..');

export interface ChildOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
  /** A command and its arguments that run Node.js in turn. */
  readonly launcher?: readonly string[];
}

const keptErrorText = 2000;

/** Run in a child: answers the questions of `ask`, and ends with the parent. */
export function answerParent<Question>(answer: (question: Question) => unknown): void {
  process.on('message', async ({ question }: { question: Question }) => {
    process.send?.({ answer: await answer(question) });
  });
  process.on('disconnect', () => process.exit(0));
}

/** Ends with this process, or when told. */
export class Child {
  readonly #process: ChildProcess;
  readonly #ended: Promise<never>;
  #errorText = '';

  /** `file` is relative to the root. */
  constructor(file: string, { env = {}, nodeArguments = [], launcher = [] }: ChildOptions = {}) {
    const [command = process.execPath, ...commandArguments] = [...launcher, process.execPath];
    this.#process = fork(join(root, file), [], {
      cwd: root,
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
      execPath: command,
      execArgv: [...commandArguments, ...nodeArguments],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#errorText = (this.#errorText + String(chunk)).slice(-keptErrorText);
    });
    this.#ended = once(this.#process, 'exit').then(([code, signal]) => {
      throw new Error(`${file} ended (${code ?? signal}): ${this.#errorText}`);
    });
    this.#ended.catch(() => {}); // whoever waits for the process is told
  }

  /** The first line on stdout that says a port. */
  port(): Promise<number> {
    return Promise.race([this.#ended, this.#readPort()]);
  }

  async #readPort(): Promise<number> {
    const { stdout } = this.#process;
    return new Promise((resolve) => {
      let text = '';
      stdout?.on('data', (chunk: Buffer) => {
        if (text.length < keptErrorText) text += String(chunk);
        const match = /^listening (\d+)$/m.exec(text);
        if (match !== null) resolve(Number(match[1]));
      });
    });
  }

  /** One question at a time. */
  ask<Answer>(question: object | string): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => {
      const take = (message: { answer?: Answer }): void => {
        if (message.answer === undefined) return; // of a tracer, some of which talk to the parent
        this.#process.off('message', take);
        resolve(message.answer);
      };
      this.#process.on('message', take);
    });
    this.#process.send({ question });
    return Promise.race([this.#ended, answer]);
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** Resolves when it has ended, so that it takes no time from what comes next. */
  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended.catch(() => {});
  }
}
