const ONES: readonly bigint[] = Array.from({ length: 65 }, (_, bits) => (1n << BigInt(bits)) - 1n)

/** A number of so many low bits that are 1: up to 64. */
export const ones = (bits: number): bigint => ONES[bits] ?? 0n

/** How many bits a number needs that has no more than 64. */
export const bitLength = (value: bigint): number => {
  const high = Number(value >> 32n)
  return high === 0 ? 32 - Math.clz32(Number(value)) : 64 - Math.clz32(high)
}
