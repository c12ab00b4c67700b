import { describe, expect, test } from 'vitest'
import type { MapDescription, Program } from '../../isa/program.ts'
import type { Link } from '../graph/graph.ts'
import { numberPorts } from '../graph/numbering.ts'
import { programPath } from '../graph/paths.ts'
import { fingerprint } from '../stitch/fingerprint.ts'
import type { Wanted } from '../stitch/stitch.ts'
import type { Met } from '../stitch/structure.ts'
import { type Action, describeActions, type Present, plan, type Target } from './plan.ts'

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
  /** What the map `exits` shall hold, an octet to an octet. */
  readonly exits?: Readonly<Record<number, number>>
}

const mapAt = (name: string) => `lan/switch/maps/${name}`
const linkAt = (name: string) => `lan/switch/links/${name}`
/** `v7` has the number 7. */
const indexOf = (name: string): number => Number(name.slice(1))
const attachments = ({ links = {}, xdp = {}, point = 'xdp native' }: Sketch): (readonly [path: string, Target])[] => [
  ...Object.entries(links).map(
    ([name, to]) => [linkAt(name), { interface: to, index: indexOf(to), point: 'tc ingress' as const }] as const,
  ),
  ...Object.entries(xdp).map(
    ([name, to]) => [`lan/switch/xdp/${name}`, { interface: to, index: indexOf(to), point }] as const,
  ),
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

const owner = { path: [], name: 'a' }

const wanted = (sketch: Sketch): Wanted => ({
  graph: 'lan',
  maps: Object.fromEntries((sketch.maps ?? []).map((name) => [mapAt(name), description])),
  entries: Object.fromEntries(entries(sketch)),
  slots: {},
  attachments: Object.fromEntries(attachments(sketch).map(([path, at]) => [path, { ...at, program, maps: {}, owner }])),
})

/**
 * `changed`: maps that are there, described otherwise, with entries to keep. `outdated`: the same, without. `dead`: pins of
 * attachments whose interfaces are gone. `unpinned`: attachments without a pin of their program.
 */
interface There extends Sketch {
  readonly changed?: readonly string[]
  readonly outdated?: readonly string[]
  readonly dead?: readonly string[]
  readonly unpinned?: readonly string[]
  readonly other?: readonly string[]
}

const before = { ...description, entries: 8 }

const present = ({
  maps = [],
  changed = [],
  outdated = [],
  dead = [],
  unpinned = [],
  other = [],
  ...sketch
}: There): Present => ({
  paths: [
    ...attachments(sketch).flatMap(([path]) =>
      unpinned.map(linkAt).includes(path) ? [path] : [path, programPath(path)],
    ),
    ...dead.map(linkAt),
    ...[...maps, ...changed, ...outdated].map(mapAt),
    ...other.map((path) => `lan/${path}`),
  ],
  sameMaps: new Set(maps.map(mapAt)),
  kept: new Map(changed.map((name) => [mapAt(name), before])),
  attachments: new Map(attachments(sketch)),
})

/** Every action, or those that are not only about pins of programs. */
const all = (actions: readonly Action[]): string[] =>
  actions.map((action) => {
    const short = (path: string) => path.replace(/^lan\/((?:@\w+\/)*)switch\/(?:maps\/|links\/|(?=xdp\/))/, '$1')
    const place = 'interface' in action && action.do !== 'detach' ? ` on ${action.interface}` : ''
    const at = 'at' in action && action.at !== action.path ? ` at ${short(action.at)}` : ''
    return `${action.do} ${short(action.path)}${place}${at}`
  })
const shown = (actions: readonly Action[]): string[] =>
  all(actions.filter((action) => action.do !== 'load' && !action.path.includes('/@programs/')))

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
      what: 'a map more and a map less',
      from: whole,
      to: { ...whole, maps: ['m', 'o'] },
      actions: ['create map o', 'replace a on v1', 'replace b on v2', 'settle lan', 'remove n'],
    },
    {
      what: 'two ports exchange their interfaces: what is there stays, and gets the other name afterwards',
      from: whole,
      to: { ...whole, links: { a: 'v2', b: 'v1' } },
      actions: [
        'take over a on v2',
        'take over b on v1',
        'hand over a on v2',
        'hand over b on v1',
        'adopt a',
        'adopt b',
      ],
    },
    {
      what: 'an interface of one port becomes that of another, which had one as well',
      from: whole,
      to: { ...whole, links: { a: 'v3', b: 'v1' } },
      actions: ['detach b', 'attach a on v3', 'take over b on v1', 'hand over b on v1', 'adopt a', 'adopt b'],
    },
    {
      what: 'a map of another layout',
      from: { maps: ['m'], changed: ['n'], links: { a: 'v1' } },
      to: { maps: ['m', 'n'], links: { a: 'v1' } },
      actions: [
        'create map n at @next/n',
        'copy n',
        'replace a on v1',
        'settle lan',
        'copy again n',
        'adopt n',
        'remove @seen/n',
      ],
    },
    {
      what: 'a map of another layout, without state',
      from: { outdated: ['n'], links: { a: 'v1' } },
      to: { maps: ['n'], links: { a: 'v1' } },
      actions: ['create map n at @next/n', 'replace a on v1', 'settle lan', 'adopt n'],
    },
    {
      what: 'a pin of an interface that is gone: attached again',
      from: { maps: ['m'], links: { a: 'v1' }, dead: ['b'] },
      to: { maps: ['m'], links: { a: 'v1', b: 'v2' } },
      actions: ['attach b on v2', 'replace a on v1'],
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
      actions: ['create map exits', 'attach xdp/a on v1', 'attach xdp/b on v2', 'detach a', 'detach b'],
    },
    {
      what: 'from XDP to TC',
      from: { maps: ['m', 'exits'], exits: { 0: 7 }, xdp: { a: 'v1' } },
      to: { maps: ['m'], links: { a: 'v1' } },
      actions: ['attach a on v1', 'detach xdp/a', 'settle lan', 'remove exits'],
    },
    {
      what: 'from native to generic: off first, for an interface has one of them',
      from: { xdp: { a: 'v1' } },
      to: { xdp: { a: 'v1' }, point: 'xdp generic' },
      actions: ['detach xdp/a', 'attach xdp/a on v1'],
    },
    {
      what: 'from native to generic, by another port',
      from: { xdp: { a: 'v1' } },
      to: { xdp: { b: 'v1' }, point: 'xdp generic' },
      actions: ['detach xdp/a', 'attach xdp/b on v1'],
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
      actions: [
        'replace a on v1',
        'replace b on v2',
        'settle lan',
        'remove lan/router/maps/routes',
        'remove lan/leftover',
      ],
    },
  ])('$what', ({ from, to, actions }) => {
    expect(shown(plan(present(from), wanted(to)))).toEqual(actions)
  })

  test('programs are pinned by themselves, aside while others run, and what is the same stays', () => {
    const twice = (from: There, programs = {}) =>
      all(plan({ ...present(from), programs }, wanted({ maps: ['m'], links: { a: 'v1' } })))
    expect(twice({ maps: ['m'] })).toEqual(['load a at @programs/a', 'attach a on v1'])
    const there = { maps: ['m'], links: { a: 'v1' } }
    const replaced = ['load a at @next/@programs/a', 'replace a on v1', 'adopt @programs/a']
    expect(twice(there)).toEqual(replaced)
    expect(twice(there, { [linkAt('a')]: fingerprint(program) })).toEqual([])
    expect(twice({ ...there, unpinned: ['a'] }, { [linkAt('a')]: fingerprint(program) })).toEqual([
      'load a at @programs/a',
      'replace a on v1',
    ])
    expect(all(plan(present(there), wanted({})))).toEqual(['detach a', 'remove @programs/a', 'remove m'])
  })

  describe('of an array of programs', () => {
    const slotted = { ...program, maps: { m: description, programs: description } }
    const paths = { m: mapAt('m'), programs: mapAt('programs') }
    /** What arrives at `a` goes over to slot 1, with the program of that name there. */
    const metAs = (print: string, hook: Met['hook'] = 'tc'): Met => ({
      hook,
      structure: {
        sides: 'one',
        numbers: { 'switch.a': 0 },
        programs: {
          [linkAt('a')]: { print: 'entry', side: 'arriving', nodes: [], slots: [1] },
          1: { print, side: 'arriving', nodes: [], slots: [] },
        },
      },
      topology: { nodes: new Map(), entries: [] },
    })
    const want = (maps: readonly string[], print = 'one'): Wanted => ({
      ...wanted({ maps: [...maps, 'programs'], links: { a: 'v1' } }),
      slots: { [mapAt('programs')]: [{ slot: 1, owner, program: slotted, maps: paths }] },
      met: metAs(print),
    })
    const there = (there: There, met?: Met): Present => ({
      ...present({ ...there, links: { a: 'v1' } }),
      programs: { [linkAt('a')]: fingerprint(program) },
      met,
    })

    test('nothing is done where all is as it was', () => {
      expect(all(plan(there({ maps: ['m', 'programs'] }, metAs('one')), want(['m'])))).toEqual([])
    })

    test('another program takes the place of one, with nothing else', () => {
      expect(all(plan(there({ maps: ['m', 'programs'] }, metAs('other')), want(['m'])))).toEqual([
        'load lan/+graph/slots/1 at lan/@next/+graph/slots/1',
        'keep programs at lan/@seen/+graph/slots/1',
        'exchange programs',
        'settle lan',
        'remove lan/@next/+graph/slots/1',
        'remove lan/@seen/+graph/slots/1',
      ])
    })

    test('so it does where a map is another one', () => {
      const planned = plan(there({ changed: ['m'], maps: ['programs'] }, metAs('one')), want(['m']))
      const load = planned.find((action) => action.do === 'load')
      expect(load?.maps).toEqual({ m: 'lan/@next/switch/maps/m', programs: mapAt('programs') })
      expect(all(planned)).toEqual([
        'create map m at @next/m',
        'load lan/+graph/slots/1 at lan/@next/+graph/slots/1',
        'keep programs at lan/@seen/+graph/slots/1',
        'copy m',
        'exchange programs',
        'settle lan',
        'copy again m',
        'adopt m',
        'remove @seen/m',
        'remove lan/@next/+graph/slots/1',
        'remove lan/@seen/+graph/slots/1',
      ])
    })

    test.each([
      ['nobody knows what is in it', undefined],
      ['its programs were for another hook', metAs('other', 'xdp')],
    ])('all of it is made anew where %s', (_, met) => {
      const actions = all(plan(there({ maps: ['m', 'programs'] }, met), want(['m'])))
      expect(actions).toEqual([
        'create map programs at @next/programs',
        'install programs at @next/programs',
        'settle lan',
        'adopt programs',
      ])
    })
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
    expect(describeActions(actions)).toEqual([
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

  test('stay where a port is called otherwise and leads where it led, and nowhere else', () => {
    const leading = (ports: Readonly<Record<string, Link | undefined>>) => {
      const [instance] = graph().instances
      const all = Object.entries(ports).map(([name, link]) => ({ name, config: {}, link, through: [] }))
      return { ...graph(), instances: [{ ...instance!, ports: all }] }
    }
    const [eth0, stack, blue] = [
      { to: 'interface', interface: 'eth0' },
      { to: 'host', interface: 'eth0' },
      { to: 'interface', interface: 'eth0', namespace: 'blue' },
    ] as const
    const peer = { to: 'port', instance: 'core', port: 'up' } as const
    const was = leading({ a: eth0, b: peer, c: blue, d: undefined })
    const before = numberPorts(was)
    const now = leading({ a: blue, e: peer, f: eth0, g: stack, h: undefined })
    expect(numberPorts(now, before, was)).toEqual({ switch: { ids: { a: 0, e: 1, f: 4, g: 5, h: 6 }, next: 7 } })
  })

  test('of instances have nothing to do with each other', () => {
    const [one] = graph('a', 'b').instances
    const two = { ...one!, name: 'constructor' }
    expect(numberPorts({ name: 'lan', instances: [one!, two], interfaces: [] })).toEqual({
      switch: { ids: { a: 0, b: 1 }, next: 2 },
      constructor: { ids: { a: 0, b: 1 }, next: 2 },
    })
  })

  test('are given again when all have been used, but not while somebody has them', () => {
    const before = { switch: { ids: { a: 0, b: 2 }, next: 65_535 } }
    const ids = numberPorts(graph('a', 'b', 'c', 'd'), before).switch!.ids
    expect(new Set(Object.values(ids)).size).toBe(4)
    expect(ids).toMatchObject({ a: 0, b: 2 })
  })
})
