import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { describeKernel } from './fixtures.ts'

/** Runs where nothing is mounted on /sys/fs/bpf, with a /run of its own: other tests mount and unmount meanwhile. */
function inPrivateMounts(setup: string, script: string): unknown {
  const file = (name: string) => JSON.stringify(new URL(name, import.meta.url).href)
  const module = `
    import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs'
    import { openKernelMachine } from ${file('./machine.ts')}
    const machine = openKernelMachine()
    const mounts = () => readFileSync('/proc/self/mountinfo', 'utf8').split('\\n').filter((line) => / - bpf /.test(line)).length
    const word = { kind: 'scalar', size: 4, signed: false, align: 4 }
    const map = machine.createMap('map', { kind: 'array', key: word, value: word, entries: 1 })
    const run = () => Number(existsSync('/run/tessera'))
    const seen = []
    ${script}
    console.log(JSON.stringify(seen))`
  const prepare = `umount /sys/fs/bpf 2>/dev/null; mount -t tmpfs tmpfs /run && ${setup} exec "$@"`
  const node = [process.execPath, '--import', import.meta.resolve('tsx'), '--input-type=module', '-e', module]
  // The first process of a host has the mounts that last, so this is one.
  const child = spawnSync(
    'unshare',
    ['--mount', '--pid', '--fork', '--mount-proc', 'sh', '-c', prepare, 'sh', ...node],
    { encoding: 'utf8' },
  )
  expect(child.stderr).toBe('')
  return JSON.parse(child.stdout)
}

describeKernel('the BPF file system', () => {
  test('is mounted with the first pin and unmounted with the last; looking mounts nothing', () => {
    const seen = inPrivateMounts(
      '',
      `machine.pinned(''); machine.openAttachment('a'); machine.openMap('a', map.description); machine.unpin('a')
       seen.push(mounts())
       map.pin('a/one'); seen.push(mounts())
       map.pin('a/two'); machine.unpin('a/one'); seen.push(mounts(), run())
       machine.unpin('a/two'); seen.push(mounts(), run())`,
    )
    expect(seen).toEqual([0, 1, 1, 1, 0, 0])
  })

  test('stays where somebody else mounted it', () => {
    const seen = inPrivateMounts(
      'mount -t bpf bpf /sys/fs/bpf &&',
      `map.pin('a'); machine.unpin('a'); seen.push(mounts(), run())`,
    )
    expect(seen).toEqual([1, 0])
  })

  test('stays where somebody else has put something meanwhile, until that is gone too', () => {
    const seen = inPrivateMounts(
      '',
      `map.pin('a'); mkdirSync('/sys/fs/bpf/other'); machine.unpin('a'); seen.push(mounts())
       rmdirSync('/sys/fs/bpf/other'); map.pin('a'); machine.unpin('a'); seen.push(mounts(), run())`,
    )
    expect(seen).toEqual([1, 0, 0])
  })

  test('is not left behind by a pin that was refused', () => {
    const seen = inPrivateMounts('', `map[Symbol.dispose](); try { map.pin('a') } catch { seen.push(mounts(), run()) }`)
    expect(seen).toEqual([0, 0])
  })
})
