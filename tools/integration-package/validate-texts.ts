// Checks texts: labels, the README, and placeholders, which the import fills in.
import { asList, asObject, asText } from './json.js';
import { definitionOf } from './metric-definitions.js';
import { expect, type Finding, isEntityDashboard, type JsonFile, kinds, type PackageFolder } from './package-folder.js';
import { firstCells, tableWith } from './readme-reader.js';
import { chosenSeries, filtersOf, type MetricReference, referencesOf, resourceKey } from './references.js';

function plain(text: string): string {
  return text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

function wordsOf(text: string): string[] {
  return text.toLowerCase().match(/[a-z]{5,}/g) ?? [];
}

/** Whether one added, missing, other or swapped letter separates the two words. */
function isSlip(word: string, meant: string): boolean {
  if (word === meant || Math.abs(word.length - meant.length) > 1) return false;
  let start = 0;
  while (start < word.length && word[start] === meant[start]) start++;
  const rest = word.slice(start);
  const right = meant.slice(start);
  const isSwapped = rest[0] === right[1] && rest[1] === right[0] && rest.slice(2) === right.slice(2);
  return isSwapped || rest.slice(1) === right.slice(1) || rest.slice(1) === right || rest === right.slice(1);
}

function isOtherForm(word: string, meant: string): boolean {
  return `${word}s` === meant || word === `${meant}s` || `${word}d` === meant || word === `${meant}d`;
}

function labelFindings(reference: MetricReference): Finding[] {
  const { file, path, label, title, parsed } = reference;
  if (parsed === null) return [];
  const definition = definitionOf(parsed.scope, parsed.name);
  const chosen = chosenSeries(reference).flatMap(([, value]) => (value === null ? [] : [value]));
  const values = [...chosen, ...(definition?.attribute?.values ?? [])];
  const meant = wordsOf([parsed.name, ...values].join(' '));
  const texts = [title, label ?? ''];
  const slips = [...new Set(texts.flatMap(wordsOf))].flatMap((word) => {
    if (meant.includes(word)) return [];
    const right = meant.find((candidate) => isSlip(word, candidate) && !isOtherForm(word, candidate));
    return right === undefined ? [] : [`${word} is written ${right}`];
  });
  const isOfBytes = definition?.unit === 'By' || definition?.unit === 'By/s';
  const isOfThings = /\b(?:events?|messages?|packets?|requests?|calls?)\b/i.test(texts.join(' '));
  return [
    ...slips.flatMap((message) => expect(false, file, path, 'text/misspelt', message)),
    ...chosen.flatMap((value) =>
      expect(
        label === null || plain(label).includes(plain(value)),
        file,
        `${path}.label`,
        'text/label',
        `the label "${label}" does not name the series ${value}`,
      ),
    ),
    ...expect(!(isOfBytes && isOfThings), file, path, 'text/unit', `"${texts.join(' ').trim()}" counts bytes`),
  ];
}

const placeholder = /\{\{\s*(\w+)\s*\}\}/g;

function placeholderFindings(folder: PackageFolder, { file, text }: JsonFile): Finding[] {
  const rest = text.replaceAll(placeholder, '');
  const names = [...text.matchAll(placeholder)].map(([, name = '']) => name);
  const at = (holds: boolean, rule: string, message: string): Finding[] => expect(holds, file, '', rule, message);
  return [
    ...at(!/\{\{|\}\}/.test(rest), 'placeholder/form', 'double braces may only enclose the name of a placeholder'),
    ...at(
      !/\{\{\s*\w+\s*\}\}\}/.test(text),
      'placeholder/brace',
      'a brace after a placeholder aborts the whole import',
    ),
    ...at(
      names.length === 0 || !isEntityDashboard(folder, file),
      'placeholder/entity',
      'the import does not fill in placeholders in the dashboard of an entity',
    ),
    ...[...new Set(names)].flatMap((name) =>
      at(
        folder.readme === null || folder.readme.includes(name),
        'placeholder/readme',
        `the README does not mention the placeholder ${name}`,
      ),
    ),
  ];
}

/** Every resource tag that the package uses, and where. */
function resourceTags({ files }: PackageFolder, references: readonly MetricReference[]): Finding[] {
  const use = (file: string, path: string, tag: string): Finding[] => {
    const key = resourceKey(tag);
    return key === null ? [] : [{ file, path, rule: 'tag', message: key }];
  };
  const ofEntities = (files.entities ?? []).flatMap(({ file, json }) => {
    const data = asObject(asObject(json)['data']);
    return [
      ...asList(data['identifiers']).flatMap((tag, index) =>
        use(file, `data.identifiers[${index}]`, asText(tag) ?? ''),
      ),
      ...filtersOf(data['tagFilterExpression'], 'data.tagFilterExpression').flatMap(({ path, name }) =>
        use(file, path, name),
      ),
    ];
  });
  return [
    ...ofEntities,
    ...references.flatMap(({ file, filters }) => filters.flatMap(({ path, name }) => use(file, path, name))),
  ];
}

/** The namespaces of the conventions for resources. */
const namespaces = /^(?:service|telemetry|process|host|os|container|k8s|cloud|deployment|device|faas|instana)\./;

function tagFindings(folder: PackageFolder, references: readonly MetricReference[]): Finding[] {
  const table = folder.readme === null ? null : tableWith(folder.readme, 'attribute');
  const listed = table === null ? null : new Set(firstCells(table));
  return resourceTags(folder, references).flatMap(({ file, path, message: key }) => [
    ...expect(namespaces.test(key), file, path, 'tag/unknown', `no convention has a resource attribute ${key}`),
    ...expect(listed?.has(key) !== false, file, path, 'tag/readme', `the README does not list the attribute ${key}`),
  ]);
}

/** Checks that the README has the names of all files of one kind. */
function namedFindings(readme: string, files: readonly JsonFile[] | null, path: string, rule: string): Finding[] {
  return (files ?? []).flatMap(({ file, json }) => {
    const name = asText(path.split('.').reduce<unknown>((value, member) => asObject(value)[member], json));
    return expect(name === null || readme.includes(name), file, path, rule, `the README does not name "${name}"`);
  });
}

function listedFindings(readme: string, references: readonly MetricReference[]): Finding[] {
  const table = tableWith(readme, 'metric');
  if (table === null) return expect(false, 'README.md', '', 'readme/metrics', 'there is no table of metrics');
  const listed = new Set(firstCells(table));
  return references.flatMap(({ file, path, member, parsed }) =>
    expect(
      parsed === null || listed.has(parsed.name),
      file,
      `${path}.${member}`,
      'readme/metric',
      `the table of the README does not list ${parsed?.name}`,
    ),
  );
}

/** Above this precision, the measurement itself makes up most of an event loop's delay. */
const maxPrecisionMs = 100;

function readmeFindings({ readme, files }: PackageFolder, references: readonly MetricReference[]): Finding[] {
  if (readme === null) return [];
  const at = (holds: boolean, rule: string, message: string): Finding[] =>
    expect(holds, 'README.md', '', rule, message);
  const hasImportCommand = /\bimport\b[^\n]*--server/.test(readme);
  const precisions = [...readme.matchAll(/monitoringPrecision\W+(\d+)/g)].map(([, digits]) => Number(digits));
  return [
    ...at(
      !/(?:--server|-S)[\s=]+["']?https?:\/\//.test(readme) && !/\bbase url\b/i.test(readme),
      'readme/server',
      'the server must be a host without a scheme, or the command refuses it',
    ),
    ...at(
      !hasImportCommand || /\bsecond time\b|\btwice\b|\bagain\b/i.test(readme),
      'readme/twice',
      'it does not say what a second import does',
    ),
    ...at(
      precisions.every((ms) => ms <= maxPrecisionMs),
      'readme/precision',
      'at this precision every delay is about as long as the precision itself',
    ),
    ...namedFindings(readme, files.dashboards, 'title', 'readme/dashboard'),
    ...namedFindings(readme, files.events, 'name', 'readme/event'),
    ...namedFindings(readme, files.entities, 'data.label', 'readme/entity'),
    ...listedFindings(readme, references),
  ];
}

/** Findings in labels, titles, placeholders and the README. */
export function textsFindings(folder: PackageFolder): Finding[] {
  const references = referencesOf(folder);
  return [
    ...references.flatMap(labelFindings),
    ...kinds.flatMap((kind) => folder.files[kind] ?? []).flatMap((file) => placeholderFindings(folder, file)),
    ...tagFindings(folder, references),
    ...readmeFindings(folder, references),
  ];
}
