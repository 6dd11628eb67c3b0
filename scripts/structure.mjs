// Checks the shape of the sources: no cycle of files or folders, types included; names that differ; the field's words; short files and functions.
// node scripts/structure.mjs [FOLDER]: the folder with tsconfig.json and src/, the repository unless given. Prints each finding on a line.
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isIdentifier, isPrivateIdentifier, SyntaxKind } from 'typescript/unstable/ast';
import { API } from 'typescript/unstable/sync';

const maxFileLines = 300;
const maxFunctionLines = 60;
/** A comment that begins like this, at the top of a long file or before a long function, gives the reason. */
const reason = /\bLong:/;

/** Words that mean something only here. The field has a word for each of them; CONTRIBUTING.md lists the terms. */
const privateWords = new Set(
  `answer answered answering answers anew apart beat brings catalogue door fact facts fault faults forfeited given hand
   hiding largest least longest maximum minimum most nobody ours said shortest somebody stamp stamped strangers tell
   telling tells told weigh whoever wish`.split(/\s+/),
);

/** Names that users rely on, and names of others, with the reason. */
const keptNames = new Map([
  ['faults', 'a member of status()'],
  ['maximumSignificantDigits', 'an option of Intl.NumberFormat'],
]);

const functionKinds = new Set([
  SyntaxKind.FunctionDeclaration,
  SyntaxKind.FunctionExpression,
  SyntaxKind.ArrowFunction,
  SyntaxKind.MethodDeclaration,
  SyntaxKind.Constructor,
  SyntaxKind.GetAccessor,
  SyntaxKind.SetAccessor,
]);

const root = resolve(process.argv[2] ?? join(dirname(fileURLToPath(import.meta.url)), '..'));
const sources = join(root, 'src');
const findings = [];

/** The source files by their path below src/. */
function readFiles() {
  const api = new API({ cwd: root });
  const [project] = api.updateSnapshot({ openProject: join(root, 'tsconfig.json') }).getProjects();
  const files = new Map();
  for (const path of project.rootFiles) {
    const name = relative(sources, path);
    if (!name.startsWith('..')) files.set(name, describe(project.program.getSourceFile(path)));
  }
  api.close();
  return files;
}

/** What the checks look at in one file. */
function describe(file) {
  const { text } = file;
  const lineOf = (position) => text.slice(0, position).split('\n').length;
  const imports = new Set();
  const names = [];
  const functions = [];
  const visit = (node) => {
    const specifier = specifierOf(node);
    if (specifier?.startsWith('.')) imports.add(specifier);
    const { name } = node;
    const isName = name !== undefined && (isIdentifier(name) || isPrivateIdentifier(name));
    // An imported name was chosen elsewhere.
    if (isName && node.kind !== SyntaxKind.ImportSpecifier && node.kind !== SyntaxKind.PropertyAccessExpression)
      names.push(name.text);
    if (functionKinds.has(node.kind)) {
      const start = text.slice(node.pos).search(/\S/) + node.pos;
      const leading = text.slice(node.pos, node.getStart?.(file) ?? start);
      const lines = lineOf(node.end) - lineOf(node.getStart?.(file) ?? start) + 1;
      functions.push({ name: isName ? name.text : 'a function', lines, line: lineOf(start), leading });
    }
    node.forEachChild(visit);
  };
  visit(file);
  return { text, imports, names, functions };
}

/** The module that a node names, in an import, an export, or the type of a `require`. */
function specifierOf(node) {
  if (node.kind === SyntaxKind.ImportDeclaration || node.kind === SyntaxKind.ExportDeclaration)
    return node.moduleSpecifier?.text;
  return node.kind === SyntaxKind.ImportType ? node.argument?.literal?.text : undefined;
}

/** Edges between files of src/, from who imports to what is imported. */
function edgesOf(files) {
  const edges = new Map();
  for (const [name, { imports }] of files) {
    const targets = [...imports].map((specifier) =>
      join(dirname(name), specifier)
        .replace(/\.js$/, '.ts')
        .replace(/\.mjs$/, '.mts'),
    );
    edges.set(
      name,
      targets.filter((target) => files.has(target)),
    );
  }
  return edges;
}

function checkCycles(edges) {
  const done = new Set();
  const path = [];
  const visit = (file) => {
    const start = path.indexOf(file);
    if (start >= 0) {
      findings.push(`cycle of imports: ${[...path.slice(start), file].join(' -> ')}`);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const target of edges.get(file) ?? []) visit(target);
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
}

/** Two folders at one level that import each other. */
function checkFolders(edges, depth) {
  const folderOf = (file) => {
    const parts = file.split('/');
    return parts.length > depth ? parts.slice(0, depth).join('/') : null;
  };
  const seen = new Map();
  for (const [file, targets] of edges) {
    for (const target of targets) {
      const [from, to] = [folderOf(file), folderOf(target)];
      if (from === null || to === null || from === to) continue;
      seen.set(`${from} ${to}`, `${file} -> ${target}`);
      const back = seen.get(`${to} ${from}`);
      if (back !== undefined) findings.push(`folders import each other: ${file} -> ${target}, and ${back}`);
    }
  }
}

/** Two files of the sensor with one name. The local agent is another program. */
function checkFileNames(files) {
  const known = new Map();
  for (const file of files.keys()) {
    if (file.startsWith('devtools/')) continue;
    const name = file.split('/').at(-1);
    const other = known.get(name);
    if (other !== undefined) findings.push(`two files with one name: ${other} and ${file}`);
    known.set(name, file);
  }
}

function checkWords(files) {
  for (const [file, { names }] of files) {
    for (const name of new Set([...names, ...file.replace(/\.m?ts$/, '').split('/')])) {
      if (keptNames.has(name.replace('#', ''))) continue;
      const words = name
        .replaceAll(/([a-z\d])([A-Z])/g, '$1 $2')
        .toLowerCase()
        .split(/[^a-z]+/);
      const word = words.find((candidate) => privateWords.has(candidate));
      if (word !== undefined) findings.push(`private word '${word}': ${name} in ${file}`);
    }
  }
}

function checkLengths(files) {
  for (const [file, { text, functions }] of files) {
    const lines = text.trimEnd().split('\n').length;
    if (lines > maxFileLines && !reason.test(text.split('\n').slice(0, 6).join('\n')))
      findings.push(`${lines} lines without a reason (a comment 'Long: …' at the top): ${file}`);
    for (const { name, lines: length, line, leading } of functions) {
      if (length > maxFunctionLines && !reason.test(leading))
        findings.push(`${length} lines without a reason (a comment 'Long: …' before it): ${name} in ${file}:${line}`);
    }
  }
}

const files = readFiles();
const edges = edgesOf(files);
checkCycles(edges);
checkFolders(edges, 1);
checkFolders(edges, 2);
checkFileNames(files);
checkWords(files);
checkLengths(files);
for (const finding of findings) process.stdout.write(`${finding}\n`);
if (files.size === 0) process.stdout.write(`no source file below ${sources}\n`);
process.exitCode = findings.length === 0 && files.size > 0 ? 0 : 1;
