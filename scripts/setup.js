// Set-up for a fresh clone: `node scripts/setup.js [demo|test]`. Plain JavaScript, because nothing is installed yet.
// It does only what is missing, and says what it does.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Debian packages by the command they bring. */
const TOOLS = {
  bench: { 'clang-19': 'clang-19' },
  demo: { ping: 'iputils-ping' },
  test: {
    ping: 'iputils-ping',
    ip: 'iproute2',
    tc: 'iproute2',
    bpftool: 'bpftool',
    ethtool: 'ethtool',
    iperf3: 'iperf3',
    tcpdump: 'tcpdump',
    editcap: 'wireshark-common',
    tshark: 'tshark',
    openssl: 'openssl',
    systemctl: 'systemd',
    chromium: 'chromium',
  },
}

/** Installed by itself, because it takes long: where that fails, the others are there. */
const LARGE = ['chromium']

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const purpose = process.argv[2] ?? 'test'
const say = (text) => process.stderr.write(`set-up: ${text}\n`)

checkNode()
installPackages()
installTools(TOOLS[purpose] ?? {})
await bundle()

function checkNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 20 || (major === 20 && minor >= 19)) return
  say(`Node.js ${process.versions.node} is too old: 20.19 or newer is needed`)
  process.exit(1)
}

/** `npm ci`, unless what is installed is what the lock file says. */
function installPackages() {
  const stamp = join(root, 'node_modules', '.tessera-lock')
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  say('npm ci')
  const npm = process.env.npm_execpath
  const [command, first] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []]
  const { status } = spawnSync(
    command,
    [...first, 'ci', '--ignore-scripts', '--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'],
    {
      cwd: root,
      stdio: ['ignore', 2, 2],
    },
  )
  if (status !== 0) {
    say('npm ci failed: see above')
    process.exit(1)
  }
  writeFileSync(stamp, lock)
}

/** So that the first command does not have to. */
async function bundle() {
  const { currentBundle } = await import('../bin/load.js')
  await currentBundle()
}

/** Debian packages, where that is possible. Without them the demo and the tests do less, and say so. */
function installTools(tools) {
  const missing = [
    ...new Set(
      Object.entries(tools)
        .filter(([command]) => !isThere(command))
        .map(([, name]) => name),
    ),
  ]
  if (missing.length === 0 || process.platform !== 'linux') return
  if (process.getuid() !== 0 || !isThere('apt-get')) {
    say(`not here: ${missing.join(', ')} (install them for the whole picture)`)
    return
  }
  say(`apt-get install ${missing.join(' ')}`)
  const options = ['-q', '-o', 'Acquire::Retries=1', '-o', 'Acquire::http::Timeout=20', '-o', 'DPkg::Lock::Timeout=60']
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const parts = [missing.filter((name) => !LARGE.includes(name)), missing.filter((name) => LARGE.includes(name))]
  const installs = parts.filter((names) => names.length > 0)
  for (const words of [
    ['update'],
    ...installs.map((names) => ['install', '-y', '--no-install-recommends', ...names]),
  ]) {
    try {
      execFileSync('apt-get', [...options, ...words], { env, stdio: ['ignore', 'ignore', 'pipe'], timeout: 240_000 })
    } catch (error) {
      say(
        `apt-get ${words[0]}: ${String(error.stderr ?? error.message)
          .trim()
          .split('\n')
          .at(-1)}`,
      )
    }
  }
}

function isThere(command) {
  const folders = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/sbin', '/usr/bin', '/bin']
  return folders.some((folder) => folder !== '' && existsSync(join(folder, command)))
}
