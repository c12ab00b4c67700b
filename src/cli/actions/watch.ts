import { setTimeout } from 'node:timers/promises'
import type { Options } from '../commands/watch.ts'
import { type Kind, namesOf } from '../kinds.ts'
import { LISTERS } from '../listing.ts'
import { daemonOf } from '../reach.ts'
import { rowsText } from '../rows.ts'
import { openScreen } from '../screen.ts'
import { untilInterrupted } from '../signals.ts'

export async function watch(
  kind: Kind,
  words: readonly string[],
  { interval, count = Number.POSITIVE_INFINITY, ...reach }: Options,
): Promise<void> {
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using client = daemonOf(reach)
  const names = namesOf(words, kind)
  let rows = await LISTERS[kind](client, names)
  using screen = openScreen(process.stdout)
  let before: ReadonlySet<string> = new Set()
  for (let look = 1; !end.signal.aborted; look++) {
    const lines = (rowsText(rows, false) ?? rows.none).split('\n')
    if (screen.isTerminal) screen.show([`${kind}, every ${interval} s; Ctrl-C ends it`, '', ...lines].join('\n'))
    else {
      const changed = lines.filter((line) => !before.has(line))
      if (changed.length > 0) screen.show(changed.join('\n'))
    }
    before = new Set(lines)
    if (look >= count) return
    await setTimeout(interval * 1000, undefined, { signal: end.signal }).catch(() => {})
    if (!end.signal.aborted) rows = await LISTERS[kind](client, names)
  }
}
