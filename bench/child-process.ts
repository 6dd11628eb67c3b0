// Processes of a benchmark, and questions to them over their IPC channel.
import { fork, type ChildProcess as NodeProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** The root of the repository; this file runs from build/bench. */
export const repositoryRoot: string = join(__dirname, '../..');

export interface ChildProcessOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly nodeArguments?: readonly string[];
  /** A command, with its arguments, that runs Node.js. */
  readonly launcher?: readonly string[];
}

const maxErrorTextLength = 2000;

/** For the child: answers the questions of `ask`, and exits when the parent does. */
export function answerParent<Question>(answer: (question: Question) => unknown): void {
  process.on('message', async ({ question }: { question: Question }) => {
    process.send?.({ answer: await answer(question) });
  });
  process.on('disconnect', () => process.exit(0));
}

/** A child process, which ends with this process or by `stop`. */
export class ChildProcess {
  readonly #process: NodeProcess;
  readonly #ended: Promise<never>;
  #errorText = '';

  /** `file` is relative to the root of the repository. */
  constructor(file: string, { env = {}, nodeArguments = [], launcher = [] }: ChildProcessOptions = {}) {
    const [command = process.execPath, ...commandArguments] = [...launcher, process.execPath];
    this.#process = fork(join(repositoryRoot, file), [], {
      cwd: repositoryRoot,
      env: { PATH: process.env['PATH'], NODE_ENV: 'production', ...env },
      execPath: command,
      execArgv: [...commandArguments, ...nodeArguments],
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process.stderr?.on('data', (chunk: Buffer) => {
      this.#errorText = (this.#errorText + String(chunk)).slice(-maxErrorTextLength);
    });
    this.#ended = once(this.#process, 'exit').then(([code, signal]) => {
      throw new Error(`${file} ended (${code ?? signal}): ${this.#errorText}`);
    });
    this.#ended.catch(() => {}); // an unhandled rejection otherwise; port() and ask() reject with it
  }

  /** Resolves with the port that the process prints on stdout. */
  port(): Promise<number> {
    return Promise.race([this.#ended, this.#readPort()]);
  }

  async #readPort(): Promise<number> {
    const { stdout } = this.#process;
    return new Promise((resolve) => {
      let text = '';
      stdout?.on('data', (chunk: Buffer) => {
        if (text.length < maxErrorTextLength) text += String(chunk);
        const match = /^listening (\d+)$/m.exec(text);
        if (match !== null) resolve(Number(match[1]));
      });
    });
  }

  /** Resolves with the answer. Ask one question at a time. */
  ask<Answer>(question: object | string): Promise<Answer> {
    const answer = new Promise<Answer>((resolve) => {
      const take = (message: { answer?: Answer }): void => {
        if (message.answer === undefined) return; // sent by a tracer: some talk to the parent process
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

  /** Resolves when the process has ended, so that it takes no CPU from what runs next. */
  async stop(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended.catch(() => {});
  }
}
