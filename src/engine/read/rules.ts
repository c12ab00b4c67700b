/** Refinements, transforms and defaults in the schemas of cubes are functions of others. They are called in the thread of everybody. */
import { dirname, join } from 'node:path'
import type { z } from 'zod'
import { type Refusal, refusal } from '../../base/diagnostic.ts'
import { bounded, Endless } from '../../importing/bounded.ts'
import { placeInStack, shown } from '../../importing/stack.ts'

/** What is asked of schemas in one go, which comes to an end. */
export class Rules {
  /** The data plane of the cube that is asked. */
  private dataplane = ''

  /** Runs what asks. A Refusal where that does not come to its end, which names the schema. */
  run<T>(asking: () => T): T {
    try {
      return bounded(asking)
    } catch (error) {
      if (!(error instanceof Endless)) throw error
      const schema = shown(join(dirname(this.dataplane), 'schema.ts'))
      throw refusal(`a refinement, transform or default of ${schema}: ${error.message}`, undefined, undefined, error)
    }
  }

  /** What a schema says of what is given; a Refusal if it throws. */
  ask<Schema extends z.ZodType>(
    schema: Schema,
    given: unknown,
    dataplane: string,
  ): z.ZodSafeParseResult<z.output<Schema>> | Refusal {
    this.dataplane = dataplane
    try {
      return schema.safeParse(given)
    } catch (error) {
      const { message, stack = '' } = error instanceof Error ? error : new Error(String(error))
      const folder = dirname(dataplane)
      const place = placeInStack(stack, folder)
      const where = place === undefined ? `of ${shown(join(folder, 'schema.ts'))} ` : ''
      return refusal(`a refinement, transform or default ${where}throws: ${message}`, REMEDY, place, error)
    }
  }
}

const REMEDY = 'what is refused is said by false, or by an issue; nothing there can be waited for'
