import type { Output as Answer } from '../api/routes.ts'
import type { InstanceStatus } from '../engine/look/status.ts'

type Given = Answer<'getInstanceStatus'>
type Counts = Given['ports'][number]['drops']

const count = ({ packets, bytes }: Counts[string]) => ({ packets: BigInt(packets), bytes: BigInt(bytes) })

const counts = (given: Counts) => Object.fromEntries(Object.entries(given).map(([reason, one]) => [reason, count(one)]))

/** What a daemon says of an instance, as the engine has it. */
export const statusOf = ({ name, cube, summary, ports, views, control }: Given): InstanceStatus => ({
  name,
  cube,
  summary,
  ports: ports.map(({ name, to, state, received, sent, drops, lost, punts }) => ({
    name,
    to,
    state,
    received: count(received),
    sent: count(sent),
    drops: counts(drops),
    lost: counts(lost),
    punts: counts(punts),
  })),
  views,
  control,
})
