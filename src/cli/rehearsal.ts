import type { Rehearsal } from '../daemon/rehearsal.ts'
import { printStatus } from './status.ts'
import { table } from './table.ts'

export function printRehearsal({ hosts, pings, status }: Rehearsal): string {
  const answered = pings.filter((ping) => ping.answered).length
  const lost = pings.filter((ping) => !ping.answered)
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
    `pings over IPv4 and IPv6: ${answered} of ${pings.length} answered`,
    ...lost.map(({ from, to, version }) => `  no answer: ${from} to ${to} over IPv${version}`),
    '',
    ...(status === undefined ? [] : [printStatus(status)]),
  ].join('\n')
}
