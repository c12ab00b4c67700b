/**
 * Whether two of `namespace` of machines are one. The second word counts where both have one: the first may be given again when a
 * namespace is gone, and neither every kernel nor records of before have a second.
 */
export function isSameNamespace(one: string, other: string): boolean {
  const [[first, second], [otherFirst, otherSecond]] = [one.split(' '), other.split(' ')]
  return first === otherFirst && (second === undefined || otherSecond === undefined || second === otherSecond)
}
