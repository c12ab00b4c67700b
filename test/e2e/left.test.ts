/** What a killed test run has left is removed before the next one, and nothing else. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { BPFFS } from '../../src/kernel/bpffs.ts'
import { scratch } from '../../src/kernel/fixtures.ts'
import { createNamespace, inNamespace, namespaces, removeNamespace } from '../../src/kernel/namespace.ts'
import { createVeth } from '../../src/kernel/netlink/link.ts'
import { removeLeft } from '../setup/left.ts'
import { isLeft, PREFIX } from '../setup/places.ts'
import { run, settled, snapshot, TESSERA, whyNot } from './host.ts'

/** No process has this number: it is above the most that Linux gives (kernel/pid.h, PID_MAX_LIMIT). */
const DEAD = 2 ** 22 + 1
const RUN = `${PREFIX}${DEAD}`
const NS = `${RUN}-left`
const mine = scratch('mine')

test('it is told by its name from what is in use', () => {
  const left = [RUN, NS, `tessera-lab-${DEAD}-0`, `${RUN}-a-b`]
  expect(left.filter(isLeft)).toEqual(left)
  const others = [mine, 'tess-alice', 'office', `office-${DEAD}`, `${PREFIX}x`, `${RUN}x`, `tessera-${DEAD}`]
  expect(others.filter(isLeft)).toEqual([])
})

const reason = whyNot('mount')

describe.skipIf(reason !== undefined)(`what is left${reason === undefined ? '' : ` (${reason})`}`, () => {
  test('goes: processes, mounts, folders, graphs and network namespaces', async () => {
    const before = snapshot()
    const folder = join(tmpdir(), RUN)
    const disk = join(folder, 'disk')
    mkdirSync(disk, { recursive: true })
    expect(run('mount', '-t', 'tmpfs', 'disk', disk).code).toBe(0)
    writeFileSync(join(disk, 'file'), '')
    for (const name of [NS, mine]) createNamespace(name)
    inNamespace(NS, () => createVeth({ name: 'eth0' }, { name: 'eth0', namespace: mine }))
    const file = join(folder, 'graph.yaml')
    writeFileSync(file, 'graph: left\ninstances: { sw: { cube: bridge, ports: { a: { interface: lo } } } }')
    const env = { TMPDIR: folder, TESSERA_INSTANCE: `test-${DEAD}` }
    const words = Object.entries(env).map(([name, value]) => `${name}=${value}`)
    const applied = inNamespace(NS, () => run('env', ...words, process.execPath, TESSERA, 'apply', file))
    expect(applied).toMatchObject({ code: 0, stderr: '' })
    const child = inNamespace(NS, () => spawn('sleep', ['1000'], { env, stdio: 'ignore' }))
    const ended = once(child, 'exit')

    const removed = await removeLeft()
    for (const what of [
      `process ${child.pid} (sleep 1000)`,
      `mount ${disk}`,
      folder,
      `/run/${RUN}`,
      join(BPFFS, RUN),
      `network namespace ${NS}`,
    ])
      expect(removed).toContain(what)
    expect((await ended)[1]).toBe('SIGKILL')
    expect(existsSync(folder)).toBe(false)
    expect(namespaces()).toContain(mine)
    expect(await removeLeft()).toEqual([])
    removeNamespace(mine)
    expect(settled(before)).toEqual(before)
  })
})
