/**
 * `npm run fuzz`: the programs of differential.test.ts without end, and a smaller one for each that fails.
 *   --seconds N   how long, 30 unless told
 *   --runs N      how many programs at most
 *   --seed S      the first program's seed; each program's own is printed with what is wrong, for `--seed S --runs 1`
 *   --only RE     only programs that this matches: the hook, a line's end, and the text
 *   --stress      with as many loops of many rounds as there can be, for the verifier's limits
 *   --comparisons planned, hidden or bounded: how programs are compiled at first
 *   --json        the results as JSON
 * Exit code 1 if anything was refused, or anybody disagreed. Programs over the limits of docs/language.md are counted by themselves.
 */
import { setImmediate } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { toHex } from '../src/base/bytes.ts'
import { COMPARISONS, type Comparisons } from '../src/compiler/assembly.ts'
import { openKernelMachine } from '../src/kernel/machine.ts'
import { whyNoKernel } from '../src/kernel/requirements.ts'
import { openVirtualMachine } from '../src/vm/machine.ts'
import { Bench } from './differential/bench.ts'
import type { Constructs } from './differential/constructs.ts'
import { shrink } from './differential/shrink.ts'
import { following, play } from './differential/tape.ts'
import { type Complaint, judge, loadShared } from './differential/trial.ts'

/** The first few findings are shrunk: others are mostly the same again. */
const SHRUNK = 5
const SHRINK_MILLISECONDS = 20_000

interface Finding extends Complaint {
  readonly seed: number
  /** Undefined for those that were not shrunk. */
  readonly program?: string
  readonly config?: Readonly<Record<string, string>>
  readonly packets?: readonly string[]
}

const values = given()

function given() {
  try {
    const text = { type: 'string' } as const
    return parseArgs({
      options: {
        seconds: text,
        runs: text,
        seed: text,
        only: text,
        stress: { type: 'boolean' },
        comparisons: text,
        json: { type: 'boolean' },
      },
    }).values
  } catch (error) {
    console.error(
      `${error instanceof Error ? error.message : error}\nnpm run fuzz -- [--seconds N] [--runs N] [--seed S] [--only RE] [--stress] [--comparisons FORM] [--json]`,
    )
    process.exit(2)
  }
}

function whole(option: 'seconds' | 'runs' | 'seed', otherwise: number): number {
  const given = values[option]
  if (given === undefined) return otherwise
  const number = Number(given)
  if (given !== '' && Number.isSafeInteger(number) && number >= 0) return number
  console.error(`--${option} ${given}: not a whole number`)
  process.exit(2)
}

function form(): Comparisons | undefined {
  const given = values.comparisons
  const known = COMPARISONS.find((one) => one === given)
  if (given === known) return known
  console.error(`--comparisons ${given}: one of ${COMPARISONS.join(', ')}`)
  process.exit(2)
}

const first = whole('seed', Date.now()) >>> 0
const stress = values.stress === true
const comparisons = form()
const runs = whole('runs', Number.POSITIVE_INFINITY)
const seconds = whole('seconds', runs === Number.POSITIVE_INFINITY ? 30 : Number.POSITIVE_INFINITY)
const only = new RegExp(values.only ?? '')
const reason = whyNoKernel()
const modules = await loadShared()
const benches = [openVirtualMachine(), ...(reason === undefined ? [openKernelMachine()] : [])].map(
  (machine) => new Bench(machine),
)
if (reason !== undefined) console.error(`fuzz: the VM and the interpreter only: ${reason}`)

let interrupted = false
process.once('SIGINT', () => {
  interrupted = true
})

const found: { seed: number; complaint: Complaint }[] = []
const constructs: Constructs = new Map()
let programs = 0
let packets = 0
let excesses = 0
let seed = first
const began = performance.now()
const elapsed = (): number => (performance.now() - began) / 1000
for (; !interrupted && programs + excesses < runs && elapsed() < seconds; seed = following(seed)) {
  const trial = play({ seed, stress, comparisons })
  if (only.test(`${trial.hook}\n${trial.text}`)) {
    const complaint = judge(modules, trial, benches, constructs)
    if (complaint?.kind === 'excess') excesses++
    else {
      if (complaint !== undefined) found.push({ seed, complaint })
      programs++
      packets += trial.packets.length
    }
  }
  if (process.stderr.isTTY && programs % 20 === 0)
    process.stderr.write(`\r${programs} programs, ${found.length} findings, ${elapsed().toFixed(0)} s`)
  // For the interrupt to be seen.
  await setImmediate()
}
const took = elapsed()
if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')

const findings = found.map(({ seed, complaint }, index) =>
  index < SHRUNK ? shrunk(seed, complaint) : { seed, ...complaint },
)
const count = (kind: Complaint['kind']): number => found.filter(({ complaint }) => complaint.kind === kind).length
const summary = {
  seed: first,
  machines: ['interpreter', ...benches.map(({ machine }) => machine.name)],
  programs,
  packets,
  refusals: count('refusal'),
  disagreements: count('disagreement'),
  crashes: count('crash'),
  excesses,
  disagreementRate: programs === 0 ? 0 : count('disagreement') / programs,
  programsPerSecond: Math.round(programs / Math.max(took, 0.001)),
}

if (values.json === true)
  console.log(JSON.stringify({ ...summary, constructs: sorted(constructs), findings }, undefined, 2))
else console.log([...findings.map(print), ...lines()].join('\n'))
process.exitCode = found.length > 0 ? 1 : 0

function shrunk(seed: number, complaint: Complaint): Finding {
  const least = shrink(modules, benches, { seed, stress, comparisons }, complaint, SHRINK_MILLISECONDS)
  const { text, config, packets } = least.trial
  const used = Object.entries(config).filter(([name]) => text.includes(`config.${name}`))
  return {
    seed,
    ...least.complaint,
    program: text,
    config: Object.fromEntries(used.map(([name, value]) => [name, String(value)])),
    packets: packets.map((packet) => toHex(packet)),
  }
}

/** In how many programs each was. */
function sorted(constructs: Constructs): Record<string, number> {
  return Object.fromEntries([...constructs].sort(([a], [b]) => (a < b ? -1 : 1)))
}

function print({ seed, kind, by, message, program, config = {}, packets = [] }: Finding): string {
  const parts = [
    `${kind} by the ${by}; again with: npm run fuzz -- --runs 1 --seed ${seed}${stress ? ' --stress' : ''}${comparisons ? ` --comparisons ${comparisons}` : ''}`,
    message,
  ]
  if (program === undefined) return `${parts[0]}\n`
  const given = Object.entries(config).map(([name, value]) => `config.${name} = ${value}`)
  return [...parts, program, ...given, ...packets.map((packet, index) => `packet ${index} = ${packet}`), ''].join('\n')
}

function lines(): string[] {
  return [
    `seed           ${first}`,
    `programs       ${programs}, ${summary.programsPerSecond} a second`,
    `packets        ${packets}`,
    `machines       ${summary.machines.join(', ')}`,
    `refusals       ${summary.refusals}`,
    `disagreements  ${summary.disagreements}, ${(100 * summary.disagreementRate).toFixed(3)} % of the programs`,
    `crashes        ${summary.crashes}`,
    `over limits    ${summary.excesses}`,
  ]
}
