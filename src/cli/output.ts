/** What a command answers, in the form that was asked for. */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { refusal } from '../base/diagnostic.ts'
import { nearest, suggestion } from '../base/suggest.ts'

export type Output =
  | { readonly as: 'table' | 'wide' | 'json' | 'yaml' }
  | { readonly as: 'template'; readonly text: string }

const FORMS = ['table', 'wide', 'json', 'yaml'] as const

export const withOutput = (command: Command): Command =>
  command.addOption(
    new Option('-o, --output <form>', "table, wide, json, yaml, or template='{name} {state}'")
      .argParser(outputOf)
      .default({ as: 'table' } satisfies Output, 'table'),
  )

function outputOf(text: string): Output {
  const form = FORMS.find((one) => one === text)
  if (form !== undefined) return { as: form }
  const [, template] = /^template=([\s\S]*)$/.exec(text) ?? []
  if (template !== undefined) return { as: 'template', text: template }
  const near = nearest(text, FORMS)
  throw new InvalidArgumentError(`${near === undefined ? '' : `did you mean ${near}? `}${FORMS.join(', ')}, template=…`)
}

/** One thing, or several. */
export async function printData(data: unknown, output: Output): Promise<void> {
  process.stdout.write(`${await dataText(data, output)}\n`)
}

export async function dataText(data: unknown, output: Output): Promise<string> {
  if (output.as === 'template') {
    const rows = Array.isArray(data) ? (data as readonly unknown[]) : [data]
    return rows.map((row) => filled(output.text, row)).join('\n')
  }
  if (output.as === 'json') return JSON.stringify(data, undefined, 2)
  const { yamlText } = await import('./yaml-text.ts')
  return yamlText(data)
}

/** `{a.b}` is that of the row; `\n` and `\t` are what they are elsewhere. */
const filled = (template: string, row: unknown): string =>
  template
    .replace(/\\([nt\\])/g, (_, letter: string) => ({ n: '\n', t: '\t' })[letter] ?? letter)
    .replace(/\{([^{}]+)\}/g, (_, path: string) => {
      const found = valueAt(row, path.trim())
      return typeof found === 'object' && found !== null ? JSON.stringify(found) : String(found)
    })

function valueAt(row: unknown, path: string): unknown {
  let value = row
  for (const part of path.split('.')) {
    if (typeof value !== 'object' || value === null)
      throw refusal(`the template's {${path}}: there is nothing in ${JSON.stringify(value)}`)
    const own = value as Readonly<Record<string, unknown>>
    if (!Object.hasOwn(own, part)) {
      // What is left out where there is nothing to say.
      if (Object.keys(own).length > 0 && nearest(part, Object.keys(own)) === undefined) return ''
      throw refusal(`the template's {${path}}: there is no ${part}`, suggestion(part, Object.keys(own)))
    }
    value = own[part]
  }
  return value
}
