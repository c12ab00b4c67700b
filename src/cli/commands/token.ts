import { Command, InvalidArgumentError, Option } from 'commander'

export interface FileOptions {
  readonly file: string
}

export interface AddOptions extends FileOptions {
  readonly role: 'viewer' | 'operator' | 'admin'
  readonly days?: number
}

const DEFAULT_FILE = '/etc/tessera/tokens.json'

const withFile = (command: Command): Command =>
  command.option('--file <file>', 'the file that the daemon was given (--tokens)', DEFAULT_FILE)

export const tokenCommand = (): Command =>
  new Command('token')
    .description('Who may ask the daemon over TCP: tokens, of which the file has only hashes.')
    .addCommand(addCommand())
    .addCommand(listCommand())
    .addCommand(removeCommand())
    .addHelpText(
      'after',
      `
A viewer looks, an operator changes graphs as well, an admin cubes, too. The daemon reads the file anew whenever it changes.

Examples:
  sudo tessera token add ci --role operator --days 90
  sudo tessera token list
  sudo tessera token remove ci`,
    )

const addCommand = (): Command =>
  withFile(new Command('add').description('Make a token, and print it, this once.'))
    .argument('<name>', 'whom it stands for: the audit has it')
    .addOption(
      new Option('--role <role>', 'what it may').choices(['viewer', 'operator', 'admin']).makeOptionMandatory(),
    )
    .option('--days <number>', 'how long it counts; for ever unless said', days)
    .action(async (name: string, options: AddOptions) => (await import('../actions/token.ts')).add(name, options))

const listCommand = (): Command =>
  withFile(new Command('list').description('Names, roles, and until when they count.')).action(
    async (options: FileOptions) => (await import('../actions/token.ts')).list(options),
  )

const removeCommand = (): Command =>
  withFile(new Command('remove').description('From now on a token does not count.'))
    .argument('<name>')
    .action(async (name: string, options: FileOptions) => (await import('../actions/token.ts')).remove(name, options))

function days(text: string): number {
  const number = Number(text)
  if (Number.isInteger(number) && number > 0 && number <= 36_500) return number
  throw new InvalidArgumentError('a number of days, from 1 on')
}
