/** A graph as people write it, in a file or in a request: its form, as far as no cube has a say in it. */
import { z } from 'zod'
import { HOOK_POINTS } from '../isa/program.ts'
import type { LINK_KEYS } from './define.ts'

export const NAME = /^[a-z][a-z0-9-]{0,30}$/
export const NAME_RULE = 'lower-case letters, digits and dashes, starting with a letter, at most 31'

const NO_SLASH = /^[^/]+$/
const interfaceName = z
  .string()
  .min(1)
  .regex(NO_SLASH, 'an interface has no slash in its name; of one in a namespace, say that beside it: namespace')
const through = z.array(z.string()).describe('transparent instances on the way, from the outermost on')

/** The keys of a port that are not its cube's. */
export const linkShape = z.object({
  interface: interfaceName.describe('the interface that it leads to').optional(),
  namespace: z
    .string()
    .min(1)
    .regex(NO_SLASH, 'a namespace has no slash in its name')
    .describe('the network namespace of that interface')
    .optional(),
  host: interfaceName.describe("the interface whose stack's side it leads to").optional(),
  to: z.string().describe('the port that it leads to: instance.port').optional(),
  through: through.default([]),
} satisfies Record<(typeof LINK_KEYS)[number], z.ZodType>)

export const interfacesShape = z.record(z.string(), z.strictObject({ through: through.min(1) })).default({})

/** What rings of the kernel's can have: from a page on. */
const queueShape = z
  .number()
  .int()
  .min(4096)
  .max(1 << 30)
  .refine((bytes) => Number.isInteger(Math.log2(bytes)), 'a power of two, in bytes')
  .describe('bytes of the ring that punted packets wait in: a power of two')

/** 16 million entries of a few dozen bytes are a gigabyte. */
const entriesShape = z
  .record(
    z.string(),
    z
      .number()
      .int()
      .min(1)
      .max(1 << 24),
  )
  .describe('how many entries tables have room for, by their names: as its cube says where it is not said here')

export const portShape = linkShape.loose().describe("what it leads to, and what its cube's schema says of ports")

export const instanceShape = z.strictObject({
  cube: z.string().describe('its cube, by name'),
  config: z.record(z.string(), z.unknown()).default({}).describe("as its cube's schema says"),
  ports: z.record(z.string(), portShape).optional(),
  queue: queueShape.optional(),
  entries: entriesShape.optional(),
})

export const graphShape = z.strictObject({
  graph: z.string().describe('its name'),
  attach: z
    .enum(HOOK_POINTS)
    .describe(
      'where on interfaces its programs run: tc ingress unless said; xdp: in drivers where all of them can, else generic',
    )
    .optional(),
  instances: z.record(z.string(), instanceShape),
  interfaces: interfacesShape.describe(
    'interfaces of something else, eth0 or blue/eth0, with transparent cubes on them',
  ),
})

/** What is written down, before defaults are filled in. */
export type GraphDocument = z.input<typeof graphShape>
