import { z } from 'zod'
import { instanceShape } from '../../cube/document.ts'
import { route } from '../route.ts'
import { graphParams, instanceParams } from '../schemas.ts'
import { cube } from './cubes.ts'
import { changingPart, merge } from './graphs.ts'

export const instanceDocument = instanceShape.meta({ id: 'Instance' })

export const listInstances = route('listInstances', {
  role: 'viewer',
  summary: 'The instances of a graph, as they are wanted',
  params: graphParams,
  output: z.record(z.string(), instanceDocument),
  errors: [404],
})

export const getInstance = route('getInstance', {
  role: 'viewer',
  summary: 'An instance, as it is wanted',
  params: instanceParams,
  output: instanceDocument,
  errors: [404],
})

export const putInstance = route('putInstance', {
  ...changingPart,
  summary: 'Add or replace an instance',
  params: instanceParams,
  body: instanceDocument,
  statuses: [200, 201],
})

export const patchInstance = route('patchInstance', {
  ...changingPart,
  summary: 'Change some of an instance',
  params: instanceParams,
  body: merge,
})

export const deleteInstance = route('deleteInstance', {
  ...changingPart,
  summary: 'Remove an instance, to which nothing leads any more',
  params: instanceParams,
})

export const getInstanceCube = route('getInstanceCube', {
  role: 'viewer',
  summary: 'The cube of an instance that runs, with the schemas of its configuration',
  params: instanceParams,
  output: cube,
  errors: [404, 409],
})
