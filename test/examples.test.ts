import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openVirtualHost } from '../src/daemon/host.ts'
import { rehearse } from '../src/daemon/rehearsal.ts'
import { readGraph } from '../src/engine/read/read.ts'

const ROOT = join(import.meta.dirname, '..')
const graphs = readdirSync(join(ROOT, 'examples')).filter((file) => file.endsWith('.yaml'))

describe('examples', () => {
  test.each(graphs)('%s runs on the user-space machine, and every host reaches every other', async (name) => {
    using host = openVirtualHost()
    const file = join(ROOT, 'examples', name)
    const { exchanges } = await rehearse(host, await readGraph(file, readFileSync(file, 'utf8'), host.catalogue))
    // The firewall lets pings through, and neither UDP nor TCP to the echo service.
    const kinds = name === 'firewall.yaml' ? ['ping'] : ['ping', 'udp', 'tcp']
    expect([...new Set(exchanges.map(({ kind }) => kind))]).toEqual(['ping', 'udp', 'tcp'])
    for (const { kind, answered } of exchanges) expect([kind, answered]).toEqual([kind, kinds.includes(kind)])
  })
})

describe.each(['README.md', 'docs/cubes.md'])('%s', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8')
  const blocks = [...text.matchAll(/```\w+\n(?:\/\/|#) (?<file>examples\/\S+)\n(?<code>[\s\S]*?)```/g)].map(
    (match) => [match.groups?.file ?? '', match.groups?.code ?? ''] as const,
  )

  test('shows pieces of files', () => expect(blocks.length).toBeGreaterThanOrEqual(4))

  test.each(blocks)('shows %s as it is', (file, code) => {
    expect(readFileSync(join(ROOT, file), 'utf8')).toContain(code)
  })

  test.each([...text.matchAll(/\]\((?!http)(?<path>[^)#]+)\)/g)].map((match) => match.groups?.path ?? ''))(
    'links to %s, which is there',
    (path) => expect(existsSync(join(ROOT, dirname(document), path))).toBe(true),
  )
})

describe('README.md', () => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8')

  test('shows what tessera run prints', () => {
    const [, words = '', shown = ''] = /\n\$ npx tessera (run .*)\n([\s\S]*?)```/.exec(text) ?? []
    const folder = mkdtempSync(join(tmpdir(), 'tessera-readme-'))
    try {
      const given = words.split(' ').map((word) => (word === 'replayed' ? folder : word))
      const { stdout } = spawnSync(process.execPath, [join(ROOT, 'bin/tessera.js'), ...given], {
        cwd: ROOT,
        encoding: 'utf8',
      })
      const printed = stdout.replaceAll(folder, 'replayed')
      expect(shown.split('…\n').length).toBe(2)
      for (const part of shown.split('…\n')) expect(printed).toContain(part)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
