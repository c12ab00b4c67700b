import { Command, Option } from 'commander'
import type { Level } from '../../daemon/run/log.ts'
import { SOCKET, STORE } from '../../daemon/run/places.ts'

export interface Options {
  readonly socket?: string
  readonly store?: string
  readonly group?: string
  readonly listen?: string
  readonly tlsCert?: string
  readonly tlsKey?: string
  readonly clientCa?: string
  readonly revoked?: string
  readonly tokens?: string
  readonly log: Level
}

const LEVELS: readonly Level[] = ['trace', 'debug', 'info', 'warn', 'error']

export const daemonCommand = (): Command =>
  new Command('daemon')
    .description(
      'Keep graphs that are wanted, make them run, run their control planes, and answer for all of it, until Ctrl-C.',
    )
    .option('--socket <path>', `the Unix socket; unless said, TESSERA_SOCKET or ${SOCKET}`)
    .option('--group <group>', 'whose members may use the socket, besides root')
    .option('--store <folder>', `where it is kept what is wanted; unless said, ${STORE}`)
    .option('--listen <address>', 'also TCP, with TLS: 127.0.0.1:7443, or :7443')
    .option('--tls-cert <file>', 'there: its certificate (PEM)')
    .option('--tls-key <file>', 'there: the key of it (PEM)')
    .option('--client-ca <file>', 'there: who signs the certificates of clients (PEM)')
    .option('--revoked <file>', 'there: which of them count no more: a list that the authority has signed (CRL, PEM)')
    .option('--tokens <file>', 'there: whose tokens count')
    .addOption(new Option('--log <level>', 'what is told of at least').choices(LEVELS).default('info'))
    .addHelpText(
      'after',
      `
One runs on a host. When it ends, and when it is killed, packets flow on; when it starts, it serves at once, and makes run what is
wanted and does not run yet, for example after a boot. Graphs whose interfaces are not there wait for them. tessera down removes
all graphs from the host. SIGHUP has it read certificates again, and which of them are revoked.

Examples:
  sudo tessera daemon
  sudo tessera daemon --group netdev
  sudo tessera daemon --listen :7443 --tls-cert cert.pem --tls-key key.pem --tokens /etc/tessera/tokens.json`,
    )
    .action(async (options: Options) => (await import('../actions/daemon.ts')).daemon(options))
