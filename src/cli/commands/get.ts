import { Command } from 'commander'
import { KINDS, type Kind, kindOf } from '../kinds.ts'
import { type Output, withOutput } from '../output.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly output: Output
}

export const kindsHelp = (): string =>
  [
    'Kinds:',
    ...Object.values(KINDS).map(
      ({ names: [plural, , short], summary, within }) =>
        `  ${`${plural}${short === undefined ? '' : `, ${short}`}`.padEnd(16)}${within
          .map((one) => `[${one}]`)
          .join(' ')
          .padEnd(21)}${summary}`,
    ),
  ].join('\n')

export const getCommand = (): Command =>
  withReach(
    withOutput(
      new Command('get')
        .description('List what there is: graphs, instances, ports, links, cubes, interfaces.')
        .argument('[kind]', 'what kind of things', kindOf, 'graphs')
        .argument('[names...]', 'only these: a graph, then an instance'),
    ),
  )
    .addHelpText(
      'after',
      `
${kindsHelp()}

One graph or one instance as yaml or json is its document, as it was applied: tessera apply -f takes it.

Examples:
  tessera get                              all graphs
  tessera get graph office -o yaml         its document
  tessera get ports office -o wide
  tessera get ports -o template='{instance}.{name} {drops}'
  tessera get interfaces -o json`,
    )
    .action(async (kind: Kind, names: readonly string[], options: Options) =>
      (await import('../actions/get.ts')).get(kind, names, options),
    )
