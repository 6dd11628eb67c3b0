// Checks that the interface for dashboards accepts the dashboards, and that people can read them.
import { asList, asObject, asText, isObject, type JsonObject } from './json.js';
import { expect, type Finding, type JsonFile, type PackageFolder, repeated } from './package-folder.js';
import { limits, widgetFormatters, widgetTypes } from './vocabulary.js';

interface Widget {
  readonly path: string;
  readonly json: JsonObject;
}

interface Area {
  readonly path: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

function isInteger(value: unknown, min: number, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
}

function isId(value: unknown): boolean {
  return typeof value === 'string' && value.length > 0 && value.length <= limits.idLength;
}

/** Null when the interface would refuse a coordinate. */
function areaOf({ path, json: { x, y, width, height } }: Widget): Area | null {
  const fits =
    isInteger(x, 0, limits.columns - 1) &&
    isInteger(width, 1, limits.columns) &&
    isInteger(y, 0, Number.MAX_SAFE_INTEGER) &&
    isInteger(height, 1, Number.MAX_SAFE_INTEGER);
  return fits && x + width <= limits.columns ? { path, x, y, width, height } : null;
}

function overlap(one: Area, other: Area): boolean {
  return (
    one.x < other.x + other.width &&
    other.x < one.x + one.width &&
    one.y < other.y + other.height &&
    other.y < one.y + one.height
  );
}

function placeFindings(file: string, widgets: readonly Widget[]): Finding[] {
  const misplaced = widgets.filter((widget) => areaOf(widget) === null);
  const areas = widgets.map(areaOf).filter((area) => area !== null);
  const covered = areas.flatMap((area, index) => {
    const under = areas.slice(0, index).find((other) => overlap(area, other));
    return under === undefined ? [] : [{ path: area.path, under: under.path }];
  });
  return [
    ...misplaced.flatMap(({ path }) =>
      expect(false, file, path, 'dashboard/place', 'x, y, width and height must be integers within twelve columns'),
    ),
    ...covered.flatMap(({ path, under }) => expect(false, file, path, 'dashboard/overlap', `it overlaps ${under}`)),
  ];
}

function formatterFindings(file: string, { path, json }: Widget): Finding[] {
  const config = asObject(json['config']);
  const formatters: [string, unknown][] = [
    [`${path}.config.formatter`, config['formatter']],
    [`${path}.config.y1.formatter`, asObject(config['y1'])['formatter']],
    [`${path}.config.y2.formatter`, asObject(config['y2'])['formatter']],
  ];
  return formatters
    .filter(([, formatter]) => formatter !== undefined)
    .flatMap(([at, formatter]) =>
      expect(
        widgetFormatters.includes(asText(formatter) ?? ''),
        file,
        at,
        'dashboard/formatter',
        `no formatter is called ${String(formatter)}`,
      ),
    );
}

function widgetFindings(file: string, widget: Widget): Finding[] {
  const { path, json } = widget;
  const { id, title, type, config } = json;
  const at = (holds: boolean, member: string, rule: string, message: string): Finding[] =>
    expect(holds, file, `${path}.${member}`, rule, message);
  return [
    ...at(isId(id), 'id', 'dashboard/widget-id', 'the id must be a text of at most 64 characters'),
    ...at((asText(title) ?? '').trim() !== '', 'title', 'dashboard/widget-title', 'the title is missing'),
    ...at(widgetTypes.includes(asText(type) ?? ''), 'type', 'dashboard/widget-type', `no widget is a ${String(type)}`),
    ...at(isObject(config), 'config', 'dashboard/widget-config', 'the config is missing'),
    ...formatterFindings(file, widget),
  ];
}

function dashboardFindings({ file, json }: JsonFile): Finding[] {
  const { id, title, accessRules, widgets: list } = asObject(json);
  const widgets = asList(list).map((entry, index) => ({ path: `widgets[${index}]`, json: asObject(entry) }));
  const same = (member: 'id' | 'title', rule: string): Finding[] =>
    repeated(widgets, (widget) => asText(widget.json[member])).flatMap(({ path }) =>
      expect(false, file, `${path}.${member}`, rule, `another widget has this ${member}`),
    );
  return [
    ...expect(isId(id), file, 'id', 'dashboard/id', 'the id must be a text of at most 64 characters'),
    ...expect((asText(title) ?? '').trim() !== '', file, 'title', 'dashboard/title', 'the title is missing'),
    ...expect(Array.isArray(accessRules), file, 'accessRules', 'dashboard/access-rules', 'accessRules must be a list'),
    ...expect(
      widgets.length > 0 && widgets.length <= limits.widgets,
      file,
      'widgets',
      'dashboard/widgets',
      `a dashboard has 1 to ${limits.widgets} widgets`,
    ),
    ...widgets.flatMap((widget) => widgetFindings(file, widget)),
    ...same('id', 'dashboard/same-widget-id'),
    ...same('title', 'dashboard/same-widget-title'),
    ...placeFindings(file, widgets),
  ];
}

/** Findings in the dashboards, except in their metrics. */
export function dashboardsFindings({ files }: PackageFolder): Finding[] {
  const dashboards = files.dashboards ?? [];
  const same = (member: 'id' | 'title', rule: string): Finding[] =>
    repeated(dashboards, ({ json }) => asText(asObject(json)[member])).flatMap(({ file }) =>
      expect(false, file, member, rule, `another dashboard of the package has this ${member}`),
    );
  return [
    ...dashboards.flatMap(dashboardFindings),
    ...same('id', 'dashboard/same-id'),
    ...same('title', 'dashboard/same-title'),
  ];
}
