/** Reads Prometheus' text format 0.0.4 strictly: an Error at whatever a scraper could stumble over. */

export interface Sample {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export interface Exposition {
  readonly samples: readonly Sample[]
  /** By name: counter, gauge, histogram. */
  readonly families: ReadonlyMap<string, string>
  readonly value: (name: string, labels: Readonly<Record<string, string>>) => number | undefined
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const SAMPLE = /^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(?<labels>.*)\})? (?<value>\S+)$/
const LABEL = /(?<label>[a-zA-Z_][a-zA-Z0-9_]*)="(?<value>(?:[^"\\\n]|\\[\\n"])*)"(?:,|$)/y

export function parseExposition(text: string): Exposition {
  if (!text.endsWith('\n')) throw new Error('the last line has no end')
  const helps = new Set<string>()
  const families = new Map<string, string>()
  const samples: Sample[] = []
  const seen = new Set<string>()
  let family = ''
  for (const line of text.split('\n')) {
    if (line === '') continue
    const wrong = (why: string) => new Error(`${why}: ${line}`)
    const [, what, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line) ?? []
    if (what === 'HELP') {
      if (helps.has(name) || !NAME.test(name) || rest === '') throw wrong('a HELP that is wrong or twice there')
      helps.add(name)
      family = name
    } else if (what === 'TYPE') {
      if (family !== name || families.has(name)) throw wrong('no HELP before it, or TYPE twice')
      if (rest === 'counter' && !name.endsWith('_total')) throw wrong('a counter ends in _total')
      families.set(name, rest)
    } else if (line.startsWith('#')) throw wrong('neither HELP nor TYPE')
    else {
      const { name, labels = '', value = '' } = SAMPLE.exec(line)?.groups ?? {}
      if (name === undefined) throw wrong('no sample')
      const isHistogram = families.get(family) === 'histogram'
      const ends = isHistogram ? ['_bucket', '_sum', '_count'] : ['']
      if (!ends.some((end) => name === family + end)) throw wrong(`not of the family ${family}`)
      const sample = { name, labels: parseLabels(labels, wrong), value: numberOf(value, wrong) }
      const key = keyOf(name, sample.labels)
      if (seen.has(key)) throw wrong('twice there')
      seen.add(key)
      samples.push(sample)
    }
  }
  const byKey = new Map(samples.map((one) => [keyOf(one.name, one.labels), one.value]))
  const value: Exposition['value'] = (name, labels) => byKey.get(keyOf(name, labels))
  for (const [name, kind] of families) if (kind === 'histogram') checkHistogram(name, samples, value)
  return { samples, families, value }
}

const keyOf = (name: string, labels: Readonly<Record<string, string>>): string =>
  JSON.stringify([name, Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))])

function parseLabels(text: string, wrong: (why: string) => Error): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {}
  LABEL.lastIndex = 0
  while (LABEL.lastIndex < text.length) {
    const { label = '', value = '' } = LABEL.exec(text)?.groups ?? {}
    if (label === '' || Object.hasOwn(labels, label)) throw wrong('labels that cannot be read')
    labels[label] = value.replace(/\\(.)/g, (_, one: string) => (one === 'n' ? '\n' : one))
  }
  return labels
}

function numberOf(text: string, wrong: (why: string) => Error): number {
  const value = text === '+Inf' ? Number.POSITIVE_INFINITY : Number(text)
  if (Number.isNaN(value)) throw wrong('no number')
  return value
}

/** Buckets count up, and the last one has all. */
function checkHistogram(name: string, samples: readonly Sample[], value: Exposition['value']): void {
  let last: Sample | undefined
  for (const one of samples.filter((sample) => sample.name === `${name}_bucket`)) {
    const { le, ...labels } = one.labels
    const isSame = last !== undefined && keyOf('', { ...last.labels, le: '' }) === keyOf('', { ...one.labels, le: '' })
    if (isSame && last !== undefined && one.value < last.value)
      throw new Error(`${name}: less than in the bucket before`)
    if (le === '+Inf' && value(`${name}_count`, labels) !== one.value) throw new Error(`${name}: not all are in +Inf`)
    last = one
  }
}
