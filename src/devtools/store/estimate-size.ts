// Estimates the memory of plain JSON values, so that stores can bound it.

const bytesPerReference = 8;
const bytesPerNumber = 16;
const bytesPerText = 32;
const bytesPerCharacter = 2;
const bytesPerList = 48;
const bytesPerObject = 72;
/** The name, the reference to the value, and V8's bookkeeping for the object's shape. */
const bytesPerMember = 96;

/** The size of a value with everything in it. Errs on the high side: each text counts two bytes a character and is never shared. */
export function estimateBytes(value: unknown): number {
  if (typeof value === 'string') return bytesPerText + value.length * bytesPerCharacter;
  if (typeof value === 'number') return bytesPerNumber;
  if (typeof value !== 'object' || value === null) return bytesPerReference;
  if (Array.isArray(value))
    return value.reduce((sum: number, item) => sum + bytesPerReference + estimateBytes(item), bytesPerList);
  let bytes = bytesPerObject;
  for (const [name, member] of Object.entries(value))
    bytes += bytesPerMember + name.length * bytesPerCharacter + estimateBytes(member);
  return bytes;
}
