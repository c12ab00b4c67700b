import { describe, expect, test } from 'vitest'
import type { MapDescription, Program } from '../isa/program.ts'
import { type Action, describeAction, lostMaps, type Present, plan } from './plan.ts'
import { numberPorts } from './records.ts'
import type { Wanted, WantedAttachment } from './stitch.ts'

const description: MapDescription = {
  kind: 'hash',
  key: { kind: 'struct', size: 4, align: 4, fields: [] },
  value: { kind: 'struct', size: 8, align: 8, fields: [] },
  entries: 16,
}
const program: Program = { name: 'p', hook: 'tc', instructions: [], maps: {}, lines: [], stack: 0 }

/** `switch` with maps by name, and ports on interfaces: `{ maps: ['m'], links: { a: 'veth-a' } }`. */
interface Sketch {
  readonly maps?: readonly string[]
  readonly links?: Readonly<Record<string, string>>
  /** The same by XDP, and where. */
  readonly xdp?: Readonly<Record<string, string>>
  readonly point?: 'xdp native' | 'xdp generic'
  /** What the map `exits` holds, an octet to an octet. */
  readonly exits?: Readonly<Record<number, number>>
}

const mapAt = (name: string) => `lan/switch/maps/${name}`
const linkAt = (name: string) => `lan/switch/links/${name}`
const attachments = ({
  links = {},
  xdp = {},
  point = 'xdp native',
}: Sketch): (readonly [path: string, Pick<WantedAttachment, 'interface' | 'point'>])[] => [
  ...Object.entries(links).map(
    ([name, to]) => [linkAt(name), { interface: to, point: 'tc ingress' as const }] as const,
  ),
  ...Object.entries(xdp).map(([name, to]) => [`lan/switch/xdp/${name}`, { interface: to, point }] as const),
]
const entries = ({ exits }: Sketch) =>
  exits === undefined
    ? []
    : [
        [
          mapAt('exits'),
          Object.entries(exits).map(([key, value]) => [Uint8Array.of(+key), Uint8Array.of(value)] as const),
        ] as const,
      ]

const wanted = (sketch: Sketch): Wanted => ({
  graph: 'lan',
  maps: Object.fromEntries((sketch.maps ?? []).map((name) => [mapAt(name), description])),
  entries: Object.fromEntries(entries(sketch)),
  attachments: Object.fromEntries(attachments(sketch).map(([path, at]) => [path, { ...at, program, maps: {} }])),
})

/** `changed`: maps that are there, described otherwise. `dead`: pins of attachments whose interfaces are gone. */
interface There extends Sketch {
  readonly changed?: readonly string[]
  readonly dead?: readonly string[]
  readonly other?: readonly string[]
}

const present = ({ maps = [], changed = [], dead = [], other = [], ...sketch }: There): Present => ({
  paths: [
    ...attachments(sketch).map(([path]) => path),
    ...dead.map(linkAt),
    ...[...maps, ...changed].map(mapAt),
    ...other.map((path) => `lan/${path}`),
  ],
  sameMaps: new Set(maps.map(mapAt)),
  entries: new Map(entries(sketch)),
  attachments: new Map(attachments(sketch)),
})

const shown = (actions: readonly Action[]): string[] =>
  actions.map((action) => {
    const path = action.path.replace(/^lan\/switch\/(maps\/|links\/|(?=xdp\/))/, '')
    return 'interface' in action ? `${action.do} ${path} on ${action.interface}` : `${action.do} ${path}`
  })

describe('a plan', () => {
  const whole: Sketch = { maps: ['m', 'n'], links: { a: 'v1', b: 'v2' } }

  test.each<{ what: string; from: There; to: Sketch; actions: string[] }>([
    { what: 'from nothing to nothing', from: {}, to: {}, actions: [] },
    {
      what: 'from nothing to something: maps before the programs that use them',
      from: {},
      to: whole,
      actions: ['create map m', 'create map n', 'attach a on v1', 'attach b on v2'],
    },
    {
      what: 'from something to the same: programs anew, for they may differ',
      from: whole,
      to: whole,
      actions: ['replace a on v1', 'replace b on v2'],
    },
    {
      what: 'from something to nothing: programs before the maps they use',
      from: whole,
      to: {},
      actions: ['detach a', 'detach b', 'remove m', 'remove n'],
    },
    {
      what: 'a port more',
      from: whole,
      to: { ...whole, links: { a: 'v1', b: 'v2', c: 'v3' } },
      actions: ['attach c on v3', 'replace a on v1', 'replace b on v2'],
    },
    {
      what: 'a port less: it goes when no other program sends to it any more',
      from: whole,
      to: { ...whole, links: { a: 'v1' } },
      actions: ['replace a on v1', 'detach b'],
    },
    {
      what: 'a port on another interface: off the old one first, for the pin has one name',
      from: whole,
      to: { ...whole, links: { a: 'v1', b: 'v9' } },
      actions: ['detach b', 'attach b on v9', 'replace a on v1'],
    },
    {
      what: 'two ports that swap their interfaces: both off before either is on',
      from: whole,
      to: { ...whole, links: { a: 'v2', b: 'v1' } },
      actions: ['detach a', 'detach b', 'attach a on v2', 'attach b on v1'],
    },
    {
      what: 'a map more and a map less',
      from: whole,
      to: { ...whole, maps: ['m', 'o'] },
      actions: ['create map o', 'replace a on v1', 'replace b on v2', 'remove n'],
    },
    {
      what: 'a map of another layout',
      from: { maps: ['m'], changed: ['n'], links: { a: 'v1' } },
      to: { maps: ['m', 'n'], links: { a: 'v1' } },
      actions: ['remove n', 'create map n', 'replace a on v1'],
    },
    {
      what: 'a pin of an interface that is gone: attached again',
      from: { maps: ['m'], links: { a: 'v1' }, dead: ['b'] },
      to: { maps: ['m'], links: { a: 'v1', b: 'v2' } },
      actions: ['remove b', 'attach b on v2', 'replace a on v1'],
    },
    {
      what: 'a pin of an interface that is gone: removed',
      from: { links: { a: 'v1' }, dead: ['b'] },
      to: {},
      actions: ['detach a', 'remove b'],
    },
    {
      what: 'from TC to XDP: what comes is there before what goes',
      from: { maps: ['m'], links: { a: 'v1', b: 'v2' } },
      to: { maps: ['m', 'exits'], exits: { 0: 7, 1: 8 }, xdp: { a: 'v1', b: 'v2' } },
      actions: [
        'create map exits',
        'set entries exits',
        'attach xdp/a on v1',
        'attach xdp/b on v2',
        'detach a',
        'detach b',
      ],
    },
    {
      what: 'from XDP to TC',
      from: { maps: ['m', 'exits'], exits: { 0: 7 }, xdp: { a: 'v1' } },
      to: { maps: ['m'], links: { a: 'v1' } },
      actions: ['attach a on v1', 'detach xdp/a', 'remove exits'],
    },
    {
      what: 'from native to generic: off first, for an interface has one of them',
      from: { xdp: { a: 'v1' } },
      to: { xdp: { a: 'v1' }, point: 'xdp generic' },
      actions: ['detach xdp/a', 'attach xdp/a on v1'],
    },
    {
      what: 'an exit more, before programs send to it, and one less, when none does any more',
      from: { maps: ['exits'], exits: { 0: 7, 1: 8 }, xdp: { a: 'v1', b: 'v2' } },
      to: { maps: ['exits'], exits: { 0: 7, 2: 9 }, xdp: { a: 'v1', c: 'v3' } },
      actions: [
        'set entries exits',
        'attach xdp/c on v3',
        'replace xdp/a on v1',
        'detach xdp/b',
        'clear entries exits',
      ],
    },
    {
      what: 'exits that stay: nothing is written',
      from: { maps: ['exits'], exits: { 0: 7 }, xdp: { a: 'v1' } },
      to: { maps: ['exits'], exits: { 0: 7 }, xdp: { a: 'v1' } },
      actions: ['replace xdp/a on v1'],
    },
    {
      what: 'what was left half-done: only what is missing is made',
      from: { maps: ['m'], links: { b: 'v2' } },
      to: whole,
      actions: ['create map n', 'attach a on v1', 'replace b on v2'],
    },
    {
      what: 'what nobody knows, below the graph: removed',
      from: { ...whole, other: ['router/maps/routes', 'leftover'] },
      to: whole,
      actions: ['replace a on v1', 'replace b on v2', 'remove lan/router/maps/routes', 'remove lan/leftover'],
    },
  ])('$what', ({ from, to, actions }) => {
    expect(shown(plan(present(from), wanted(to)))).toEqual(actions)
  })

  test('names the maps that would lose their entries', () => {
    const there = present({ maps: ['m'], changed: ['n', 'counters'] })
    const want = wanted({ maps: ['m', 'n', 'counters', 'new'] })
    expect(lostMaps(there, want, () => true)).toEqual([mapAt('n'), mapAt('counters')])
    expect(lostMaps(there, want, (path) => !path.endsWith('counters'))).toEqual([mapAt('n')])
  })

  test('changes nothing of what it is given', () => {
    const [from, to] = [present({ ...whole, changed: ['x'] }), wanted({ ...whole, links: { a: 'v2' } })]
    const copies = structuredClone([from, to])
    plan(from, to)
    expect([from, to]).toEqual(copies)
  })

  test('reads line by line', () => {
    const actions = plan(
      present({ maps: ['old'], links: { a: 'v1', gone: 'v3' } }),
      wanted({ maps: ['m'], links: { a: 'v1', b: 'v2' } }),
    )
    expect(actions.map(describeAction)).toEqual([
      '+ map      lan/switch/maps/m (hash, 16 entries)',
      '+ program  lan/switch/links/b on v2 (tc ingress, 0 instructions)',
      '~ program  lan/switch/links/a on v1 (tc ingress, 0 instructions)',
      '- program  lan/switch/links/gone',
      '- lan/switch/maps/old',
    ])
  })
})

describe('port numbers', () => {
  const graph = (...ports: readonly string[]) => ({
    name: 'lan',
    interfaces: [],
    instances: [
      {
        name: 'switch',
        cube: 'bridge',
        config: {},
        ports: ports.map((name) => ({ name, config: {}, link: undefined, through: [] })),
      },
    ],
  })
  /** Each line of ports follows from the numbers of the one before. */
  const numbered = (...versions: readonly string[][]) =>
    versions.reduce<ReturnType<typeof numberPorts>>((before, ports) => numberPorts(graph(...ports), before), {}).switch!

  test.each<{ what: string; versions: string[][]; ids: Record<string, number>; next: number }>([
    { what: 'count from 0', versions: [['a', 'b']], ids: { a: 0, b: 1 }, next: 2 },
    {
      what: 'stay, in whatever order',
      versions: [
        ['a', 'b'],
        ['b', 'a'],
      ],
      ids: { a: 0, b: 1 },
      next: 2,
    },
    {
      what: 'go on for new ports',
      versions: [
        ['a', 'b'],
        ['c', 'a', 'b'],
      ],
      ids: { a: 0, b: 1, c: 2 },
      next: 3,
    },
    { what: 'are not given again', versions: [['a', 'b'], ['a'], ['a', 'c']], ids: { a: 0, c: 2 }, next: 3 },
    {
      what: 'are new for a port that comes back',
      versions: [['a', 'b'], ['a'], ['a', 'b']],
      ids: { a: 0, b: 2 },
      next: 3,
    },
    {
      what: 'take no notice of what objects have anyway',
      versions: [['constructor']],
      ids: { constructor: 0 },
      next: 1,
    },
  ])('$what', ({ versions, ids, next }) => {
    expect(numbered(...versions)).toEqual({ ids, next })
  })

  test('of instances have nothing to do with each other', () => {
    const [one] = graph('a', 'b').instances
    const two = { ...one!, name: 'constructor' }
    expect(numberPorts({ name: 'lan', instances: [one!, two], interfaces: [] })).toEqual({
      switch: { ids: { a: 0, b: 1 }, next: 2 },
      constructor: { ids: { a: 0, b: 1 }, next: 2 },
    })
  })

  test('are given again when all 65536 have been used, but not while somebody has them', () => {
    const before = { switch: { ids: { a: 0, b: 2 }, next: 65_536 } }
    const ids = numberPorts(graph('a', 'b', 'c', 'd'), before).switch!.ids
    expect(new Set(Object.values(ids)).size).toBe(4)
    expect(ids).toMatchObject({ a: 0, b: 2 })
  })
})
