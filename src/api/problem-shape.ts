import { z } from 'zod'

/** As {@link Place} of diagnostics. */
export const placeShape = z.object({
  file: z.string().describe('its whole path'),
  line: z.int().describe('from 1 on'),
  column: z.int().describe('from 1 on'),
  length: z.int().describe('how many characters it is about'),
  text: z.string().describe('the whole line'),
})

/** RFC 9457, with what is wrong in particular. */
export const problemShape = z
  .object({
    type: z.string().describe('a URI of the kind of problem'),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional(),
    instance: z.string().optional().describe('which request it was'),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().describe('where in the body (RFC 6901)'),
          parameter: z.string().optional().describe('or which name of the path or the query'),
          detail: z.string(),
          remedy: z.string().optional().describe('what would work'),
          place: placeShape.optional().describe('of what is wrong in a file of a cube: where'),
        }),
      )
      .optional(),
    namespace: z.string().optional().describe('over the Unix socket: the network namespace whose interfaces are meant'),
    revision: z.string().optional().describe('of 409 and 412: the revision that there is'),
  })
  .meta({ id: 'Problem' })
