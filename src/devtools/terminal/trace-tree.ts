// Draws a trace as a tree of text: each call under its caller, across processes.

import {
  detailOf,
  errorTextOf,
  hasError,
  kindOf,
  operationOf,
  pathOf,
  type ReceivedSpan,
  statusOf,
} from '../store/received-span.js';
import type { Paint } from './colors.js';
import { visible } from './colors.js';

/** How much of a trace is drawn. */
export interface TreeLimits {
  readonly maximumLines: number;
  readonly maximumDepth: number;
}

interface Node {
  readonly received: ReceivedSpan;
  readonly children: Node[];
}

interface Line {
  readonly branch: string;
  readonly label: string;
  /** The label in colours, of the same visible length. */
  readonly painted: string;
  readonly status: string;
  readonly duration: string;
  readonly note: string;
  readonly isFailed: boolean;
}

const defaultLimits: TreeLimits = { maximumLines: 24, maximumDepth: 10 };
const maximumLabelLength = 72;

/** The lines of the tree; `serviceOf` names the service of a span. The first one carries the id of the trace. */
export function drawTrace(
  spans: readonly ReceivedSpan[],
  serviceOf: (received: ReceivedSpan) => string,
  paint: Paint,
  limits: TreeLimits = defaultLimits,
): string {
  const drawing = new Drawing(serviceOf, paint, limits);
  const roots = buildForest(spans);
  for (const root of roots) drawing.add(root, '', '', 0);
  return drawing.finish(spans.length, spans[0]?.traceId ?? '');
}

/** Trees of spans by parent, in the order of time. A span whose parent is missing or itself below it is a root. */
function buildForest(spans: readonly ReceivedSpan[]): Node[] {
  const nodes = new Map<string, Node>();
  for (const received of spans) if (!nodes.has(received.id)) nodes.set(received.id, { received, children: [] });
  const roots: Node[] = [];
  for (const node of nodes.values()) {
    const { parentId, id } = node.received;
    const parent = parentId === null || parentId === id ? undefined : nodes.get(parentId);
    (parent?.children ?? roots).push(node);
  }
  breakCycles(nodes, roots);
  const byTime = (left: Node, right: Node) => left.received.span.ts - right.received.span.ts;
  for (const node of nodes.values()) node.children.sort(byTime);
  return roots.sort(byTime);
}

/** Spans that are each other's parents hang on no root: the first of each ring becomes one. */
function breakCycles(nodes: ReadonlyMap<string, Node>, roots: Node[]): void {
  const reached = new Set<Node>();
  const reach = (start: Node) => {
    const waiting = [start];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      if (reached.has(node)) continue;
      reached.add(node);
      waiting.push(...node.children);
    }
  };
  for (const root of roots) reach(root);
  for (const node of nodes.values()) {
    if (reached.has(node)) continue;
    const parent = nodes.get(node.received.parentId ?? '');
    parent?.children.splice(parent.children.indexOf(node), 1);
    roots.push(node);
    reach(node);
  }
}

class Drawing {
  readonly #serviceOf: (received: ReceivedSpan) => string;
  readonly #paint: Paint;
  readonly #limits: TreeLimits;
  readonly #lines: Line[] = [];
  #drawn = 0;

  constructor(serviceOf: (received: ReceivedSpan) => string, paint: Paint, limits: TreeLimits) {
    this.#serviceOf = serviceOf;
    this.#paint = paint;
    this.#limits = limits;
  }

  add(node: Node, branch: string, indent: string, depth: number, callerService: string | null = null): void {
    if (this.#lines.length >= this.#limits.maximumLines || depth > this.#limits.maximumDepth) return;
    this.#drawn++;
    const service = this.#serviceOf(node.received);
    this.#lines.push(this.#line(node.received, branch, service, callerService));
    const groups = groupAlike(node.children);
    groups.forEach((group, index) => {
      const isLast = index === groups.length - 1;
      const [first] = group;
      if (first === undefined) return;
      const below = this.#paint.dim(isLast ? '└─ ' : '├─ ');
      const further = isLast ? '   ' : `${this.#paint.dim('│')}  `;
      if (group.length === 1) this.add(first, indent + below, indent + further, depth + 1, service);
      else this.#addGroup(group, indent + below);
    });
  }

  #addGroup(group: readonly Node[], branch: string): void {
    const [first] = group;
    if (first === undefined || this.#lines.length >= this.#limits.maximumLines) return;
    this.#drawn += group.length;
    const line = this.#line(first.received, branch, '', null);
    const totalMs = group.reduce((sum, { received }) => sum + received.span.d, 0);
    this.#lines.push({ ...line, duration: formatDuration(totalMs), note: `× ${group.length}` });
  }

  #line(received: ReceivedSpan, branch: string, service: string, callerService: string | null): Line {
    const { span } = received;
    const status = statusOf(span);
    const isFailed = hasError(span);
    const { label, painted } = this.#label(received, service, callerService);
    const error = isFailed ? errorTextOf(span) : null;
    return {
      branch,
      label,
      painted,
      status: status === null ? (isFailed ? 'error' : '') : visible(status, 5),
      duration: formatDuration(span.d),
      note: error === null ? '' : visible(error, 120),
      isFailed,
    };
  }

  #label(received: ReceivedSpan, service: string, callerService: string | null): { label: string; painted: string } {
    const { span } = received;
    const kind = kindOf(span);
    if (kind === 2) {
      const label = visible(callLabel(received), maximumLabelLength);
      return { label, painted: label };
    }
    const operation = visible(operationOf(span), maximumLabelLength);
    // Work inside the same service need not say again where it happens.
    if (kind === 3 && service === callerService) return { label: operation, painted: operation };
    const name = visible(service, 40);
    return { label: `${name}  ${operation}`, painted: `${this.#paint.bold(name)}  ${operation}` };
  }

  finish(spanCount: number, traceId: string): string {
    const { dim, red } = this.#paint;
    const widths = this.#lines.map(({ branch, label }) => visibleLength(branch) + visibleLength(label));
    const labelWidth = Math.max(0, ...widths);
    const statusWidth = Math.max(0, ...this.#lines.map(({ status }) => status.length));
    const durationWidth = Math.max(0, ...this.#lines.map(({ duration }) => duration.length));
    const rows = this.#lines.map((line, index) => {
      const gap = ' '.repeat(labelWidth - (widths[index] ?? 0));
      const status =
        statusWidth === 0 ? '' : `  ${this.#paintStatus(line)}${' '.repeat(statusWidth - line.status.length)}`;
      const note = line.note === '' ? '' : `  ${line.isFailed ? red(line.note) : dim(line.note)}`;
      const id = index === 0 ? `  ${dim(traceId)}` : '';
      return `${line.branch}${line.painted}${gap}${status}  ${line.duration.padStart(durationWidth)}${note}${id}`;
    });
    const left = spanCount - this.#drawn;
    if (left > 0) rows.push(dim(`   ... and ${left} more`));
    return rows.join('\n');
  }

  #paintStatus({ status, isFailed }: Line): string {
    if (isFailed || status.startsWith('5')) return this.#paint.red(status);
    if (status.startsWith('4')) return this.#paint.yellow(status);
    return status.startsWith('2') ? this.#paint.green(status) : this.#paint.cyan(status);
  }
}

function callLabel({ span }: ReceivedSpan): string {
  const url = pathOf(span);
  if (url !== null) {
    const [method] = operationOf(span).split(' ');
    return method === undefined || method === 'GET' || method === 'HTTP' ? `calls ${url}` : `calls ${method} ${url}`;
  }
  const detail = detailOf(span);
  const operation = operationOf(span);
  return detail === null ? `calls ${operation}` : `${operation} ${detail}`;
}

/** Neighbours that look the same, have nothing under them and did not fail are one line. */
function groupAlike(children: readonly Node[]): Node[][] {
  const groups: Node[][] = [];
  let key: string | null = null;
  for (const child of children) {
    const own = collapseKey(child);
    if (own !== null && own === key) groups.at(-1)?.push(child);
    else groups.push([child]);
    key = own;
  }
  return groups;
}

function collapseKey({ received, children }: Node): string | null {
  if (children.length > 0 || hasError(received.span) || kindOf(received.span) === 1) return null;
  return `${callLabel(received)} ${statusOf(received.span)}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: the colours of Paint begin with one
const colours = /\u001b\[\d+m/g;
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/gu;

/** Columns that the text takes in a terminal: most scripts take one a character, those of East Asia two. */
function visibleLength(text: string): number {
  const plain = text.replace(colours, '');
  return Array.from(plain).length + (plain.match(wide)?.length ?? 0);
}

function formatDuration(durationMs: number): string {
  if (durationMs < 10_000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 600_000) return `${(durationMs / 1000).toFixed(1)} s`;
  return `${Math.round(Math.min(durationMs, 3.6e12) / 60_000)} min`;
}
