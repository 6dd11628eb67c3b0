// Which names of parameters, tags and headers are secret: matcher and keywords become a predicate.

/** How keywords are compared with the name of a parameter. */
export interface SecretsRule {
  readonly matcher: 'equals' | 'equals-ignore-case' | 'contains' | 'contains-ignore-case' | 'regex' | 'none';
  readonly keywords: readonly string[];
}

/** Replaces each secret value. */
export const redacted = '<redacted>';
/** Headers that hold credentials, independent of the rule. */
const credentialHeaders = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);
const maxCredentialHeaderLength = 19;
/** Applies if a rule has no valid pattern. */
const fallback: SecretsRule = { matcher: 'contains-ignore-case', keywords: ['key', 'pass', 'secret'] };
/** Longer names count as secret without matching, because a pattern may take more than linear time. */
const maxPatternNameLength = 200;

/** Whether this is the name, in any case, of a header that holds credentials. */
export function isCredentialHeader(name: string): boolean {
  return name.length <= maxCredentialHeaderLength && credentialHeaders.has(name.toLowerCase());
}

/** Returns a predicate for secret names. Invalid patterns are skipped and reported to `warn`. */
export function compileSecretNames(rule: SecretsRule, warn: (message: string) => void): (name: string) => boolean {
  const words = rule.keywords;
  const lowered = words.map((word) => word.toLowerCase());
  switch (rule.matcher) {
    case 'equals':
      return (name) => words.includes(name);
    case 'equals-ignore-case':
      return (name) => lowered.includes(name.toLowerCase());
    case 'contains':
      return (name) => words.some((word) => name.includes(word));
    case 'contains-ignore-case':
      return (name) => {
        const lower = name.toLowerCase();
        return lowered.some((word) => lower.includes(word));
      };
    case 'regex': {
      if (words.length === 0) return () => false;
      const patterns = words.flatMap((source) => anchoredPattern(source, warn));
      if (patterns.length === 0) {
        warn('no secrets pattern can be used; names that contain key, pass or secret are taken as secret');
        return compileSecretNames(fallback, warn);
      }
      return (name) => name.length > maxPatternNameLength || patterns.some((pattern) => pattern.test(name));
    }
    case 'none':
      return () => false;
  }
}

/** Returns a cheap test of a whole text. False means that the text has no secret name, so most texts are never parsed. */
export function compilePrefilter(rule: SecretsRule): (text: string) => boolean {
  if (rule.matcher === 'none') return () => false;
  if (rule.matcher === 'regex') return () => true;
  if (rule.keywords.length === 0) return () => false;
  const source = rule.keywords.map((word) => word.replace(/[.*+?^${}()|[\]\\/]/g, '\\$&')).join('|');
  const pattern = new RegExp(source, rule.matcher.endsWith('ignore-case') ? 'i' : '');
  return (text) => text.includes('%') || pattern.test(text);
}

/** Java semantics: the whole name has to match, alternatives included. A pattern may begin with flags. */
function anchoredPattern(source: string, warn: (message: string) => void): RegExp[] {
  try {
    const [flags = '', letters = ''] = /^\(\?([imsu]+)\)/.exec(source) ?? [];
    return [new RegExp(`^(?:${source.slice(flags.length)})$`, [...new Set(letters)].join(''))];
  } catch {
    warn(`the secrets pattern ${JSON.stringify(source)} is no regular expression; it is ignored`);
    return [];
  }
}
