// The checks of the vendor's command before it publishes a package, without those that ask a registry.
import { asList, asObject, isFilled, isObject } from './json.js';
import { expect, type Finding, isEntityDashboard, type JsonFile, kinds, type PackageFolder } from './package-folder.js';
import { headingsOf } from './readme-reader.js';

function manifestFindings(file: JsonFile | null): Finding[] {
  if (file === null) return expect(false, 'package.json', '', 'lint/manifest', 'the package has no package.json');
  const manifest = asObject(file.json);
  const { name, version, author, license, description, publishConfig } = manifest;
  const at = (holds: boolean, path: string, rule: string, message: string): Finding[] =>
    expect(holds, file.file, path, rule, message);
  return [
    ...at(manifest['private'] !== true, 'private', 'lint/private', 'the command does not check a private package'),
    ...at(
      typeof name === 'string' && /^@instana-integration\/[\w-]+$/.test(name),
      'name',
      'lint/name',
      'the name is @instana-integration/ and letters, digits, - and _',
    ),
    ...at(
      typeof version === 'string' && /^\d+\.\d+\.\d+$/.test(version),
      'version',
      'lint/version',
      'the version must be three numbers',
    ),
    ...at(isFilled(author), 'author', 'lint/author', 'the author is missing'),
    ...at(isFilled(license), 'license', 'lint/license', 'the licence is missing'),
    ...at(isFilled(description), 'description', 'lint/description', 'the description is missing'),
    ...at(
      asObject(publishConfig)['access'] === 'public',
      'publishConfig.access',
      'lint/access',
      'the access of publishConfig must be public',
    ),
  ];
}

const headingsByKind = {
  dashboards: 'Dashboards',
  events: 'Events',
  entities: 'Entities',
  'smart-alerts': 'Smart Alerts',
} as const;

function readmeFindings({ readme, manifest, files }: PackageFolder): Finding[] {
  if (readme === null) return expect(false, 'README.md', '', 'lint/readme', 'the package has no README.md');
  const headings = new Set(headingsOf(readme).map((heading) => heading.toLowerCase()));
  const wanted = [
    String(asObject(manifest?.json)['name']),
    'Metrics',
    'Semantic Conventions',
    'Resource Attributes',
    ...kinds.filter((kind) => files[kind] !== null).map((kind) => headingsByKind[kind]),
  ];
  return wanted.flatMap((heading) =>
    expect(headings.has(heading.toLowerCase()), 'README.md', '', 'lint/heading', `there is no heading "${heading}"`),
  );
}

function accessFindings(folder: PackageFolder): Finding[] {
  return (folder.files.dashboards ?? [])
    .filter(({ file }) => !isEntityDashboard(folder, file))
    .flatMap(({ file, json }) => {
      const isGlobal = asList(asObject(json)['accessRules']).some((rule) => {
        const { accessType, relationType, relatedId } = asObject(rule);
        return accessType === 'READ_WRITE' && relationType === 'GLOBAL' && relatedId === '';
      });
      const message = 'a dashboard without an entity needs a rule READ_WRITE, GLOBAL with an empty relatedId';
      return expect(isGlobal, file, 'accessRules', 'lint/access-rules', message);
    });
}

function filled(file: string, json: unknown, prefix: string, members: readonly string[]): Finding[] {
  return members.flatMap((member) =>
    expect(isFilled(asObject(json)[member]), file, `${prefix}${member}`, 'lint/required', `${member} is missing`),
  );
}

function alertFindings({ file, json }: JsonFile): Finding[] {
  const { rule, threshold, rules } = asObject(json);
  const hasRule = (isFilled(rule) && isFilled(threshold)) || isFilled(rules);
  return [
    ...filled(file, json, '', ['name', 'granularity', 'timeThreshold']),
    ...expect(hasRule, file, 'rules', 'lint/required', 'rule and threshold, or rules, are missing'),
  ];
}

/** Findings by the rules of the command, including its warnings. */
export function lintFindings(folder: PackageFolder): Finding[] {
  const { files, manifest } = folder;
  const all = [...(manifest === null ? [] : [manifest]), ...kinds.flatMap((kind) => files[kind] ?? [])];
  return [
    ...all.flatMap(({ file, json }) => expect(isObject(json), file, '', 'json', 'the file is not a JSON object')),
    ...manifestFindings(manifest),
    ...readmeFindings(folder),
    ...accessFindings(folder),
    ...(files.events ?? []).flatMap(({ file, json }) => filled(file, json, '', ['name', 'entityType', 'rules'])),
    ...(files.entities ?? []).flatMap(({ file, json }) =>
      filled(file, asObject(json)['data'], 'data.', ['label', 'identifiers', 'tagFilterExpression']),
    ),
    ...(files['smart-alerts'] ?? []).flatMap(alertFindings),
  ];
}
