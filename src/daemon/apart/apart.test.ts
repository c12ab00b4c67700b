/** A control plane that is not Tessera's own, in the kernel: it works, and cannot do anything else. */
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { everyMachine, openGraphLab, packet } from '../../testing/index.ts'
import { furnish } from '../cubes/staging.ts'

const PATIENCE = 240_000
const home = mkdtempSync(join(tmpdir(), 'tessera-apart-'))
afterAll(() => rmSync(home, { recursive: true }))
furnish(home)

/** A copy of a cube for tests, as somebody else's, which does something more in a process of its own. */
function cubeOf(name: string, more: string, at = name): void {
  cpSync(join(import.meta.dirname, '../../testing/cubes', name), join(home, at), { recursive: true })
  const file = join(home, at, 'control.ts')
  for (const part of ['schema.ts', 'dataplane.ts', 'control.ts']) {
    const path = join(home, at, part)
    writeFileSync(path, readFileSync(path, 'utf8').replace(/'(\.\.\/)+(cube|lang)\/index\.ts'/g, "'tessera/$2'"))
  }
  writeFileSync(file, `${readFileSync(file, 'utf8')}\nif (process.env.VITEST === undefined) {\n${more}\n}\n`)
}

const graphOf = (cube: string) => `
graph: office
instances:
  switch:
    cube: ./${cube}
    ports:
      alice: { interface: eth1 }
      bob: { interface: eth2 }
      carol: { interface: eth3 }
`
const [alice, bob] = ['02:00:00:00:00:01', '02:00:00:00:00:02']
const frame = (source: string, destination: string) => packet().ethernet({ source, destination }).ipv4().udp().bytes()
const kernel = everyMachine.find(({ name }) => name === 'kernel')

describe.skipIf(kernel?.skip !== undefined)('a control plane apart', () => {
  const until = (ready: () => boolean) => expect.poll(ready, { timeout: PATIENCE, interval: 50 }).toBe(true)

  test('decides about what was punted, as others do', { timeout: PATIENCE }, async () => {
    cubeOf('clerk', '')
    const lines: string[] = []
    using lab = await openGraphLab('kernel', { graph: graphOf('clerk'), folder: home })
    using planes = await lab.control({ log: (line) => lines.push(line), patience: 60_000 })
    await until(() => planes.status().every(({ state }) => state === 'running'))
    const hello = frame(alice, bob)
    // It may be quicker than whoever looks.
    const early = lab.send('eth1', hello)
    expect(Object.keys(early).length > 0 ? early : await lab.receive(2)).toEqual({ eth2: [hello], eth3: [hello] })
    expect(lines).toEqual([])
  })

  test('has no files, no network, no processes, and no rights', { timeout: PATIENCE }, async () => {
    const probes = `
const [{ readFileSync, writeFileSync }, { spawnSync }, { Worker }, { networkInterfaces }] = [
  await import('node:fs'), await import('node:child_process'), await import('node:worker_threads'), await import('node:os'),
]
const tried = (run: () => unknown): string => { try { return String(run()) } catch (error) { return (error as { code?: string }).code ?? 'no' } }
console.log('probed ' + JSON.stringify({
  read: tried(() => readFileSync('/etc/hostname')),
  write: tried(() => writeFileSync('/tmp/tessera-apart-probe', 'x')),
  spawn: tried(() => spawnSync('/bin/true').error ?? 'ran'),
  worker: tried(() => new Worker('1', { eval: true })),
  uid: tried(() => process.getuid?.()),
  kill: tried(() => process.kill(${process.pid}, 0)),
  interfaces: tried(() => Object.keys(networkInterfaces()).length),
  environment: tried(() => Object.keys(process.env).length),
}))`
    cubeOf('clerk', `${probes}\nconsole.error('oh')`, 'probing')
    const lines: string[] = []
    const levels = new Map<string, string>()
    using lab = await openGraphLab('kernel', { graph: graphOf('probing'), folder: home })
    using planes = await lab.control({
      log: (line, level) => {
        lines.push(line)
        levels.set(line.split(' ').at(-1) ?? '', level)
      },
      patience: 60_000,
    })
    await until(() => lines.some((line) => line.includes('probed ')))
    const line = lines.find((one) => one.includes('probed ')) ?? ''
    expect(JSON.parse(line.slice(line.indexOf('{')))).toEqual({
      read: 'ERR_ACCESS_DENIED',
      write: 'ERR_ACCESS_DENIED',
      spawn: 'ERR_ACCESS_DENIED',
      worker: 'ERR_ACCESS_DENIED',
      uid: '65534',
      kill: 'EPERM',
      interfaces: '0',
      environment: '0',
    })
    expect(existsSync('/tmp/tessera-apart-probe')).toBe(false)
    await until(() => levels.has('oh'))
    expect([levels.get(line.split(' ').at(-1) ?? ''), levels.get('oh')]).toEqual(['info', 'warn'])
    expect(planes.status()).toHaveLength(1)
  })

  test.each([
    ['nothing', ''],
    ['more', "console.log('busy'); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200)"],
  ])('one that hangs and says %s is ended, with its process', { timeout: PATIENCE }, async (what, meanwhile) => {
    cubeOf('clerk', `console.log('here ' + process.pid)\nsetTimeout(() => { for (;;) { ${meanwhile} } }, 2_000)`, what)
    const lines: string[] = []
    using lab = await openGraphLab('kernel', { graph: graphOf(what), folder: home })
    using planes = await lab.control({
      log: (line) => lines.push(line),
      patience: 3_000,
      wait: { first: 60_000, most: 60_000 },
    })
    await until(() => planes.status()[0]?.state === 'waiting')
    const pid = lines.find((line) => line.includes('here '))?.split('here ')[1]
    await until(() => pid === undefined || !existsSync(`/proc/${pid}`))
    expect(planes.status()[0]?.failure).toBeDefined()
  })
})
