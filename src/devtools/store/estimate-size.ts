// How much memory plain JSON takes, so that stores can bound it.

const bytesPerReference = 8;
const bytesPerNumber = 16;
const bytesPerText = 32;
const bytesPerCharacter = 2;
const bytesPerList = 48;
const bytesPerObject = 72;
/** A name, its value, and what V8 notes of objects with such names. */
const bytesPerMember = 96;

/** Of a value with all that is in it, rather too much than too little: a text is counted as if it were no ASCII, and shared with nobody. */
export function bytesOf(value: unknown): number {
  if (typeof value === 'string') return bytesPerText + value.length * bytesPerCharacter;
  if (typeof value === 'number') return bytesPerNumber;
  if (typeof value !== 'object' || value === null) return bytesPerReference;
  if (Array.isArray(value))
    return value.reduce((sum: number, item) => sum + bytesPerReference + bytesOf(item), bytesPerList);
  let bytes = bytesPerObject;
  for (const [name, member] of Object.entries(value))
    bytes += bytesPerMember + name.length * bytesPerCharacter + bytesOf(member);
  return bytes;
}
