import type { Output as Answer } from '../../api/routes.ts'
import type { Options } from '../commands/events.ts'
import { dataText, type Output } from '../output.ts'
import { daemonOf } from '../reach.ts'
import { untilInterrupted } from '../signals.ts'

type Event = Answer<'watchEvents'> extends AsyncIterable<infer One> ? One : never

export async function events(
  graph: string | undefined,
  { output, since, count = Number.POSITIVE_INFINITY, ...reach }: Options,
): Promise<void> {
  const end = new AbortController()
  using _interrupted = untilInterrupted(() => end.abort())
  using client = daemonOf(reach)
  const request = graph === undefined ? {} : { graph }
  const { body } = await client.watchEvents(request, { lastEventId: since, signal: end.signal })
  let seen = 0
  try {
    for await (const event of body) {
      console.log(await lineOf(event, output))
      if (++seen >= count) break
    }
  } catch (error) {
    if (!end.signal.aborted) throw error
  }
  end.abort()
}

async function lineOf(event: Event, output: Output): Promise<string> {
  if (output.as === 'json') return JSON.stringify(event)
  if (output.as === 'yaml') return `---\n${await dataText(event, output)}`
  if (output.as === 'template') return dataText(event, output)
  const { time, kind, text, id } = event
  return `${time}  ${kind.padEnd(18)}${text}${output.as === 'wide' ? `  (${id})` : ''}`
}
