import type { Exchange, Rehearsal } from '../daemon/rehearsal.ts'
import { printStatus } from './status.ts'
import { table } from './table.ts'

const TITLE: Readonly<Record<Exchange['kind'], string>> = {
  ping: 'pings',
  udp: 'UDP echoes',
  tcp: 'TCP connections',
}

export function printRehearsal({ hosts, exchanges, status }: Rehearsal): string {
  return [
    'On the user-space machine: nothing of this host is touched, and all is gone when this command ends.',
    '',
    `simulated hosts: ${hosts.length}`,
    table(
      ['host', 'mac', 'ipv4', 'ipv6'],
      hosts.map(({ name, mac, ipv4, ipv6 }) => [name, mac, ipv4, ipv6]),
      '  ',
    ),
    '',
    ...(['ping', 'udp', 'tcp'] as const).flatMap((kind) =>
      printExchanges(
        exchanges.filter((one) => one.kind === kind),
        TITLE[kind],
      ),
    ),
    '',
    ...(status === undefined ? [] : [printStatus(status)]),
  ].join('\n')
}

function printExchanges(exchanges: readonly Exchange[], title: string): string[] {
  const lost = exchanges.filter(({ answered }) => !answered)
  return [
    `${title} over IPv4 and IPv6: ${exchanges.length - lost.length} of ${exchanges.length} answered`,
    ...lost.map(({ from, to, version }) => `  no answer: ${from} to ${to} over IPv${version}`),
  ]
}
