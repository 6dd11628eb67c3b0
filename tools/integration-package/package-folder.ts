// Reads any integration package from its folder.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { asList, asObject, asText } from './json.js';

/** A fault of a package, and where it is. */
export interface Finding {
  /** The file's path in the package. */
  readonly file: string;
  /** The path of members and indices in the file; empty for the file as a whole. */
  readonly path: string;
  readonly rule: string;
  readonly message: string;
}

/** A JSON file of the package. */
export interface JsonFile {
  readonly file: string;
  readonly text: string;
  /** Undefined when the text is not JSON. */
  readonly json: unknown;
}

/** The folders of a package. */
export const kinds = ['dashboards', 'entities', 'events', 'smart-alerts'] as const;
/** One of the folders. */
export type Kind = (typeof kinds)[number];

/** The files of a package. */
export interface PackageFolder {
  readonly manifest: JsonFile | null;
  readonly readme: string | null;
  /** Null for a folder that the package does not have. */
  readonly files: Readonly<Record<Kind, readonly JsonFile[] | null>>;
  /** The file names of the dashboards that come with an entity. */
  readonly entityDashboards: ReadonlySet<string>;
}

function readJson(folder: string, file: string): JsonFile {
  const text = readFileSync(join(folder, file), 'utf8');
  try {
    return { file, text, json: JSON.parse(text) as unknown };
  } catch {
    return { file, text, json: undefined };
  }
}

/** Reads dashboards from the folder itself only, and the other kinds from subfolders as well, as the command does. */
function readKind(folder: string, kind: Kind): readonly JsonFile[] | null {
  if (!existsSync(join(folder, kind))) return null;
  return readdirSync(join(folder, kind), { recursive: kind !== 'dashboards', encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => readJson(folder, `${kind}/${file.replaceAll(sep, '/')}`));
}

/** Reads a package without checking it. */
export function readPackageFolder(folder: string): PackageFolder {
  const has = (file: string): boolean => existsSync(join(folder, file));
  const entities = readKind(folder, 'entities');
  const references = (entities ?? []).flatMap(({ json }) =>
    asList(asObject(asObject(json)['data'])['dashboards']).map((entry) => asText(asObject(entry)['reference'])),
  );
  return {
    manifest: has('package.json') ? readJson(folder, 'package.json') : null,
    readme: has('README.md') ? readFileSync(join(folder, 'README.md'), 'utf8') : null,
    files: {
      dashboards: readKind(folder, 'dashboards'),
      entities,
      events: readKind(folder, 'events'),
      'smart-alerts': readKind(folder, 'smart-alerts'),
    },
    entityDashboards: new Set(references.filter((name) => name !== null)),
  };
}

/** Whether a dashboard comes with an entity. */
export function isEntityDashboard({ entityDashboards }: PackageFolder, file: string): boolean {
  return entityDashboards.has(basename(file));
}

/** Empty when the condition holds, else one finding. */
export function expect(holds: boolean, file: string, path: string, rule: string, message: string): Finding[] {
  return holds ? [] : [{ file, path, rule, message }];
}

/** The items whose key an earlier item has, too. */
export function repeated<T>(items: readonly T[], keyOf: (item: T) => string | null): T[] {
  const seen = new Set<string>();
  return items.filter((item) => {
    const key = keyOf(item);
    if (key === null) return false;
    const isRepeated = seen.has(key);
    seen.add(key);
    return isRepeated;
  });
}
