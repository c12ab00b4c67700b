import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import { builtinCubes } from '../../testing/index.ts'
import { linkText } from '../graph/graph.ts'
import { interfacesOf } from '../graph/ports.ts'
import { readGraph } from './read.ts'

/** The cubes of this folder are named from there. */
const folder = join(import.meta.dirname, '../../testing/cubes')
const read = (text: string) => readGraph(join(folder, 'lan.yaml'), text, builtinCubes())

const HEAD = 'graph: office\ninstances:\n'
/** The lines of a file, of which the first instance is in line 3. */
const file = (...lines: readonly string[]): string => `${HEAD}${lines.map((line) => `  ${line}\n`).join('')}`
const bridge = (name: string, ports: string): string => `${name}: { cube: bridge, ports: { ${ports} } }`
const tap = (name: string): string => `${name}: { cube: ./tap }`

/** Each port as `instance.port: what it leads to`, with what is on the way. */
async function links(text: string): Promise<string[]> {
  const { graph } = await read(text)
  return graph.instances.flatMap(({ name, ports }) =>
    ports.map((port) => [`${name}.${port.name}: ${linkText(port.link)}`, ...port.through].join(' through ')),
  )
}

describe('links', () => {
  test.each([
    ['said at one end', 'a: { to: r.b }', 'b: {}'],
    ['said at the other', 'a: {}', 'b: { to: s.a }'],
    ['said at both', 'a: { to: r.b }', 'b: { to: s.a }'],
  ])('from port to port, %s', async (_, a, b) => {
    expect(await links(file(bridge('s', a), bridge('r', b)))).toEqual(['s.a: r.b', 'r.b: s.a'])
  })

  test('between two ports of one instance', async () => {
    expect(await links(file(bridge('s', 'a: { to: s.b }, b: {}')))).toEqual(['s.a: s.b', 's.b: s.a'])
  })

  test('to interfaces, into namespaces, to the stack, and to nothing', async () => {
    const ports = [
      'a: { interface: eth0 }',
      'b: { interface: eth0, namespace: blue }',
      'c: { interface: eth0, namespace: red }',
      'd: { host: eth0 }',
      'e: {}',
    ]
    const text = file(bridge('s', ports.join(', ')))
    expect(await links(text)).toEqual([
      's.a: eth0',
      's.b: blue/eth0',
      's.c: red/eth0',
      's.d: host eth0',
      's.e: nothing',
    ])
    expect(interfacesOf((await read(text)).graph)).toMatchObject([
      { interface: 'eth0' },
      { interface: 'eth0', namespace: 'blue' },
      { interface: 'eth0', namespace: 'red' },
    ])
  })

  test('have transparent cubes on the way, and interfaces of something else have them too', async () => {
    const on = 'interfaces:\n  eth7: { through: [t3, t4] }\n  blue/eth7: { through: [t5] }\n'
    const text = `${file(bridge('s', 'a: { interface: eth0, through: [t1, t2] }'), ...['t1', 't2', 't3', 't4', 't5'].map(tap))}${on}`
    const { graph } = await read(text)
    expect(graph.instances.map(({ name, ports }) => [name, ...ports.flatMap(({ through }) => through)])).toEqual([
      ['s', 't1', 't2'],
      ['t1'],
      ['t2'],
      ['t3'],
      ['t4'],
      ['t5'],
    ])
    expect(graph.interfaces).toEqual([
      { interface: 'eth7', through: ['t3', 't4'] },
      { interface: 'eth7', namespace: 'blue', through: ['t5'] },
    ])
  })
})

const known = (...words: readonly string[]) => `(known: ${words.join(', ')})`
const two = 'give each link two ports of its own'

const BAD: readonly { what: string; text: string; says: readonly string[] }[] = [
  {
    what: 'a port with two ends',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { interface: eth0, host: eth1 }'),
    says: ['6:29 "host" a port leads to one thing | keep one of interface, host and to'],
  },
  {
    what: 'a namespace without an interface',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { namespace: blue }'),
    says: ['6:12 "namespace" a namespace is that of an interface | add interface: …'],
  },
  {
    what: 'a link to something that is no port',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { to: r }', bridge('r', '')),
    says: ['6:16 "r" "r" is not a port | write to: instance.port'],
  },
  {
    what: 'a link to a missing instance',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { to: ruoter.b }', bridge('router', 'b: {}')),
    says: [`6:16 "ruoter.b" there is no instance "ruoter" | did you mean "router"? ${known('s', 'router')}`],
  },
  {
    what: 'a link to a missing port',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { to: r.lna }', bridge('r', 'lan: {}, wan: {}')),
    says: [`6:16 "r.lna" r has no port "lna" | did you mean "lan"? ${known('lan', 'wan')}`],
  },
  {
    what: 'a link to itself',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { to: s.a }'),
    says: ['6:16 "s.a" a port cannot lead to itself | name another one, or leave `to` out'],
  },
  {
    what: 'a link to a port that leads to an interface',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { to: r.b }', bridge('r', 'b: { interface: eth0 }')),
    says: [`6:16 "r.b" r.b is linked twice: it leads to eth0 already | ${two}`],
  },
  {
    what: 'ports that disagree',
    text: file(
      's:',
      '  cube: bridge',
      '  ports:',
      '    a: { to: r.b }',
      bridge('r', 'b: { to: t.c }'),
      bridge('t', 'c: {}'),
    ),
    says: [`6:16 "r.b" r.b is linked twice: it leads to t.c already | ${two}`],
  },
  {
    what: 'two links to one port',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { to: r.b }', '    c: { to: r.b }', bridge('r', 'b: {}')),
    says: [`7:16 "r.b" r.b is linked twice: it leads to s.a already | ${two}`],
  },
  {
    what: 'the stack of an interface twice',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { host: eth0 }', '    b: { host: eth0 }'),
    says: [
      '7:18 "eth0" the interface host eth0 is used twice: s.a leads to it already | give each port an interface of its own',
    ],
  },
  {
    what: 'a transparent cube with ports',
    text: file('s:', '  cube: ./tap', '  ports:', '    a: { interface: eth0 }'),
    says: [
      '5:5 "ports" tap is transparent, and has no ports | leave ports out, and list s where it is to be: through: [s]',
    ],
  },
  {
    what: 'a link to a transparent cube',
    text: file(
      's:',
      '  cube: bridge',
      '  ports:',
      '    a: { to: t.in }',
      '    b: { interface: eth0, through: [t] }',
      tap('t'),
    ),
    says: ['6:16 "t.in" t is transparent, and has no ports | list it where it is to be: through: [t]'],
  },
  {
    what: 'a transparent cube that is nowhere',
    text: file(tap('t')),
    says: ['3:3 "t" t is nowhere | list it at a port, or at an interface: through: [t]'],
  },
  {
    what: 'a transparent cube in two places',
    text: file(
      's:',
      '  cube: bridge',
      '  ports:',
      '    a: { interface: eth0, through: [t] }',
      '    b: { interface: eth1, through: [t] }',
      tap('t'),
    ),
    says: ['7:39 "t" t is at s.a already | make a second instance of its cube'],
  },
  {
    what: 'a cube with ports on the way',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { interface: eth0, through: [r] }', bridge('r', '')),
    says: ['6:39 "r" r has ports, and is not transparent | link ports: to: r.…'],
  },
  {
    what: 'nobody on the way',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { interface: eth0, through: [tp, t] }', tap('t')),
    says: [`6:39 "tp" there is no instance "tp" | did you mean "t"? ${known('t')}`],
  },
  {
    what: 'nobody on the way, where no cube could be',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { interface: eth0, through: [t] }'),
    says: ['6:39 "t" there is no instance "t" | no instance is transparent: write t: { cube: … } among them'],
  },
  {
    what: 'an interface with ways of its own that is that of a port',
    text: `${file(bridge('s', 'a: { interface: eth0 }'), tap('t'))}interfaces:\n  eth0: { through: [t] }\n`,
    says: ['6:3 "eth0" the interface eth0 is that of s.a | list at s.a what is on the way: through: [t]'],
  },
  {
    what: 'an interface in a namespace in a namespace',
    text: `${file(tap('t'))}interfaces:\n  a/b/c: { through: [t] }\n`,
    says: ['5:3 "a/b/c" "a/b/c" is no interface | write eth0, or blue/eth0 for one in a namespace'],
  },
  {
    what: 'a slash in the interface of a port',
    text: file('s:', '  cube: bridge', '  ports:', '    a: { interface: blue/eth0 }'),
    says: [
      '6:23 "blue/eth0" interface: an interface has no slash in its name; of one in a namespace, say that beside it: namespace',
    ],
  },
  {
    what: 'an interface that nothing is on',
    text: `${HEAD}  {}\ninterfaces:\n  eth0: { through: [] }\n`,
    says: [expect.stringContaining('5:20 "[]" through: has to have at least 1 entry')],
  },
]

describe('a graph file is refused that has', () => {
  test.each(BAD.map((one) => [one.what, one] as const))('%s', async (_, { text, says }) => {
    const error: unknown = await read(text).catch((error: unknown) => error)
    const diagnostics = error instanceof Refusal ? error.diagnostics : []
    const said = diagnostics.map(({ message, remedy, place }) => {
      const at = place?.text.slice(place.column - 1, place.column - 1 + place.length)
      return `${place?.line}:${place?.column} "${at}" ${[message, ...(remedy === undefined ? [] : [remedy])].join(' | ')}`
    })
    expect(said).toEqual(says)
  })
})
