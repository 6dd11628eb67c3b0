// An integration package as it lies in a folder, whoever wrote it.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { asList, asObject, asText } from './json.js';

/** Something that is wrong, and where. */
export interface Finding {
  /** Path in the package. */
  readonly file: string;
  /** Members and indices that lead there; empty for the file as a whole. */
  readonly path: string;
  readonly rule: string;
  readonly message: string;
}

export interface JsonFile {
  readonly file: string;
  readonly text: string;
  /** Undefined when the text is no JSON. */
  readonly json: unknown;
}

export const kinds = ['dashboards', 'entities', 'events', 'smart-alerts'] as const;
export type Kind = (typeof kinds)[number];

export interface PackageFolder {
  readonly manifest: JsonFile | null;
  readonly readme: string | null;
  /** Null where the package has no such folder. */
  readonly files: Readonly<Record<Kind, readonly JsonFile[] | null>>;
  /** Names of the dashboards that come with an entity. */
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

/** Dashboards of the folder itself only, everything else with the folders below: as the command reads them. */
function readKind(folder: string, kind: Kind): readonly JsonFile[] | null {
  if (!existsSync(join(folder, kind))) return null;
  return readdirSync(join(folder, kind), { recursive: kind !== 'dashboards', encoding: 'utf8' })
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => readJson(folder, `${kind}/${file.replaceAll(sep, '/')}`));
}

/** What is in the folder; nothing of it has been checked. */
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

/** Whether a dashboard comes with an entity, and not by itself. */
export function isEntityDashboard({ entityDashboards }: PackageFolder, file: string): boolean {
  return entityDashboards.has(basename(file));
}

/** Nothing when it holds, else the one finding. */
export function expect(holds: boolean, file: string, path: string, rule: string, message: string): Finding[] {
  return holds ? [] : [{ file, path, rule, message }];
}

/** What occurs more than once, with the places of all but the first. */
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
