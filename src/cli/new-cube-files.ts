/** The files of a cube to begin with: it counts who talks, and drops what it is told to. */
export function newCubeFiles(name: string): Readonly<Record<string, string>> {
  const variable = name.replace(/-+(.?)/g, (_, letter: string) => letter.toUpperCase())
  return {
    'schema.ts': `import { defineCube } from 'tessera/cube'
import { lruHash, mac, u64 } from 'tessera/lang'
import { z } from 'zod'

/** What both planes, the command line and the documentation know. */
export const ${variable} = defineCube('${name}', {
  summary: 'repeats every frame out of all other ports, and counts who sent it',
  ports: z.strictObject({
    silent: z.boolean().default(false).describe('drop what comes in by this port'),
  }),
  config: z.strictObject({
    ipv6: z.boolean().default(true).describe('carry IPv6'),
  }),
  state: {
    talkers: lruHash({
      summary: 'how many frames each station sent',
      key: { address: mac },
      value: { frames: u64 },
      entries: 1024,
      writable: true,
    }),
  },
  drops: {
    truncated: 'shorter than an Ethernet header',
    silent: 'came in by a port that is to be silent',
    ipv6: 'IPv6, which is not carried',
  },
})
`,
    'dataplane.ts': `import { dataplane } from 'tessera/cube'
import { atomic, ETHERTYPE, Ethernet } from 'tessera/lang'
import { ${variable} } from './schema.ts'

/** Runs in the kernel, for each packet that comes in. The language: docs/language.md of Tessera. */
export default dataplane(${variable}, (packet, { state, config, port, drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  if (port.silent) return drop('silent')
  if (!config.ipv6 && ethernet.type === ETHERTYPE.ipv6) return drop('ipv6')

  const talker = state.talkers.get({ address: ethernet.source })
  if (talker) atomic.add(talker, 'frames', 1)
  else state.talkers.set({ address: ethernet.source }, { frames: 1 })
  return flood()
})
`,
    'control.ts': `import { control } from 'tessera/cube'
import { ${variable} } from './schema.ts'

/** Runs in user space. Views are what tessera show and describe print of an instance. */
export default control(${variable}, {
  views: {
    talkers: ({ state }) =>
      state.talkers
        .entries()
        .map(([{ address }, { frames }]) => ({ address, frames }))
        .sort((a, b) => a.address.localeCompare(b.address)),
  },
})
`,
    'cube.test.ts': `import { onEveryMachine, packet } from 'tessera/testing'
import { expect, test } from 'vitest'
import type { ${variable} } from './schema.ts'

/** On the user-space machine, and as root in the kernel as well. */
onEveryMachine('${name}', (openLab) => {
  const alice = '02:00:00:00:00:01'
  const frame = packet().ethernet({ source: alice, destination: '02:00:00:00:00:02' }).ipv4().udp().bytes()
  const open = (config = {}, left = {}) =>
    openLab<typeof ${variable}>({ cube: import.meta.dirname, config, ports: { left, middle: {}, right: {} } })

  test('repeats a frame out of all other ports, and counts it', async () => {
    using lab = await open()
    expect(lab.send('left', frame)).toEqual({ middle: [frame], right: [frame] })
    lab.send('left', frame)
    expect(await lab.view('talkers')).toEqual([{ address: alice, frames: 2n }])
  })

  test('carries IPv6 unless told otherwise', async () => {
    const frame = packet().ethernet({ source: alice }).ipv6().udp().bytes()
    using lab = await open()
    expect(lab.send('left', frame)).toEqual({ middle: [frame], right: [frame] })
    using other = await open({ ipv6: false })
    expect(other.send('left', frame)).toEqual({})
    expect(other.counters('left').drops).toEqual({ ipv6: { packets: 1n, bytes: BigInt(frame.length) } })
  })

  test('drops what comes in by a port that is silent', async () => {
    using lab = await open({}, { silent: true })
    expect(lab.send('left', frame)).toEqual({})
    expect(lab.send('right', frame)).toEqual({ left: [frame], middle: [frame] })
  })
})
`,
  }
}
