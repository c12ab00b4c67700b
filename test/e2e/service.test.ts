/** docs/tessera.service as it is, started, reloaded, stopped and started again by systemd. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { mayOthersEnter, ROOT, run, TESSERA, whyNot } from './host.ts'
import { useHosts } from './hosts.ts'
import { Systemd, whyNoSystemd } from './systemd/booted.ts'

const NS = `tess-sd-${process.pid}`
const HOSTS = ['a', 'b'].map((name, index) => ({ ns: `${NS}-${name}`, port: `p-${name}`, number: index + 1 }))
const PATIENCE = 300_000

const graph = (cube: string) => ({
  graph: 'lan',
  instances: { box: { cube, ports: { a: { interface: 'p-a' }, b: { interface: 'p-b' } } } },
})

const reason = whyNot('ping') ?? whyNoSystemd()

describe.skipIf(reason !== undefined)(`the unit of systemd${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.76.0')
  let systemd: Systemd

  beforeAll(async () => {
    systemd = new Systemd(NS)
    await systemd.booted()
    systemd.write('/units/tessera.service', readFileSync(join(ROOT, 'docs/tessera.service'), 'utf8'))
    // There is no journal; and the unit's /tmp is its own, where this project may lie.
    const mine = ROOT.startsWith('/tmp/') ? `BindReadOnlyPaths=${ROOT}\n` : ''
    systemd.write('/units/tessera.service.d/test.conf', `[Service]\nStandardError=append:/tessera.log\n${mine}`)
    systemd.write('/usr/bin/tessera', `#!/bin/sh\nexec ${process.execPath} ${TESSERA} "$@"\n`, '755')
    systemd.run('systemctl', 'daemon-reload')
  }, PATIENCE)

  afterAll(() => systemd?.end(), PATIENCE)

  const tessera = (...words: readonly string[]) => systemd.run('tessera', ...words)
  const apply = (cube: string) => {
    systemd.write('/lan.json', JSON.stringify(graph(cube)))
    return tessera('apply', '-f', '/lan.json')
  }
  const told = () => systemd.run('cat', '/tessera.log').stdout
  const shown = (property: string) =>
    systemd.run('systemctl', 'show', 'tessera', '--property', property, '--value').stdout.trim()
  /** The daemon has looked at what is wanted. */
  const runs = () =>
    expect.poll(() => tessera('get', 'graphs', '-o', 'json').stdout, { timeout: 60_000 }).toMatch(/"state": "running"/)
  const ping = () => inNamespace(HOSTS[0]?.ns ?? '', () => run('ping', '-c', '3', '-i', '0.05', '-W', '2', '10.76.0.2'))

  test('is started when the daemon serves', { timeout: PATIENCE }, () => {
    expect(systemd.run('systemctl', 'start', 'tessera')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(shown('StatusText')).toBe('serving at /run/tessera/tessera.sock')
    expect(tessera('get', 'graphs').code).toBe(0)
    // Directives that this systemd does not know would be said.
    expect(systemd.log).not.toMatch(/tessera\.service.*(?:Unknown|ignoring)/)
  })

  test('runs graphs', { timeout: PATIENCE }, () => {
    expect(apply('bridge')).toMatchObject({ code: 0, stderr: '' })
    expect(ping()).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0% packet loss') })
  })

  test('is reloaded', { timeout: PATIENCE }, () => {
    const process = shown('MainPID')
    expect(systemd.run('systemctl', 'reload', 'tessera')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(tessera('get', 'graphs').code).toBe(0)
    expect(shown('MainPID')).toBe(process)
    expect(told()).toContain('were read again')
  })

  test('takes cubes of others, and runs their control planes', { timeout: PATIENCE }, () => {
    // Without CAP_SYS_ADMIN, which the unit has not, nobody can be shown what is in a closed folder.
    if (![ROOT, process.execPath].every(mayOthersEnter)) {
      expect(tessera('cube', 'add', join(ROOT, 'examples/hub'))).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(
          /nobody, who cannot enter [\s\S]*install Tessera and Node\.js where all may read/,
        ),
      })
      return
    }
    expect(tessera('cube', 'add', join(ROOT, 'examples/hub'))).toMatchObject({ code: 0, stderr: '' })
    expect(systemd.run('sh', '-c', 'ls -d /tmp/systemd-private-*-tessera.service-*/tmp/tessera-cube-*').stdout).toBe('')
    expect(tessera('delete', 'lan').code).toBe(0)
    expect(apply('hub')).toMatchObject({ code: 0, stderr: '' })
    expect(ping()).toMatchObject({ code: 0, stdout: expect.stringContaining(' 0% packet loss') })
  })

  test('stopped, packets flow; started again, it goes on with what runs', { timeout: PATIENCE }, async () => {
    const programs = () => systemd.run('sh', '-c', 'find /sys/fs/bpf/tessera -type f | sort').stdout
    const before = programs()
    expect(before).not.toBe('')
    expect(systemd.run('systemctl', 'stop', 'tessera').code).toBe(0)
    expect(shown('Result')).toBe('success')
    expect(ping().stdout).toContain(' 0% packet loss')
    expect(systemd.run('systemctl', 'start', 'tessera').code).toBe(0)
    await runs()
    expect(programs()).toBe(before)
    expect(ping().stdout).toContain(' 0% packet loss')
  })

  test('killed, it is started again', { timeout: PATIENCE }, async () => {
    const process = shown('MainPID')
    expect(systemd.run('systemctl', 'kill', '--signal=KILL', '--kill-who=main', 'tessera').code).toBe(0)
    await expect
      .poll(() => [shown('ActiveState'), shown('MainPID') !== process], { timeout: 60_000 })
      .toEqual(['active', true])
    await runs()
    expect(told()).not.toMatch(/EPERM|EACCES|Operation not permitted/)
    expect(tessera('down').code).toBe(0)
  })
})
