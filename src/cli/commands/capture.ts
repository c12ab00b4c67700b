import { existsSync } from 'node:fs'
import { Command } from 'commander'
import { refusal } from '../../base/diagnostic.ts'
import { suggestion } from '../../base/suggest.ts'
import { SIGHTS, type Sight } from '../../compiler/look.ts'
import { CaptureSink, describePacket } from '../../daemon/capture.ts'
import { follow } from '../../daemon/follow.ts'
import { openKernelHost } from '../../daemon/host.ts'
import { Looking } from '../../daemon/looking.ts'
import { type FilterOptions, filterHelp, filterOf, number, withFilter } from '../filter.ts'
import { graphFile } from '../options.ts'
import { untilInterrupted } from '../signals.ts'

interface Options extends FilterOptions {
  readonly direction?: string
  readonly count?: number
  readonly snapshot?: number
  readonly write?: string
}

/** Lines tell no more of a packet than its headers do. */
const HEADERS = 128

export const captureCommand = (): Command =>
  withFilter(
    new Command('capture')
      .description("Watch packets at a graph's ports: what comes in, what is sent, and what dies, and why.")
      .argument('<graph>', 'the name of a graph that runs, or its file')
      .argument('[ports...]', 'ports, by name, as instance:port or by interface, or instances; all unless given'),
  )
    .option('-d, --direction <what>', `of ${SIGHTS.join(',')}: one or more of them, with commas; all unless given`)
    .option('-c, --count <packets>', 'end after so many', number(Number.MAX_SAFE_INTEGER))
    .option('-s, --snapshot <bytes>', 'of each packet, at most', number(262_144))
    .option('-w, --write <file>', 'write pcapng, with what happened in comments; - is standard output')
    .addHelpText(
      'after',
      `${filterHelp}

The programs of the graph are compiled with what tells of packets while this runs, and without it before and afterwards. Where
it was killed, the next tessera command that has to do with the graph puts the plain ones back.

Examples:
  sudo tessera capture office                                 a line for each packet
  sudo tessera capture office alice -d drop                   what dies at alice, and why
  sudo tessera capture office -f 'udp port 53' -w dns.pcapng
  sudo tessera capture office -w - | wireshark -k -i -`,
    )
    .action(run)

async function run(
  which: string,
  where: readonly string[],
  { direction, count = Number.POSITIVE_INFINITY, snapshot, write, ...filters }: Options,
): Promise<void> {
  const filter = filterOf(filters)
  const sights = direction === undefined ? undefined : sightsOf(direction)
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using host = openKernelHost()
  const name = existsSync(which) ? (await graphFile(which, host.catalogue)).graph.name : which
  const request = { where, sights, filter, snapshot: snapshot ?? (write === undefined ? HEADERS : undefined) }
  const looking = await Looking.open(host, name, request)
  const epoch = BigInt(Date.now()) * 1_000_000n - host.machine.now()
  let seen = 0
  try {
    using sink = write === undefined ? undefined : new CaptureSink(write, epoch, () => end.abort())
    process.stderr.write(`looking at ${name}; Ctrl-C ends it\n`)
    await follow(looking, {
      take(sighting) {
        seen++
        if (sink === undefined) console.log(describePacket(sighting, epoch))
        else sink.write(sighting)
        return seen < count
      },
      changed: () => void process.stderr.write(`${name} was changed; looking at it as it is now\n`),
      signal: end.signal,
    })
    sink?.finish(BigInt(seen), looking.lost)
  } finally {
    const { lost } = looking
    await looking.close()
    process.stderr.write(
      `${seen} ${seen === 1 ? 'packet' : 'packets'}${lost === 0n ? '' : `; ${lost} more were lost: nobody took them in time`}\n`,
    )
  }
}

function sightsOf(text: string): readonly Sight[] {
  return text.split(',').map((word) => {
    const found = SIGHTS.find((one) => one === word.trim())
    if (found === undefined) throw refusal(`--direction knows no ${JSON.stringify(word)}`, suggestion(word, SIGHTS))
    return found
  })
}
