import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Refusal } from '../../base/diagnostic.ts'
import { builtinCubes } from '../../testing/index.ts'
import { readDocument, readGraph } from './read.ts'

const read = (text: string) => readGraph('lan.yaml', text, builtinCubes())

/** Every mistake as `line:column message`, and then what would work. */
async function mistakes(text: string): Promise<string[]> {
  try {
    const { graph } = await read(text)
    return [`no mistake: ${JSON.stringify(graph)}`]
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return error.diagnostics.map(({ message, remedy, place }) => {
      const at = place === undefined ? 'nowhere' : `${place.line}:${place.column}`
      return [`${at} ${message}`, ...(remedy === undefined ? [] : [remedy])].join(' | ')
    })
  }
}

/** The lines of a file that has one bridge called `s`, with these lines in it. */
const bridge = (...lines: readonly string[]): string =>
  ['graph: lan', 'instances:', '  s:', '    cube: bridge', ...lines.map((line) => `    ${line}`), ''].join('\n')

const NAME_RULE = 'lower-case letters, digits and dashes, starting with a letter, at most 31'

describe('a graph file', () => {
  test('is read whole, with defaults for what it leaves out', async () => {
    const text = bridge('ports:', '  a: { interface: veth-a }', '  b: { interface: veth-b, learning: false }')
    const { graph, cubes, file } = await read(text)
    expect(graph).toEqual({
      name: 'lan',
      instances: [
        {
          name: 's',
          cube: 'bridge',
          config: { agingTime: 300 },
          ports: [
            {
              name: 'a',
              config: { learning: true },
              link: { to: 'interface', interface: 'veth-a' },
              through: [],
            },
            {
              name: 'b',
              config: { learning: false },
              link: { to: 'interface', interface: 'veth-b' },
              through: [],
            },
          ],
        },
      ],
      interfaces: [],
    })
    expect(file).toBe('lan.yaml')
    expect(cubes.get('bridge')?.cube.name).toBe('bridge')
  })

  test.each([
    ['no instances', 'graph: lan\ninstances: {}\n', []],
    ['JSON', '{"graph": "lan", "instances": {"s": {"cube": "bridge", "ports": {}}}}', ['s']],
    ['Windows line breaks', bridge('ports: {}').replaceAll('\n', '\r\n'), ['s']],
    ['a byte order mark', `\uFEFF${bridge('ports: {}')}`, ['s']],
    ['an alias', bridge('ports: {}').replace('  s:', '  s: &s').concat('  t: *s\n'), ['s', 't']],
    ['a name that objects have anyway', bridge('ports: {}').replace('  s:', '  constructor:'), ['constructor']],
    ['the longest name', `graph: ${'a'.repeat(31)}\ninstances: {}\n`, []],
  ])('may have %s', async (_, text, names) => {
    expect((await read(text)).graph.instances.map(({ name }) => name)).toEqual(names)
  })

  test('may say where its programs run', async () => {
    expect((await read(`attach: xdp generic\n${bridge('ports: {}')}`)).graph.attach).toBe('xdp generic')
    expect(await mistakes(`attach: xpd\n${bridge('ports: {}')}`)).toEqual([
      '1:9 attach: has to be one of tc ingress, tc egress, xdp, xdp native, xdp generic',
    ])
  })

  test('may name a cube by its folder, as seen from the file', async () => {
    const folder = join(import.meta.dirname, '../../cubes')
    const text = bridge('ports: {}').replace('cube: bridge', 'cube: ./bridge')
    const { cubes } = await readGraph(join(folder, 'lan.yaml'), text, builtinCubes())
    expect(cubes.get('./bridge')?.dataplane).toBe(join(folder, 'bridge/dataplane.ts'))
  })

  test.each([
    [['graph'], '1:8 "lan"'],
    [['instances'], '2:1 "instances"'],
    [['instances', 's', 'cube'], '4:11 "bridge"'],
    [['instances', 's', 'ports', 'a'], '6:7 "a"'],
    [['instances', 's', 'ports', 'a', 'interface'], '6:23 "veth-a"'],
    [['instances', 's', 'ports', 'nobody', 'interface'], '5:5 "ports"'],
    [['elsewhere'], '1:1 "graph: lan"'],
  ])('knows where %j is written', async (path, expected) => {
    const place = (await read(bridge('ports:', '  a: { interface: veth-a }'))).place(path)!
    const text = place.text.slice(place.column - 1, place.column - 1 + place.length)
    expect(`${place.line}:${place.column} "${text}"`).toBe(expected)
  })
})

const twice = 'give each one a name of its own'
const known = (...words: readonly string[]) => `known: ${words.join(', ')}`
const LINK = ['interface', 'namespace', 'host', 'to', 'through']
const meant = (word: string, ...words: readonly string[]) => `did you mean "${word}"? (${known(...words)})`

const BAD: readonly { what: string; text: string; says: readonly string[] }[] = [
  { what: 'an empty file', text: '', says: ['1:1 the file is empty | start with graph: …'] },
  { what: 'nothing but a comment', text: '# later\n', says: ['1:1 the file is empty | start with graph: …'] },
  { what: 'a list', text: '- graph\n- lan\n', says: ['1:1 the document: has to be names with values, and is a list'] },
  { what: 'a word', text: 'hello', says: ['1:1 the document: has to be names with values, and is "hello"'] },
  {
    what: 'keys without values',
    text: 'graph:\ninstances:\n',
    says: ['1:7 graph: has to be text, and is nothing', '2:11 instances: has to be names with values, and is nothing'],
  },
  { what: 'no graph', text: 'instances: {}\n', says: ['1:1 `graph` is missing | add graph: … (its name)'] },
  { what: 'no instances', text: 'graph: lan\n', says: ['1:1 `instances` is missing | add instances: …'] },
  {
    what: 'an instance without a cube',
    text: 'graph: lan\ninstances:\n  s:\n    ports: {}\n',
    says: ['3:3 `cube` is missing | add cube: … (its cube, by name)'],
  },
  { what: 'an instance without ports', text: bridge(), says: ['3:3 `ports` is missing | add ports: …'] },

  // YAML itself
  { what: 'tabs', text: 'graph: lan\ninstances:\n\ts: {}\n', says: ['3:1 Tabs are not allowed as indentation'] },
  {
    what: 'a brace that is not closed',
    text: 'graph: lan\ninstances: {\n',
    says: ['3:1 Flow map in block collection must be sufficiently indented and end with a }'],
  },
  {
    what: 'several braces that are not closed',
    text: 'graph: lan\ninstances: { s: { ports: {\n',
    says: ['3:1 Flow map in block collection must be sufficiently indented and end with a }'],
  },
  {
    what: 'brackets in brackets in brackets',
    text: `graph: lan\ninstances: ${'['.repeat(20_000)}${']'.repeat(20_000)}\n`,
    says: [expect.stringMatching(/^2:\d+ this is nested too deeply \| graph files have no more than ten levels$/)],
  },
  {
    what: 'a name that is there twice among very many',
    text: `graph: lan\nlinks:\n${Array.from({ length: 100_000 }, (_, number) => `  n${number}: 1\n`).join('')}  n7: 1\n`,
    says: ['100003:3 this name is used twice | give each one a name of its own'],
  },
  {
    what: 'a colon too many',
    text: 'graph: a: b\n',
    says: ['1:8 Nested mappings are not allowed in compact mappings'],
  },
  {
    what: 'two files in one',
    text: 'graph: a\ninstances: {}\n---\ngraph: b\n',
    says: ['3:1 Source contains multiple documents; please use YAML.parseAllDocuments()'],
  },
  { what: 'a tag that nobody knows', text: 'graph: !my lan\ninstances: {}\n', says: ['1:8 Unresolved tag: !my'] },
  {
    what: 'an alias of nothing',
    text: 'graph: lan\ninstances:\n  t: *s\n',
    says: ['3:6 there is no &s before this | write &s at what *s stands for'],
  },
  {
    what: 'aliases that grow without end',
    text: `graph: lan\na: &a [${'x,'.repeat(20)}]\nb: &b [${'*a,'.repeat(20)}]\ninstances: [${'*b,'.repeat(20)}]\n`,
    says: ['1:1 Excessive alias count indicates a resource exhaustion attack'],
  },
  {
    what: 'two ports with one interface, by an alias',
    text: bridge('ports: { a: { interface: v1 } }').replace('  s:', '  s: &s').concat('  t: *s\n'),
    says: ['6:6 the interface v1 is used twice: s.a leads to it already | give each port an interface of its own'],
  },
  {
    what: 'a name that is a map',
    text: 'graph: lan\ninstances:\n  ? { a: 1 }\n  : x\n',
    says: [`3:5 a name must be plain text | ${NAME_RULE}`],
  },

  // Misspelt, at each level
  {
    what: 'a misspelt key of the file',
    text: 'grahp: lan\ninstances: {}\n',
    says: [
      '1:1 `graph` is missing | add graph: … (its name)',
      `1:1 "grahp" is not known here | ${meant('graph', 'graph', 'attach', 'instances', 'interfaces')}`,
    ],
  },
  {
    what: 'a queue of no such size',
    text: 'graph: lan\ninstances:\n  s:\n    cube: bridge\n    queue: 5000\n    ports: {}\n',
    says: ['5:12 queue: a power of two, in bytes'],
  },
  {
    what: 'a table with room for nothing',
    text: bridge('entries: { stations: 0 }', 'ports: {}'),
    says: ['5:26 stations: has to be at least 1'],
  },
  {
    what: 'entries of a table that it has none of',
    text: bridge('entries: { station: 5 }', 'ports: {}'),
    says: ['5:16 bridge has no table station | did you mean "stations"? (known: stations)'],
  },
  {
    what: 'a misspelt key of an instance',
    text: bridge('port: {}'),
    says: [`5:5 "port" is not known here | ${meant('ports', 'cube', 'config', 'ports', 'queue', 'entries')}`],
  },
  {
    what: 'a misspelt key of the configuration',
    text: bridge('config: { ageingTime: 3 }', 'ports: {}'),
    says: [`5:15 "ageingTime" is not known here | ${meant('agingTime', 'agingTime')}`],
  },
  {
    what: 'a misspelt key of a port',
    text: bridge('ports:', '  a: { interface: v1, lerning: true }'),
    says: [`6:27 "lerning" is not known here | ${meant('learning', ...LINK, 'learning')}`],
  },
  {
    what: 'a key that is like no other',
    text: 'graph: lan\ninstances: {}\nxyzzy: 1\n',
    says: [`3:1 "xyzzy" is not known here | ${known('graph', 'attach', 'instances', 'interfaces')}`],
  },

  // Cubes
  {
    what: 'a cube that is not there',
    text: bridge('ports: {}').replace('cube: bridge', 'cube: brigde'),
    says: [
      expect.stringMatching(
        /^4:11 there is no cube "brigde" \| did you mean "bridge"\? \(known: .*bridge.*\); a folder/,
      ),
    ],
  },
  {
    what: 'a folder without a cube',
    text: bridge('ports: {}').replace('cube: bridge', 'cube: ./nowhere'),
    says: [expect.stringMatching(/^4:11 there is no cube in .*nowhere \| a cube is a folder with schema.ts/)],
  },
  {
    what: 'a cube that is a number',
    text: bridge('ports: {}').replace('cube: bridge', 'cube: 5'),
    says: ['4:11 cube: has to be text, and is 5'],
  },

  // Twice
  {
    what: 'a port twice',
    text: bridge('ports:', '  a: { interface: v1 }', '  a: { interface: v2 }'),
    says: [`7:7 this name is used twice | ${twice}`],
  },
  {
    what: 'an instance twice',
    text: `${bridge('ports: {}')}  s:\n    cube: bridge\n`,
    says: [`6:3 this name is used twice | ${twice}`],
  },
  {
    what: 'a key twice',
    text: 'graph: a\ngraph: b\ninstances: {}\n',
    says: [`2:1 this name is used twice | ${twice}`],
  },
  {
    what: 'an interface twice',
    text: bridge('ports:', '  a: { interface: v1 }', '  b: { interface: v1 }'),
    says: ['7:23 the interface v1 is used twice: s.a leads to it already | give each port an interface of its own'],
  },

  // Wrong types and values
  {
    what: 'ports in a list',
    text: bridge('ports: [a, b]'),
    says: ['5:12 ports: has to be names with values, and is a list'],
  },
  {
    what: 'a port that is nothing',
    text: bridge('ports:', '  a:'),
    says: ['6:9 a: has to be names with values, and is nothing'],
  },
  {
    what: 'a port that is a word',
    text: bridge('ports:', '  a: v1'),
    says: ['6:10 a: has to be names with values, and is "v1"'],
  },
  {
    what: 'an interface that is a number',
    text: bridge('ports:', '  a: { interface: 12 }'),
    says: ['6:23 interface: has to be text, and is 12'],
  },
  {
    what: 'configuration in a list',
    text: bridge('config: []', 'ports: {}'),
    says: ['5:13 config: has to be names with values, and is a list'],
  },
  {
    what: 'text for a number',
    text: bridge('config: { agingTime: soon }', 'ports: {}'),
    says: ['5:26 agingTime: has to be a number, and is "soon"'],
  },
  {
    what: 'a fraction',
    text: bridge('config: { agingTime: 1.5 }', 'ports: {}'),
    says: ['5:26 agingTime: has to be a whole number, and is 1.5'],
  },
  {
    what: 'too small a number',
    text: bridge('config: { agingTime: 0 }', 'ports: {}'),
    says: ['5:26 agingTime: has to be at least 1'],
  },
  {
    what: 'too large a number',
    text: bridge('config: { agingTime: 1000001 }', 'ports: {}'),
    says: ['5:26 agingTime: has to be at most 1000000'],
  },
  {
    what: 'a number beyond all bounds',
    text: bridge(`config: { agingTime: ${'9'.repeat(30)} }`, 'ports: {}'),
    says: ['5:26 agingTime: has to be at most 9007199254740991', '5:26 agingTime: has to be at most 1000000'],
  },
  {
    what: 'infinity',
    text: bridge('config: { agingTime: .inf }', 'ports: {}'),
    says: ['5:26 agingTime: has to be a number, and is Infinity'],
  },
  {
    what: 'yes, which YAML 1.2 has for a word',
    text: bridge('ports:', '  a: { interface: v1, learning: yes }'),
    says: ['6:37 learning: has to be true or false, and is "yes"'],
  },

  // Names
  {
    what: 'a graph with a capital',
    text: 'graph: Lan\ninstances: {}\n',
    says: [`1:8 "Lan" is not a name | ${NAME_RULE}`],
  },
  {
    what: 'a graph that is a path',
    text: 'graph: ../etc\ninstances: {}\n',
    says: [`1:8 "../etc" is not a name | ${NAME_RULE}`],
  },
  {
    what: 'a graph with too long a name',
    text: `graph: ${'a'.repeat(32)}\ninstances: {}\n`,
    says: [`1:8 "${'a'.repeat(32)}" is not a name | ${NAME_RULE}`],
  },
  {
    what: 'a graph that is a number',
    text: 'graph: 7\ninstances: {}\n',
    says: ['1:8 graph: has to be text, and is 7'],
  },
  {
    what: 'an instance with a capital',
    text: bridge('ports: {}').replace('s:\n    cube', 'S:\n    cube'),
    says: [`3:3 "S" is not a name | ${NAME_RULE}`],
  },
  {
    what: 'a port with an underscore',
    text: bridge('ports:', '  a_1: { interface: v1 }'),
    says: [`6:7 "a_1" is not a name | ${NAME_RULE}`],
  },
  {
    what: 'a port that is a number',
    text: bridge('ports:', '  1: { interface: v1 }'),
    says: [`6:7 "1" is not a name | ${NAME_RULE}`],
  },
  {
    what: 'a port that is nothing',
    text: bridge('ports:', '  ~: { interface: v1 }'),
    says: [`6:7 "" is not a name | ${NAME_RULE}`],
  },
  {
    what: 'the name that objects keep for themselves',
    text: 'graph: lan\ninstances:\n  __proto__:\n    cube: bridge\n    ports: {}\n',
    says: [`3:3 "__proto__" is not a name | ${NAME_RULE}`],
  },
  {
    what: 'several mistakes, each of them',
    text: bridge('config: { agingTime: x, b: 1 }', 'ports:', '  A: { interface: v1, foo: 1 }'),
    says: [
      `7:7 "A" is not a name | ${NAME_RULE}`,
      `7:27 "foo" is not known here | ${known(...LINK, 'learning')}`,
      '5:26 agingTime: has to be a number, and is "x"',
      `5:29 "b" is not known here | ${known('agingTime')}`,
    ],
  },
]

describe('a graph file is refused that has', () => {
  test.each(BAD.map((one) => [one.what, one] as const))('%s', async (_, { text, says }) => {
    expect(await mistakes(text)).toEqual(says)
  })
})

test('a mistake is shown with its line', async () => {
  await expect(read(bridge('config: { agingTime: soon }', 'ports: {}'))).rejects.toThrow(
    [
      'lan.yaml:5:26: agingTime: has to be a number, and is "soon"',
      '  5 |     config: { agingTime: soon }',
      '    |                          ^^^^',
    ].join('\n'),
  )
})

describe('a graph in a request', () => {
  const document = {
    graph: 'lan',
    instances: { s: { cube: 'bridge', ports: { a: { interface: 'eth0', learning: false }, b: {} } } },
  }

  test('is what the same text in a file is', async () => {
    const fromData = await readDocument('lan.yaml', document, builtinCubes())
    const fromText = await read(JSON.stringify(document))
    expect(fromData.graph).toEqual(fromText.graph)
  })

  test('is refused in the same words, with paths', async () => {
    const wrong = {
      ...document,
      instances: {
        s: { cube: 'bridge', config: { aging: 1 }, ports: { 'a/b': {}, c: { learning: 1, to: 5 } } },
        t: {},
      },
    }
    const refused = await readDocument('lan.yaml', wrong, builtinCubes()).catch((error: unknown) => error)
    const paths = refused instanceof Refusal ? refused.diagnostics.map(({ path, message }) => [path, message]) : refused
    expect(paths).toEqual([
      [['instances', 's', 'ports', 'c', 'to'], 'to: has to be text, and is 5'],
      [['instances', 't'], '`cube` is missing'],
    ])
  })
})
