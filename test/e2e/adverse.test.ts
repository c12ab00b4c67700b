/** Hosts that cannot have a graph, and several engines at once: what is said, and that nothing has changed. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { scratch } from '../../src/kernel/fixtures.ts'
import { lockFile } from '../../src/kernel/lock.ts'
import { inNamespace } from '../../src/kernel/namespace.ts'
import { OWN_NAME, RUN_FOLDER } from '../../src/kernel/places.ts'
import { type Ended, ROOT, run, snapshot, TESSERA, tessera, whyNot } from './host.ts'
import { useHosts } from './hosts.ts'

const NS = scratch('adv')
const GRAPH = `adverse-${process.pid}`
const INSTANCE = 'adverse'
const HOSTS = ['a', 'b'].map((name, index) => ({ ns: `${NS}-${name}`, port: `p-${name}`, number: index + 1 }))

const folder = mkdtempSync(join(tmpdir(), 'tessera-adverse-'))
afterAll(() => rmSync(folder, { recursive: true }))

function graphFile(name: string, cube: string, agingTime?: number): string {
  const file = join(folder, `${name}.yaml`)
  const config = agingTime === undefined ? '' : `    config: { agingTime: ${agingTime} }\n`
  const ports = HOSTS.map(({ port }) => `      ${port}: { interface: ${port} }\n`).join('')
  writeFileSync(file, `graph: ${GRAPH}\ninstances:\n  ${INSTANCE}:\n    cube: ${cube}\n${config}    ports:\n${ports}`)
  return file
}

/** A cube whose table has as many entries. */
function cubeWith(entries: number): string {
  const cube = join(folder, `cube-${entries}`)
  mkdirSync(cube)
  writeFileSync(
    join(cube, 'schema.ts'),
    `import { defineCube } from 'tessera/cube'
import { hash, mac, u64 } from 'tessera/lang'
import { z } from 'zod'

export const large = defineCube('large', {
  summary: 'has a large table',
  ports: z.strictObject({}),
  config: z.strictObject({}),
  state: { seen: hash({ key: { address: mac }, value: { packets: u64 }, entries: ${entries} }) },
  drops: { truncated: 'too short' },
})
`,
  )
  writeFileSync(
    join(cube, 'dataplane.ts'),
    `import { dataplane } from 'tessera/cube'
import { Ethernet } from 'tessera/lang'
import { large } from './schema.ts'

export default dataplane(large, (packet, { state, drop, flood }) => {
  const ethernet = packet.read(Ethernet)
  if (!ethernet) return drop('truncated')
  state.seen.add({ address: ethernet.source }, { packets: 1 })
  return flood()
})
`,
  )
  return cube
}

const inside = (...words: readonly string[]): Ended => inNamespace(NS, () => tessera(...words))

/** In mounts of its own, with an empty /run (where mount notes what it did) and no BPF file system, or what `setup` makes of it. */
function elsewhere(setup: string, ...words: readonly string[]): Ended {
  const script = `mount -t proc proc /proc && mount -t tmpfs run /run && { umount -l /sys/fs/bpf 2>/dev/null; ${setup} "$@" 2>&1; echo "code $?"; find /run -mindepth 1 ! -path '/run/mount*' | sort; mount | grep ' type bpf'; true; }`
  const own = ['--mount', '--pid', '--fork', 'timeout', '50', 'sh', '-c', script, 'sh']
  return inNamespace(NS, () => run('unshare', ...own, process.execPath, TESSERA, ...words))
}

const reason = whyNot('ping', 'unshare', 'setpriv')

describe.skipIf(reason !== undefined)(`adversity${reason === undefined ? '' : ` (${reason})`}`, () => {
  useHosts(NS, HOSTS, '10.81.0')
  beforeAll(() => {
    const modules = join(folder, 'node_modules')
    mkdirSync(modules)
    symlinkSync(ROOT, join(modules, 'tessera'))
    symlinkSync(join(ROOT, 'node_modules/zod'), join(modules, 'zod'))
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  })
  afterAll(() => {
    if (existsSync(RUN_FOLDER) && readdirSync(RUN_FOLDER).length === 0) rmdirSync(RUN_FOLDER)
  })

  test.each([
    {
      what: 'may not be mounted',
      setup: 'setpriv --bounding-set -sys_admin --inh-caps -sys_admin',
      says: 'cannot mount the BPF file system on /sys/fs/bpf: EPERM (not permitted)\n    CAP_SYS_ADMIN is missing',
    },
    {
      what: 'has no place',
      setup: 'mount -t tmpfs fs /sys/fs;',
      says: 'cannot mount the BPF file system on /sys/fs/bpf: ENOENT (no such thing)\n    the folder to mount on is missing',
    },
    {
      what: 'is read-only',
      setup: 'mount -t bpf -o ro bpf /sys/fs/bpf;',
      says: `cannot pin "${GRAPH}/${INSTANCE}/maps/stations": EROFS (read-only file system)`,
      mounts: 'bpf on /sys/fs/bpf type bpf (ro,relatime)\n',
    },
  ])('a BPF file system that $what', ({ setup, says, mounts = '' }) => {
    const { stdout } = elsewhere(setup, 'apply', graphFile('lan', 'bridge'))
    expect(stdout).toContain(says)
    expect(stdout.slice(stdout.indexOf('code '))).toBe(`code 1\n${mounts}`)
  })

  test('a /run that cannot be written', () => {
    const file = graphFile('lan', 'bridge')
    expect(elsewhere('mount -o remount,ro /run;', 'apply', file).stdout).toContain(
      `cannot lock ${RUN_FOLDER}/engine.lock: EROFS`,
    )
    const full = elsewhere('mount -o remount,size=64k /run; head -c 60000 /dev/zero > /run/all;', 'apply', file)
    expect(full.stdout).toContain(`cannot write ${RUN_FOLDER}/graphs/${GRAPH}.json: ENOSPC (no space left)`)
    expect(full.stdout.slice(full.stdout.indexOf('code '))).toBe(
      `code 1\n/run/all\n${RUN_FOLDER}\n${RUN_FOLDER}/graphs\n`,
    )
    const fuller = elsewhere('mount -o remount,size=64k /run; cat /dev/zero > /run/all;', 'apply', file)
    expect(fuller.stdout).toContain(`cannot lock ${RUN_FOLDER}/engine.lock: ENOSPC (no space left)`)
  })

  describe('while a graph runs', () => {
    beforeAll(() => {
      expect(inside('apply', graphFile('small', cubeWith(1000))).code).toBe(0)
      inNamespace(HOSTS[0]?.ns ?? '', () => expect(run('ping', '-c', '1', '10.81.0.2').code).toBe(0))
    })
    afterAll(() => {
      expect(inside('delete', GRAPH).code).toBe(0)
    })

    /** All that is there of it, and whether packets pass. Others may have theirs here meanwhile. */
    const state = () => [
      ...inNamespace(NS, snapshot).filter((line) => line.includes(GRAPH) || line.includes(`${INSTANCE}_p`)),
      readFileSync(`${RUN_FOLDER}/graphs/${GRAPH}.json`, 'utf8'),
      inNamespace(HOSTS[0]?.ns ?? '', () => run('ping', '-c', '2', '-i', '0.2', '10.81.0.2')).stdout.includes(
        '2 received',
      ),
    ]

    test('a table that no kernel makes', () => {
      const then = state()
      const { code, stderr } = inside('apply', graphFile('huge', cubeWith(4_000_000_000)))
      expect(code).toBe(1)
      expect(stderr).toContain('cannot create the map "seen": E2BIG (too big)\n    ask for fewer entries')
      expect(stderr).toMatch(/huge\.yaml:3:3: it is the map seen of adverse\n/)
      expect(state()).toEqual(then)
    })

    const groups = ['/sys/fs/cgroup/memory/cgroup.procs', '/sys/fs/cgroup/cgroup.subtree_control'].find(existsSync)
    test.skipIf(groups === undefined)('a table for which the control group has no memory', () => {
      const then = state()
      const isFirst = groups?.includes('/memory/') === true
      const group = join('/sys/fs/cgroup', isFirst ? 'memory' : '', NS)
      mkdirSync(group)
      try {
        writeFileSync(join(group, isFirst ? 'memory.limit_in_bytes' : 'memory.max'), `${400 << 20}`)
        const words = [TESSERA, 'apply', graphFile('large', cubeWith(12_000_000))]
        // While the kernel fills the group for the table, other threads of the process may want a page: that nobody is killed for it,
        // they wait until the kernel has given up.
        if (isFirst) writeFileSync(join(group, 'memory.oom_control'), '1')
        const spared = isFirst ? '' : 'echo -1000 > /proc/$$/oom_score_adj && '
        const enter = `${spared}echo $$ > ${group}/cgroup.procs && exec "$@"`
        const { code, stderr } = inNamespace(NS, () => run('sh', '-c', enter, 'sh', process.execPath, ...words))
        expect(stderr).toContain('cannot create the map "seen": ENOMEM (out of memory)\n')
        expect(stderr).toContain('raise the memory limit of this control group')
        expect(code).toBe(1)
      } finally {
        rmdirSync(group)
      }
      expect(state()).toEqual(then)
    })

    test('several engines at once: one after the other, and none in between', async () => {
      const files = [1, 2, 3].map((time) => graphFile(`aging-${time}`, 'bridge', time * 100))
      for (let round = 0; round < 2; round++) {
        const all = files.map(async (file) => {
          const child = inNamespace(NS, () => spawn(process.execPath, [TESSERA, 'apply', file]))
          const [said] = await Promise.all([text(child.stderr), once(child, 'exit')])
          return { code: child.exitCode, said }
        })
        expect(await Promise.all(all)).toEqual(files.map(() => ({ code: 0, said: '' })))
        expect(state().at(-1)).toBe(true)
        expect(
          inNamespace(NS, snapshot).filter((line) => line.includes(OWN_NAME) && /@(next|seen)|\.new/.test(line)),
        ).toEqual([])
        // What is recorded is what runs: one of them changes nothing.
        const again = files.map((file) => inside('apply', file, '--dry-run').stdout)
        expect(again.filter((line) => line === 'nothing to change\n')).toHaveLength(1)
      }
    })

    test('an engine that does not come to an end', () => {
      const then = state()
      const file = graphFile('waits', 'bridge', 7)
      using _held = lockFile(join(RUN_FOLDER, 'engine.lock'))
      const { code, stderr } = inside('apply', file)
      expect(code).toBe(1)
      expect(stderr).toContain('another command changes graphs on this host, and does not come to an end\n')
      expect(stderr).toContain(`nothing was changed; another process (${process.pid}) holds`)
      expect(inside('show', GRAPH).code).toBe(0)
      expect(state()).toEqual(then)
    })
  })
})
