import { z } from 'zod'
import { portShape } from '../../cube/document.ts'
import { route } from '../route.ts'
import { instanceParams, portParams } from '../schemas.ts'
import { changingPart, merge } from './graphs.ts'

export const portDocument = portShape.meta({ id: 'Port' })

export const listPorts = route('listPorts', {
  role: 'viewer',
  summary: 'The ports of an instance, as they are wanted',
  params: instanceParams,
  output: z.record(z.string(), portDocument),
  errors: [404],
})

export const getPort = route('getPort', {
  role: 'viewer',
  summary: 'A port, as it is wanted',
  params: portParams,
  output: portDocument,
  errors: [404],
})

export const putPort = route('putPort', {
  ...changingPart,
  summary: 'Add or replace a port',
  params: portParams,
  body: portDocument,
  statuses: [200, 201],
})

export const patchPort = route('patchPort', {
  ...changingPart,
  summary: 'Change some of a port',
  params: portParams,
  body: merge,
})

export const deletePort = route('deletePort', {
  ...changingPart,
  summary: 'Remove a port, to which nothing leads any more',
  params: portParams,
})
