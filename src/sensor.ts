// The one object of the process that makes everything and connects it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from './agent/agent.js';
import { type Preset, type PresetChoice, readPresets } from './config/activation.js';
import { type CodeOptions, mergeCodeOptions } from './config/code-options.js';
import { readIgnoreFile } from './config/ignore-file.js';
import { toNested } from './config/nested.js';
import { type Config, type IgnoreEndpoints, options, type SensorOptions } from './config/options.js';
import { otlpMetricsMode } from './config/otlp-mode.js';
import { readConfig } from './config/read-config.js';
import { InternalErrors } from './core/internal-errors.js';
import { Log, type Logger } from './core/log.js';
import { Ticker } from './core/ticker.js';
import { type EumOptions, renderSnippet } from './eum-snippet.js';
import type { FinalRequest } from './export/exit-flush.js';
import { HttpEntrySpans } from './instrumentation/http/entry-spans.js';
import { HttpExitSpans } from './instrumentation/http/exit-spans.js';
import { ListeningServers } from './instrumentation/http/listening-servers.js';
import { RequestWrapper } from './instrumentation/http/request-wrapper.js';
import type { Instrumentation, InstrumentationContext } from './instrumentation/instrumentation.js';
import { channelInstrumentations, instrumentations } from './instrumentation/instrumentations.js';
import { Loader, type ModuleStatus } from './instrumentation/loader.js';
import { openTracing } from './instrumentation/opentracing.js';
import type { AgentMeter } from './metrics/agent-meter.js';
import type { GcObserver } from './metrics/gc-observer.js';
import { adopt } from './opentracing/global-tracer.js';
import type { InstanaTracer } from './opentracing/tracer.js';
import type { Otlp } from './otlp/otlp.js';
import { IdPool } from './propagation/ids.js';
import type { AnnounceResponse } from './protocol/announce.js';
import { Redactor } from './redaction/redactor.js';
import { ActiveSpan } from './spans/active-span.js';
import { CallStacks } from './spans/call-stack.js';
import { type IgnorePolicy, makeIgnorePolicy } from './spans/ignore-policy.js';
import { type EncodeContext, makeEncodeContext } from './spans/instana-json.js';
import { Recorder } from './spans/recorder.js';
import type { SpanRecord } from './spans/span.js';

/** What `status()` tells. */
export interface SensorStatus {
  readonly version: string;
  readonly pid: number;
  readonly service: string | null;
  /** The words of `INSTANA_BOOTSTRAP` in force; empty before the sensor has started. */
  readonly bootstrap: string[];
  readonly agent: {
    readonly state: 'looking-up' | 'unannounced' | 'announced' | 'ready' | 'off';
    readonly host: string;
    readonly port: number;
    readonly uuid: string | null;
    readonly pid: number | null;
    /** Milliseconds since the epoch. */
    readonly since: number;
  };
  readonly modules: ModuleStatus[];
  readonly spans: {
    readonly opened: number;
    readonly finished: number;
    readonly sent: number;
    readonly waiting: number;
    readonly dropped: Record<string, number>;
    /** Of what is sent as OTLP, and where to; null when nothing ever was to be. */
    readonly otlp: {
      readonly url: string | null;
      readonly sent: number;
      readonly waiting: number;
      readonly dropped: Record<string, number>;
    } | null;
  };
  /** Our own errors, by place. */
  readonly faults: Record<string, number>;
}

/** An outgoing call whose response nobody reads to its end is over, for us, this long after its head arrived. */
const unreadResponseMs = 10_000;
/** The agent connection is loaded and started this long after the preload: the application comes first. */
const agentDelayMs = 50;
const flushMs = 5000;
const optionNames: readonly string[] = [...options.map(({ name }) => name), 'logger'];
/** Longest that the end of the process is held up for the last spans; with a healthy agent it takes 40 to 60 ms. */
const exitFlushMs = 300;

// Kept from before the application could replace them.
const { setTimeout } = globalThis;

/** Off until `start()`. No public method throws. */
export class Sensor {
  readonly version: string = readVersion();
  readonly log: Log;
  readonly #errors: InternalErrors;
  readonly #ticker: Ticker;
  readonly #activeSpan: ActiveSpan = new ActiveSpan();
  readonly #ids: IdPool = new IdPool();
  readonly #stacks: CallStacks = new CallStacks();
  readonly #recorder: Recorder;
  readonly #context: InstrumentationContext;
  readonly #requestWrapper: RequestWrapper;
  // Kept from before the application could replace them, by a fake clock for instance.
  readonly #now: () => number = performance.now.bind(performance);
  readonly #wallClock: () => number = Date.now;
  readonly #warnOnce = (cause: string, message: string): void => this.log.warnOnce(cause, message);
  readonly #ignoreFile: IgnoreEndpoints | undefined;
  #code: CodeOptions = {};
  #agentResponse: AnnounceResponse | null = null;
  #config: Config;
  #encodeContext: EncodeContext;
  #ignorePolicy: IgnorePolicy;
  #choice: PresetChoice = { presets: [], instrumentations: new Set() };
  #loader: Loader | null = null;
  #agent: Agent | null = null;
  #meter: AgentMeter | null = null;
  /** Null where no metrics are sent: in worker threads, and without them. */
  #gc: GcObserver | null = null;
  /** Null as long as nothing is to be sent as OTLP. */
  #otlp: Otlp | null = null;
  #isEndWatched = false;
  #tracer: InstanaTracer | null = null;
  #isStarted = false;
  #stateSinceMs: number = this.#wallClock();
  #endHousekeeping: (() => void) | null = null;

  constructor() {
    this.log = new Log('info');
    this.#errors = new InternalErrors(this.log);
    this.#ticker = new Ticker(this.#errors);
    this.#ignoreFile = readIgnoreFile(process.env['INSTANA_IGNORE_ENDPOINTS_PATH'], (message) =>
      this.log.warnOnce(message, message),
    );
    this.#config = this.#readConfig();
    this.#ignorePolicy = makeIgnorePolicy(this.#config.tracing);
    this.log.use(this.#config.logLevel, undefined);
    this.#encodeContext = this.#makeEncodeContext();
    this.#recorder = new Recorder({
      errors: this.#errors,
      now: this.#now,
      encodeContext: () => this.#encodeContext,
      onThreshold: () => this.#agent?.requestFlush(),
      onOtlpThreshold: () => this.#otlp?.requestFlush(),
      onOpen: () => this.#loader?.patchLoadedBuiltins(),
    });
    this.#recorder.route(this.#config.tracing.otlp.enabled);
    const http = {
      recorder: this.#recorder,
      activeSpan: this.#activeSpan,
      ids: this.#ids,
      stacks: this.#stacks,
      now: this.#now,
      wallClock: this.#wallClock,
      config: () => this.#config,
    };
    this.#context = {
      entrySpans: new HttpEntrySpans(http),
      exitSpans: new HttpExitSpans(http),
      activeSpan: this.#activeSpan,
      servers: new ListeningServers(),
      errors: this.#errors,
      log: this.log,
      state: { isDisabled: false },
      tracer: () => this.tracer,
    };
    this.#context.entrySpans.use(this.#ignorePolicy);
    this.#requestWrapper = new RequestWrapper(this.#context);
  }

  /** Patches what the environment asks for and begins to look for the agent. Calls after the first do nothing. */
  start(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#stateSinceMs = this.#wallClock();
    try {
      if (isOtherActive()) {
        this.log.warn('@instana/collector is active in this process; ts-sensor does not start beside it');
        return;
      }
      this.#patch();
      this.#endHousekeeping = this.#ticker.listen('housekeeping', () => {
        this.#loader?.patchLoadedBuiltins();
        this.#expire();
      });
      if (this.#recorder.otlp !== null && isMainThread()) this.#watchEnd();
      setTimeout(
        this.#errors.quietly('starting the agent connection', () => this.#connectOnce()),
        agentDelayMs,
      ).unref();
    } catch (error) {
      this.#errors.record('starting', error);
    }
  }

  /** Puts every patched function back and ends the connection. */
  stop(): void {
    this.#loader?.stop();
    this.#agent?.stop();
    this.#otlp?.stop();
    this.#meter?.stop();
    this.#endHousekeeping?.();
  }

  /** Options of the application; they win over the agent's and lose against the environment's. Later calls add to earlier ones. */
  configure(options: SensorOptions): void {
    try {
      const before = this.#config;
      this.#code = mergeCodeOptions(this.#code, options, optionNames, (message) => this.log.warnOnce(message, message));
      this.#configChanged();
      this.log.use(this.#config.logLevel, this.#logger());
      if (before.agentHost !== this.#config.agentHost || before.agentPort !== this.#config.agentPort)
        this.#activeSpan.runSuppressed(() => this.#agent?.reconnect());
    } catch (error) {
      this.#errors.record('configure', error);
    }
    this.start();
  }

  /** Loads the tracer on first use: a process that makes no span by hand does not pay for it. */
  get tracer(): InstanaTracer {
    if (this.#tracer !== null) return this.#tracer;
    const { InstanaTracer } = require('./opentracing/tracer.js') as typeof import('./opentracing/tracer.js');
    this.#tracer = new InstanaTracer(() => {
      this.start();
      return {
        activeSpan: this.#activeSpan,
        recorder: this.#recorder,
        ids: this.#ids,
        stacks: this.#stacks,
        now: this.#now,
        wallClock: this.#wallClock,
        settings: () => this.#config.tracing,
        warnOnce: (cause, message) => this.log.warnOnce(cause, message),
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

  /** Whoever traces a server by hand wants its spans to arrive: the first use starts the sensor. */
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
      return renderSnippet(options, this.#config.eumApiKey, this.#pageTrace(), this.#warnOnce);
    } catch (error) {
      this.#errors.record('eumSnippet', error);
      return '';
    }
  }

  /** The active trace; null where nothing is traced, undefined outside any request and span. */
  #pageTrace(): string | null | undefined {
    if (!this.#config.tracing.enabled) return null; // whether there is a request is not known then
    const span = this.#activeSpan.get();
    if (span !== null) return span.suppressed ? null : span.traceId;
    return this.#activeSpan.isSuppressed() ? null : undefined;
  }

  status(): SensorStatus {
    const agent = this.#agent?.status();
    return {
      version: this.version,
      pid: process.pid,
      service: this.#config.serviceName,
      bootstrap: [...this.#choice.presets],
      agent: agent ?? {
        state: this.#endHousekeeping === null ? 'off' : 'looking-up',
        host: this.#config.agentHost,
        port: this.#config.agentPort,
        uuid: null,
        pid: null,
        since: this.#stateSinceMs,
      },
      modules: this.#loader?.status() ?? [],
      spans: this.#spanStatus(),
      faults: this.#errors.counts(),
    };
  }

  /** Resolves when all that is finished is delivered, or after five seconds; never rejects. */
  async flush(): Promise<void> {
    try {
      // A short script may be through before the connection is begun.
      if (this.#endHousekeeping !== null) this.#connectOnce();
    } catch (error) {
      this.#errors.record('starting the agent connection', error);
    }
    await Promise.all([this.#agent?.flush(flushMs), this.#otlp?.flush(flushMs)]);
  }

  #spanStatus(): SensorStatus['spans'] {
    const { otlp, ...spans } = this.#recorder.counters();
    return { ...spans, otlp: otlp === null ? null : { url: this.#otlp?.tracesUrl ?? null, ...otlp } };
  }

  /** The application's logger, if it has the four methods. */
  #logger(): Logger | undefined {
    const logger = this.#code['logger'];
    if (logger === undefined || logger === null) return undefined;
    try {
      if (['debug', 'info', 'warn', 'error'].every((level) => typeof Reflect.get(Object(logger), level) === 'function'))
        return logger as Logger; // looked at
    } catch {
      // A getter or a proxy that throws: not all of them are there.
    }
    this.log.warnOnce('logger', 'option logger has not all of debug, info, warn and error; it is ignored');
    return undefined;
  }

  #patch(): void {
    this.#choice = readPresets(process.env, (message) => this.log.warn(message));
    const { enabled, automatic } = this.#config.tracing;
    const wanted = enabled && automatic ? this.#choice.instrumentations : new Set<Preset>();
    // With automatic tracing off the tracer stays, and the application may look for it in opentracing.
    const isWanted = ({ name, presets, group }: Pick<Instrumentation, 'name' | 'presets' | 'group'>): boolean =>
      !this.#ignorePolicy.isDisabled(name, group) &&
      (presets.some((preset) => wanted.has(preset)) || (enabled && !automatic && name === openTracing.name));
    this.#loader = new Loader({
      tools: this.#context,
      instrumentations: instrumentations.filter(isWanted),
      channels: channelInstrumentations.filter(isWanted),
      known: [...instrumentations, ...channelInstrumentations],
    });
    this.#loader.start();
  }

  #connectOnce(): void {
    this.#loader?.patchLoadedBuiltins();
    if (this.#agent === null) this.#activeSpan.runSuppressed(() => this.#connect());
  }

  #connect(): void {
    const { Agent: AgentClass } = require('./agent/agent.js') as typeof import('./agent/agent.js');
    const { AgentMeter: MeterClass } = require('./metrics/agent-meter.js') as typeof import('./metrics/agent-meter.js');
    const { GcObserver: GcObserverClass } =
      require('./metrics/gc-observer.js') as typeof import('./metrics/gc-observer.js');
    const isMain = isMainThread();
    const isSecret = (name: string): boolean => this.#encodeContext.redactor.isSecret(name);
    if (isMain && this.#config.metrics.enabled) {
      this.#gc = new GcObserverClass(this.#errors);
      this.#meter = new MeterClass({
        ticker: this.#ticker,
        errors: this.#errors,
        gc: this.#gc,
        log: this.log,
        config: () => this.#config,
        httpServers: () => ({ ...this.#context.servers.all() }),
        initTooLate: () => this.#loader?.status().some(({ state }) => state === 'loaded-too-early') === true,
        sensorVersion: this.version,
        isSecret,
      });
    }
    this.#agent = new AgentClass({
      log: this.log,
      errors: this.#errors,
      config: () => this.#config,
      spans: this.#recorder,
      metrics: this.#meter,
      isMainThread: isMain,
      isSecret,
      note: () => this.#otlp?.note() ?? '',
      onAnnounced: (answer) => {
        this.#agentResponse = answer;
        this.#configChanged();
      },
    });
    this.#agent.start();
    this.#followOtlp();
    if (isMain) this.#watchEnd();
  }

  /** Loads what sends OTLP when that is first asked for. */
  #followOtlp(): void {
    const wish = otlpMetricsMode(this.#config.metrics.otlp.enabled, this.#agentResponse?.raw, process.env);
    const isAsked = this.#recorder.otlp !== null || (wish !== 'no' && this.#gc !== null);
    if (isAsked) this.#otlp ??= this.#makeOtlp();
    this.#otlp?.follow(wish);
  }

  #makeOtlp(): Otlp {
    const { Otlp: OtlpClass } = require('./otlp/otlp.js') as typeof import('./otlp/otlp.js');
    return new OtlpClass({
      log: this.log,
      errors: this.#errors,
      now: this.#now,
      wallClock: this.#wallClock,
      sensorVersion: this.version,
      config: () => this.#config,
      secrets: () => this.#encodeContext.redactor,
      quietly: (work) => this.#activeSpan.runSuppressed(work),
      agentHost: () => this.#agent?.status().host ?? null,
      agentMayCome: () => this.#agent?.mayCome() === true,
      agentResponse: () => this.#agentResponse,
      spans: () => this.#recorder.otlp,
      gc: () => this.#gc,
    });
  }

  /** What ends the process must not take the last spans with it; how the process ends stays as it is. */
  #watchEnd(): void {
    if (this.#isEndWatched) return;
    this.#isEndWatched = true;
    process.on(
      'uncaughtExceptionMonitor',
      this.#errors.quietly('uncaught error', (error: unknown) => this.#context.entrySpans.failUncaught(error)),
    );
    process.on(
      'exit',
      this.#errors.quietly('exit', () => {
        this.#context.entrySpans.endFailed();
        this.#deliverAtExit();
      }),
    );
  }

  #deliverAtExit(): void {
    // A short script may be through before the connection is begun.
    if (this.#otlp === null) this.#followOtlp();
    const requests = [this.#agent?.finalRequest(), this.#otlp?.finalRequest()].filter(
      (request): request is FinalRequest => request !== undefined && request !== null,
    );
    if (requests.length === 0) return;
    const { flushAtExit } = require('./export/exit-flush.js') as typeof import('./export/exit-flush.js');
    flushAtExit(requests, exitFlushMs);
  }

  /** Ends what the application seems to have forgotten, so that it is seen and costs nothing for ever. */
  #expire(): void {
    const { maxRequestMs } = this.#config.tracing;
    const now = this.#now();
    this.#recorder.expire(Math.min(maxRequestMs, unreadResponseMs), (span) =>
      this.#expireSpan(span, now, maxRequestMs),
    );
  }

  #expireSpan(span: SpanRecord, now: number, maxRequestMs: number): void {
    const { entrySpans, exitSpans } = this.#context;
    const headTick = span.http?.headTick ?? 0;
    if (headTick > 0 && now - headTick >= unreadResponseMs) exitSpans.end(span, false);
    else if (now - span.startTick >= maxRequestMs) entrySpans.expire(span, maxRequestMs);
  }

  #configChanged(): void {
    this.#config = this.#readConfig();
    this.#encodeContext = this.#makeEncodeContext();
    this.#ignorePolicy = makeIgnorePolicy(this.#config.tracing);
    this.#context.entrySpans.use(this.#ignorePolicy);
    this.#loader?.use(this.#ignorePolicy);
    this.#recorder.route(this.#config.tracing.otlp.enabled);
    if (this.#agent !== null) this.#activeSpan.runSuppressed(() => this.#followOtlp());
  }

  #readConfig(): Config {
    const warn = (message: string): void => this.log.warnOnce(message, message);
    return readConfig(process.env, toNested(this.#code), this.#agentResponse?.raw, warn, this.#ignoreFile);
  }

  #makeEncodeContext(): EncodeContext {
    const { secrets, serviceName, tracing } = this.#config;
    const rule = new Redactor(secrets, (message) => this.log.warnOnce(message, message));
    return makeEncodeContext(rule, serviceName, tracing.stackTraceLength);
  }
}

function isMainThread(): boolean {
  return (require('node:worker_threads') as typeof import('node:worker_threads')).isMainThread;
}

function readVersion(): string {
  try {
    const { version } = JSON.parse(readFileSync(join(__dirname, '../../package.json'), 'utf8')) as { version: string };
    return version;
  } catch {
    return '0.0.0';
  }
}

const sensorKey = Symbol.for('@instana/ts-sensor');
/** The official sensor's mark; two sensors in one process would announce one pid twice. */
const initializedMark = '__INSTANA_INITIALIZED';

/** The sensor of this process: the copy that was loaded first, whoever asks. */
export function sensor(): Sensor {
  const existing: unknown = Reflect.get(globalThis, sensorKey);
  if (existing !== undefined) {
    // Put there by this function, in this or in another copy of the package.
    const first = existing as Sensor;
    const own = readVersion();
    if (first.version !== own) {
      first.log.warnOnce(
        'two versions',
        `ts-sensor ${own} was loaded beside ${first.version}; version ${first.version} stays in charge`,
      );
    }
    return first;
  }
  const created = new Sensor();
  Object.defineProperty(globalThis, sensorKey, { value: created });
  return created;
}

/** Whether the official sensor was here first; puts our mark where it was not. */
function isOtherActive(): boolean {
  if (Reflect.get(globalThis, initializedMark) === true) return true;
  if (Reflect.get(globalThis, initializedMark) === undefined)
    Object.defineProperty(globalThis, initializedMark, { value: true, configurable: true, writable: true });
  return false;
}

/** What the preload does: starts the sensor. Never throws. */
export function startSensor(): Sensor | null {
  try {
    const own = sensor();
    own.start();
    return own;
  } catch (error) {
    new Log('info').error(`the sensor could not start, the application runs without it: ${String(error)}`);
    return null;
  }
}
