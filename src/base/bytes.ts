/** `value` rounded up to a multiple of `alignment`. */
export const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}

export const equal = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, index) => byte === b[index])

/** Two lower-case digits a byte, no separators. */
export const toHex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** A view of the same memory. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

const utf8 = new TextEncoder()

/** A NUL-terminated C string. */
export const cString = (text: string): Uint8Array => concat(utf8.encode(text), new Uint8Array(1))

/** The text before the first NUL. */
export function fromCString(bytes: Uint8Array): string {
  const end = bytes.indexOf(0)
  return new TextDecoder().decode(end === -1 ? bytes : bytes.subarray(0, end))
}
