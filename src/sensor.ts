// Makes each part of the sensor once and connects them.
import { Configuration } from './config/configuration.js';
import type { SensorOptions } from './config/options.js';
import { systemClock } from './core/clock.js';
import { InternalErrors } from './core/internal-errors.js';
import { Log } from './core/log.js';
import { Ticker } from './core/ticker.js';
import { type EumOptions, pageTrace, renderSnippet } from './eum-snippet.js';
import { type EntrySpanDependencies, HttpEntrySpans } from './instrumentation/http/entry-spans.js';
import { type ExitSpanDependencies, HttpExitSpans } from './instrumentation/http/exit-spans.js';
import { ForgottenSpans } from './instrumentation/http/forgotten-spans.js';
import { ListeningServers } from './instrumentation/http/listening-servers.js';
import { RequestWrapper } from './instrumentation/http/request-wrapper.js';
import type { InstrumentationContext } from './instrumentation/instrumentation.js';
import { Loader } from './instrumentation/loader.js';
import { selectInstrumentations } from './instrumentation/selection.js';
import { Lifecycle } from './lifecycle.js';
import { adopt } from './opentracing/global-tracer.js';
import type { InstanaTracer } from './opentracing/tracer.js';
import { IdPool } from './propagation/ids.js';
import { Redactor } from './redaction/redactor.js';
import { Reporting } from './reporting.js';
import { ActiveSpan } from './spans/active-span.js';
import { CallStacks } from './spans/call-stack.js';
import { type IgnorePolicy, makeIgnorePolicy } from './spans/ignore-policy.js';
import { type EncodeContext, makeEncodeContext } from './spans/instana-json.js';
import { Recorder } from './spans/recorder.js';
import { makeStatus, type SensorStatus } from './status.js';

/** The agent connection is loaded and started this long after the preload: the application comes first. */
const agentDelayMs = 50;
const flushMs = 5000;

/** Made from the configuration, and made again when it changes. */
interface Derived {
  readonly encodeContext: EncodeContext;
  readonly ignorePolicy: IgnorePolicy;
}

/** Off until `start()`. No public method throws. */
export class Sensor {
  readonly version: string;
  readonly log: Log = new Log('info');
  readonly #claimProcess: () => boolean;
  readonly #warnOnce = (cause: string, message: string): void => this.log.warnOnce(cause, message);
  readonly #warn = (message: string): void => this.log.warnOnce(message, message);
  readonly #errors: InternalErrors = new InternalErrors(this.log);
  readonly #ticker: Ticker = new Ticker(this.#errors);
  readonly #configuration: Configuration = new Configuration({
    warn: this.#warn,
    loadIgnoreFile: () => require('./config/ignore-file.js') as typeof import('./config/ignore-file.js'),
  });
  readonly #activeSpan: ActiveSpan = new ActiveSpan();
  readonly #recorder: Recorder = new Recorder({
    errors: this.#errors,
    now: systemClock.now,
    encodeContext: () => this.#derived.encodeContext,
    onThreshold: () => this.#reporting.requestAgentFlush(),
    onOtlpThreshold: () => this.#reporting.requestOtlpFlush(),
  });
  readonly #spanDependencies: EntrySpanDependencies & ExitSpanDependencies = {
    recorder: this.#recorder,
    activeSpan: this.#activeSpan,
    ids: new IdPool(),
    stacks: new CallStacks(),
    now: systemClock.now,
    wallClock: systemClock.wallClock,
    config: this.#configuration.current,
    patchLoadedBuiltins: () => this.#loader?.patchLoadedBuiltins(),
  };
  readonly #context: InstrumentationContext = {
    entrySpans: new HttpEntrySpans(this.#spanDependencies),
    exitSpans: new HttpExitSpans(this.#spanDependencies),
    activeSpan: this.#activeSpan,
    servers: new ListeningServers(),
    errors: this.#errors,
    log: this.log,
    state: { isDisabled: false },
    tracer: () => this.tracer,
  };
  readonly #requestWrapper: RequestWrapper = new RequestWrapper(this.#context);
  readonly #reporting: Reporting;
  readonly #lifecycle: Lifecycle = new Lifecycle({
    ...this.#context,
    finalRequests: () => this.#reporting.finalRequests(),
  });
  readonly #connect = this.#errors.quietly('starting the agent connection', () => {
    this.#loader?.patchLoadedBuiltins();
    this.#reporting.connect();
    this.#lifecycle.watchEnd();
  });
  #derived: Derived;
  #loader: Loader | null = null;
  #tracer: InstanaTracer | null = null;
  #isStarted = false;
  #stateSinceMs: number = systemClock.wallClock();
  /** Null while the sensor is off. */
  #endHousekeeping: (() => void) | null = null;

  /** `claimProcess` is called with the start; it returns false when another sensor is active in this process. */
  constructor(version: string, claimProcess: () => boolean) {
    this.version = version;
    this.#claimProcess = claimProcess;
    this.#reporting = new Reporting({
      ...this.#context,
      version,
      ticker: this.#ticker,
      configuration: this.#configuration,
      recorder: this.#recorder,
      redactor: () => this.#derived.encodeContext.redactor,
      initTooLate: () => this.#loader?.status().some(({ state }) => state === 'loaded-too-early') === true,
      onConfig: () => this.#applyConfig(),
    });
    this.log.use(this.#configuration.current().logLevel, undefined);
    this.#derived = this.#derive();
  }

  /** Patches what the environment asks for and begins to look for the agent. Calls after the first do nothing. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#stateSinceMs = systemClock.wallClock();
    try {
      if (!this.#claimProcess()) {
        this.log.warn('@instana/collector is active in this process; ts-sensor does not start beside it');
        return;
      }
      this.#patch();
      const forgottenSpans = new ForgottenSpans({ ...this.#context, ...this.#spanDependencies });
      this.#endHousekeeping = this.#ticker.listen('housekeeping', () => {
        this.#loader?.patchLoadedBuiltins();
        forgottenSpans.end(this.#configuration.current().tracing.maxRequestMs);
      });
      if (this.#recorder.otlp !== null) this.#lifecycle.watchEnd();
      systemClock.setTimeout(this.#connect, agentDelayMs).unref();
    } catch (error) {
      this.#errors.record('starting', error);
    }
  }

  /** Puts every patched function back and ends the connection. */
  stop(): void {
    this.#loader?.stop();
    this.#reporting.stop();
    this.#endHousekeeping?.();
  }

  /** Options of the application; they win over the agent's and lose against the environment's. Later calls add to earlier ones. */
  configure(options: SensorOptions): void {
    try {
      const before = this.#configuration.current();
      this.#configuration.configure(options);
      this.#applyConfig();
      const { logLevel, agentHost, agentPort } = this.#configuration.current();
      this.log.use(logLevel, this.#configuration.logger());
      if (before.agentHost !== agentHost || before.agentPort !== agentPort) this.#reporting.reconnect();
    } catch (error) {
      this.#errors.record('configure', error);
    }
    this.start();
  }

  /** Loads the tracer on first use: a process without manual spans does not pay for it. */
  get tracer(): InstanaTracer {
    if (this.#tracer !== null) return this.#tracer;
    const { InstanaTracer } = require('./opentracing/tracer.js') as typeof import('./opentracing/tracer.js');
    this.#tracer = new InstanaTracer(() => {
      this.start();
      return {
        ...this.#spanDependencies,
        settings: () => this.#configuration.current().tracing,
        warnOnce: this.#warnOnce,
        debugOnce: (cause, message) => this.log.debugOnce(cause, message),
      };
    });
    try {
      adopt(require('opentracing'), () => this.tracer);
    } catch (error) {
      this.#errors.record('global tracer', error);
    }
    return this.#tracer;
  }

  /** For servers that are not traced automatically; the first use starts the sensor. */
  get requestWrapper(): RequestWrapper {
    this.start();
    return this.#requestWrapper;
  }

  get loader(): Loader | null {
    return this.#loader;
  }

  /** The script for a page's head; empty without a key, and outside any request when no trace id is given. */
  eumSnippet(options: EumOptions = {}): string {
    try {
      const { eumApiKey, tracing } = this.#configuration.current();
      return renderSnippet(options, eumApiKey, pageTrace(this.#activeSpan, tracing.enabled), this.#warnOnce);
    } catch (error) {
      this.#errors.record('eumSnippet', error);
      return '';
    }
  }

  status(): SensorStatus {
    return makeStatus({
      version: this.version,
      config: this.#configuration.current(),
      presets: this.#configuration.presets(),
      isRunning: this.#endHousekeeping !== null,
      sinceMs: this.#stateSinceMs,
      modules: this.#loader?.status() ?? [],
      spans: this.#recorder.counters(),
      ...this.#reporting.status(),
      errors: this.#errors.counts(),
    });
  }

  /** Resolves when all that is finished is delivered, or after five seconds; never rejects. */
  async flush(): Promise<void> {
    // A short script may finish before the connection is started.
    if (this.#endHousekeeping !== null) this.#connect();
    await this.#reporting.flush(flushMs);
  }

  #patch(): void {
    const { tracing } = this.#configuration.current();
    const chosen = this.#configuration.choosePresets();
    const selection = selectInstrumentations(chosen, tracing, this.#derived.ignorePolicy);
    this.#loader = new Loader({ context: this.#context, ...selection });
    this.#loader.start();
  }

  #applyConfig(): void {
    this.#derived = this.#derive();
    this.#reporting.followConfig();
  }

  #derive(): Derived {
    const { secrets, serviceName, tracing } = this.#configuration.current();
    const ignorePolicy = makeIgnorePolicy(tracing);
    this.#context.entrySpans.use(ignorePolicy);
    this.#loader?.use(ignorePolicy);
    this.#recorder.useReceivers(tracing.otlp.enabled);
    const redactor = new Redactor(secrets, this.#warn);
    return { ignorePolicy, encodeContext: makeEncodeContext(redactor, serviceName, tracing.stackTraceLength) };
  }
}
