/** The command in this process: what needs no privileges and no daemon. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { useCommand } from './fixtures.ts'

const { folder, tessera, file } = useCommand()

describe('help', () => {
  test.each([
    { words: [], code: 2, says: 'Usage: tessera' },
    { words: ['--help'], code: 0, says: 'Usage: tessera' },
  ])('tessera $words ends with $code', async ({ words, code, says }) => {
    const ended = await tessera(...words)
    expect(ended.stdout + ended.stderr).toContain(says)
    expect(ended.code).toBe(code)
  })

  const all = async (): Promise<string[]> => {
    const { stdout } = await tessera('--help')
    return [...stdout.matchAll(/^ {2}([a-z]+) {2,}[A-Z]/gm)].map(([, verb = '']) => verb)
  }

  test('every verb has a description and examples that begin with it', async () => {
    const verbs = await all()
    expect(verbs.length).toBeGreaterThan(22)
    for (const verb of verbs) {
      const { code, stdout } = await tessera(verb, '--help')
      expect(code).toBe(0)
      expect(stdout).toMatch(new RegExp(`^Usage: tessera ${verb}`))
      expect(stdout).toMatch(new RegExp(`Examples:[\\s\\S]*tessera ${verb}\\b`))
    }
  })

  test('every example has words that the command knows', async () => {
    for (const verb of await all()) {
      const { stdout } = await tessera(verb, '--help')
      const [, examples = ''] = /Examples:\n([\s\S]*)/.exec(stdout) ?? []
      for (const [, option = ''] of examples.matchAll(/tessera [^|#\n]*?(--[a-z-]+)/g)) {
        const isKnown = stdout.includes(`${option} `) || stdout.includes(`${option}\n`)
        expect(isKnown || verb === 'completion', `${verb} ${option}`).toBe(true)
      }
    }
  })
})

describe('mistakes', () => {
  test.each([
    { words: ['aply'], code: 2, says: 'Did you mean apply?' },
    { words: ['state', 'gte'], code: 2, says: 'Did you mean get?' },
    { words: ['apply'], code: 2, says: "missing required argument 'file'" },
    { words: ['apply', 'x.yaml', '--mashine', 'vm'], code: 2, says: 'Did you mean --machine?' },
    { words: ['apply', 'x.yaml', '--machine', 'moon'], code: 2, says: 'Allowed choices are kernel, vm' },
    { words: ['apply', 'nowhere.yaml', '--machine', 'vm'], code: 1, says: 'there is no file nowhere.yaml' },
    { words: ['apply', 'src', '--machine', 'vm'], code: 1, says: 'src is a folder' },
    { words: ['compile', 'brigde'], code: 1, says: 'did you mean "bridge"?' },
    { words: ['compile', 'bridge', '--set', 'agingTime=no'], code: 1, says: '--set agingTime' },
    { words: ['compile', 'bridge', '--set', 'ageingTime=5'], code: 1, says: 'did you mean "agingTime"?' },
    {
      words: ['compile', 'examples/firewall', '--set', 'otherwise=no', '--set', 'other=1'],
      code: 1,
      says: '"other" is not known here',
    },
    { words: ['compile', 'bridge', '--print', 'bytes'], code: 2, says: 'Allowed choices are typed, ssa, asm' },
    { words: ['compile', 'bridge', '--ports', '3', '-i', 'lo'], code: 2, says: 'cannot be used with option' },
    { words: ['compile', 'bridge', '-i', 'tess-none'], code: 1, says: 'there is no interface tess-none' },
    { words: ['compile', 'bridge', '-o', 'src'], code: 1, says: 'cannot write src: it is a folder' },
    { words: ['compile', 'bridge', '-o', 'nowhere/out.o'], code: 1, says: 'mkdir -p nowhere' },
    { words: ['compile', 'bridge', '-o', 'package.json/out.o'], code: 1, says: 'cannot write package.json/out.o: ' },
    { words: ['show', '--machine', 'vm'], code: 1, says: 'nothing to show' },
    { words: ['delete'], code: 2, says: "missing required argument 'graph'" },
    { words: ['get', 'prots'], code: 2, says: 'did you mean "ports"?' },
    { words: ['get', '-o', 'josn'], code: 2, says: 'did you mean json?' },
    { words: ['get', '--socket', '/nowhere.sock'], code: 1, says: 'no daemon answers at /nowhere.sock' },
    { words: ['apply', 'examples/hub.yaml', '--socket', '/nowhere.sock'], code: 1, says: 'no daemon answers' },
    { words: ['get', '--server', 'http://localhost:1'], code: 1, says: 'write https://host:port' },
    { words: ['get', '--server', 'https://x', '--socket', '/x'], code: 1, says: 'are two daemons' },
    { words: ['set', 'switch'], code: 2, says: "missing required argument 'field=value'" },
    { words: ['set', 'lan', 'switch'], code: 2, says: 'there is nothing to set' },
    { words: ['set', 'switch', 'aging=3'], code: 1, says: 'its configuration is config.aging' },
    { words: ['set', 'switch', 'conifg.aging=3'], code: 1, says: 'did you mean "config"?' },
    { words: ['connect', 'lan', 'switch', 'eth0'], code: 2, says: 'switch is no port: write instance.port' },
    ...['capture', 'trace', 'events'].map((verb) => ({
      words: [verb, 'lan', '-c', '0'],
      code: 2,
      says: 'write a number from 1 to ',
    })),
    { words: ['capture', 'lan', '-s', '0'], code: 2, says: 'write a number from 1 to 262144' },
    { words: ['watch', '-i', '0'], code: 2, says: 'write seconds' },
    { words: ['completion', 'bsh'], code: 2, says: 'Allowed choices are bash, zsh, fish' },
    { words: ['cube', 'add', 'src'], code: 1, says: 'there is no cube in ' },
    { words: ['cube', 'new', 'src/My_Cube'], code: 1, says: 'My_Cube is no name for a cube' },
    { words: ['cube', 'new', 'src/cli'], code: 1, says: 'src/cli is there already' },
    { words: ['cube', 'docs', 'brigde', '--local'], code: 1, says: 'did you mean "bridge"?' },
  ])('tessera $words ends with $code', async ({ words, code, says }) => {
    const ended = await tessera(...words)
    expect(ended.stdout + ended.stderr).toContain(says)
    expect(ended.stdout + ended.stderr).not.toMatch(/\bat .*\.ts:\d+/)
    expect(ended.code).toBe(code)
  })
})

describe('graph files', () => {
  const HUB =
    "{ graph: 'lab', instances: { hub: { cube: './hub', ports: { left: { interface: 'a' }, right: { interface: 'b' } } } } }"

  test('TypeScript exports graphs', async () => {
    const path = file(
      'graphs.ts',
      `export default [1, 2].map((n) => ({ graph: \`lan\${n}\`, instances: {
      sw: { cube: 'bridge', ports: { a: { interface: \`a\${n}\` }, b: { interface: \`b\${n}\` } } } } }))\n`,
    )
    const { code, stdout } = await tessera('apply', '-f', path, '--machine', 'vm', '--dry-run')
    expect(code).toBe(0)
    expect(stdout).toContain('+ program  lan1/sw/links/a on a1')
    expect(stdout).toContain('+ program  lan2/sw/links/b on b2')
  })

  test.each([
    ['none.ts', 'export const x = 1\n', 'exports no graph'],
    ['throws.ts', "throw new Error('on purpose')\n", 'on purpose'],
    ['empty.yaml', '', 'the file is empty'],
    ['list.yaml', '- 1\n', '`graph` is missing'],
    ['nameless.yaml', 'grpah: x\n', '`graph` is missing'],
    ['numbered.yaml', 'graph: 5\n', 'numbered.yaml:1:8: graph: has to be text'],
    ['twice.yaml', 'graph: a\ngraph: b\n', 'twice.yaml:2:1: this name is used twice'],
    ['wrong.json', '{ "graph": "a", "instances": 3 }', 'wrong.json:1:'],
  ])('%s is refused', async (name, text, says) => {
    const { code, stderr } = await tessera('apply', file(name, text), '--machine', 'vm')
    expect(stderr).toContain(says)
    expect(code).toBe(1)
  })

  test('a graph in two files is refused', async () => {
    const [one, other] = [file('one.ts', `export default ${HUB}\n`), file('other.ts', `export default ${HUB}\n`)]
    expect((await tessera('apply', one, other, '--machine', 'vm')).stderr).toContain('the graph lab is in ')
  })
})

describe('compile', () => {
  test('prints instructions beside their TypeScript', async () => {
    const { code, stdout } = await tessera('compile', 'bridge')
    expect(code).toBe(0)
    expect(stdout).toContain('const ethernet = packet.read(Ethernet)')
    expect(stdout).toContain('call map_lookup_elem')
  })

  test.each([
    { stage: 'typed', says: 'return forward(station.port)', not: 'call map_lookup_elem' },
    { stage: 'ssa', says: '= call map_lookup_elem(', not: 'dataplane.ts' },
    { stage: 'asm', says: 'call map_lookup_elem#1', not: 'forward(station.port) {' },
  ])('--print $stage', async ({ stage, says, not }) => {
    const { code, stdout } = await tessera('compile', 'bridge', '--print', stage)
    expect(code).toBe(0)
    expect(stdout).toContain(says)
    expect(stdout).not.toContain(not)
  })

  test('-o writes an object and says what is in it', async () => {
    const path = join(folder, 'bridge.o')
    const { code, stdout } = await tessera('compile', 'bridge', '--ports', '3', '-o', path)
    expect(code).toBe(0)
    const object = readFileSync(path)
    expect(object.subarray(0, 4).toString('latin1')).toBe('\x7fELF')
    expect(stdout.split('\n').map((line) => line.replace(/:.*/, ''))).toEqual([
      path,
      '  tc program "bridge_p0"',
      '  tc program "bridge_p1"',
      '  tc program "bridge_p2"',
      '  map stations',
      '  map counters',
      'load',
      '',
    ])
    expect(stdout).toContain(`${path}: ${object.length} bytes, sections tc and .maps`)
    expect(stdout).toContain(`bpftool prog loadall ${path} `)
  })
})

test('apply --machine vm rehearses the graph', async () => {
  const { code, stdout } = await tessera('apply', 'examples/bridge.yaml', '--machine', 'vm')
  expect(code).toBe(0)
  expect(stdout).toContain('12 of 12 answered')
})

test('cube docs tells of configuration, tables and drops, as a table and as data', async () => {
  const { stdout } = await tessera('cube', 'docs', 'bridge', '--local')
  expect(stdout).toMatch(/agingTime +integer 1 to 1000000 +300 +seconds/)
  expect(stdout).toMatch(/stations +lru_hash +65,536 +no/)
  expect(stdout).toContain('same_port')
  const data = JSON.parse((await tessera('cube', 'docs', 'examples/hub', '--local', '-o', 'json')).stdout) as object
  expect(data).toMatchObject({ name: 'hub', shape: 'standard', views: ['talkers'] })
})

test('a template takes fields of each row', async () => {
  const { stdout } = await tessera('cube', 'list', '--local', '-o', 'template={name}: {shape}')
  expect(stdout).toBe('bridge: standard\n')
  expect((await tessera('cube', 'list', '--local', '-o', 'template={nmae}')).stderr).toContain('did you mean "name"?')
})

test('version says which parts there are', async () => {
  const { code, stdout } = await tessera('version', '-o', 'json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({ tessera: '0.1.0', node: process.versions.node })
})

test.each(['bash', 'zsh', 'fish'])('completion for %s is a script that asks the command', async (shell) => {
  const { code, stdout } = await tessera('completion', shell)
  expect(code).toBe(0)
  expect(stdout).toContain('tessera complete -- ')
})

test.each([
  { words: ['sta'], found: ['state'] },
  { words: ['state', 'f'], found: ['flush'] },
  { words: ['get', 'pro'], found: [] },
  { words: ['get', 'p'], found: ['ports'] },
  { words: ['get', '-o', 'j'], found: ['json'] },
  { words: ['get', '--out'], found: ['--output'] },
  { words: ['apply', '--machine', ''], found: ['kernel', 'vm'] },
  { words: ['completion', ''], found: ['bash', 'zsh', 'fish'] },
])('complete $words', async ({ words, found }) => {
  const { stdout } = await tessera('complete', '--', ...words)
  expect(stdout.split('\n').slice(0, -1)).toEqual(found)
})
