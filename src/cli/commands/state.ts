import { Command } from 'commander'
import { count } from '../filter.ts'
import { type Output, withOutput } from '../output.ts'
import { type ReachOptions, withReach } from '../reach.ts'

export interface Options extends ReachOptions {
  readonly output: Output
}

export interface GetOptions extends Options {
  readonly limit?: number
}

const INSTANCE = 'as graph/instance, or by its name alone where one graph has it'
const KEY = 'values of its fields, with commas: 10.0.0.1,80; a prefix ends in /24; or a JSON object'

export const stateCommand = (): Command =>
  new Command('state')
    .description('What instances know: read, set and delete entries of their tables.')
    .addCommand(listCommand())
    .addCommand(getCommand())
    .addCommand(setCommand())
    .addCommand(deleteCommand())
    .addCommand(flushCommand())
    .addHelpText(
      'after',
      `
Examples:
  tessera state list office/switch
  tessera state get office/switch stations
  tessera state get office/switch stations 02:00:00:00:00:01
  tessera state set office/router routes 10.0.0.0/8 port=2
  tessera state delete office/router routes 10.0.0.0/8
  tessera state flush office/switch stations`,
    )

const listCommand = (): Command =>
  withReach(withOutput(new Command('list').description('The tables, and how full they are.')))
    .argument('[instance]', `${INSTANCE}; of all, unless given`)
    .action(async (instance: string | undefined, options: Options) =>
      (await import('../actions/state.ts')).list(instance, options),
    )

const getCommand = (): Command =>
  withReach(withOutput(new Command('get').description('Entries of a table, or the one with a key.')))
    .argument('<instance>', INSTANCE)
    .argument('<table>', 'by its name')
    .argument('[key]', KEY)
    .option('-n, --limit <entries>', 'as many at most', count)
    .action(async (instance: string, table: string, key: string | undefined, options: GetOptions) =>
      (await import('../actions/state.ts')).get(instance, table, key, options),
    )

const setCommand = (): Command =>
  withReach(new Command('set').description('Add or replace an entry, where the cube says that people may.'))
    .argument('<instance>', INSTANCE)
    .argument('<table>', 'by its name')
    .argument('<key>', KEY)
    .argument('<field=value...>', 'all fields of its value')
    .action(async (instance: string, table: string, key: string, fields: readonly string[], options: ReachOptions) =>
      (await import('../actions/state.ts')).set(instance, table, key, fields, options),
    )

const deleteCommand = (): Command =>
  withReach(new Command('delete').description('Delete an entry.'))
    .argument('<instance>', INSTANCE)
    .argument('<table>', 'by its name')
    .argument('<key>', KEY)
    .action(async (instance: string, table: string, key: string, options: ReachOptions) =>
      (await import('../actions/state.ts')).remove(instance, table, key, options),
    )

const flushCommand = (): Command =>
  withReach(new Command('flush').description('Delete all entries of a table.'))
    .argument('<instance>', INSTANCE)
    .argument('<table>', 'by its name')
    .action(async (instance: string, table: string, options: ReachOptions) =>
      (await import('../actions/state.ts')).flush(instance, table, options),
    )
