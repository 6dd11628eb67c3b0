// Reads the text and the stack of an error for a span. Accepts any thrown value.

const maxLength = 200;
const maxNameLength = 200;

/** `Name: message`, at most 200 characters; a thrown string is returned as it is. Never throws. */
export function errorText(error: unknown): string {
  try {
    const text = describe(error);
    if (text.length <= maxLength) return text;
    // If the cut falls within a URL's authority, the user cannot be distinguished from the host, so it is removed.
    return text.slice(0, maxLength).replace(/((?:\/|%2f){2})(?:(?!%2f|%40)[^/@\s])*$/i, '$1');
  } catch {
    return 'Error that cannot be read';
  }
}

function describe(error: unknown): string {
  if (typeof error !== 'object' || error === null) return String(error);
  const { cause } = error as { cause?: unknown };
  const source = (cause instanceof Error ? cause : error) as {
    name?: unknown;
    details?: unknown;
    message?: unknown;
    code?: unknown;
  };
  const name = typeof source.name === 'string' && source.name !== '' ? source.name : 'Error';
  for (const detail of [source.details, source.message, source.code]) {
    if ((typeof detail === 'string' && detail !== '') || typeof detail === 'number') return `${name}: ${detail}`;
  }
  return name;
}

/** The stack of an error as text, without a multi-line message; null if it has no readable stack. Never throws. */
export function errorStack(error: unknown): string | null {
  try {
    if (typeof error !== 'object' || error === null) return null;
    const { cause } = error as { cause?: unknown };
    const { stack, message } = (cause instanceof Error ? cause : error) as { stack?: unknown; message?: unknown };
    if (typeof stack !== 'string') return null;
    // Lines of a message may look like frames.
    return typeof message === 'string' && message.includes('\n') ? withoutMessage(stack, message) : stack;
  } catch {
    return null;
  }
}

/** The message follows the error's name, which is short. */
function withoutMessage(stack: string, message: string): string {
  const start = stack.slice(0, maxNameLength + message.length).indexOf(message);
  return start < 0 ? stack : stack.slice(start + message.length);
}
