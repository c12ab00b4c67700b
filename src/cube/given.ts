import type { Cube } from './define.ts'

/** A RangeError where that is not what `defineCube` gave: types say so, and nobody need have checked them. */
export function mustBeCube(cube: Partial<Cube> | undefined, word: 'dataplane' | 'control'): void {
  if (typeof cube?.name !== 'string' || typeof cube.state !== 'object' || typeof cube.drops !== 'object')
    throw new RangeError(`${word}(…) is given no cube: give it what defineCube(…) gives, in schema.ts`)
}
