/** The daemon comes and goes; packets do not mind. */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ProblemError } from '../../src/api/problem.ts'
import type { GraphDocument } from '../../src/cube/document.ts'
import { BPFFS, isMounted } from '../../src/kernel/bpffs.ts'
import { scratch } from '../../src/kernel/fixtures.ts'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { changeLink, createVeth, deleteLink } from '../../src/kernel/netlink/link.ts'
import { DaemonProcess } from './daemon/process.ts'
import { ROOT, run, snapshot, TESSERA, whyNot } from './host.ts'
import { createHosts, removeHosts, useHosts } from './hosts.ts'

const NS = scratch('dm')
const HOSTS = ['a', 'b'].map((name, index) => ({ ns: `${NS}-${name}`, port: `p-${name}`, number: index + 1 }))

const graph = (agingTime = 300): GraphDocument => ({
  graph: 'lan',
  instances: {
    dmn: { cube: 'bridge', config: { agingTime }, ports: { a: { interface: 'p-a' }, b: { interface: 'p-b' } } },
  },
})

const reason = whyNot('ping')

describe.skipIf(reason !== undefined)(`the daemon${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.78.0')
  let daemon: DaemonProcess

  beforeAll(async () => {
    daemon = new DaemonProcess(NS)
    await daemon.start()
  })

  afterAll(async () => {
    await daemon.remove()
  })

  const ping = () =>
    inNamespace(HOSTS[0]?.ns ?? '', () => run('ping', '-c', '3', '-i', '0.05', '-W', '10', '10.78.0.2'))
  /** Of this graph: others may run tests of theirs. */
  const programs = () => snapshot().filter((line) => /^program .* dmn_[ab]$/.test(line))

  test('runs what is put, and keeps it', async () => {
    await daemon.ready()
    const { status, body } = await daemon.client.putGraph({ graph: 'lan', body: graph() })
    expect(status).toBe(201)
    expect(body.actions).not.toEqual([])
    expect(ping()).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0% packet loss') })
  })

  test('is one on its host, and the other one says so', () => {
    const { code, stderr } = daemon.tessera(
      'daemon',
      '--store',
      `${daemon.folder}/other`,
      '--socket',
      `${daemon.folder}/other.sock`,
    )
    expect(code).toBe(1)
    expect(stderr).toMatch(/^a daemon runs already \(process \d+\)\n +kill \d+ ends it/)
  })

  test('ended, it leaves packets flowing; begun again, it has nothing to do', async () => {
    const loaded = programs()
    expect(await daemon.end('SIGTERM')).toBe(0)
    expect(ping().stdout).toContain(' 0% packet loss')
    await daemon.start()
    await daemon.ready()
    expect(programs()).toEqual(loaded)
    const [found] = (await daemon.client.listGraphs()).body
    expect(found).toMatchObject({ name: 'lan', state: 'running' })
    expect(daemon.log).not.toContain('could not be looked at')
  })

  test('an interface that goes and comes back is used again', async () => {
    inNamespace(NS, () => deleteLink('p-a'))
    await expect
      .poll(() => daemon.client.listGraphs().then(({ body }) => body[0]))
      .toMatchObject({ state: 'waiting', reason: 'waits for p-a' })
    await daemon.end('SIGKILL')
    await daemon.start()
    await daemon.ready()
    expect((await daemon.client.listGraphs()).body).toMatchObject([{ state: 'waiting' }])
    inNamespace(NS, () => {
      createVeth({ name: 'p-a' }, { name: 'eth0', namespace: HOSTS[0]?.ns ?? '' })
      changeLink('p-a', { silent: true, up: true })
    })
    inNamespace(HOSTS[0]?.ns ?? '', () => {
      run('ip', 'address', 'add', '10.78.0.1/24', 'dev', 'eth0')
      changeLink('eth0', { up: true })
    })
    await expect.poll(() => daemon.client.listGraphs().then(({ body }) => body[0])).toMatchObject({ state: 'running' })
    await expect.poll(() => ping().code).toBe(0)
  })

  const point = async () => (await daemon.client.getGraphStatus({ graph: 'lan' })).body.point
  const atXdp = () => programs().filter((line) => line.includes(' xdp '))

  test('where its programs run is as the document says: killed, begun again, and after a boot', async () => {
    const { body } = await daemon.client.patchGraph({ graph: 'lan', body: { attach: 'xdp generic' } })
    expect(body.actions.map(({ text }) => text)).toContainEqual(
      expect.stringMatching(/^\+ program {2}lan\/dmn\/xdp\/a on p-a/),
    )
    expect([await point(), atXdp().length, ping().code]).toEqual(['xdp generic', 2, 0])
    expect(daemon.tessera('describe', 'lan', '--socket', daemon.socket).stdout).toMatch(/attached by: +xdp generic/)
    await daemon.end('SIGKILL')
    const loaded = programs()
    await daemon.start()
    await daemon.ready()
    expect([await point(), programs()]).toEqual(['xdp generic', loaded])
    await daemon.client.takeDown()
    await daemon.ended()
    expect(programs()).toEqual([])
    await daemon.start()
    await daemon.ready()
    expect([await point(), atXdp().length, ping().code]).toEqual(['xdp generic', 2, 0])
    await daemon.client.patchGraph({ graph: 'lan', body: { attach: null } })
    expect([await point(), atXdp(), ping().code]).toEqual(['tc ingress', [], 0])
  })

  test('apply --watch tells what becomes of its graphs, and ends in good order', async () => {
    const file = join(daemon.folder, 'lan.json')
    writeFileSync(file, JSON.stringify(graph()))
    const watching = daemon.spawn('apply', file, '--watch', '--socket', daemon.socket)
    let said = ''
    for (const stream of [watching.stdout, watching.stderr])
      stream.on('data', (piece: Buffer) => {
        said += piece.toString()
      })
    await expect.poll(() => said, { timeout: 20_000 }).toContain('watching interfaces')
    said = ''
    await daemon.client.putGraph({ graph: 'lan', body: graph(90) })
    await expect.poll(() => said, { timeout: 20_000 }).toContain('lan runs as it is wanted')
    watching.kill('SIGINT')
    expect(await once(watching, 'exit')).toEqual([0, null])
  })

  test('whoever asks from another network namespace hears that interfaces are those of the daemon', () => {
    const file = join(daemon.folder, 'elsewhere.json')
    writeFileSync(file, JSON.stringify({ ...graph(), graph: 'elsewhere' }).replace('p-a', 'eth0'))
    const apply = (ns: string) =>
      inNamespace(ns, () => run(process.execPath, TESSERA, 'apply', file, '--socket', daemon.socket)).stderr
    const [here, there] = [NS, HOSTS[0]?.ns ?? ''].map(apply)
    expect(here).toContain('there is no interface eth0')
    expect(here).not.toContain('another network namespace')
    expect(there).toContain(`${here?.split('\n')[0]}`)
    expect(there).toContain('the daemon is in another network namespace than this command')
  })

  test('of two changes of one revision, one is made', async () => {
    const { revision } = await daemon.client.getGraph({ graph: 'lan' })
    const changes = [60, 90].map((agingTime) =>
      daemon.client.putGraph({ graph: 'lan', body: graph(agingTime) }, { ifMatch: revision }),
    )
    const ended = await Promise.allSettled(changes)
    expect(ended.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    const lost = ended.find((one) => one.status === 'rejected')?.reason
    expect(lost).toBeInstanceOf(ProblemError)
    expect((lost as ProblemError).problem).toMatchObject({
      status: 412,
      errors: [{ pointer: '/instances/dmn/config/agingTime' }],
    })
  })

  test('taken down, it leaves nothing but what is wanted', async () => {
    const { code, stdout } = daemon.tessera('down', '--socket', daemon.socket)
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'graph lan is gone\nno graph is left on this host\n' })
    await expect.poll(() => snapshot().filter((line) => /^(pin|file)/.test(line) && line.includes(NS))).toEqual([])
    await daemon.start()
    await daemon.ready()
    expect((await daemon.client.listGraphs()).body).toMatchObject([{ name: 'lan', state: 'running' }])
    expect(ping().code).toBe(0)
    await daemon.client.deleteGraph({ graph: 'lan' })
    expect((await daemon.client.listGraphs()).body).toEqual([])
  })
})

/** What the unit allows, and no more: docs/tessera.service. */
const unit = readFileSync(join(ROOT, 'docs/tessera.service'), 'utf8')
const bounding = /^CapabilityBoundingSet=(.*)$/m.exec(unit)?.[1]?.split(' ') ?? []
const limited = [
  ...['setpriv', '--no-new-privs', '--inh-caps', '-all', '--bounding-set'],
  ['-all', ...bounding.map((name) => `+${name.replace('CAP_', '').toLowerCase()}`)].join(','),
  '--',
]
const cannot = whyNot('ping', 'setpriv')

describe.skipIf(cannot !== undefined)(
  `with the capabilities of its unit${cannot === undefined ? '' : ` (${cannot})`}`,
  () => {
    const own = `${NS}-cap`
    const hosts = HOSTS.map((host) => ({ ...host, ns: `${own}-${host.port}` }))
    let daemon: DaemonProcess

    /** It cannot mount anything: systemd has done so. */
    let isMountedHere = false

    beforeAll(() => {
      isMountedHere = !isMounted()
      if (isMountedHere) run('mount', '-t', 'bpf', 'bpf', BPFFS)
      createHosts(own, hosts, '10.77.0')
      daemon = new DaemonProcess(own, limited)
    })

    afterAll(async () => {
      await daemon.remove()
      removeHosts(own, hosts)
      if (isMountedHere) run('umount', BPFFS)
    })

    test('the daemon runs graphs, changes them, and removes them', async () => {
      await daemon.start()
      await daemon.ready()
      await daemon.client.putGraph({ graph: 'lan', body: graph() })
      await daemon.client.putGraph({ graph: 'lan', body: graph(60) })
      expect(
        inNamespace(hosts[0]?.ns ?? '', () => run('ping', '-c', '3', '-i', '0.05', '-W', '10', '10.77.0.2')).code,
      ).toBe(0)
      expect((await daemon.client.listGraphs()).body).toMatchObject([{ state: 'running' }])
      await daemon.client.deleteGraph({ graph: 'lan' })
      expect(await daemon.end('SIGTERM')).toBe(0)
    })
  },
)
