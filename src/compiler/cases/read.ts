/** The chapters in this folder, and the modules that their cases stand for. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Hook, Program } from '../../isa/program.ts'
import { compile, type DataPlaneSource, dataPlaneOf, type Specialisation } from '../compile.ts'
import type { Cube } from '../cube.ts'
import { type Modules, parseModule } from '../modules.ts'
import { config, lan } from './lan.ts'

const folder = import.meta.dirname

type Shape = NonNullable<Cube['shape']>

export interface Chapter {
  readonly path: string
  readonly title: string
  readonly text: string
  /** What its cases are compiled for: XDP, where the file's name begins with that. */
  readonly hook: Hook
  /** Where the file's name begins with that, the cube is transparent. */
  readonly shape: Shape
  readonly cases: readonly { readonly title: string; readonly source: string; readonly expected: string }[]
}

/** A heading, what is said about it, the source, and what the compiler says about that. */
export const CASE =
  /^## (?<title>.+)\n(?<prose>(?:(?!```|## ).*\n)*)```ts\n(?<source>[\s\S]*?)\n```\n(?:\n?```text\n(?<expected>[\s\S]*?)\n```\n)?/gm

export const chapters = (): Chapter[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .map((name) => {
      const path = join(folder, name)
      const text = readFileSync(path, 'utf8')
      const cases = [...text.matchAll(CASE)].map(({ groups: { title = '', source = '', expected = '' } = {} }) => ({
        title,
        source,
        expected,
      }))
      const hook = name.startsWith('xdp') ? 'xdp' : 'tc'
      const shape = name.startsWith('transparent') ? 'transparent' : 'standard'
      return { path, title: /^# (.+)$/m.exec(text)?.[1] ?? name, text, hook, shape, cases }
    })

/** What every case may use without importing it. */
const LANG = '../../lang/index.ts'
const WORDS =
  'array, Arp, atomic, bits, bool, contains, Ethernet, ETHERTYPE, fill, Geneve, Gre, header, i32, i64, ipv4, IPv4, ipv6, IPv6, isMulticast, mac, masked, type Packet, prefix, seconds, Tcp, u8, u16, u32, u64, Udp, Vxlan, withLock'
const IMPORTS = `import { ${WORDS} } from '${LANG}'; import { config as given, dataplane, Flags, lan, Peers, Trailer, Words } from './lan.ts'`
const GIVEN: Readonly<Record<Shape, string>> = {
  standard: '{ state, config, port, now, drop, punt, forward, flood, pass }',
  transparent: '{ state, config, direction, now, drop, punt, pass, next }',
}

/** All that a case does not repeat is in one line before it, which no place counts. */
function moduleText(source: string, shape: Shape): string {
  if (source.includes('export default')) return `${IMPORTS}\n${source}\n`
  return `${IMPORTS}; export default dataplane(lan, (packet, ${GIVEN[shape]}) => {\n${source}\n})\n`
}

const wiring = { port: 1, exits: [1, 2, 3].map((port) => ({ port, ifindex: 10 + port })), capacity: 4 }

/** A case, and what makes a program of it. `modules` are those of lan.ts. */
export function readCase(
  modules: Modules,
  source: string,
  hook: Hook = 'tc',
  shape: Shape = 'standard',
): [DataPlaneSource, Specialisation] {
  const path = join(folder, 'dataplane.ts')
  const module = parseModule(path, moduleText(source, shape), { default: { cube: { ...lan, shape } } })
  const read = dataPlaneOf(new Map([...modules, [path, module]]), path)
  return [read, { name: 'case', config, port: {}, hook, wiring }]
}

export const compileCase = (modules: Modules, source: string, hook?: Hook, shape?: Shape): Program =>
  compile(...readCase(modules, source, hook, shape))
