// The route of an Express request: the patterns of the routers and layers that it passes, joined to a template at the end.
import type { RouteState } from '../../spans/span.js';
import { makePrivateField, type PrivateField } from '../private-field.js';
import { flatPaths, joinPatterns, patternText } from '../route-pattern.js';
import { PathList } from './path-list.js';

/** A layer or a route as it was added to its router. */
export class RegisteredLayer {
  readonly owner: object;
  readonly isRoute: boolean;
  readonly pattern: string;
  /** The paths of a layer that has several. Which of them matched is determined when the layer runs. */
  readonly list: PathList | null;

  constructor(owner: RouterOptions, isRoute: boolean, path: unknown) {
    const paths = flatPaths(path);
    this.owner = owner;
    this.isRoute = isRoute;
    this.pattern = patternText(paths[0]);
    const strict = isRoute && owner.strict === true;
    this.list =
      paths.length > 1 ? new PathList(paths, { end: isRoute, strict, sensitive: owner.caseSensitive === true }) : null;
  }
}

/** The options of a router that decide how its paths match. */
export interface RouterOptions {
  readonly caseSensitive?: unknown;
  readonly strict?: unknown;
}

/** By the layer or the route. */
export const registeredLayers: PrivateField<RegisteredLayer> = makePrivateField();

/** One router on the way down to the layer that is running. */
class RouterLevel {
  readonly owner: object;
  readonly prefix: string;
  pattern: string;
  readonly outer: RouterLevel | null;

  constructor(owner: object, prefix: string, pattern: string, outer: RouterLevel | null) {
    this.owner = owner;
    this.prefix = prefix;
    this.pattern = pattern;
    this.outer = outer;
  }
}

/** The way of one request through the routers. */
export class ExpressRoute implements RouteState {
  #level: RouterLevel | null = null;
  #route: string | null = null;
  #options: string | null = null;
  #failed = false;
  /** The layer that a router has matched for this request. Other requests may match it while callbacks for its parameters run. */
  matchedLayer: object | null = null;
  matchedPattern = '';

  /** A layer with this pattern starts to run. `owner` is the router that it belongs to. */
  enter(owner: object, isRoute: boolean, pattern: string): void {
    let level = this.#level;
    while (level !== null && level.owner !== owner) level = level.outer;
    if (level === null) level = new RouterLevel(owner, this.#mounted(), pattern, this.#level);
    else level.pattern = pattern;
    this.#level = level;
    if (isRoute) this.#route = joinPatterns(level.prefix, pattern);
  }

  /** A route matches the path but has no handler for OPTIONS, so Express will respond for it. */
  offerOptions(owner: object, pattern: string): void {
    if (this.#options !== null) return;
    let level = this.#level;
    while (level !== null && level.owner !== owner) level = level.outer;
    this.#options = joinPatterns(level === null ? this.#mounted() : level.prefix, pattern);
  }

  /** The request has met an error. */
  fail(): void {
    this.#failed = true;
  }

  template(status: number, response: { readonly req?: unknown }): string | null {
    if (status === 404 && !this.#failed && isExhausted(response)) return null;
    if (this.#route !== null) return this.#route === '' ? '/' : this.#route;
    const { method } = (response.req ?? {}) as { readonly method?: unknown };
    if (this.#options !== null && method === 'OPTIONS') return this.#options === '' ? '/' : this.#options;
    if (!this.#failed && isExhausted(response)) return null;
    const mounted = this.#mounted();
    return mounted === '' ? null : mounted;
  }

  #mounted(): string {
    return this.#level === null ? '' : joinPatterns(this.#level.prefix, this.#level.pattern);
  }
}

/** Whether no layer has responded: the outermost router restores `req.next` when it has run out of layers. */
function isExhausted({ req }: { readonly req?: unknown }): boolean {
  return typeof (req as { readonly next?: unknown } | undefined)?.next !== 'function';
}
