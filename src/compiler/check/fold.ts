import type { BinaryOperator, CompareOperator } from '../narrow/tree.ts'

/** Exact arithmetic on constants of any size; undefined where there is no result. Division rounds towards zero. */
export function foldArithmetic(operator: BinaryOperator, a: bigint, b: bigint): bigint | undefined {
  switch (operator) {
    case '+':
      return a + b
    case '-':
      return a - b
    case '*':
      return a * b
    case '/':
      return b === 0n ? undefined : a / b
    case '%':
      return b === 0n ? undefined : a % b
    case '&':
      return a & b
    case '|':
      return a | b
    case '^':
      return a ^ b
    case '<<':
      return b < 0n || b > 63n ? undefined : a << b
    case '>>':
      return b < 0n || b > 63n ? undefined : a >> b
    case '>>>':
      return b < 0n || b > 63n || a < 0n ? undefined : a >> b
  }
}

export function foldCompare(operator: CompareOperator, a: bigint, b: bigint): boolean {
  switch (operator) {
    case '===':
      return a === b
    case '!==':
      return a !== b
    case '<':
      return a < b
    case '<=':
      return a <= b
    case '>':
      return a > b
    case '>=':
      return a >= b
  }
}
