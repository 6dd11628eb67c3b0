// Parses the part of YAML that small configuration files use: mappings, sequences and strings, by indentation or in brackets on one
// line. Rejects anchors, tags, strings of several lines and more than one document, so that it never misreads them.

interface Line {
  readonly number: number;
  readonly indent: number;
  readonly text: string;
}

export type YamlValue = string | null | YamlValue[] | { [key: string]: YamlValue };

/** Throws an error that names the first line that is not understood. Every plain text is a text, numbers and flags too. */
export function parseSimpleYaml(text: string): YamlValue {
  return new Reader(linesOf(text)).document();
}

const plainKey = /^([^\s"'[\]{},&*!|>%@`#:-][^"'[\]{},#:]*?)\s*:(?:\s+(.*))?$/;
const quotedKey = /^("(?:[^"\\]|\\.)*"|'(?:[^']|'')*')\s*:(?:\s+(.*))?$/;
const maxDepth = 20;
const maxLineLength = 2000;

function refuse(number: number): never {
  throw new Error(`line ${number} is not understood`);
}

function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .entries()) {
    const content = withoutComment(raw).trimEnd();
    const indent = content.length - content.trimStart().length;
    if (content === '' || (content === '---' && lines.length === 0)) continue;
    if (content.length > maxLineLength || /^ *\t/.test(content) || content.startsWith('---') || content.startsWith('%'))
      refuse(index + 1);
    lines.push({ number: index + 1, indent, text: content.slice(indent) });
  }
  return lines;
}

/** A `#` begins a comment at the beginning of a line and after a blank, but not in quotes. */
function withoutComment(line: string): string {
  let quote = '';
  for (let index = 0; index < line.length; index++) {
    const character = line[index] as string; // inside the bounds
    if (quote !== '') {
      if (character === '\\' && quote === '"') index++;
      else if (character === quote) quote = '';
    } else if (character === '#' && (index === 0 || /\s/.test(line[index - 1] as string))) return line.slice(0, index);
    else if ((character === '"' || character === "'") && /^$|[\s[{,:-]/.test(line[index - 1] ?? '')) quote = character;
  }
  return line;
}

class Reader {
  readonly #lines: Line[];
  #next = 0;

  constructor(lines: Line[]) {
    this.#lines = lines;
  }

  document(): YamlValue {
    const first = this.#lines[0];
    if (first === undefined) return null;
    const value = this.#block(first.indent, 0);
    const left = this.#lines[this.#next];
    if (left !== undefined) refuse(left.number);
    return value;
  }

  #block(indent: number, depth: number): YamlValue {
    const line = this.#lines[this.#next] as Line; // callers have checked it
    if (depth > maxDepth) refuse(line.number);
    if (isItem(line)) return this.#sequence(indent, depth);
    if (keyOf(line.text) !== null) return this.#mapping(indent, depth);
    this.#next++;
    return inline(line.text, line.number);
  }

  #sequence(indent: number, depth: number): YamlValue {
    const list: YamlValue[] = [];
    for (let line = this.#at(indent); line !== null && isItem(line); line = this.#at(indent)) {
      const rest = line.text.slice(1).trimStart();
      if (rest === '') {
        this.#next++;
        list.push(this.#below(indent, depth));
      } else {
        // The text after the dash is a block of its own, indented by as much.
        const inner = indent + line.text.length - rest.length;
        this.#lines[this.#next] = { number: line.number, indent: inner, text: rest };
        list.push(this.#block(inner, depth + 1));
      }
    }
    return list;
  }

  #mapping(indent: number, depth: number): YamlValue {
    const members: Map<string, YamlValue> = new Map();
    for (let line = this.#at(indent); line !== null && !isItem(line); line = this.#at(indent)) {
      const found = keyOf(line.text) ?? refuse(line.number);
      if (members.has(found.key)) refuse(line.number);
      this.#next++;
      const value = found.rest === '' ? this.#below(indent, depth, true) : inline(found.rest, line.number);
      members.set(found.key, value);
    }
    return Object.fromEntries(members);
  }

  /** The next line when it has this indentation, null when it belongs to an outer block. */
  #at(indent: number): Line | null {
    const line = this.#lines[this.#next];
    if (line === undefined || line.indent < indent) return null;
    return line.indent === indent ? line : refuse(line.number);
  }

  /** The block that is indented more; a sequence below a key may have the indentation of the key. */
  #below(indent: number, depth: number, isKey = false): YamlValue {
    const line = this.#lines[this.#next];
    if (line === undefined) return null;
    if (line.indent > indent || (isKey && line.indent === indent && isItem(line)))
      return this.#block(line.indent, depth + 1);
    return null;
  }
}

function isItem({ text }: Line): boolean {
  return text === '-' || text.startsWith('- ');
}

function keyOf(text: string): { readonly key: string; readonly rest: string } | null {
  const match = plainKey.exec(text) ?? quotedKey.exec(text);
  return match === null ? null : { key: scalar(match[1] ?? '') ?? '', rest: (match[2] ?? '').trim() };
}

/** A value on one line: a text, or a list or mapping in brackets. */
function inline(text: string, number: number): YamlValue {
  if (text.startsWith('[') || text.startsWith('{')) return new Brackets(text, number).value();
  return scalar(text) ?? (isNothing(text) ? null : refuse(number));
}

/** Lists and mappings in brackets. */
class Brackets {
  readonly #text: string;
  readonly #number: number;
  #at = 0;

  constructor(text: string, number: number) {
    this.#text = text;
    this.#number = number;
  }

  value(): YamlValue {
    const value = this.#value(0);
    if (this.#peek() !== '') refuse(this.#number);
    return value;
  }

  #value(depth: number): YamlValue {
    if (depth > maxDepth) refuse(this.#number);
    if (this.#take('[')) {
      const list: YamlValue[] = [];
      while (!this.#take(']')) {
        list.push(this.#value(depth + 1));
        if (!this.#take(',') && this.#peek() !== ']') refuse(this.#number);
      }
      return list;
    }
    if (!this.#take('{')) return this.#word(/[^,[\]{}]+/y);
    const members: Map<string, YamlValue> = new Map();
    while (!this.#take('}')) {
      const key = this.#word(/[^,[\]{}:]+/y);
      if (!this.#take(':')) refuse(this.#number);
      members.set(key, this.#value(depth + 1));
      if (!this.#take(',') && this.#peek() !== '}') refuse(this.#number);
    }
    return Object.fromEntries(members);
  }

  #word(plain: RegExp): string {
    const quote = this.#peek();
    const pattern = quote === '"' ? /"(?:[^"\\]|\\.)*"/y : quote === "'" ? /'(?:[^']|'')*'/y : plain;
    pattern.lastIndex = this.#at;
    const word = pattern.exec(this.#text)?.[0] ?? refuse(this.#number);
    this.#at += word.length;
    return scalar(word.trim()) ?? refuse(this.#number);
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at++;
    return true;
  }

  /** The next character that is no blank; '' at the end. */
  #peek(): string {
    while (this.#text[this.#at] === ' ') this.#at++;
    return this.#text[this.#at] ?? '';
  }
}

function isNothing(text: string): boolean {
  return /^(?:~|null)$/i.test(text);
}

/** Null for what is no text of one line. */
function scalar(text: string): string | null {
  if (/^"(?:[^"\\]|\\.)*"$/.test(text)) {
    try {
      return JSON.parse(text) as string; // it is quoted
    } catch {
      return null;
    }
  }
  if (/^'(?:[^']|'')*'$/.test(text)) return text.slice(1, -1).replaceAll("''", "'");
  // A star alone is a common value of rules; before a name it would be an alias.
  return text === '' || isNothing(text) || /^[[\]{}"'&!|>%@`#,]|^\*.|: |:$/.test(text) ? null : text;
}
