/**
 * systemd as the first process of namespaces of its own: it sees this machine's files below a layer that takes what is written, and has
 * its own /run, bpffs, control groups and processes. All of that goes with it.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inNamespace } from '../../../src/kernel/namespace.ts'
import { type Ended, isThere, run } from '../host.ts'

const SYSTEMD = '/lib/systemd/systemd'

/** Milliseconds until it answers, on a machine that may be busy. */
const PATIENCE = 60_000

/** Where the second version of control groups is mounted. */
const groups = (): string | undefined =>
  readFileSync('/proc/mounts', 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .find(([, , type]) => type === 'cgroup2')?.[1]

/** Why it cannot be had here. */
export function whyNoSystemd(): string | undefined {
  if (!existsSync(SYSTEMD)) return 'not installed: systemd'
  if (groups() === undefined) return 'no control groups of version 2'
  if (!readFileSync('/proc/filesystems', 'utf8').includes('\toverlay\n')) return 'no overlay file system'
  return isThere('nsenter') && isThere('unshare') ? undefined : 'not installed: util-linux'
}

/** Nothing of the machine's own units is begun, and nothing that all namespaces share is written. */
const boot = (folder: string): string => `set -e
mount -t tmpfs tessera ${folder}
mkdir ${folder}/upper ${folder}/work ${folder}/root
mount -t overlay overlay -o lowerdir=/,upperdir=${folder}/upper,workdir=${folder}/work ${folder}/root
cd ${folder}/root
mount -t proc proc proc
mount --bind -o ro proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t bpf bpf sys/fs/bpf
mount --rbind /dev dev
mount -t tmpfs -o mode=755 tmpfs run
mkdir -p units old
for name in sysinit basic shutdown tests; do
  printf '[Unit]\\nDefaultDependencies=no\\n' >units/$name.target
done
rm -rf var/lib/tessera
pivot_root . old
umount -l /old
exec env -i container=tessera PATH=/usr/sbin:/usr/bin:/sbin:/bin SYSTEMD_UNIT_PATH=/units \\
  ${SYSTEMD} --system --unit=tests.target --log-target=console --show-status=no </dev/null`

/** Before a command: nothing is known of the test. */
const COMMAND = ['env', '-i', '-C', '/', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin']

export class Systemd {
  readonly #child: ChildProcess
  readonly #folder: string
  readonly #group: string
  /** What it says. */
  log = ''

  /** In a network namespace with a name. */
  constructor(namespace: string) {
    this.#folder = mkdtempSync(join(tmpdir(), 'tessera-systemd-'))
    this.#group = join(groups() ?? '', namespace)
    mkdirSync(this.#group)
    const words = [
      '--fork',
      '--pid',
      '--mount',
      '--ipc',
      '--uts',
      '--cgroup',
      '--propagation',
      'private',
      '--kill-child',
    ]
    const enter = `echo $$ >${this.#group}/cgroup.procs; exec unshare ${words.join(' ')} sh -c "$1"`
    this.#child = inNamespace(namespace, () =>
      spawn('sh', ['-c', enter, 'sh', boot(this.#folder)], { stdio: ['ignore', 'pipe', 'pipe'] }),
    )
    for (const stream of [this.#child.stdout, this.#child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.log += text
      })
  }

  /** Returns when it answers. */
  async booted(): Promise<void> {
    const deadline = performance.now() + PATIENCE
    while (!this.#isUp()) {
      if (performance.now() > deadline || this.#child.exitCode !== null)
        throw new Error(`systemd does not come up:\n${this.log}`)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }

  #isUp(): boolean {
    const [first] = this.#children()
    return first !== undefined && this.run('systemctl', 'is-active', 'tests.target').stdout === 'active\n'
  }

  /** Runs a command among what it runs. */
  run(...words: readonly string[]): Ended {
    const [first = ''] = this.#children()
    return run('nsenter', '--target', first, '--all', ...COMMAND, ...words)
  }

  /** A file that only it sees. */
  write(path: string, text: string, mode = '644'): void {
    const [first = ''] = this.#children()
    const script = 'mkdir -p "$(dirname "$1")"; cat >"$1"; chmod "$2" "$1"'
    const words = ['--target', first, '--all', ...COMMAND, 'sh', '-ec', script, 'sh', path, mode]
    execFileSync('nsenter', words, { input: text })
  }

  #children(): string[] {
    const { pid } = this.#child
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.split(' ').filter((one) => one !== '')
  }

  async end(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit')
      this.#child.kill('SIGKILL')
      await ended
    }
    const kill = join(this.#group, 'cgroup.kill')
    if (existsSync(kill)) writeFileSync(kill, '1')
    await removed(this.#group)
    rmSync(this.#folder, { recursive: true })
  }
}

/** Groups go from the inside, each as soon as the kernel has buried its processes. */
async function removed(group: string): Promise<void> {
  for (const entry of readdirSync(group, { withFileTypes: true }))
    if (entry.isDirectory()) await removed(join(group, entry.name))
  const deadline = performance.now() + PATIENCE
  for (;;) {
    try {
      return rmdirSync(group)
    } catch (error) {
      if (performance.now() > deadline) throw error
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
}
