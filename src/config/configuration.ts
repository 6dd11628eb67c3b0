// The configuration in force, read again whenever one of its sources changes.
import type { Logger } from '../core/log.js';
import { tryMember } from '../core/try-get.js';
import { type CodeOptions, mergeCodeOptions } from './code-options.js';
import { environment } from './environment.js';
import type { IgnoreEndpoints } from './ignore-endpoints.js';
import { toNested } from './nested.js';
import { type Config, options } from './options.js';
import { type OtlpMetricsMode, otlpMetricsMode } from './otlp-mode.js';
import type { WarnFn } from './parsers.js';
import { type PresetChoice, readPresets } from './presets.js';
import { readConfig } from './read-config.js';
import { isSet } from './resolve.js';

/** The module `ignore-file`. */
interface IgnoreFile {
  readIgnoreFile(path: string, warn: WarnFn): IgnoreEndpoints | undefined;
}

export interface ConfigurationDependencies {
  readonly warn: WarnFn;
  /** Called when `INSTANA_IGNORE_ENDPOINTS_PATH` names a file: what reads it is a parser that few processes need. */
  readonly loadIgnoreFile: () => IgnoreFile;
}

const optionNames: readonly string[] = [...options.map(({ name }) => name), 'logger'];
const loggerMethods: readonly string[] = ['debug', 'info', 'warn', 'error'];

/** Holds what each source has said so far. */
export class Configuration {
  readonly #warn: WarnFn;
  readonly #ignoreFile: IgnoreEndpoints | undefined;
  #code: CodeOptions = {};
  #agentResponse: unknown;
  #current: Config;
  #presets: readonly string[] = [];

  constructor({ warn, loadIgnoreFile }: ConfigurationDependencies) {
    this.#warn = warn;
    const path = environment()['INSTANA_IGNORE_ENDPOINTS_PATH'];
    this.#ignoreFile = isSet(path) ? loadIgnoreFile().readIgnoreFile(path, warn) : undefined;
    this.#current = this.#read();
  }

  /** The current values. A bound function, because parts call it for every request. */
  readonly current = (): Config => this.#current;

  /** Adds options of the application; they win over the agent's and over earlier ones, and lose against the environment's. */
  configure(codeOptions: unknown): void {
    this.#code = mergeCodeOptions(this.#code, codeOptions, optionNames, this.#warn);
    this.#current = this.#read();
  }

  /** Takes the options in the agent's response to the announcement. */
  followAgent(response: unknown): void {
    this.#agentResponse = response;
    this.#current = this.#read();
  }

  /** The application's logger; undefined, with a warning, when it does not have the four methods. */
  logger(): Logger | undefined {
    const logger = this.#code['logger'];
    if (logger === undefined || logger === null) return undefined;
    if (loggerMethods.every((name) => typeof tryMember(logger, name) === 'function')) return logger as Logger; // checked
    this.#warn('option logger has not all of debug, info, warn and error; it is ignored');
    return undefined;
  }

  /** Reads from the environment what is to be instrumented; unknown words are logged. */
  choosePresets(): PresetChoice {
    const choice = readPresets(environment(), this.#warn);
    this.#presets = choice.presets;
    return choice;
  }

  /** Those that were chosen; none before that. */
  presets(): readonly string[] {
    return this.#presets;
  }

  /** Whether metrics are to be sent as OTLP. */
  otlpMetricsMode(): OtlpMetricsMode {
    return otlpMetricsMode(this.#current.metrics.otlp.enabled, this.#agentResponse, environment());
  }

  #read(): Config {
    return readConfig(environment(), toNested(this.#code), this.#agentResponse, this.#warn, this.#ignoreFile);
  }
}
