import { readFileSync } from 'node:fs'

/** linux/capability.h */
export const CAPABILITY = {
  CAP_SETGID: 6,
  CAP_SETUID: 7,
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_SYS_ADMIN: 21,
  CAP_PERFMON: 38,
  CAP_BPF: 39,
} as const

export type Capability = keyof typeof CAPABILITY

/** CAP_SYS_ADMIN stands for CAP_BPF, CAP_PERFMON and, in bpf(2) only, for CAP_NET_ADMIN (linux/bpf.h, bpf_net_capable). */
const IMPLIED_BY_SYS_ADMIN: ReadonlySet<Capability> = new Set(['CAP_BPF', 'CAP_PERFMON'])

/** The effective set: `CapEff` in /proc/self/status, 64 bits in hexadecimal. Empty where there is no such file. */
export function effectiveCapabilities(): bigint {
  try {
    const digits = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]
    return digits === undefined ? 0n : BigInt(`0x${digits}`)
  } catch {
    return 0n
  }
}

/** Which of these this process does not have. */
export function missingCapabilities(
  needed: readonly Capability[],
  effective: bigint = effectiveCapabilities(),
): Capability[] {
  const has = (name: Capability) => ((effective >> BigInt(CAPABILITY[name])) & 1n) === 1n
  return needed.filter((name) => !has(name) && !(IMPLIED_BY_SYS_ADMIN.has(name) && has('CAP_SYS_ADMIN')))
}
