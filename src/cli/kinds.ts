/** The kinds of things that a daemon has, by their names: what `tessera get` can list. */
import { InvalidArgumentError } from 'commander'
import { suggestion } from '../base/suggest.ts'

interface KindNames {
  /** In the plural, in the singular, and in short. */
  readonly names: readonly [string, string, ...string[]]
  readonly summary: string
  /** What may follow the kind. */
  readonly within: readonly ('graph' | 'instance' | 'port' | 'cube' | 'name')[]
}

export const KINDS = {
  graphs: { names: ['graphs', 'graph', 'g'], summary: 'how each does', within: ['graph'] },
  instances: { names: ['instances', 'instance', 'i'], summary: 'of which cubes', within: ['graph', 'instance'] },
  ports: { names: ['ports', 'port', 'p'], summary: 'what they lead to, and packets', within: ['graph', 'instance'] },
  links: { names: ['links', 'link', 'l'], summary: 'what leads to what', within: ['graph'] },
  attachments: {
    names: ['attachments', 'attachment'],
    summary: 'where transparent instances are',
    within: ['graph'],
  },
  tables: { names: ['tables', 'table', 't'], summary: 'what instances know', within: ['graph', 'instance'] },
  drops: { names: ['drops', 'drop'], summary: 'why packets were dropped, most first', within: ['graph'] },
  cubes: { names: ['cubes', 'cube'], summary: 'what instances can be of', within: ['cube'] },
  interfaces: { names: ['interfaces', 'interface', 'if'], summary: 'what ports can lead to', within: ['name'] },
  namespaces: { names: ['namespaces', 'namespace', 'ns'], summary: 'of the network, with names', within: [] },
  operations: { names: ['operations', 'operation', 'op'], summary: 'who changed what', within: ['graph'] },
} as const satisfies Readonly<Record<string, KindNames>>

export type Kind = keyof typeof KINDS

/** In the plural or the singular, or in short; else an error that names the nearest. */
export function kindOf(word: string): Kind {
  for (const [kind, { names }] of Object.entries(KINDS))
    if (names.some((name) => name === word.toLowerCase())) return kind as Kind
  throw new InvalidArgumentError(suggestion(word, Object.keys(KINDS)))
}

/** `office switch.lan`, `office/switch/lan`: the names, one by one. Those of things that are in nothing else may have dots. */
export const namesOf = (words: readonly string[], kind?: Kind): string[] =>
  (kind !== undefined && isAlone(KINDS[kind].within) ? words : words.flatMap((word) => word.split(/[/.]/))).filter(
    (name) => name !== '',
  )

const isAlone = ([outermost]: readonly string[]): boolean => outermost !== 'graph'
