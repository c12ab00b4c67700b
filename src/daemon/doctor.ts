/** What this host can do of what Tessera needs, and what to do where it cannot. Nothing is changed. */
import { accessSync, constants, existsSync } from 'node:fs'
import { release } from 'node:os'
import { Refusal } from '../base/diagnostic.ts'
import { BPFFS, isMounted, requireLastingMount } from '../kernel/bpffs.ts'
import { CAPABILITY, type Capability, missingCapabilities } from '../kernel/capabilities.ts'
import { whyNoLibpcap } from '../kernel/libpcap.ts'
import { filters } from '../kernel/netlink/filter.ts'
import { links } from '../kernel/netlink/link.ts'
import { features, probe } from '../kernel/probes.ts'
import { requireKernel } from '../kernel/requirements.ts'

export interface Finding {
  readonly what: string
  /** `no`: something does not work. `warning`: something works less well, or may be in the way. */
  readonly state: 'ok' | 'warning' | 'no'
  readonly found: string
  readonly remedy?: string
}

const NEEDED_FOR: Readonly<Record<Capability, string>> = {
  CAP_BPF: 'to load programs',
  CAP_NET_ADMIN: 'to attach them',
  CAP_PERFMON: 'for programs at XDP',
  CAP_NET_RAW: 'to send packets of control planes',
  CAP_SYS_ADMIN: 'for network namespaces, and to mount bpffs',
  CAP_SETUID: "to run what is not Tessera's own as nobody",
  CAP_SETGID: 'for the same',
}

/** What nothing works without; for all else there is another way. */
const VITAL: ReadonlySet<string> = new Set(['tc programs', 'jumps on 32 bits', 'bounded loops', 'atomic fetch'])

export function examine(): readonly Finding[] {
  const kernel = refusalOf(requireKernel)
  return [
    kernel === undefined
      ? { what: 'kernel', state: 'ok', found: `Linux ${release()}` }
      : { what: 'kernel', state: 'no', ...kernel },
    ...capabilities(),
    ...(kernel === undefined ? probed() : []),
    bpffs(),
    ...conflicts(),
    libpcap(),
  ]
}

function refusalOf(check: () => void): { found: string; remedy: string } | undefined {
  try {
    check()
    return undefined
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const [first] = error.diagnostics
    return { found: first?.message ?? error.message, remedy: first?.remedy ?? '' }
  }
}

function capabilities(): readonly Finding[] {
  return (Object.keys(CAPABILITY) as Capability[]).map((name) =>
    missingCapabilities([name]).length === 0
      ? { what: name, state: 'ok', found: 'there' }
      : { what: name, state: 'no', found: `missing, ${NEEDED_FOR[name]}`, remedy: 'run with sudo' },
  )
}

const probed = (): readonly Finding[] =>
  features.map((feature) => {
    const answer = probe(feature)
    if (answer.kind === 'supported') return { what: feature, state: 'ok', found: 'there' }
    if (answer.kind === 'could not tell') return { what: feature, state: 'warning', found: answer.reason }
    return {
      what: feature,
      state: VITAL.has(feature) ? 'no' : 'warning',
      found: 'this kernel has none',
      remedy: `Linux ${answer.since} or newer has them`,
    }
  })

function bpffs(): Finding {
  const lasting = refusalOf(requireLastingMount)
  if (lasting !== undefined) return { what: BPFFS, state: 'no', ...lasting }
  if (isMounted()) return { what: BPFFS, state: 'ok', found: 'mounted' }
  if (!existsSync(BPFFS))
    return { what: BPFFS, state: 'no', found: 'there is no such folder', remedy: 'mount -t sysfs sysfs /sys' }
  return { what: BPFFS, state: 'ok', found: 'not mounted: Tessera does that while it has something there' }
}

/** Programs of somebody else: an interface has room for more, but they may decide about packets first. */
function conflicts(): readonly Finding[] {
  try {
    accessSync('/proc/self/ns/net', constants.R_OK)
    const found = links().flatMap(({ name, index, xdp }): Finding[] => {
      const others = [
        ...Object.entries(xdp).map(([how, id]) => `XDP program ${id} (${how})`),
        ...(['ingress', 'egress'] as const).flatMap((way) =>
          filters(index, way).map((filter) => `filter ${filter.name} on ${way}`),
        ),
      ]
      return others.length === 0
        ? []
        : [
            {
              what: `interface ${name}`,
              state: 'warning',
              found: `has ${others.join(', ')}`,
              remedy: `tessera show tells whether they are Tessera's; bpftool net show dev ${name}, whose they are else`,
            },
          ]
    })
    return found.length > 0 ? found : [{ what: 'interfaces', state: 'ok', found: 'no program of others is on any' }]
  } catch (error) {
    return [{ what: 'interfaces', state: 'warning', found: error instanceof Error ? error.message : String(error) }]
  }
}

function libpcap(): Finding {
  const reason = whyNoLibpcap()
  return reason === undefined
    ? { what: 'libpcap', state: 'ok', found: 'there' }
    : {
        what: 'libpcap',
        state: 'warning',
        found: `${reason}: no filters in tcpdump's words`,
        remedy: 'apt-get install libpcap0.8',
      }
}
