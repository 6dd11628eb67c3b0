// The one object of the process that makes everything and connects it.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from './agent/agent.js';
import { type BootstrapChoice, type BootstrapWord, readBootstrapWords } from './config/activation.js';
import { type GivenOptions, nested, takeOptions } from './config/code-options.js';
import { readIgnoreFile } from './config/ignore-file.js';
import { type Config, type IgnoreEndpoints, options, readConfig, type SensorOptions } from './config/options.js';
import { metricsWish } from './config/otlp-mode.js';
import { Faults } from './core/internal-errors.js';
import { Log, type Logger } from './core/log.js';
import { Beat } from './core/ticker.js';
import { type EumOptions, renderSnippet } from './eum-snippet.js';
import type { LastRequest } from './export/exit-flush.js';
import { HttpEntry } from './instrumentation/http/entry-spans.js';
import { HttpExit } from './instrumentation/http/exit-spans.js';
import { ListeningServers } from './instrumentation/http/listening-servers.js';
import { ByHand } from './instrumentation/http/request-wrapper.js';
import type { Instrumentation, Tools } from './instrumentation/instrumentation.js';
import { catalogue, channelCatalogue } from './instrumentation/instrumentations.js';
import { Loader, type ModuleStatus } from './instrumentation/loader.js';
import { openTracing } from './instrumentation/opentracing.js';
import type { Meter } from './metrics/agent-meter.js';
import type { GcObserver } from './metrics/gc-observer.js';
import { adopt } from './opentracing/global-tracer.js';
import type { InstanaTracer } from './opentracing/tracer.js';
import type { Otlp } from './otlp/otlp.js';
import { IdPool } from './propagation/ids.js';
import type { AnnounceAnswer } from './protocol/announce.js';
import { Secrets } from './redaction/redactor.js';
import { Scope } from './spans/active-span.js';
import { CallStacks } from './spans/call-stack.js';
import { makePolicy, type Policy } from './spans/ignore-policy.js';
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
const exitDeliveryMs = 300;

// Kept from before the application could replace them.
const { setTimeout } = globalThis;

/** Off until `start()`. No public method throws. */
export class Sensor {
  readonly version: string = readVersion();
  readonly log: Log;
  readonly #faults: Faults;
  readonly #beat: Beat;
  readonly #scope: Scope = new Scope();
  readonly #ids: IdPool = new IdPool();
  readonly #stacks: CallStacks = new CallStacks();
  readonly #recorder: Recorder;
  readonly #tools: Tools;
  readonly #byHand: ByHand;
  // Kept from before the application could replace them, by a fake clock for instance.
  readonly #now: () => number = performance.now.bind(performance);
  readonly #wallClock: () => number = Date.now;
  readonly #complain = (cause: string, message: string): void => this.log.warnOnce(cause, message);
  readonly #ignoreFile: IgnoreEndpoints | undefined;
  #code: GivenOptions = {};
  #answer: AnnounceAnswer | null = null;
  #config: Config;
  #encodeContext: EncodeContext;
  #policy: Policy;
  #choice: BootstrapChoice = { words: [], instrumentations: new Set() };
  #loader: Loader | null = null;
  #agent: Agent | null = null;
  #meter: Meter | null = null;
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
    this.#faults = new Faults(this.log);
    this.#beat = new Beat(this.#faults);
    this.#ignoreFile = readIgnoreFile(process.env['INSTANA_IGNORE_ENDPOINTS_PATH'], (message) =>
      this.log.warnOnce(message, message),
    );
    this.#config = this.#readConfig();
    this.#policy = makePolicy(this.#config.tracing);
    this.log.use(this.#config.logLevel, undefined);
    this.#encodeContext = this.#makeEncodeContext();
    this.#recorder = new Recorder({
      faults: this.#faults,
      now: this.#now,
      encodeContext: () => this.#encodeContext,
      onThreshold: () => this.#agent?.sendSoon(),
      onOtlpThreshold: () => this.#otlp?.sendSoon(),
      onOpen: () => this.#loader?.look(),
    });
    this.#recorder.route(this.#config.tracing.otlp.enabled);
    const http = {
      recorder: this.#recorder,
      scope: this.#scope,
      ids: this.#ids,
      stacks: this.#stacks,
      now: this.#now,
      wallClock: this.#wallClock,
      config: () => this.#config,
    };
    this.#tools = {
      entry: new HttpEntry(http),
      exit: new HttpExit(http),
      scope: this.#scope,
      servers: new ListeningServers(),
      faults: this.#faults,
      log: this.log,
      power: { isOff: false },
      tracer: () => this.tracer,
    };
    this.#tools.entry.use(this.#policy);
    this.#byHand = new ByHand(this.#tools);
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
      this.#endHousekeeping = this.#beat.listen('housekeeping', () => {
        this.#loader?.look();
        this.#expire();
      });
      if (this.#recorder.otlp !== null && isMainThread()) this.#watchEnd();
      setTimeout(
        this.#faults.quietly('starting the agent connection', () => this.#connectOnce()),
        agentDelayMs,
      ).unref();
    } catch (error) {
      this.#faults.record('starting', error);
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
  configure(given: SensorOptions): void {
    try {
      const before = this.#config;
      this.#code = takeOptions(this.#code, given, optionNames, (message) => this.log.warnOnce(message, message));
      this.#configChanged();
      this.log.use(this.#config.logLevel, this.#logger());
      if (before.agentHost !== this.#config.agentHost || before.agentPort !== this.#config.agentPort)
        this.#scope.apart(() => this.#agent?.reconnect());
    } catch (error) {
      this.#faults.record('configure', error);
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
        scope: this.#scope,
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
      this.#faults.record('global tracer', error);
    }
    return this.#tracer;
  }

  /** Whoever traces a server by hand wants its spans to arrive: the first use starts the sensor. */
  get byHand(): ByHand {
    this.start();
    return this.#byHand;
  }

  get loader(): Loader | null {
    return this.#loader;
  }

  /** The script for a page's head; empty without a key, and outside any request when no trace id is given. */
  eumSnippet(options: EumOptions = {}): string {
    try {
      return renderSnippet(options, this.#config.eumApiKey, this.#pageTrace(), this.#complain);
    } catch (error) {
      this.#faults.record('eumSnippet', error);
      return '';
    }
  }

  /** The active trace; null where nothing is traced, undefined outside any request and span. */
  #pageTrace(): string | null | undefined {
    if (!this.#config.tracing.enabled) return null; // whether there is a request is not known then
    const span = this.#scope.active();
    if (span !== null) return span.unsampled ? null : span.traceId;
    return this.#scope.isSuppressed() ? null : undefined;
  }

  status(): SensorStatus {
    const agent = this.#agent?.status();
    return {
      version: this.version,
      pid: process.pid,
      service: this.#config.serviceName,
      bootstrap: [...this.#choice.words],
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
      faults: this.#faults.counts(),
    };
  }

  /** Resolves when all that is finished is delivered, or after five seconds; never rejects. */
  async flush(): Promise<void> {
    try {
      // A short script may be through before the connection is begun.
      if (this.#endHousekeeping !== null) this.#connectOnce();
    } catch (error) {
      this.#faults.record('starting the agent connection', error);
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
    this.#choice = readBootstrapWords(process.env, (message) => this.log.warn(message));
    const { enabled, automatic } = this.#config.tracing;
    const wanted = enabled && automatic ? this.#choice.instrumentations : new Set<BootstrapWord>();
    // With automatic tracing off the tracer stays, and the application may look for it in opentracing.
    const isWanted = ({ name, words, group }: Pick<Instrumentation, 'name' | 'words' | 'group'>): boolean =>
      !this.#policy.isDisabled(name, group) &&
      (words.some((word) => wanted.has(word)) || (enabled && !automatic && name === openTracing.name));
    this.#loader = new Loader({
      tools: this.#tools,
      instrumentations: catalogue.filter(isWanted),
      channels: channelCatalogue.filter(isWanted),
      known: [...catalogue, ...channelCatalogue],
    });
    this.#loader.start();
  }

  #connectOnce(): void {
    this.#loader?.look();
    if (this.#agent === null) this.#scope.apart(() => this.#connect());
  }

  #connect(): void {
    const { Agent: AgentClass } = require('./agent/agent.js') as typeof import('./agent/agent.js');
    const { Meter: MeterClass } = require('./metrics/agent-meter.js') as typeof import('./metrics/agent-meter.js');
    const { GcObserver: GcObserverClass } =
      require('./metrics/gc-observer.js') as typeof import('./metrics/gc-observer.js');
    const isMain = isMainThread();
    const isSecret = (name: string): boolean => this.#encodeContext.secrets.isSecret(name);
    if (isMain && this.#config.metrics.enabled) {
      this.#gc = new GcObserverClass(this.#faults);
      this.#meter = new MeterClass({
        beat: this.#beat,
        faults: this.#faults,
        gc: this.#gc,
        log: this.log,
        config: () => this.#config,
        httpServers: () => ({ ...this.#tools.servers.all() }),
        initTooLate: () => this.#loader?.status().some(({ state }) => state === 'loaded-too-early') === true,
        sensorVersion: this.version,
        isSecret,
      });
    }
    this.#agent = new AgentClass({
      log: this.log,
      faults: this.#faults,
      config: () => this.#config,
      spans: this.#recorder,
      metrics: this.#meter,
      isMainThread: isMain,
      isSecret,
      note: () => this.#otlp?.note() ?? '',
      onAnnounced: (answer) => {
        this.#answer = answer;
        this.#configChanged();
      },
    });
    this.#agent.start();
    this.#followOtlp();
    if (isMain) this.#watchEnd();
  }

  /** Loads what sends OTLP when that is first asked for. */
  #followOtlp(): void {
    const wish = metricsWish(this.#config.metrics.otlp.enabled, this.#answer?.raw, process.env);
    const isAsked = this.#recorder.otlp !== null || (wish !== 'no' && this.#gc !== null);
    if (isAsked) this.#otlp ??= this.#makeOtlp();
    this.#otlp?.follow(wish);
  }

  #makeOtlp(): Otlp {
    const { Otlp: OtlpClass } = require('./otlp/otlp.js') as typeof import('./otlp/otlp.js');
    return new OtlpClass({
      log: this.log,
      faults: this.#faults,
      now: this.#now,
      wallClock: this.#wallClock,
      sensorVersion: this.version,
      config: () => this.#config,
      secrets: () => this.#encodeContext.secrets,
      quietly: (work) => this.#scope.apart(work),
      agentHost: () => this.#agent?.status().host ?? null,
      agentMayCome: () => this.#agent?.mayCome() === true,
      agentAnswer: () => this.#answer,
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
      this.#faults.quietly('uncaught error', (error: unknown) => this.#tools.entry.failUncaught(error)),
    );
    process.on(
      'exit',
      this.#faults.quietly('exit', () => {
        this.#tools.entry.endFailed();
        this.#deliverAtExit();
      }),
    );
  }

  #deliverAtExit(): void {
    // A short script may be through before the connection is begun.
    if (this.#otlp === null) this.#followOtlp();
    const requests = [this.#agent?.lastRequest(), this.#otlp?.atExit()].filter(
      (request): request is LastRequest => request !== undefined && request !== null,
    );
    if (requests.length === 0) return;
    const { deliverAtExit } = require('./export/exit-flush.js') as typeof import('./export/exit-flush.js');
    deliverAtExit(requests, exitDeliveryMs);
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
    const { entry, exit } = this.#tools;
    const headTick = span.http?.headTick ?? 0;
    if (headTick > 0 && now - headTick >= unreadResponseMs) exit.end(span, false);
    else if (now - span.startTick >= maxRequestMs) entry.expire(span, maxRequestMs);
  }

  #configChanged(): void {
    this.#config = this.#readConfig();
    this.#encodeContext = this.#makeEncodeContext();
    this.#policy = makePolicy(this.#config.tracing);
    this.#tools.entry.use(this.#policy);
    this.#loader?.use(this.#policy);
    this.#recorder.route(this.#config.tracing.otlp.enabled);
    if (this.#agent !== null) this.#scope.apart(() => this.#followOtlp());
  }

  #readConfig(): Config {
    const warn = (message: string): void => this.log.warnOnce(message, message);
    return readConfig(process.env, nested(this.#code), this.#answer?.raw, warn, this.#ignoreFile);
  }

  #makeEncodeContext(): EncodeContext {
    const { secrets, serviceName, tracing } = this.#config;
    const rule = new Secrets(secrets, (message) => this.log.warnOnce(message, message));
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
