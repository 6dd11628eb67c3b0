// One sample service of the demo, as a child process that ends with the demo.
import { type ChildProcess, spawn } from 'node:child_process';
import { isObject } from '../otlp/values.js';

/** What to start, and with which sensor and settings. */
export interface DemoServiceOptions {
  readonly name: string;
  readonly script: string;
  readonly preload: string;
  readonly agentPort: number;
  readonly env: Readonly<Record<string, string>>;
}

const startTimeoutMs = 20_000;
const stopTimeoutMs = 2_000;

/** Starts the service when it is constructed; `url` is known once `started()` resolves. */
export class DemoService {
  readonly #name: string;
  readonly #child: ChildProcess;
  #port = 0;
  #framework = '';
  #isStopping = false;

  constructor({ name, script, preload, agentPort, env }: DemoServiceOptions) {
    this.#name = name;
    this.#child = spawn(process.execPath, ['-r', preload, script], {
      // The IPC channel closes whenever this process ends, even if it is killed, and then the service ends, too.
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: {
        ...serviceEnvironment(),
        INSTANA_AGENT_HOST: '127.0.0.1',
        INSTANA_AGENT_PORT: String(agentPort),
        INSTANA_SERVICE_NAME: name,
        ...env,
      },
    });
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The framework that the service uses, or `http`. */
  get framework(): string {
    return this.#framework;
  }

  /** Resolves when the service listens. */
  started(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.#name} did not start`)), startTimeoutMs);
      this.#child.on('message', (message) => {
        // Other code in the service may send messages on this channel, too.
        if (!isObject(message) || typeof message['demoPort'] !== 'number') return;
        clearTimeout(timer);
        this.#port = message['demoPort'];
        this.#framework = String(message['framework']);
        resolve();
      });
      this.ended().catch((error) => {
        clearTimeout(timer);
        reject(error);
      });
    });
  }

  /** Rejects if the service ends before `stop()`. */
  ended(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.#child.once('error', reject);
      this.#child.once('exit', (code, signal) => {
        if (!this.#isStopping) reject(new Error(`${this.#name} ended unexpectedly (${signal ?? `exit code ${code}`})`));
      });
    });
  }

  /** Stops the service; resolves once it has ended. */
  stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null || this.#child.pid === undefined)
      return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#child.kill('SIGKILL'), stopTimeoutMs);
      this.#child.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#child.kill('SIGTERM');
    });
  }
}

/** The environment without settings in the user's shell that are meant for other servers. */
function serviceEnvironment(): NodeJS.ProcessEnv {
  const isForSensors = (name: string) => name.startsWith('INSTANA_') || name === 'AUTOWRAPT_BOOTSTRAP';
  const isForHost = (name: string) => name === 'NODE_OPTIONS' || name === 'NODE_CHANNEL_FD';
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForSensors(name) && !isForHost(name)));
}
