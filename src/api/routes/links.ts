import { z } from 'zod'
import { linkShape } from '../../cube/document.ts'
import { route } from '../route.ts'
import { graphParams, instanceParams, name, portEnd } from '../schemas.ts'
import { changingPart } from './graphs.ts'

const { interface: on, namespace, host } = linkShape.shape

const link = z
  .object({
    end: portEnd,
    to: portEnd.optional().describe('the port at its other end'),
    interface: on,
    namespace,
    host,
  })
  .meta({ id: 'Link' })

export const listLinks = route('listLinks', {
  role: 'viewer',
  summary: 'What the ports of a graph lead to; links between two ports once',
  params: graphParams,
  output: z.array(link),
  errors: [404],
})

export const connect = route('connect', {
  ...changingPart,
  summary: 'Link a port to another one, to an interface, or to the stack',
  params: graphParams,
  body: z
    .strictObject(link.shape)
    .refine(
      ({ to, interface: on, host }) => [to, on, host].filter((one) => one !== undefined).length === 1,
      'a port leads to one thing: say one of to, interface and host',
    )
    .meta({ id: 'NewLink' }),
})

export const disconnect = route('disconnect', {
  ...changingPart,
  summary: 'Have a port lead nowhere, and the one at its other end',
  params: z.object({ graph: name, end: portEnd }),
})

const place = {
  port: portEnd.optional(),
  interface: z.string().min(1).max(64).optional().describe('an interface of something else: eth0, or blue/eth0'),
}

export const listAttachments = route('listAttachments', {
  role: 'viewer',
  summary: 'Where the transparent instances of a graph are',
  params: graphParams,
  output: z.array(z.object({ instance: name, ...place, position: z.int() }).meta({ id: 'Attachment' })),
  errors: [404],
})

export const attach = route('attach', {
  ...changingPart,
  summary: 'Put a transparent instance on the way of what passes a port or an interface',
  description: 'One that is elsewhere goes from there. One that is not there yet is made, of `cube` and with `config`.',
  params: instanceParams,
  body: z
    .strictObject({
      ...place,
      position: z.int().min(0).optional().describe('how many are outside of it; unless said, it is the innermost'),
      cube: z.string().optional(),
      config: z.record(z.string(), z.unknown()).optional(),
    })
    .refine(
      ({ port, interface: on }) => (port === undefined) !== (on === undefined),
      'it is in one place: say port or interface',
    )
    .meta({ id: 'NewAttachment' }),
  statuses: [200, 201],
})

export const detach = route('detach', {
  ...changingPart,
  summary: 'Take a transparent instance off its way, and out of the graph',
  params: instanceParams,
})
