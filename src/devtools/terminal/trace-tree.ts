// Draws a trace as a text tree: each call under its caller, across processes.

import {
  detailOf,
  errorTextOf,
  hasError,
  operationOf,
  pathOf,
  type ReceivedSpan,
  spanKind,
  statusOf,
} from '../store/received-span.js';
import { type Colors, toPrintable } from './colors.js';

/** Limits of what is drawn. */
export interface TreeLimits {
  readonly maxLines: number;
  readonly maxDepth: number;
}

interface Node {
  readonly received: ReceivedSpan;
  readonly children: Node[];
}

interface Line {
  readonly branch: string;
  readonly label: string;
  /** The label with colours; it takes the same number of columns. */
  readonly coloredLabel: string;
  readonly status: string;
  readonly duration: string;
  readonly note: string;
  readonly isFailed: boolean;
}

const defaultLimits: TreeLimits = { maxLines: 24, maxDepth: 10 };
const maxLabelLength = 72;

/** The lines of the tree, the first one with the trace id. `serviceOf` returns the service name of a span. */
export function drawTrace(
  spans: readonly ReceivedSpan[],
  serviceOf: (received: ReceivedSpan) => string,
  colors: Colors,
  limits: TreeLimits = defaultLimits,
): string {
  const drawing = new Drawing(serviceOf, colors, limits);
  const roots = buildForest(spans);
  for (const root of roots) drawing.add(root, '', '', 0);
  return drawing.finish(spans.length, spans[0]?.traceId ?? '');
}

/** Trees of spans by parent, in the order of time. A span is a root if its parent is missing or a descendant of it. */
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

/** Spans in a cycle of parents are below no root, so the first span of each cycle becomes one. */
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
  readonly #colors: Colors;
  readonly #limits: TreeLimits;
  readonly #lines: Line[] = [];
  #drawn = 0;

  constructor(serviceOf: (received: ReceivedSpan) => string, colors: Colors, limits: TreeLimits) {
    this.#serviceOf = serviceOf;
    this.#colors = colors;
    this.#limits = limits;
  }

  add(node: Node, branch: string, indent: string, depth: number, callerService: string | null = null): void {
    if (this.#lines.length >= this.#limits.maxLines || depth > this.#limits.maxDepth) return;
    this.#drawn++;
    const service = this.#serviceOf(node.received);
    this.#lines.push(this.#line(node.received, branch, service, callerService));
    const groups = groupAlike(node.children);
    groups.forEach((group, index) => {
      const isLast = index === groups.length - 1;
      const [first] = group;
      if (first === undefined) return;
      const below = this.#colors.dim(isLast ? '└─ ' : '├─ ');
      const further = isLast ? '   ' : `${this.#colors.dim('│')}  `;
      if (group.length === 1) this.add(first, indent + below, indent + further, depth + 1, service);
      else this.#addGroup(group, indent + below);
    });
  }

  #addGroup(group: readonly Node[], branch: string): void {
    const [first] = group;
    if (first === undefined || this.#lines.length >= this.#limits.maxLines) return;
    this.#drawn += group.length;
    const line = this.#line(first.received, branch, '', null);
    const totalMs = group.reduce((sum, { received }) => sum + received.span.d, 0);
    this.#lines.push({ ...line, duration: formatDuration(totalMs), note: `× ${group.length}` });
  }

  #line(received: ReceivedSpan, branch: string, service: string, callerService: string | null): Line {
    const { span } = received;
    const status = statusOf(span);
    const isFailed = hasError(span);
    const { label, coloredLabel } = this.#label(received, service, callerService);
    const error = isFailed ? errorTextOf(span) : null;
    return {
      branch,
      label,
      coloredLabel,
      status: status === null ? (isFailed ? 'error' : '') : toPrintable(status, 5),
      duration: formatDuration(span.d),
      note: error === null ? '' : toPrintable(error, 120),
      isFailed,
    };
  }

  #label(
    received: ReceivedSpan,
    service: string,
    callerService: string | null,
  ): { label: string; coloredLabel: string } {
    const { span } = received;
    const kind = spanKind(span);
    if (kind === 2) {
      const label = toPrintable(callLabel(received), maxLabelLength);
      return { label, coloredLabel: label };
    }
    const operation = toPrintable(operationOf(span), maxLabelLength);
    // An intermediate span in the service of its caller does not repeat the service name.
    if (kind === 3 && service === callerService) return { label: operation, coloredLabel: operation };
    const name = toPrintable(service, 40);
    return { label: `${name}  ${operation}`, coloredLabel: `${this.#colors.bold(name)}  ${operation}` };
  }

  finish(spanCount: number, traceId: string): string {
    const { dim, red } = this.#colors;
    const widths = this.#lines.map(({ branch, label }) => columnCount(branch) + columnCount(label));
    const labelWidth = Math.max(0, ...widths);
    const statusWidth = Math.max(0, ...this.#lines.map(({ status }) => status.length));
    const durationWidth = Math.max(0, ...this.#lines.map(({ duration }) => duration.length));
    const rows = this.#lines.map((line, index) => {
      const gap = ' '.repeat(labelWidth - (widths[index] ?? 0));
      const status =
        statusWidth === 0 ? '' : `  ${this.#colorStatus(line)}${' '.repeat(statusWidth - line.status.length)}`;
      const note = line.note === '' ? '' : `  ${line.isFailed ? red(line.note) : dim(line.note)}`;
      const id = index === 0 ? `  ${dim(traceId)}` : '';
      return `${line.branch}${line.coloredLabel}${gap}${status}  ${line.duration.padStart(durationWidth)}${note}${id}`;
    });
    const left = spanCount - this.#drawn;
    if (left > 0) rows.push(dim(`   ... and ${left} more`));
    return rows.join('\n');
  }

  #colorStatus({ status, isFailed }: Line): string {
    if (isFailed || status.startsWith('5')) return this.#colors.red(status);
    if (status.startsWith('4')) return this.#colors.yellow(status);
    return status.startsWith('2') ? this.#colors.green(status) : this.#colors.cyan(status);
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

/** Groups neighbours that look the same, so that they become one line. Spans with children, errors or an entry kind stay alone. */
function groupAlike(children: readonly Node[]): Node[][] {
  const groups: Node[][] = [];
  let key: string | null = null;
  for (const child of children) {
    const childKey = collapseKey(child);
    if (childKey !== null && childKey === key) groups.at(-1)?.push(child);
    else groups.push([child]);
    key = childKey;
  }
  return groups;
}

function collapseKey({ received, children }: Node): string | null {
  if (children.length > 0 || hasError(received.span) || spanKind(received.span) === 1) return null;
  return `${callLabel(received)} ${statusOf(received.span)}`;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colour sequences begin with one
const colorSequence = /\u001b\[\d+m/g;
const wide = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f300}-\u{1faff}]/gu;

/** The number of terminal columns of the text: two for each East Asian character, one for each other character. */
function columnCount(text: string): number {
  const plain = text.replace(colorSequence, '');
  return Array.from(plain).length + (plain.match(wide)?.length ?? 0);
}

function formatDuration(durationMs: number): string {
  if (durationMs < 10_000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 600_000) return `${(durationMs / 1000).toFixed(1)} s`;
  return `${Math.round(Math.min(durationMs, 3.6e12) / 60_000)} min`;
}
