import { z } from 'zod'
import { route } from '../route.ts'
import { cursor, graphParams, integer64, limit, name, revision, time } from '../schemas.ts'

const address = z.string().max(64)
const portNumber = z.int().min(0).max(65_535)

/** Which packets: in words, or by fields, which all have to hold. */
const packets = {
  filter: z
    .string()
    .max(4096)
    .optional()
    .describe("which packets, in tcpdump's words; or in fields, which all have to hold"),
  source: address.optional().describe('from this address or prefix'),
  destination: address.optional().describe('to this address or prefix'),
  host: address.optional().describe('from or to it'),
  protocol: z.string().max(16).optional().describe('tcp, udp, sctp, icmp, icmpv6, gre, arp, ipv4, ipv6, or a number'),
  sourcePort: portNumber.optional(),
  destinationPort: portNumber.optional(),
  port: portNumber.optional().describe('from or to it'),
  vlan: z.int().min(0).max(4095).optional().describe('with this VLAN tag outermost; 0: without one'),
  count: z.int().min(1).optional().describe('end after so many packets'),
}

export const traceGraph = route('traceGraph', {
  role: 'operator',
  summary: 'Follow packets through a graph: each decision, and how it ends',
  description: 'The programs of the graph are others meanwhile, which tell of packets; one may look at a time.',
  params: graphParams,
  query: z.object(packets),
  stream: 'events',
  output: z
    .object({
      time: integer64.describe('nanoseconds since 1970'),
      packet: z.string().describe('in one line'),
      text: z.string().describe('its way, in lines'),
      lost: integer64.describe('events of which nobody could be told until now'),
    })
    .meta({ id: 'Journey' }),
  errors: [404, 409, 422],
})

export const captureGraph = route('captureGraph', {
  role: 'operator',
  summary: "Packets at a graph's ports, with what happened to them in comments",
  params: graphParams,
  query: z.object({
    ...packets,
    ports: z
      .string()
      .max(4096)
      .optional()
      .describe('ports by name, as instance.port or by interface, or instances, with commas; all unless said'),
    sights: z.string().max(64).optional().describe('of in, out, drop, punt: those, with commas; all unless said'),
    snapshot: z.int().min(1).max(262_144).optional().describe('bytes of each packet, at most'),
  }),
  stream: 'pcapng',
  output: z.string(),
  errors: [404, 409, 422],
})

export const event = z
  .object({
    id: z.string().describe('for Last-Event-ID: what came after it is told first'),
    time,
    kind: z.enum([
      'graph.applied',
      'graph.deleted',
      'graph.waiting',
      'graph.failed',
      'graph.repaired',
      'cube.added',
      'cube.upgraded',
      'cube.removed',
      'control.failed',
      'control.restarted',
      'events.missed',
    ]),
    graph: name.optional(),
    instance: name.optional(),
    cube: name.optional(),
    revision: revision.optional(),
    text: z.string().describe('in one line'),
  })
  .meta({ id: 'Event' })

export const watchEvents = route('watchEvents', {
  role: 'viewer',
  summary: 'What happens, as it happens',
  query: z.object({ graph: name.optional().describe('only of this one') }),
  stream: 'events',
  output: event,
})

export const operation = z
  .object({
    id: z.string(),
    time,
    who: z.string(),
    role: z.string(),
    what: z.string().describe('the operation, as in operationId'),
    target: z.string().describe('its path'),
    graph: name.optional(),
    asked: z.unknown().optional().describe('what was sent; too much is not kept'),
    from: revision.optional().describe('the revision before'),
    to: revision.optional().describe('the revision since'),
    was: z
      .unknown()
      .optional()
      .describe('a merge patch (RFC 7396) that takes the change of the document back; too much is not kept'),
    is: z.unknown().optional().describe('the one that does it'),
    status: z.int().describe('as it was answered'),
    detail: z.string().optional().describe('why it was refused'),
  })
  .meta({ id: 'Operation' })

export const listOperations = route('listOperations', {
  role: 'operator',
  summary: 'Every change that was asked for, the latest first',
  query: z.object({ graph: name.optional(), limit: limit.default(100), cursor: cursor.optional() }),
  output: z.object({ operations: z.array(operation), next: cursor.optional() }).meta({ id: 'Operations' }),
})

export const getOperation = route('getOperation', {
  role: 'operator',
  summary: 'A change that was asked for',
  params: z.object({ operation: z.string().min(1).max(64) }),
  output: operation,
  errors: [404],
})
